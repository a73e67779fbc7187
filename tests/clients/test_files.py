"""Configuration files on the disk: replaced whole or not at all, and kept."""

import multiprocessing
import os
import stat
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from extended_memory.clients import files
from extended_memory.clients.errors import ConfigurationError

NOW = datetime(2026, 11, 25, 9, 15, tzinfo=timezone.utc)
_NOBODY = 65534


def test_a_file_is_replaced_and_kept_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_bytes("\ufeff{}\r\n".encode())
    path.chmod(0o640)
    backup = files.replace(files.read(path), '{"a": "ж"}\r\n', now=NOW)
    assert backup == tmp_path / "mcp.json.backup-20261125T091500Z"
    assert path.read_bytes() == '\ufeff{"a": "ж"}\r\n'.encode()
    assert backup.read_bytes() == "\ufeff{}\r\n".encode()
    assert [stat.S_IMODE(p.stat().st_mode) for p in (path, backup)] == [0o640, 0o640]
    assert sorted(p.name for p in tmp_path.glob("*mcp*")) == [path.name, backup.name]


def test_a_file_that_is_not_there_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "mcp.json"
    assert files.replace(files.read(path), "{}", now=NOW) is None
    assert path.read_bytes() == b"{}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_goes_on_pointing_to_its_file(tmp_path: Path) -> None:
    dotfiles = tmp_path / "dotfiles"
    dotfiles.mkdir()
    (dotfiles / "mcp.json").write_text("{}", "utf-8")
    link = tmp_path / "mcp.json"
    link.symlink_to(dotfiles / "mcp.json")
    backup = files.replace(files.read(link), "[]", now=NOW)
    assert link.readlink() == dotfiles / "mcp.json"
    assert (dotfiles / "mcp.json").read_text("utf-8") == "[]"
    assert backup is not None
    assert backup.parent == dotfiles


def test_two_copies_of_one_second_are_two_files(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text("one", "utf-8")
    first = files.replace(files.read(path), "two", now=NOW)
    second = files.replace(files.read(path), "three", now=NOW)
    assert first is not None
    assert second is not None
    assert [p.read_text("utf-8") for p in (first, second, path)] == ["one", "two", "three"]


def test_what_was_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text("{}", "utf-8")
    read, absent = files.read(path), files.read(tmp_path / "absent.json")
    path.write_text('{"theirs": 1}', "utf-8")
    (tmp_path / "absent.json").touch()
    for file in (read, absent):
        with pytest.raises(ConfigurationError, match="was changed meanwhile"):
            files.replace(file, "ours", now=NOW)
    assert path.read_text("utf-8") == '{"theirs": 1}'


def test_what_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "utf16.json").write_bytes("{}".encode("utf-16"))
    with pytest.raises(ConfigurationError, match=r"utf16.json is not in UTF-8 \(byte 1\)"):
        files.read(tmp_path / "utf16.json")
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        files.read(tmp_path)


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    file = files.read(tmp_path / "file" / "mcp.json")
    assert file.text is None
    with pytest.raises(ConfigurationError, match=r"cannot be written: .*\. Nothing was changed"):
        files.replace(file, "{}", now=NOW)


def _replace_without_rights(path: Path) -> list[str]:
    if os.getuid() == 0:
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    refused = []
    file = files.read(path)
    for mode in (0o500, 0o000):
        path.parent.chmod(mode)
        try:
            files.replace(file, "ours", now=NOW)
        except ConfigurationError as error:
            refused.append(str(error))
    path.parent.chmod(0o700)
    return [*refused, path.read_text("utf-8"), *sorted(p.name for p in path.parent.iterdir())]


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs POSIX rights")
def test_without_permission_nothing_changes() -> None:
    with TemporaryDirectory() as folder:  # pytest's own are closed to others
        path = Path(folder, "of-nobody", "mcp.json")
        path.parent.mkdir()
        path.write_text("theirs", "utf-8")
        if os.getuid() == 0:
            for place in (folder, path.parent, path):
                os.chown(place, _NOBODY, _NOBODY)
        with multiprocessing.get_context("fork").Pool(1) as pool:
            answers = pool.apply(_replace_without_rights, (path,))
    assert answers == [
        f"{path} cannot be written: Permission denied. Nothing was changed.",
        f"{path} cannot be read: Permission denied.",
        "theirs",
        "mcp.json",
    ]
