"""The server process on a Redis: started as a client starts it, while Redis comes and goes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import legacy_redis
from tests.support.imports import CLOCK, imports
from tests.support.redis_checker import flaws
from tests.support.redis_servers import RedisServer
from tests.support.server import ERAS, TOOL_CALLS, Start

PASSWORD = "p@ss/w:rd%"  # a password that must never be shown
QUOTED = "p%40ss%2Fw%3Ard%25"


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.mark.long
@pytest.mark.parametrize("version", ERAS)
def test_what_is_saved_through_one_process_is_loaded_through_another(
    version: str, start: Start, redis_server: RedisServer
) -> None:
    env = {"STORAGE_CONNECTION_STRING": redis_server.url}
    first = start(env=env, version=version)
    first.handshake()
    saved = first.ok("save_context", content="Ё, 日本語, 😀", importance_level=8, tags=["a"])
    again = first.ok("save_context", content="Ё, 日本語, 😀", importance_level=8, tags=["a"])
    assert again == saved
    assert first.end() == 0
    second = start(env=env, version=version)
    second.handshake()
    loaded = second.ok("load_contexts", tags_filter=["a"])
    assert loaded["contexts"] == [{**saved, "content": "Ё, 日本語, 😀"}]
    assert second.ok("get_popular_tags")["tags"] == [{"tag": "a", "count": 1}]
    assert [p["id"] for p in second.ok("list_all_projects")["projects"]] == ["general"]
    assert second.ok("forget_context", context_id=saved["id"])["forgotten"]
    assert second.ok("load_contexts", importance_level=1)["contexts"] == []
    assert second.end() == 0
    with redis_server.client() as client:
        assert flaws(client) == []


@pytest.mark.long
def test_a_redis_that_is_down_at_the_start_is_said_by_every_tool_until_it_is_there(
    start: Start, redis_server: RedisServer
) -> None:
    redis_server.kill()
    server = start(env={"STORAGE_CONNECTION_STRING": redis_server.url})
    server.handshake()
    assert len(server.ask("tools/list")["tools"]) == len(TOOL_CALLS)
    calls = [server.request_call(tool, **arguments) for tool, arguments in TOOL_CALLS.items()]
    answers = [server.answer(call)["result"] for call in calls]
    assert {answer["content"][0]["text"] for answer in answers} == {
        "Redis at the socket s cannot be reached: check that it is running and that "
        "STORAGE_CONNECTION_STRING names the right place, redis:// or rediss:// as well, and try "
        "again."
    }
    assert all(answer["isError"] for answer in answers)
    assert server.log().count("cannot be reached") == 1
    redis_server.restart()
    saved = server.ok("save_context", content="Now it is there.")
    redis_server.kill()
    redis_server.restart()
    loaded = server.ok("load_contexts", importance_level=1)["contexts"]
    assert [context["id"] for context in loaded] == [saved["id"]]
    assert server.end() == 0
    assert "Traceback" not in server.log()


@pytest.mark.long
def test_a_redis_that_hangs_holds_up_nothing_but_the_call_that_needs_it(
    start: Start, redis_server: RedisServer
) -> None:
    server = start(env={"STORAGE_CONNECTION_STRING": redis_server.url})
    server.handshake()
    server.ok("save_context", content="Before.")
    redis_server.stop()
    call = server.request_call("load_contexts", importance_level=1)
    listed = server.request("tools/list")
    answer = server.answer(call)["result"]
    assert server.answered_at(listed) < server.answered_at(call)
    assert answer["isError"]
    assert "does not answer in time" in answer["content"][0]["text"]
    redis_server.resume()
    assert server.ok("load_contexts", importance_level=1)["total"] == 1


@pytest.mark.long
def test_a_process_ends_although_redis_hangs(start: Start, redis_server: RedisServer) -> None:
    server = start(env={"STORAGE_CONNECTION_STRING": redis_server.url})
    server.handshake()
    server.ok("save_context", content="Before.")
    redis_server.stop()
    server.request_call("load_contexts")
    assert server.end() == 0
    redis_server.resume()


@pytest.mark.long(but=1)
@pytest.mark.parametrize("given", [QUOTED, "wrong-swordfish"])
def test_a_password_is_in_no_answer_and_in_no_log(given: str, start: Start) -> None:
    with RedisServer("--requirepass", PASSWORD, tcp=True) as guarded:
        url = f"redis://default:{given}@127.0.0.1:{guarded.port}/0"
        server = start(env={"STORAGE_CONNECTION_STRING": url, "LOG_LEVEL": "TRACE"})
        server.handshake()
        result = server.call("save_context", content="Behind a password.")
        assert result["isError"] == (given != QUOTED)
        if result["isError"]:
            assert "refuses the user name or password" in result["content"][0]["text"]
        assert server.end() == 0
    for secret in (PASSWORD, QUOTED, "swordfish"):
        assert secret not in server.output() + server.log()


@pytest.mark.long
def test_content_is_in_no_log_whatever_its_level(start: Start, redis_server: RedisServer) -> None:
    server = start(env={"STORAGE_CONNECTION_STRING": redis_server.url, "LOG_LEVEL": "TRACE"})
    server.handshake()
    server.ok("save_context", content="Nobody else reads this.", tags=["secret-tag"])
    redis_server.kill()
    server.refused("save_context", content="Nor does anybody read this.", tags=["secret-tag"])
    assert server.end() == 0
    assert "read" not in server.log().replace("already", "").replace("cannot be reached", "")
    assert "secret-tag" not in server.log()


@pytest.mark.long
def test_a_pinned_server_sees_its_project_alone(start: Start, redis_server: RedisServer) -> None:
    env = {"STORAGE_CONNECTION_STRING": redis_server.url}
    free = start(env=env)
    free.handshake()
    foreign = free.ok("save_context", content="Foreign.", project_id="other", tags=["foreign"])
    pinned = start(env=env | {"EXTENDED_MEMORY_PROJECT": "own"})
    pinned.handshake()
    pinned.ok("save_context", content="Own.", tags=["own"], importance_level=8)
    assert not pinned.ok("forget_context", context_id=foreign["id"])["forgotten"]
    assert [p["id"] for p in pinned.ok("list_all_projects")["projects"]] == ["own"]
    pinned.ask("resources/read", {"uri": "memory://startup-context"})
    assert "Foreign." not in pinned.output()


def test_libraries_of_other_stores_are_not_imported(
    start: Start, redis_server: RedisServer, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(CLOCK)
    log = tmp_path / "imports"
    env = {
        "PYTHONPATH": str(tmp_path),
        "IMPORT_LOG": str(log),
        "STORAGE_CONNECTION_STRING": redis_server.url,
    }
    server = start(env=env)
    server.handshake()
    answered = server.answered_at(1)
    server.ok("save_context", content="x")
    assert server.end() == 0
    imported = imports(log)
    assert imported["redis"] > answered
    assert not {"sqlalchemy", "alembic", "sqlite3"} & imported.keys()


def test_memories_of_0_9_0_on_the_server_are_told_where_nothing_is_found(
    start: Start, redis_server: RedisServer
) -> None:
    legacy_redis.put_into(redis_server)
    server = start(env={"STORAGE_CONNECTION_STRING": redis_server.url})
    server.handshake()
    nothing = server.call("load_contexts")["content"][0]["text"]
    assert "`extended-memory-mcp import-redis" in nothing
    server.ok("save_context", content="Something.", importance_level=9)
    assert "import-redis" not in server.call("load_contexts")["content"][0]["text"]


@pytest.mark.long
def test_a_server_that_may_throw_memories_away_is_refused_unless_it_is_allowed(
    start: Start,
) -> None:
    options = ("--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")
    with RedisServer(*options) as evicting:
        env = {"STORAGE_CONNECTION_STRING": evicting.url}
        server = start(env=env)
        server.handshake()
        sentence = server.refused("save_context", content="x")
        assert "throws memories away when it is full (maxmemory-policy allkeys-lru)" in sentence
        assert "REDIS_ALLOW_EVICTION=yes" in sentence
        allowed = start(env=env | {"REDIS_ALLOW_EVICTION": "yes"})
        allowed.handshake()
        allowed.ok("save_context", content="x")
