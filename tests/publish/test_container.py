"""The Dockerfile builds from the same sources as the bundle."""

import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PUBLISH = CHECKOUT / "publish"


def test_the_image_and_the_bundle_are_made_of_the_same_sources() -> None:
    copies = re.findall(r"^COPY (?!--)(.+) \S+$", read("Dockerfile"), re.MULTILINE)
    copied = [name for names in copies for name in names.split()]
    bundled = re.findall(r"^(?:cp|tar) (.+?)(?: \"\$staging\"| \\)$", read("bundle"), re.MULTILINE)
    sources = {
        name
        for names in bundled
        for name in names.split()
        if (CHECKOUT / name).exists() and not name.startswith("publish/")
    }
    assert set(copied) == sources
    assert [name for name in copied if not (CHECKOUT / name).exists()] == []


def test_nothing_else_is_sent_to_the_builder() -> None:
    kept = re.findall(r"^!(.+)$", read("Dockerfile.dockerignore"), re.MULTILINE)
    assert "\n*\n" in read("Dockerfile.dockerignore")
    copies = re.findall(r"^COPY (?!--)(.+) \S+$", read("Dockerfile"), re.MULTILINE)
    assert kept == " ".join(copies).split()


def test_its_user_is_not_root_and_owns_the_volume() -> None:
    dockerfile = read("Dockerfile")
    (user,) = re.findall(r"^USER (\d+)$", dockerfile, re.MULTILINE)
    (volume,) = re.findall(r"^VOLUME (\S+)$", dockerfile, re.MULTILINE)
    assert int(user) > 0
    assert f"--owner {user} --group {user} --mode 0700 {volume}" in dockerfile
    assert f"STORAGE_CONNECTION_STRING={volume}/" in dockerfile


def read(name: str) -> str:
    return (PUBLISH / name).read_text("utf-8")
