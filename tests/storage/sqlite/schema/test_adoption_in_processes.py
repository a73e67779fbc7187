"""Adoption when several servers start at once, when one is killed, and when the disk is full."""

import shutil
import sqlite3
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from extended_memory.domain import Context
from extended_memory.storage.sqlite.file import permissions
from tests.support.sqlite_servers import (
    prepare,
    prepare_then_load,
    prepare_with_limit,
    save_on_a_full_disk,
)
from tests.support.sqlite_stores import (
    NOON,
    OURS,
    SPAWN,
    backups,
    context,
    dump,
    everything,
    faults_within,
    in_another_process,
    rows,
    tables,
    write_rows,
)

MANY = 50_000

FULL = (
    "memory.db cannot be written, the disk is full: free some space and try again.",
    "memory.db cannot be read or written, the disk reports an error: check the disk and its free "
    "space, and try again.",
)
"""What a refused write is called: SQLite tells a quota from a full disk by the system's error."""


def adopted_row(number: int) -> Context:
    """Return what a row of ``write_rows`` becomes."""
    return context(
        number,
        f"Content {number}",
        project=f"project {number % 7}",
        importance=min(10, max(1, number % 12)),
        tags=("all",) if number % 2 else ("all", "even"),
        created_at=NOON,
    )


@pytest.mark.long(but=1)
@pytest.mark.parametrize("servers", [2, 4])
def test_servers_that_meet_an_earlier_file_at_once_all_find_every_row_once(
    place: Path, servers: int
) -> None:
    write_rows(place, 500)
    before = dump(place)
    with ProcessPoolExecutor(servers, mp_context=SPAWN) as processes:
        start = time.time() + 1.2  # by then every process has imported what it needs
        calls = [processes.submit(prepare_then_load, place, start) for _ in range(servers)]
        loaded = [call.result(timeout=60) for call in calls]
    expected = {number: adopted_row(number) for number in range(1, 501)}
    assert loaded == [expected] * servers
    assert [dump(backup) for backup in backups(place)] == [before]
    assert faults_within(place) == []


@pytest.mark.long
def test_a_server_killed_while_it_adopts_leaves_the_earlier_file_whole(place: Path) -> None:
    write_rows(place, MANY)
    before = dump(place)
    server = SPAWN.Process(target=prepare, args=(place,))
    server.start()
    journal = place.with_name("memory.db-journal")
    # Not before the backup is there: probing whether the file can be written makes a journal too.
    while not (list(place.parent.glob("*.backup-*")) and permissions.size(journal)):
        assert server.is_alive()
        time.sleep(0.001)
    time.sleep(0.05)
    server.kill()
    server.join()
    assert journal.exists()  # killed before it could commit
    assert dump(place) == before

    in_another_process(prepare, place)

    # Read by SQL: a page of so many contexts is nothing that a repository is made for.
    query = """
        SELECT c.id, p.name, c.importance, c.created_at, c.content,
            (SELECT group_concat(t.name) FROM context_tags l JOIN tags t ON t.id = l.tag_id
             WHERE l.context_id = c.id AND t.project_id = p.id)
        FROM contexts c JOIN projects p ON p.id = c.project_id ORDER BY c.id
    """
    noon = int(NOON.timestamp() * 1000)
    assert rows(place, query) == [
        (row.id, row.project, row.note.importance, noon, row.note.content, ",".join(row.note.tags))
        for row in map(adopted_row, range(1, MANY + 1))
    ]
    assert tables(place) == OURS
    assert faults_within(place) == []


def test_a_backup_that_does_not_fit_aborts_the_upgrade_and_leaves_no_partial_copy(
    place: Path,
) -> None:
    write_rows(place, 500)
    before = place.read_bytes()
    assert in_another_process(prepare_with_limit, place, len(before) // 2) in FULL
    assert place.read_bytes() == before
    assert [path.name for path in place.parent.iterdir()] == ["memory.db"]


def test_an_upgrade_that_does_not_fit_leaves_the_earlier_file_and_its_backup(place: Path) -> None:
    write_rows(place, 500)
    before = dump(place)
    assert in_another_process(prepare_with_limit, place, place.stat().st_size) in FULL
    assert dump(place) == before
    assert [dump(backup) for backup in backups(place)] == [before]


def test_a_file_whose_upgrade_failed_is_adopted_when_there_is_space(place: Path) -> None:
    write_rows(place, 500)
    in_another_process(prepare_with_limit, place, place.stat().st_size)
    assert everything(place) == {number: adopted_row(number) for number in range(1, 501)}


def test_a_save_to_a_full_disk_is_refused_and_works_when_there_is_space(place: Path) -> None:
    sentence, kept, number = in_another_process(save_on_a_full_disk, place)
    assert sentence in FULL
    assert kept == ["before"]
    assert {number: found.note.content for number, found in everything(place).items()} == {
        1: "before",
        number: "after",
    }
    assert faults_within(place) == []


def test_a_file_that_another_program_is_writing_is_adopted_when_it_is_done(place: Path) -> None:
    write_rows(place, 10)
    with closing(sqlite3.connect(place, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with ProcessPoolExecutor(1, mp_context=SPAWN) as server:
            adopting = server.submit(everything, place)
            time.sleep(1.5)
            other.execute(
                "INSERT INTO contexts (id, content, importance_level, created_at) "
                "VALUES (11, 'The last word', 5, '2025-07-02 12:00:00')"
            )
            other.execute("COMMIT")
            adopted = adopting.result(timeout=30)
    assert adopted[11] == context(11, "The last word")


def test_a_hot_journal_of_a_crash_is_rolled_back_before_the_file_is_adopted(place: Path) -> None:
    write_rows(place, 10)
    crashed = place.with_name("crashed.db")
    with closing(sqlite3.connect(place, isolation_level=None)) as database:
        database.execute("PRAGMA cache_size=1")  # so that pages reach the file before the commit
        database.execute("BEGIN IMMEDIATE")
        database.execute("UPDATE contexts SET content = zeroblob(100000)")
        for suffix in ("", "-journal"):
            shutil.copy(place.with_name(f"memory.db{suffix}"), f"{crashed}{suffix}")
        database.execute("ROLLBACK")
    assert everything(crashed) == {number: adopted_row(number) for number in range(1, 11)}
    assert rows(crashed, "PRAGMA integrity_check") == [("ok",)]
