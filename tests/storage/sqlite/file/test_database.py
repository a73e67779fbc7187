"""Transactions, the WAL and its checkpoints, the file's identity, and the plans of queries."""

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from extended_memory.domain import Note, Selection
from extended_memory.errors import StoreBusyError, StoreError
from extended_memory.storage.contract import MAY_WAIT
from extended_memory.storage.sqlite.file.database import COMMITS_PER_CHECKPOINT, Database
from extended_memory.storage.sqlite.file.engine import BUSY_TIMEOUT_SECONDS, driver_connection
from extended_memory.storage.sqlite.repository import SqliteRepository
from tests.support.sqlite_servers import refusal_of_save, save_as_told, save_many, save_until_told
from tests.support.sqlite_stores import (
    SPAWN,
    backups,
    contents,
    everything,
    faults_within,
    rows,
    save,
)

PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "busy_timeout": 30_000,
    "wal_autocheckpoint": 0,
    "trusted_schema": 0,
}


@pytest.fixture
def repository(place: Path) -> Iterator[SqliteRepository]:
    with closing(SqliteRepository(place)) as opened:
        yield opened


def pragmas(connection: Connection | sqlite3.Connection) -> dict[str, object]:
    database = (
        connection if isinstance(connection, sqlite3.Connection) else driver_connection(connection)
    )
    # A connection learns of the file's WAL when it first reads.
    database.execute("SELECT count(*) FROM sqlite_master").fetchall()
    return {name: database.execute(f"PRAGMA {name}").fetchone()[0] for name in PRAGMAS}


def test_every_connection_that_reads_has_its_pragmas(place: Path) -> None:
    with closing(Database(place)) as database, ExitStack() as open_at_once:
        connections = [open_at_once.enter_context(database.reading()) for _ in range(12)]
        assert [pragmas(connection) for connection in connections] == [PRAGMAS] * 12


def test_every_connection_that_writes_has_its_pragmas(place: Path) -> None:
    with closing(Database(place)) as database:
        for _ in range(3):
            with database.writing() as connection:
                assert pragmas(connection) == PRAGMAS


def test_the_connection_of_alembics_commands_has_its_pragmas(place: Path) -> None:
    with closing(SqliteRepository(place)) as opened:
        opened.prepare()
    with Database(place).migration() as connection:
        # A migration replaces tables, and dropping one must not delete what refers to it.
        assert pragmas(connection) == PRAGMAS | {"foreign_keys": 0}


def test_a_writing_transaction_holds_the_write_lock_from_its_beginning(place: Path) -> None:
    with (
        closing(Database(place)) as database,
        database.writing(),
        closing(sqlite3.connect(place, timeout=0, isolation_level=None)) as other,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("BEGIN IMMEDIATE")


def test_a_reading_transaction_holds_no_write_lock(place: Path) -> None:
    with closing(Database(place)) as database, database.reading() as connection:
        connection.exec_driver_sql("SELECT * FROM contexts").all()
        with closing(sqlite3.connect(place, timeout=0, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")


def test_a_reader_is_not_blocked_by_a_writer(place: Path, repository: SqliteRepository) -> None:
    save(repository, "Committed")
    with closing(sqlite3.connect(place, timeout=0, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE contexts SET content = 'Not committed'")
        before = time.monotonic()
        assert contents(repository) == ["Committed"]
        assert time.monotonic() - before < BUSY_TIMEOUT_SECONDS
        writer.execute("ROLLBACK")


def test_the_first_load_of_a_server_is_not_blocked_by_a_writer(
    place: Path, repository: SqliteRepository
) -> None:
    save(repository, "Committed")
    loaded: list[str] = []
    with closing(SqliteRepository(place)) as starting:
        reader = threading.Thread(target=lambda: loaded.extend(contents(starting)))
        with closing(sqlite3.connect(place, timeout=0, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            writer.execute("UPDATE contexts SET content = 'Not committed'")
            reader.start()
            reader.join(timeout=BUSY_TIMEOUT_SECONDS - 5)
            loaded_meanwhile = list(loaded)
            writer.execute("ROLLBACK")
        reader.join()
    assert loaded_meanwhile == ["Committed"]


def test_a_reader_sees_one_state_of_the_store(place: Path) -> None:
    count = "SELECT count(*) FROM contexts"
    with closing(SqliteRepository(place)) as repository, closing(Database(place)) as database:
        save(repository, "First")
        with database.reading() as connection:
            before = connection.exec_driver_sql(count).scalar_one()
            save(repository, "Second")
            assert (before, connection.exec_driver_sql(count).scalar_one()) == (1, 1)
        with database.reading() as connection:
            assert connection.exec_driver_sql(count).scalar_one() == 2


def test_a_transaction_that_fails_leaves_nothing_behind(place: Path) -> None:
    with closing(Database(place)) as database:
        with pytest.raises(StoreError):
            break_a_rule(database)
        with database.reading() as connection:
            assert connection.exec_driver_sql("SELECT * FROM projects").all() == []


def break_a_rule(database: Database) -> None:
    """Insert a project, and in the same transaction a context of another that does not exist."""
    with database.writing() as connection:
        connection.execute("INSERT INTO projects VALUES (1, 'half', 0, 0)")
        connection.execute("INSERT INTO contexts VALUES (1, 99, 5, 0, 0, 'orphan')")


def statements(repository: SqliteRepository) -> list[str]:
    """Collect, from now on, every statement that SQLite starts on the pool's connections."""
    collected: list[str] = []

    def trace(connection: sqlite3.Connection, *_: object) -> None:
        connection.set_trace_callback(collected.append)

    event.listen(repository._database._current_engine(), "checkout", trace)
    return collected


def test_nobody_can_commit_while_a_checkpoint_runs(
    place: Path, repository: SqliteRepository
) -> None:
    repository.prepare()
    attempts: list[str] = []

    def attempt(statement: str) -> None:
        if "wal_checkpoint" in statement:
            with closing(sqlite3.connect(place, timeout=0, isolation_level=None)) as other:
                try:
                    other.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError as error:
                    attempts.append(str(error))
                else:
                    attempts.append("a commit was possible")

    def trace(connection: sqlite3.Connection, *_: object) -> None:
        connection.set_trace_callback(attempt)

    event.listen(repository._database._current_engine(), "checkout", trace)
    for number in range(COMMITS_PER_CHECKPOINT * 2):
        save(repository, f"{number}")
    assert attempts == ["database is locked"] * 2


def test_a_checkpoint_that_meets_another_writer_is_made_up_for_by_the_next_save(
    place: Path, repository: SqliteRepository
) -> None:
    for number in range(COMMITS_PER_CHECKPOINT - 1):
        save(repository, f"{number}")
    seen = statements(repository)
    with closing(sqlite3.connect(place, timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        repository._database._checkpoint(repository._database._current_engine())
        other.execute("COMMIT")
    assert "PRAGMA wal_checkpoint(PASSIVE)" not in seen
    save(repository, "The hundredth")
    assert seen.count("PRAGMA wal_checkpoint(PASSIVE)") == 1


def test_a_call_that_may_not_wait_meets_another_writer_and_changes_nothing(
    place: Path, repository: SqliteRepository, caplog: pytest.LogCaptureFixture
) -> None:
    kept = save(repository, "First")
    token = MAY_WAIT.set(False)
    try:
        with closing(sqlite3.connect(place, timeout=0, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            with pytest.raises(StoreBusyError):
                save(repository, "Second")
            with pytest.raises(StoreBusyError):
                repository.forget(kept, project=None)
            assert time.monotonic() - began < BUSY_TIMEOUT_SECONDS
            assert contents(repository) == ["First"], "a read does not have to wait"
            other.execute("ROLLBACK")
        assert save(repository, "Third") > kept
    finally:
        MAY_WAIT.reset(token)
    assert contents(repository) == ["Third", "First"]
    assert caplog.records == [], "it is no fault of the store"


def test_a_connection_waits_again_after_a_call_that_might_not(
    place: Path, repository: SqliteRepository
) -> None:
    token = MAY_WAIT.set(False)
    try:
        save(repository, "First")
    finally:
        MAY_WAIT.reset(token)
    with repository._database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000


def test_the_write_lock_is_free_after_a_checkpoint(
    place: Path, repository: SqliteRepository
) -> None:
    for number in range(COMMITS_PER_CHECKPOINT):
        save(repository, f"{number}")
    with closing(sqlite3.connect(place, timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")


def test_the_file_changes_only_when_a_checkpoint_is_due(
    place: Path, repository: SqliteRepository
) -> None:
    repository.prepare()
    before = place.stat().st_mtime_ns
    for number in range(COMMITS_PER_CHECKPOINT - 1):
        save(repository, f"{number}")
    assert place.stat().st_mtime_ns == before
    save(repository, "The one that makes a checkpoint due")
    assert place.stat().st_mtime_ns > before


def test_checkpoints_are_passive_and_never_truncate(repository: SqliteRepository) -> None:
    seen = statements(repository)
    for number in range(COMMITS_PER_CHECKPOINT * 2):
        save(repository, f"{number}")
    repository.close()
    assert [s for s in seen if "checkpoint" in s.lower() or "truncate" in s.lower()] == [
        "PRAGMA wal_checkpoint(PASSIVE)"
    ] * 2


def test_the_wal_stays_small_after_a_thousand_saves(
    place: Path, repository: SqliteRepository
) -> None:
    wal = place.with_name("memory.db-wal")
    largest = 0
    for number in range(1000):
        save(repository, f"{number} " * 20, tags=("one", "two"))
        largest = max(largest, wal.stat().st_size)
    assert largest < 8 * 1024 * 1024
    assert faults_within(place) == []


def test_the_wal_of_two_servers_stays_small_as_well(place: Path) -> None:
    wal = place.with_name("memory.db-wal")
    with closing(SqliteRepository(place)) as first, closing(SqliteRepository(place)) as second:
        for number in range(300):
            save(first, f"first {number} " * 20)
            save(second, f"second {number} " * 20)
        assert wal.stat().st_size < 12 * 1024 * 1024


@pytest.mark.long
def test_a_large_wal_that_a_crash_left_is_copied_when_the_file_is_opened(place: Path) -> None:
    server = SPAWN.Process(target=save_until_told, args=(place, 80, 60_000))
    server.start()
    server.join()
    wal = place.with_name("memory.db-wal")
    assert wal.stat().st_size > 4 * 1024 * 1024
    before = place.stat().st_size
    with closing(SqliteRepository(place)) as repository:
        assert len(contents(repository)) == 80
        assert place.stat().st_size > before
        save(repository, "next")
    assert faults_within(place) == []


def test_a_checkpoint_that_a_reader_holds_up_loses_nothing(place: Path) -> None:
    count = COMMITS_PER_CHECKPOINT * 2
    with (
        closing(Database(place)) as database,
        closing(SqliteRepository(place)) as repository,
        database.reading() as connection,
    ):
        connection.exec_driver_sql("SELECT * FROM contexts").all()
        for number in range(count):
            save(repository, f"{number}")
        assert len(contents(repository)) == count
    assert len(everything(place)) == count


def test_servers_that_save_and_checkpoint_at_once_lose_nothing(place: Path) -> None:
    servers = [SPAWN.Process(target=save_many, args=(place, name, 150)) for name in "abc"]
    for server in servers:
        server.start()
    for server in servers:
        server.join()
    assert [server.exitcode for server in servers] == [0, 0, 0]
    with closing(SqliteRepository(place)) as repository:
        found = sorted(contents(repository))
    assert found == sorted(f"{name} {number}" for name in "abc" for number in range(150))
    assert faults_within(place) == []


def test_an_id_is_not_given_again_after_the_last_one_is_forgotten(place: Path) -> None:
    with closing(SqliteRepository(place)) as repository:
        assert [save(repository, word) for word in ("one", "two", "three")] == [1, 2, 3]
        for number in (3, 2, 1):
            repository.forget(number, project=None)
    with closing(SqliteRepository(place)) as repository:
        assert save(repository, "four") == 4


@pytest.mark.parametrize("suffixes", [("",), ("", "-wal"), ("", "-wal", "-shm")])
def test_a_deleted_file_is_made_anew_by_the_next_save(
    place: Path, repository: SqliteRepository, suffixes: tuple[str, ...]
) -> None:
    save(repository, "Deleted with the file")
    for suffix in suffixes:
        place.with_name(f"memory.db{suffix}").unlink()
    save(repository, "Saved to the new file")
    with closing(SqliteRepository(place)) as other:
        assert contents(other) == contents(repository) == ["Saved to the new file"]
    repository.close()
    assert faults_within(place) == []


def test_a_deleted_folder_is_made_anew_by_the_next_save(
    place: Path, repository: SqliteRepository
) -> None:
    save(repository, "Deleted with the folder")
    shutil.rmtree(place.parent)
    save(repository, "Saved to the new file")
    with closing(SqliteRepository(place)) as other:
        assert contents(other) == ["Saved to the new file"]


def test_a_deleted_file_is_empty_for_the_next_load(
    place: Path, repository: SqliteRepository
) -> None:
    save(repository, "Deleted with the file")
    place.unlink()
    assert contents(repository) == []


def test_a_replaced_file_takes_the_next_save(place: Path, repository: SqliteRepository) -> None:
    aside = place.with_name("aside.db")
    with closing(SqliteRepository(aside)) as other:
        save(other, "From the other file")
    save(repository, "In the first file")
    aside.replace(place)
    assert contents(repository) == ["From the other file"]
    save(repository, "Saved to the new file")
    with closing(SqliteRepository(place)) as other:
        assert contents(other) == ["Saved to the new file", "From the other file"]
    repository.close()
    assert faults_within(place) == []


def test_a_log_that_a_reader_keeps_from_being_copied_outlives_its_file(
    place: Path, repository: SqliteRepository
) -> None:
    save(repository, "Before the reader")
    reader = sqlite3.connect(place, isolation_level=None)
    with closing(reader):
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM contexts").fetchone() == (1,)
        save(repository, "After it began to read")
        place.rename(place.with_name("moved.db"))
        save(repository, "In a new file")
        (log,) = place.parent.glob("memory.db-wal.backup-*-replaced")
        assert b"After it began to read" in log.read_bytes()
    assert contents(repository) == ["In a new file"]


def test_an_earlier_file_put_in_place_meanwhile_is_adopted(
    place: Path, repository: SqliteRepository
) -> None:
    save(repository, "In the first file")
    with closing(sqlite3.connect(place.with_name("earlier.db"))) as earlier:
        earlier.executescript(
            "CREATE TABLE contexts (id INTEGER PRIMARY KEY, project_id, content, "
            "importance_level); INSERT INTO contexts VALUES (7, NULL, 'earlier', 5);"
        )
    place.with_name("earlier.db").replace(place)
    assert contents(repository) == ["earlier"]
    assert len(backups(place)) == 1


def test_two_repositories_whose_file_is_deleted_find_each_others_next_saves(place: Path) -> None:
    with closing(SqliteRepository(place)) as first, closing(SqliteRepository(place)) as second:
        save(first, "Deleted with the file")
        contents(second)
        place.unlink()
        save(first, "Saved by the first")
        save(second, "Saved by the second")
        assert contents(first) == contents(second) == ["Saved by the second", "Saved by the first"]
    assert [found.note.content for found in everything(place).values()] == [
        "Saved by the second",
        "Saved by the first",
    ]
    assert faults_within(place) == []


@contextmanager
def another_server(path: Path) -> Iterator[Callable[[str], str]]:
    """Run another process on the file; give a function that has it save, and says the refusal."""
    ours, theirs = SPAWN.Pipe()
    server = SPAWN.Process(target=save_as_told, args=(path, theirs))
    server.start()
    theirs.close()

    def tell(content: str) -> str:
        ours.send(content)
        refusal: str = ours.recv()
        return refusal

    with ours:
        yield tell
        ours.send("")
    server.join()


@pytest.mark.long(but=1)
@pytest.mark.parametrize("suffixes", [("",), ("", "-wal"), ("", "-wal", "-shm")])
def test_two_servers_whose_file_is_deleted_lose_no_later_save(
    place: Path, suffixes: tuple[str, ...]
) -> None:
    refused = []
    with another_server(place) as tell, closing(SqliteRepository(place)) as repository:
        tell("deleted 1")
        save(repository, "deleted 2")
        for suffix in suffixes:
            place.with_name(f"memory.db{suffix}").unlink()
        for number in range(3):
            refused.append(refusal_of_save(repository, f"here {number}"))
            refused.append(tell(f"there {number}"))
    assert refused == [""] * 6
    assert sorted(found.note.content for found in everything(place).values()) == sorted(
        f"{where} {number}" for where in ("here", "there") for number in range(3)
    )
    assert faults_within(place) == []


def test_two_servers_whose_file_is_replaced_lose_no_later_save(place: Path) -> None:
    aside = place.with_name("aside.db")
    with closing(SqliteRepository(aside)) as other:
        save(other, "replaced with")
    refused = []
    with another_server(place) as tell, closing(SqliteRepository(place)) as repository:
        tell("gone 1")
        save(repository, "gone 2")
        aside.replace(place)
        for number in range(3):
            refused.append(refusal_of_save(repository, f"here {number}"))
            refused.append(tell(f"there {number}"))
    assert refused == [""] * 6
    expected = [f"{where} {number}" for where in ("here", "there") for number in range(3)]
    assert sorted(found.note.content for found in everything(place).values()) == sorted(
        ["replaced with", *expected]
    )
    assert faults_within(place) == []


def test_a_repository_works_again_after_it_was_closed(repository: SqliteRepository) -> None:
    save(repository, "Before")
    repository.close()
    assert contents(repository) == ["Before"]


def test_closing_leaves_one_file_that_holds_everything(
    place: Path, repository: SqliteRepository
) -> None:
    save(repository, "All of it")
    repository.close()
    assert [path.name for path in place.parent.iterdir()] == ["memory.db"]
    assert rows(place, "SELECT content FROM contexts") == [("All of it",)]


def plan_of_page(
    repository: SqliteRepository, path: Path, tags: tuple[str, ...], minimum: int
) -> list[str]:
    """Load a page; return what SQLite says it does for the statement that orders its ids."""
    executed: list[tuple[str, object]] = []

    def collect(_: object, __: object, statement: str, parameters: object, *___: object) -> None:
        executed.append((statement, parameters))

    engine = repository._database._current_engine()
    event.listen(engine, "before_cursor_execute", collect)
    page = repository.load(
        "p1", Selection(minimum_importance=minimum, tags=tags), limit=3, offset=1
    )
    event.remove(engine, "before_cursor_execute", collect)
    assert len(page.contexts) == 3
    ((statement, parameters),) = [one for one in executed if "LIMIT" in one[0]]
    assert isinstance(parameters, (tuple, dict))
    with closing(sqlite3.connect(path)) as database:
        return [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]


@pytest.mark.parametrize(
    ("tags", "minimum", "search"),
    [
        (
            (),
            1,
            "SEARCH contexts USING COVERING INDEX ix_contexts_project_id_importance_created_at "
            "(project_id=? AND importance=?)",
        ),
        (
            (),
            10,
            "SEARCH contexts USING COVERING INDEX ix_contexts_project_id_importance_created_at "
            "(project_id=? AND importance=?)",
        ),
        (("all",), 1, "SEARCH context_tags USING PRIMARY KEY (tag_id=? AND importance=?)"),
        (("all",), 10, "SEARCH context_tags USING PRIMARY KEY (tag_id=? AND importance=?)"),
        (("all", "t1"), 4, "SEARCH context_tags USING PRIMARY KEY (tag_id=? AND importance=?)"),
    ],
)
def test_a_page_is_read_off_the_index_without_scanning_or_sorting(
    place: Path,
    repository: SqliteRepository,
    tags: tuple[str, ...],
    minimum: int,
    search: str,
) -> None:
    for number in range(120):
        repository.save(
            f"p{number % 2}",
            Note(
                content=f"{number}",
                importance=number // 2 % 10 + 1,
                tags=("all", f"t{number // 2 % 3}"),
            ),
            repeat_within=timedelta(minutes=10),
        )
    plan = plan_of_page(repository, place, tags, minimum)
    ranges = (11 - minimum) * max(1, len(tags))
    assert [line for line in plan if line.startswith(("SEARCH", "SCAN"))] == [search] * ranges
    assert [line for line in plan if "TEMP B-TREE" in line] == []
