"""The command that looks through a memory, on both kinds of store, run as a person does."""

import json
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from extended_memory.domain import Note
from tests.support.commands import opened, run
from tests.support.redis_checker import flaws
from tests.support.redis_servers import RedisServer
from tests.support.server import Server
from tests.support.sqlite_stores import execute, faults_within, index_flaws

Servers = tuple[RedisServer, RedisServer]


def fill(store: str) -> None:
    with closing(opened(store)) as repository:
        for number in range(20):
            repository.save(
                "general",
                Note(
                    content=f"note {number} of the tree",
                    importance=5,
                    tags=("all", f"t{number % 3}"),
                ),
                repeat_within=timedelta(0),
            )


def harm(store: str, servers: Servers) -> None:
    """Miscount a tag, and take a word out of the search index."""
    if store.startswith("sqlite"):
        path = Path(store.removeprefix("sqlite:///"))
        execute(path, "UPDATE tags SET context_count = 9 WHERE name = 'all'")
        execute(path, "DELETE FROM recent_postings WHERE context_id = 3")
        return
    with servers[1].client() as client:
        client.zincrby("em:k:{general}", -5, "all")
        client.delete("em:p:{general}:tree")


def sound(store: str, servers: Servers) -> bool:
    if store.startswith("sqlite"):
        path = Path(store.removeprefix("sqlite:///"))
        return not faults_within(path) and not index_flaws(path)
    with servers[1].client() as client:
        return not flaws(client)


def test_a_sound_store_is_said_to_be_so(store: str) -> None:
    fill(store)
    ended = run("check", env={"STORAGE_CONNECTION_STRING": store})
    assert (ended.returncode, ended.stdout) == (0, "All that is stored fits together.\n")
    ended = run("check", "--json", env={"STORAGE_CONNECTION_STRING": store})
    assert (ended.returncode, json.loads(ended.stdout)) == (0, {"flaws": [], "repaired": []})


def test_what_is_wrong_is_said_with_the_remedy_and_left(store: str, servers: Servers) -> None:
    fill(store)
    harm(store, servers)
    ended = run("check", env={"STORAGE_CONNECTION_STRING": store})
    assert ended.returncode == 1
    assert [line.partition(":")[0] for line in ended.stdout.splitlines()] == [
        "Wrong in tags",
        "Wrong in search",
    ]
    assert "`extended-memory-mcp check --repair`" in ended.stderr
    assert not sound(store, servers)


def test_what_is_wrong_is_rebuilt_when_told(store: str, servers: Servers) -> None:
    fill(store)
    harm(store, servers)
    ended = run("check", "--repair", env={"STORAGE_CONNECTION_STRING": store})
    assert ended.returncode == 0, ended.stderr
    assert [line.partition(":")[0] for line in ended.stdout.splitlines()] == [
        "Repaired in tags",
        "Repaired in search",
        "All that is stored fits together.",
    ]
    assert sound(store, servers)


def test_a_repair_is_told_to_a_script(store: str, servers: Servers) -> None:
    fill(store)
    harm(store, servers)
    told = json.loads(
        run("check", "--repair", "--json", env={"STORAGE_CONNECTION_STRING": store}).stdout
    )
    assert told["flaws"] == []
    assert [(one["part"], one["can_be_rebuilt"]) for one in told["repaired"]] == [
        ("tags", True),
        ("search", True),
    ]


def test_what_cannot_be_rebuilt_is_said_and_the_rest_is_rebuilt(place: Path) -> None:
    fill(f"sqlite:///{place}")
    execute(place, "INSERT INTO revisions VALUES (1, 888, 1, 5, 0, '[]', 'gone')")
    execute(place, "UPDATE tags SET context_count = 9 WHERE name = 'all'")
    ended = run("check", "--repair", env={})
    assert ended.returncode == 1
    assert "Repaired in tags: " in ended.stdout
    assert "Wrong in revisions: earlier texts of a context that is neither" in ended.stdout
    assert "cannot be rebuilt" in ended.stderr


def test_a_store_is_checked_and_repaired_beside_a_server(
    store: str, servers: Servers, tmp_path: Path
) -> None:
    fill(store)
    env = {"STORAGE_CONNECTION_STRING": store}
    with Server(stderr=tmp_path / "log", env=env) as server:
        server.handshake()
        server.ok("save_context", content="the tree of the server")
        harm(store, servers)
        assert run("check", "--repair", env=env).returncode == 0
        found = server.ok("search_contexts", query="tree", limit=50)
        assert found["total"] == 21
        assert server.end() == 0
    assert sound(store, servers)


def test_a_memory_that_is_not_there_is_said_and_not_made(place: Path) -> None:
    ended = run("check", env={})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"There is no memory at {place}, which STORAGE_CONNECTION_STRING names" in ended.stderr
    assert not place.exists()


def test_a_file_that_is_no_database_is_said(place: Path) -> None:
    place.parent.mkdir()
    place.write_text("text " * 1000)
    ended = run("check", env={})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "memory.db is not a SQLite database" in ended.stderr
