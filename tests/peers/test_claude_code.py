"""Claude Code, as its user adds a server; it needs no login for that."""

from pathlib import Path

import pytest

from tests.support.peers import SERVER, Npm


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a project of its own: the server is added to that."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)


def test_an_added_server_is_connected(npm: Npm, place: Path) -> None:
    variable = f"STORAGE_CONNECTION_STRING={place}"
    added = npm.claude("mcp", "add", "extended-memory", "-e", variable, "--", SERVER)
    assert added.returncode == 0, added.stderr
    assert _status(npm, "extended-memory") == "✔ Connected"


def test_one_that_does_not_start_is_not(npm: Npm) -> None:
    npm.claude("mcp", "add", "extended-memory", "--", f"{SERVER}-is-not-here")
    assert _status(npm, "extended-memory").startswith("✘ Failed to connect")


def _status(npm: Npm, name: str) -> str:
    listed = npm.claude("mcp", "list")  # ends with 0 whatever it finds
    (line,) = (line for line in listed.stdout.splitlines() if line.startswith(f"{name}: "))
    return line.partition(" - ")[2]
