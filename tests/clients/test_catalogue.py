"""Where the clients keep their configuration, on each system."""

import os
from pathlib import Path
from typing import get_args

import pytest

from extended_memory.clients.catalogue import CLIENTS, ClientName, Machine, System, named


def where(client: ClientName, system: System, home: Path, **environment: str) -> list[str]:
    """Return the files of a client, from the home directory."""
    machine = Machine(system=system, home=home, environment=environment)
    return [path.relative_to(home).as_posix() for path in named(client).files(machine)]


def made(home: Path, *files: str) -> None:
    for age, file in enumerate(files):
        path = home / file
        path.parent.mkdir(parents=True)
        path.write_text("{}", "utf-8")
        os.utime(path, (1_000_000 - age, 1_000_000 - age))


def test_each_client_has_one_place_in_the_table() -> None:
    assert tuple(client.name for client in CLIENTS) == get_args(ClientName)


@pytest.mark.parametrize(
    ("client", "linux", "macos", "windows"),
    [
        (
            "claude-desktop",
            ".config/Claude/claude_desktop_config.json",
            "Library/Application Support/Claude/claude_desktop_config.json",
            "AppData/Roaming/Claude/claude_desktop_config.json",
        ),
        ("claude-code", ".claude.json", ".claude.json", ".claude.json"),
        ("cursor", ".cursor/mcp.json", ".cursor/mcp.json", ".cursor/mcp.json"),
        (
            "vscode",
            ".config/Code/User/mcp.json",
            "Library/Application Support/Code/User/mcp.json",
            "AppData/Roaming/Code/User/mcp.json",
        ),
        ("codex", ".codex/config.toml", ".codex/config.toml", ".codex/config.toml"),
        (
            "gemini-cli",
            ".gemini/settings.json",
            ".gemini/settings.json",
            ".gemini/settings.json",
        ),
        (
            "zed",
            ".config/zed/settings.json",
            ".config/zed/settings.json",
            "AppData/Roaming/Zed/settings.json",
        ),
    ],
)
def test_where_the_files_are(
    client: ClientName, linux: str, macos: str, windows: str, tmp_path: Path
) -> None:
    assert where(client, "linux", tmp_path) == [linux]
    assert where(client, "macos", tmp_path) == [macos]
    assert where(client, "windows", tmp_path) == [windows]


@pytest.mark.parametrize(
    ("client", "system", "variable", "file"),
    [
        ("claude-desktop", "linux", "XDG_CONFIG_HOME", "Claude/claude_desktop_config.json"),
        ("claude-desktop", "windows", "APPDATA", "Claude/claude_desktop_config.json"),
        ("claude-code", "macos", "CLAUDE_CONFIG_DIR", ".claude.json"),
        ("vscode", "linux", "XDG_CONFIG_HOME", "Code/User/mcp.json"),
        ("vscode", "windows", "APPDATA", "Code/User/mcp.json"),
        ("codex", "windows", "CODEX_HOME", "config.toml"),
        ("gemini-cli", "linux", "GEMINI_CLI_HOME", ".gemini/settings.json"),
        ("zed", "linux", "XDG_CONFIG_HOME", "zed/settings.json"),
        ("zed", "linux", "FLATPAK_XDG_CONFIG_HOME", "zed/settings.json"),
        ("zed", "windows", "APPDATA", "Zed/settings.json"),
    ],
)
def test_a_variable_moves_a_file(
    client: ClientName, system: System, variable: str, file: str, tmp_path: Path
) -> None:
    elsewhere = str(tmp_path / "elsewhere")
    assert where(client, system, tmp_path, **{variable: elsewhere}) == [f"elsewhere/{file}"]
    assert where(client, system, tmp_path, **{variable: ""}) == where(client, system, tmp_path)


OUTSIDE = "AppData/Roaming/Claude/claude_desktop_config.json"
INSIDE = (
    "AppData/Local/Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming/Claude/"
    "claude_desktop_config.json"
)


def test_claude_desktop_as_a_package_reads_the_file_in_its_package(tmp_path: Path) -> None:
    made(tmp_path, OUTSIDE, INSIDE)
    assert where("claude-desktop", "windows", tmp_path) == [INSIDE, OUTSIDE]
    (tmp_path / OUTSIDE).unlink()
    assert where("claude-desktop", "windows", tmp_path) == [INSIDE]
    (tmp_path / INSIDE).unlink()
    assert where("claude-desktop", "windows", tmp_path) == [INSIDE]  # where it is to be made


def test_claude_desktop_as_a_package_reads_the_file_outside_while_it_has_none(
    tmp_path: Path,
) -> None:
    made(tmp_path, OUTSIDE)
    (tmp_path / INSIDE).parent.mkdir(parents=True)
    assert where("claude-desktop", "windows", tmp_path) == [OUTSIDE]


def test_of_several_packages_the_one_written_last_is_in_use(tmp_path: Path) -> None:
    older = INSIDE.replace("pzs8", "aaaa")
    made(tmp_path, INSIDE, older)
    assert where("claude-desktop", "windows", tmp_path) == [INSIDE, older]


def test_each_profile_of_vs_code_has_a_file_of_its_own(tmp_path: Path) -> None:
    profile = ".config/Code/User/profiles/5552b383/mcp.json"
    made(tmp_path, profile)
    assert where("vscode", "linux", tmp_path) == [".config/Code/User/mcp.json", profile]
