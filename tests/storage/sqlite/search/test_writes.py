"""The search index in a SQLite file is written: it is always whole, and hides what is gone."""

import os
import random
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from extended_memory.domain import Change
from extended_memory.search.analyzer import VERSION
from extended_memory.storage.sqlite.repository import SqliteRepository
from extended_memory.storage.sqlite.search import writes
from tests.support.sqlite_servers import index_all, index_and_save, prepare
from tests.support.sqlite_stores import (
    SPAWN,
    backups,
    context,
    execute,
    faults_within,
    found_contents,
    index_flaws,
    make_0003,
    rows,
    save,
    search,
)

OLD = [
    context(number, f"note {number} about zebras", tags=("animal", f"t{number % 3}"))
    for number in range(1, 21)
]


def test_a_store_of_the_revision_before_is_used_at_once_and_indexed_in_steps(place: Path) -> None:
    make_0003(place, [*OLD, context(21, "a zebra elsewhere", project="beta")])
    with closing(SqliteRepository(place)) as repository:
        assert found_contents(repository, "zebra") == []
        assert search(repository, "zebra").unindexed == 20
        assert search(repository, "zebra", project="beta").unindexed == 1
        saved = save(repository, "a new zebra")
        assert found_contents(repository, "zebra") == ["a new zebra"]
        assert [repository.index_newest(8) for _ in range(3)] == [13, 5, 0]
        assert (bound(place), repository.index_newest(8)) == (0, 0)
        page = search(repository, "zebra")
        assert {one.context.id for one in page.found} == {*range(1, 21), saved}
        assert page.unindexed == 0
    assert [path.name.rpartition("-")[2] for path in backups(place)] == ["0003"]
    assert index_flaws(place) == faults_within(place) == []


def test_the_newest_contexts_are_indexed_first(place: Path) -> None:
    make_0003(place, OLD)
    with closing(SqliteRepository(place)) as repository:
        assert repository.index_newest(3) == 17
        page = search(repository, "zebra")
    assert {one.context.id for one in page.found} == {18, 19, 20}
    assert page.unindexed == 17
    assert index_flaws(place) == []


def test_what_is_not_indexed_yet_is_changed_and_forgotten_as_anything_else(place: Path) -> None:
    make_0003(place, OLD)
    with closing(SqliteRepository(place)) as repository:
        repository.index_newest(5)
        repository.update(3, Change(content="a lion"), project=None)
        repository.update(18, Change(content="a lion"), project=None)
        repository.forget(4, project=None)
        repository.forget(19, project=None)
        repository.forget(5, project=None, permanently=True)
        repository.forget(20, project=None, permanently=True)
        assert [one.context.id for one in search(repository, "lion").found] == [18]
        assert search(repository, "lion").unindexed == 13
        assert index_flaws(place) == []
        repository.index_newest(5)
        repository.restore(4, project=None)
        repository.restore(19, project=None)
        assert index_flaws(place) == []
        assert repository.index_newest(100) == 0
        assert {one.context.id for one in search(repository, "lion").found} == {3, 18}
        assert {4, 19} < {one.context.id for one in search(repository, "zebra").found}
    assert index_flaws(place) == faults_within(place) == []


def test_a_search_while_all_that_is_left_was_forgotten_counts_nothing(place: Path) -> None:
    make_0003(place, OLD[:3])
    with closing(SqliteRepository(place)) as repository:
        for number in (1, 2, 3):
            repository.forget(number, project=None)
        assert search(repository, "zebra").unindexed == 0
        assert repository.index_newest(5) == 0
        repository.restore(2, project=None)
        assert len(search(repository, "zebra").found) == 1
    assert index_flaws(place) == []


@pytest.mark.parametrize("version", [str(VERSION - 1), str(VERSION + 1)])
def test_the_index_of_another_version_of_the_analyzer_is_made_anew(
    place: Path, version: str
) -> None:
    with closing(SqliteRepository(place)) as repository:
        for number in range(100):
            save(repository, f"a zebra {number}")
    execute(place, f"UPDATE store_facts SET value = '{version}' WHERE name = 'analyzer'")
    execute(place, "UPDATE terms SET term = 'stripes' || id")
    with closing(SqliteRepository(place)) as repository:
        page = search(repository, "zebra stripes1")
        assert (page.found, page.suggestions, page.unindexed) == ((), (), 100)
        save(repository, "a new zebra")
        assert found_contents(repository, "zebra") == ["a new zebra"]
        assert search(repository, "zebra").unindexed == 100
        assert index_flaws(place) == []
        assert [repository.index_newest(60), repository.index_newest(60)] == [40, 0]
        assert len(search(repository, "zebra", limit=200).found) == 101
    assert index_flaws(place) == faults_within(place) == []


def test_nothing_of_what_is_forgotten_stays_in_the_index_of_another_version(place: Path) -> None:
    with closing(SqliteRepository(place)) as repository:
        saved = save(repository, "a zebra")
        execute(place, "UPDATE store_facts SET value = '9' WHERE name = 'analyzer'")
        execute(place, "UPDATE terms SET term = term || 's'")
        repository.forget(saved, project=None, permanently=True)
    assert rows(place, "SELECT term FROM terms") == []
    assert index_flaws(place) == []


def test_two_servers_with_different_analyzers_leave_a_whole_index(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(SqliteRepository(place)) as first, closing(SqliteRepository(place)) as second:
        for number in range(10):
            monkeypatch.setattr(writes, "VERSION", VERSION + 1)
            save(first, f"of the first {number}")
            monkeypatch.setattr(writes, "VERSION", VERSION)
            save(second, f"of the second {number}")
            second.forget(2 * number + 1, project=None)
        assert found_contents(second, "second")[:1] == ["of the second 9"]
        while second.index_newest(3):
            pass
        assert len(found_contents(second, "second")) == 10
    assert index_flaws(place) == []


def test_servers_that_index_and_save_at_once_leave_a_whole_index(place: Path) -> None:
    make_0003(place, [replace(OLD[0], id=number) for number in range(1, 301)])
    with ProcessPoolExecutor(4, mp_context=SPAWN) as processes:
        works = [processes.submit(index_all, place, 7) for _ in range(2)]
        works += [processes.submit(index_and_save, place, name, 70) for name in ("one", "two")]
        for work in works:
            work.result(timeout=60)
    with closing(SqliteRepository(place)) as repository:
        assert repository.index_newest(1) == 0
        assert len(found_contents(repository, "one")) == 50
    assert rows(place, "SELECT count(*) FROM contexts") == [(440,)]
    assert index_flaws(place) == faults_within(place) == []


@pytest.mark.long
def test_a_server_that_is_killed_while_it_indexes_loses_and_doubles_nothing(place: Path) -> None:
    make_0003(place, [replace(OLD[0], id=number) for number in range(1, 1_501)])
    prepare(place)
    before = 1_501
    for _ in range(4):
        process = SPAWN.Process(target=index_all, args=(place, 40))
        process.start()
        while bound(place) == before:
            time.sleep(0.01)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert process.exitcode == -signal.SIGKILL
        before = bound(place)
        assert 0 < before < 1_501
        assert index_flaws(place) == []
    index_all(place, 100)
    assert index_flaws(place) == faults_within(place) == []


def bound(path: Path) -> int:
    """Return below which id a file says that contexts are not indexed."""
    facts = rows(path, "SELECT value FROM store_facts WHERE name = 'unindexed_below'")
    return int(str(facts[0][0])) if facts else 1_501


def test_nothing_of_what_was_forgotten_permanently_is_left_in_the_file(place: Path) -> None:
    chance = random.Random(3)
    secrets = ["".join(chance.choices("bcdfghjklmnpqrstvwxz", k=14)) for _ in range(400)]
    with closing(SqliteRepository(place)) as repository:
        ids = []
        for number, secret in enumerate(secrets):
            tags = (secrets[number - 1][::-1],)
            ids.append(save(repository, f"{secret} " + "filler " * (number % 50), tags=tags))
        with_them = [secret.encode() in read(place) for secret in secrets]
        for one in ids[:350]:
            repository.forget(one, project=None, permanently=True)
    kept = place.read_bytes()
    assert all(with_them)
    assert [s for s in secrets[:349] if s.encode() in kept or s[::-1].encode() in kept] == []
    assert all(secret.encode() in kept for secret in secrets[350:])
    assert index_flaws(place) == []


def read(path: Path) -> bytes:
    """Return what a file and its WAL hold."""
    return path.read_bytes() + path.with_name(f"{path.name}-wal").read_bytes()


def test_the_terms_of_an_index_that_is_dropped_are_not_left_in_the_file(place: Path) -> None:
    with closing(SqliteRepository(place)) as repository:
        for number in range(300):
            save(repository, f"Qzvwxkjh{number}qq")
    assert b"qzvwxkjh" in place.read_bytes()
    execute(place, "UPDATE store_facts SET value = '0' WHERE name = 'analyzer'")
    with closing(SqliteRepository(place)) as repository:
        save(repository, "new")
    assert b"qzvwxkjh" not in place.read_bytes()
