"""Which entries start this server."""

import pytest

from extended_memory.clients.entry import Entry, entries


@pytest.mark.parametrize(
    "words",
    [
        "uvx extended-memory-mcp",
        "/opt/homebrew/bin/uvx --from extended-memory-mcp[redis] extended-memory-mcp",
        "uvx extended-memory-mcp@latest",
        "uvx extended-memory-mcp==0.9.0",
        "extended-memory-mcp",
        "/home/me/.local/bin/extended-memory-mcp-server",
        "C:\\Users\\me\\.local\\bin\\extended-memory-mcp.exe",
        "python3 -m extended_memory_mcp.server",
        "/venv/bin/python -m extended_memory",
        "/venv/bin/python -P -m extended_memory",
        "python /home/me/extended-memory-mcp/mcp-server/server.py",
        "C:\\py\\python.exe C:\\src\\extended_memory_mcp\\mcp-server\\server.py",
        "cmd /c uvx extended-memory-mcp",
        "uv --directory /home/me/extended-memory-mcp run extended-memory-mcp",
    ],
)
def test_what_starts_this_server_is_recognised_by_any_name(words: str) -> None:
    command, *args = words.split()
    assert Entry(keys=("servers", "memory"), command=command, args=tuple(args), env={}).is_ours


@pytest.mark.parametrize(
    "words",
    [
        "npx -y @modelcontextprotocol/server-memory",
        "npx -y @modelcontextprotocol/server-filesystem /home/me/extended-memory-mcp",
        "uvx serena --project /src/extended_memory",
        "python /home/me/other/mcp-server/server.py",
        "git-mcp --repository=extended-memory-mcp",
    ],
)
def test_what_only_works_on_a_folder_of_that_name_is_not(words: str) -> None:
    command, *args = words.split()
    entry = Entry(keys=("servers", "memory"), command=command, args=tuple(args), env={})
    assert not entry.is_ours
    assert Entry(keys=("servers", "extended-memory"), command=command, env={}).is_ours


def test_entries_are_found_on_any_way() -> None:
    one = {"command": "one", "args": ["a", 1], "env": {"A": "b", "PORT": 3}, "disabled": True}
    value = {
        "projects": {"/x": {"s": {"one": one, "far": {"url": "https://x"}, "odd": 3}}, "/y": 1}
    }
    assert list(entries(value, ("projects", "*", "s"))) == [
        Entry(
            keys=("projects", "/x", "s", "one"),
            command="one",
            args=("a", "1"),
            env={"A": "b", "PORT": "3"},
        )
    ]
    assert list(entries(value, ("servers",))) == []
    assert list(entries({"servers": []}, ("servers",))) == []
    assert list(entries([], ("servers",))) == []
    assert list(entries({"servers": {"x": {"command": "x", "args": None}}}, ("servers",))) == [
        Entry(keys=("servers", "x"), command="x", env={})
    ]
