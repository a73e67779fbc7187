"""Changes, the trash and revisions, while servers are killed in the middle of their work."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import redis_checker
from tests.support.database import connected, flaws
from tests.support.redis_servers import RedisServer
from tests.support.rounds import FACTOR
from tests.support.server import Json, Server, Start, eventually

ROUNDS = 6 * FACTOR
CONTEXTS = 5


@pytest.fixture(params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest, place: Path) -> Iterator[str]:
    """Give the connection string of an empty store; whatever a test does, it is sound."""
    if request.param == "sqlite":
        yield f"sqlite:///{place}"
        assert flaws(place) == {}
        assert pasts_of_nothing(place) == []
        return
    with RedisServer() as server:
        yield server.url
        with server.client() as client:
            assert redis_checker.flaws(client) == []


def pasts_of_nothing(place: Path) -> list[int]:
    """Return the contexts that are in the trash and not, or have revisions and are nowhere."""
    with connected(place) as connection:
        kept = {row[0] for row in connection.execute("SELECT id FROM contexts")}
        trash = {row[0] for row in connection.execute("SELECT id FROM trash")}
        revised = {row[0] for row in connection.execute("SELECT context_id FROM revisions")}
    return sorted((kept & trash) | (revised - kept - trash))


def one_change(number: int, context_id: int) -> tuple[str, Json]:
    """Return one of the changes of a context, by turns."""
    if number % 4 == 1:
        return "forget_context", {"context_id": context_id}
    if number % 4 == 2:
        return "restore_context", {"context_id": context_id}
    return "update_context", {"context_id": context_id, "content": f"text {number}"}


@pytest.mark.long
def test_every_change_that_was_answered_is_there_after_a_kill(start: Start, store: str) -> None:
    env = {"STORAGE_CONNECTION_STRING": store}
    server = start(env=env)
    server.handshake()
    ids = [
        server.ok("save_context", content=f"first {n}", tags=["a", f"t{n}"])["id"]
        for n in range(CONTEXTS)
    ]
    number = 0
    for round_number in range(ROUNDS):
        wanted: dict[int, str | None] = {}
        for _ in range(3 + round_number):
            number += 1
            context_id = ids[number % CONTEXTS]
            tool, arguments = one_change(number, context_id)
            server.ok(tool, **arguments)
            wanted[context_id] = state(server, context_id)
        in_flight = ids[(number + 1) % CONTEXTS]
        tool, arguments = one_change(number + 1, in_flight)
        server.request_call(tool, **arguments)
        server.kill()
        server = start(env=env)
        server.handshake()
        for context_id, content in wanted.items():
            if context_id != in_flight:
                assert state(server, context_id) == content
        for context_id in ids:
            server.ok("restore_context", context_id=context_id)
            assert state(server, context_id) is not None
    assert server.end() == 0


def state(server: Server, context_id: int) -> str | None:
    """Return a context's content, or None where it is in the trash."""
    found = server.ok("load_contexts", ids=[context_id])["contexts"]
    return found[0]["content"] if found else None


@pytest.mark.long
def test_many_servers_change_the_same_contexts_and_lose_no_revision(
    start: Start, store: str
) -> None:
    env = {"STORAGE_CONNECTION_STRING": store}
    servers = [start(env=env) for _ in range(4)]
    for server in servers:
        server.handshake()
    context_id = servers[0].ok("save_context", content="the first")["id"]
    calls = [
        (server, server.request_call("update_context", context_id=context_id, content=f"{n} {k}"))
        for k in range(8)
        for n, server in enumerate(servers)
    ]
    answers = [server.answer(call)["result"]["structuredContent"] for server, call in calls]
    assert sorted(answer["revision"] for answer in answers) == list(range(1, 33))
    moments = [a["context"]["updated_at"] for a in sorted(answers, key=lambda a: a["revision"])]
    assert moments == sorted(set(moments))
    listed = servers[1].ok("restore_context", context_id=context_id)["revisions"]
    assert [revision["revision"] for revision in listed] == list(range(32, 12, -1))
    back = servers[2].ok("restore_context", context_id=context_id, revision=1)
    assert back["context"]["content"] == "the first"


@pytest.mark.long
def test_the_trash_is_emptied_at_the_start_when_its_time_is_over(start: Start, place: Path) -> None:
    server = start()
    server.handshake()
    ids = [server.ok("save_context", content=f"note {n}")["id"] for n in range(3)]
    for context_id in ids[:2]:
        server.ok("forget_context", context_id=context_id)
    assert server.end() == 0
    with connected(place) as connection:
        month = 31 * 24 * 60 * 60 * 1000
        connection.execute(
            "UPDATE trash SET forgotten_at = forgotten_at - ? WHERE id = ?", (month, ids[0])
        )
    later = start()
    later.handshake()
    later.ok("list_all_projects")

    def trash() -> list[int]:
        with connected(place) as connection:
            return [row[0] for row in connection.execute("SELECT id FROM trash")]

    eventually(lambda: trash() == [ids[1]])
    assert later.ok("restore_context", context_id=ids[1])["context"]["content"] == "note 1"
    assert later.ok("restore_context", context_id=ids[0])["context"] is None


def test_without_a_trash_what_is_forgotten_is_gone_at_once(start: Start, place: Path) -> None:
    server = start(env={"EXTENDED_MEMORY_TRASH_DAYS": "0"})
    server.handshake()
    server.ok("save_context", content="note")
    assert server.ok("forget_context", context_id=1)["can_be_restored"] is False
    assert server.ok("restore_context", context_id=1)["context"] is None
