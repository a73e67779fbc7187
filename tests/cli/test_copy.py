"""The command that copies a store into another, run as a person does."""

import shutil
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from extended_memory.domain import Context, Project
from tests.cli.conftest import opened, run
from tests.storage.redis.servers import RedisServer

Servers = tuple[RedisServer, RedisServer]


@pytest.fixture(params=["sqlite", "redis"])
def source(request: pytest.FixtureRequest, servers: Servers, tmp_path: Path) -> str:
    """Give the connection string of a store with contexts of several projects."""
    store = f"sqlite:///{tmp_path}/old.db" if request.param == "sqlite" else servers[0].url
    with closing(opened(store)) as repository:
        for number in range(40):
            saved = repository.save(
                f"project {number % 3}",
                f"note {number}\r\n ё 🧠 \0",
                importance=number % 10 + 1,
                tags=("all", f"t{number % 4}"),
                repeat_within=timedelta(0),
            )
            if number % 5 == 0:
                repository.forget(saved.id, project=None)
    return store


def held(store: str) -> list[Context]:
    with closing(opened(store)) as repository:
        return list(repository.walk(after=0, limit=1000))


def without_ids(contexts: list[Context]) -> list[tuple[object, ...]]:
    return [(c.project, c.content, c.importance, c.tags, c.created_at) for c in contexts]


def projects(store: str) -> tuple[Project, ...]:
    with closing(opened(store)) as repository:
        return repository.projects()


def test_everything_is_copied_in_its_order(source: str, store: str) -> None:
    before = held(source)
    ended = run("copy", source, store, env={})
    assert (ended.returncode, ended.stdout) == (0, "32 of 32 contexts copied.\n"), ended.stderr
    assert without_ids(held(store)) == without_ids(before)
    assert {(p.name, p.context_count) for p in projects(store)} == {
        (p.name, p.context_count) for p in projects(source)
    }
    assert held(source) == before


def test_a_second_copy_adds_what_is_new_alone(source: str, store: str) -> None:
    run("copy", source, store, env={})
    with closing(opened(source)) as repository:
        repository.save("new", "x", importance=1, tags=(), repeat_within=timedelta(0))
    ended = run("copy", source, store, env={})
    assert ended.stdout == "1 of 33 contexts copied.\n32 were there before.\n"
    assert without_ids(held(store)) == without_ids(held(source))


def test_what_is_there_already_stays_beside_the_copy(source: str, store: str) -> None:
    with closing(opened(store)) as repository:
        own = repository.save("own", "x", importance=1, tags=(), repeat_within=timedelta(0))
    run("copy", source, store, env={})
    assert held(store)[0] == own
    assert without_ids(held(store)[1:]) == without_ids(held(source))


def test_a_store_copied_into_itself_stays_as_it_is(source: str) -> None:
    before = held(source)
    ended = run("copy", source, source, env={})
    assert ended.stdout == "0 of 32 contexts copied.\n32 were there before.\n"
    assert held(source) == before


def test_two_files_of_one_history_are_joined_without_doubles(tmp_path: Path) -> None:
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    with closing(opened(str(first))) as repository:
        for number in range(1, 30):
            repository.save("p", f"{number}", importance=5, tags=(), repeat_within=timedelta(0))
    shutil.copy(first, second)
    for path in (first, second):
        with closing(opened(str(path))) as repository:
            repository.save("p", path.name, importance=5, tags=(), repeat_within=timedelta(0))
    ended = run("copy", str(first), str(second), env={})
    assert ended.stdout == "1 of 30 contexts copied.\n29 were there before.\n"
    assert [c.content for c in held(str(second))[-2:]] == ["second.db", "first.db"]


def test_a_file_that_is_not_there_is_said_and_not_made(tmp_path: Path) -> None:
    ended = run("copy", str(tmp_path / "typo.db"), str(tmp_path / "new.db"), env={})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "There is no file typo.db to copy from: check the path." in ended.stderr
    assert not list(tmp_path.glob("*.db"))
