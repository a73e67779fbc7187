"""What is saved is shown to the one who asks for it, and never written to the log."""

import json
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.database import connected
from tests.support.server import Server, Start, stray_lines

SECRET = "xyzzy-plugh-3141592"
TRACE = {"LOG_LEVEL": "TRACE"}

WRONG_ARGUMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "an importance": ("save_context", {"content": SECRET, "importance_level": SECRET}),
    "an importance out of range": ("save_context", {"content": SECRET, "importance_level": 99}),
    "a list as content": ("save_context", {"content": [SECRET]}),
    "a mapping as content": ("save_context", {"content": {SECRET: SECRET}}),
    "a long content": ("save_context", {"content": SECRET * 5000}),
    "a tag that is too long": ("save_context", {"content": SECRET, "tags": [SECRET * 20]}),
    "tags that are no list": ("save_context", {"content": SECRET, "tags": {SECRET: 1}}),
    "a project": ("save_context", {"content": SECRET, "project_id": f"{SECRET}\0"}),
    "an argument that is not known": ("save_context", {"content": SECRET, SECRET: SECRET}),
    "no content": ("save_context", {"text": SECRET}),
    "a limit": ("load_contexts", {"limit": SECRET}),
    "a filter": ("load_contexts", {"tags_filter": [[SECRET]]}),
    "a truth": ("load_contexts", {"init_load": SECRET}),
    "an id": ("forget_context", {"context_id": SECRET}),
    "a number of uses": ("get_popular_tags", {"min_usage": SECRET}),
    "an argument to a tool without any": ("list_all_projects", {SECRET: SECRET}),
    "a tool": (SECRET, {"content": SECRET}),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give one server that logs all it can; its log must be free of the secret."""
    folder = tmp_path_factory.mktemp("secrecy")
    env = {"STORAGE_CONNECTION_STRING": str(folder / "memory.db"), "HOME": str(folder), **TRACE}
    with Server(stderr=folder / "stderr", env=env) as server:
        server.handshake()
        yield server
        assert server.end() == 0
        assert stray_lines(b"".join(server.lines)) == []


@pytest.mark.parametrize(("tool", "arguments"), WRONG_ARGUMENTS.values(), ids=WRONG_ARGUMENTS)
def test_a_refused_argument_is_not_logged(
    tool: str, arguments: dict[str, Any], server: Server
) -> None:
    result = server.call(tool, **arguments)
    assert result["isError"]
    assert SECRET not in server.log()


@pytest.mark.parametrize(
    "line",
    [
        f'{{"jsonrpc": "2.0", "id": 1, "method": "{SECRET}"',
        f'[{{"jsonrpc": "2.0", "id": 1, "method": "{SECRET}"}}]',
        f'{{"jsonrpc": "1.0", "id": 1, "method": "{SECRET}"}}',
        f'{{"jsonrpc": "2.0", "method": "{SECRET}", "params": {{"{SECRET}": 1}}}}',
        f'{{"jsonrpc": "2.0", "id": "a", "method": "tools/call", "params": ["{SECRET}"]}}',
    ],
    ids=["broken", "a batch", "not 2.0", "a notification", "parameters"],
)
def test_a_malformed_line_is_not_logged(line: str, server: Server) -> None:
    server.write(line.encode() + b"\n")
    server.ask("tools/list")
    assert SECRET not in server.log()


def test_what_the_tools_store_and_find_is_not_logged_nor_told_to_other_calls(
    server: Server,
) -> None:
    saved = server.ok("save_context", content=SECRET, tags=[f"t-{SECRET}"], project_id="private")
    loaded = server.ok("load_contexts", project_id="private", importance_level=1)
    assert [context["content"] for context in loaded["contexts"]] == [SECRET]
    others = [
        server.call("save_context", content="Another."),
        server.call("load_contexts", importance_level=1),
        server.call("get_popular_tags"),
        server.call("list_all_projects"),
        server.call("forget_context", context_id=saved["id"], project_id="general"),
        server.call("forget_context", context_id=saved["id"]),
        server.ask("prompts/get", {"name": "memory_instructions"}),
    ]
    assert SECRET not in json.dumps(others)
    assert SECRET not in server.log()


@pytest.mark.long
def test_a_store_that_was_replaced_by_a_text_is_not_quoted(start: Start, place: Path) -> None:
    server = start(env=TRACE)
    server.handshake()
    server.ok("save_context", content=SECRET)
    place.rename(place.with_name("away.db"))
    for name in ("memory.db-wal", "memory.db-shm"):
        place.with_name(name).unlink()
    place.write_text(f"{SECRET}\n" * 500)
    assert server.refused("save_context", content=SECRET + "2").startswith("memory.db is not a")
    assert server.refused("load_contexts").startswith("memory.db is not a")
    assert SECRET not in server.log() + server.output()


@pytest.mark.long
def test_a_save_that_the_disk_refused_is_not_quoted(start: Start, place: Path) -> None:
    server = start(env=TRACE)
    server.handshake()
    server.ok("save_context", content="Before.")
    used = place.with_name("memory.db-wal").stat().st_size
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (used + 8192, -1))
    server.refused("save_context", content=SECRET * 1000)
    assert SECRET not in server.log() + server.output()


@pytest.mark.long
def test_a_content_that_is_not_unicode_any_more_is_not_logged(start: Start, place: Path) -> None:
    server = start(env=TRACE)
    server.handshake()
    server.ok("save_context", content=SECRET, importance_level=9)
    with connected(place) as connection:
        connection.execute("UPDATE contexts SET content = CAST(content || x'ff' AS TEXT)")
    server.call("load_contexts", importance_level=1)
    server.answer(server.request("resources/read", {"uri": "memory://startup-context"}))
    server.call("save_context", content=SECRET, importance_level=9)
    assert SECRET not in server.log()


@pytest.mark.long
@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE contexts SET content = CAST(content AS BLOB)",
        "UPDATE contexts SET created_at = content",
        "DROP TABLE context_counts",
    ],
)
def test_a_fault_inside_the_server_quotes_nothing(damage: str, start: Start, place: Path) -> None:
    server = start(env=TRACE)
    server.handshake()
    server.ok("save_context", content=SECRET, importance_level=9)
    with connected(place) as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute(damage)
    answers = [
        server.call("load_contexts", importance_level=1),
        server.answer(server.request("resources/read", {"uri": "memory://startup-context"})),
        server.call("save_context", content=SECRET, importance_level=9),
    ]
    assert SECRET not in server.log()
    assert answers[0]["isError"]
    told = json.dumps(answers)
    assert SECRET not in told
    assert "Traceback" not in told
    assert str(place.parent) not in told
    server.ask("tools/list")
