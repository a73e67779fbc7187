"""One version, wherever it is written."""

import json
import re
from pathlib import Path

from extended_memory.version import __version__

CHECKOUT = Path(__file__).resolve().parents[2]


def read(name: str) -> str:
    return (CHECKOUT / name).read_text("utf-8")


def test_the_version_is_the_same_everywhere() -> None:
    server = json.loads(read("publish/server.json"))
    written = {
        "manifest.json": json.loads(read("publish/manifest.json"))["version"],
        "server.json": server["version"],
        **{package["registryType"]: package["version"] for package in server["packages"]},
        "CHANGELOG.md": re.findall(r"^## (.+)$", read("CHANGELOG.md"), re.MULTILINE)[0],
    }
    assert written == dict.fromkeys(written, __version__)
