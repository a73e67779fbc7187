"""One SQLite file: opened when a call needs it, opened again when its fault is gone.

**The WAL-reset bug.** SQLite 3.7.0 to 3.51.2 (fixed in 3.51.3, 3.50.7 and 3.44.6; see
https://sqlite.org/wal.html#walresetbug) can lose a commit: while one connection checkpoints,
another commits a transaction that restarts the WAL, and the checkpoint notes down as copied what
was never copied. Many Pythons carry such a version, and several servers on one file is our
normal case. The race needs a commit *during* a checkpoint, so here there is none: automatic
checkpoints are off, and our own passive one runs on a second connection while the first holds
SQLite's write lock with an empty transaction. That lock belongs to the file, so it stops the
commits of every program, not only ours. (The checkpoint that SQLite makes when the last
connection closes holds the file exclusively, which is safe as well; one that *another* program
with an affected SQLite makes while we commit is beyond our reach.) It is done on every version:
one behaviour to test, and no difference when two Pythons share a file. Cost: one save in a
hundred also copies the WAL, twenty to sixty milliseconds, and other writers wait for it
meanwhile, as they would for SQLite's own checkpoint.

**Never open the file beside SQLite.** POSIX drops all of a process's locks on a file when the
process closes any descriptor of it, so nothing in this package opens the database file, its WAL
or its index by other means than SQLite once a connection exists; looking at a file's status and
setting its mode go by name and are safe.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, QueuePool
from sqlalchemy.exc import DBAPIError

from extended_memory.errors import StoreBusyError, StoreError
from extended_memory.storage.contract import MAY_WAIT
from extended_memory.storage.fault_log import FaultLog
from extended_memory.storage.sqlite.file import orphans, permissions, side_files, unfinished
from extended_memory.storage.sqlite.file.engine import (
    BUSY_TIMEOUT_SECONDS,
    IMMUTABLE,
    READ_ONLY,
    READ_WRITE,
    WAL_BYTES_AT_REST,
    connect,
    new_engine,
    structure_change,
    write_transaction,
)
from extended_memory.storage.sqlite.file.faults import cause, fault, is_locked, read_only_error
from extended_memory.storage.sqlite.schema import upgrade

COMMITS_PER_CHECKPOINT: Final = 100

_LARGE_COMMITS_PER_CHECKPOINT: Final = 5
"""Where the WAL is long already, as at an import: reads of a long one are slow."""

_CHECKPOINT_CONNECTIONS: Final = 2

logger = logging.getLogger(__name__)


class Database:
    """A SQLite file with its transactions. Thread-safe; every fault is a ``StoreError``."""

    def __init__(self, path: Path, *, own_folder: bool = False, must_exist: bool = False) -> None:
        self.path = path
        self._wal = side_files.wal(path)
        self._shm = side_files.shm(path)
        self._own_folder = own_folder
        self._must_exist = must_exist
        self._opening = threading.RLock()
        self._writing = threading.Lock()
        self._engine: Engine | None = None
        self._identities: dict[Path, tuple[int, int] | None] = {}
        self._mode = READ_WRITE
        self._commits = 0
        self._fault_log = FaultLog(logger)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the store; it never waits for a writer."""
        with self._faults("read"), self._current_engine().connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give a connection in a transaction that is committed at the end, or not at all."""
        with self._faults("write"):
            engine = self._current_engine(to_write=True)
            wait = MAY_WAIT.get()
            # Threads of this process queue here, in turn, instead of polling SQLite's lock.
            if not self._writing.acquire(timeout=BUSY_TIMEOUT_SECONDS if wait else 0):
                raise sqlite3.OperationalError("database is locked")
            try:
                with write_transaction(engine, wait=wait) as connection:
                    yield connection
                self._commits += 1
                if self._is_checkpoint_due():
                    self._checkpoint(engine)
            finally:
                self._writing.release()

    @contextmanager
    def migration(self, *, to_upgrade: bool = False) -> Iterator[Connection]:
        """Give a connection like ``writing``, to the file as it is: for Alembic's commands."""
        with self._faults("write"):
            self._make_file()
            engine = new_engine(self.path)
            try:
                if to_upgrade:
                    with upgrade.upgrade_transaction(engine, self.path) as (connection, _):
                        yield connection
                else:
                    with structure_change(engine) as connection:
                        yield connection
            finally:
                engine.dispose()

    @property
    def is_open(self) -> bool:
        """Whether the file is open, so that a read need not wait for that."""
        return self._engine is not None

    def open(self) -> None:
        """Open, make or upgrade the file now."""
        with self._faults("read"):
            self._current_engine()

    def close(self) -> None:
        """Close every connection; the last one on the file copies the WAL into it."""
        with self._opening:
            if self._engine is not None:
                self._engine.dispose()
            self._engine = None

    @contextmanager
    def _faults(self, action: str) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, sqlite3.Error, OSError) as error:
            refusal = fault(error, name=self.path.name)
            if not MAY_WAIT.get() and is_locked(error):
                raise StoreBusyError(refusal.fact, remedy=refusal.remedy) from None
            self.close()  # whatever was wrong, the next call looks afresh
            self._fault_log.report(action, refusal, place=str(self.path), detail=cause(error))
            raise refusal from error
        except StoreError as refusal:
            self.close()
            self._fault_log.report(action, refusal, place=str(self.path))
            raise
        self._fault_log.clear(action, *(("read",) if action == "write" else ()))

    def _current_engine(self, *, to_write: bool = False) -> Engine:
        with self._opening:
            if self._engine is not None and self._identity() != self._identities:
                self._leave(self._engine)
            if self._mode != READ_WRITE and (to_write or permissions.size(self._wal)):
                self.close()  # it may not be read-only any more, or others write to it
            if self._engine is None:
                self._engine = self._open()
            if to_write and self._mode != READ_WRITE:
                raise read_only_error(self.path.name)
            return self._engine

    def _identity(self) -> dict[Path, tuple[int, int] | None]:
        """Return what tells this file from another one that takes its place."""
        wal = self._identities.get(self._wal), self._identities.get(self._shm)
        return {self.path: permissions.identity(self.path), self._wal: wal[0], self._shm: wal[1]}

    def _leave(self, engine: Engine) -> None:
        """Leave a file that was deleted or replaced: what is written to it would be lost.

        The rest of its WAL goes into it, wherever the file is now. Then the WAL goes, if it is
        still the one of that file: SQLite would play it back over the new one. Where it could
        not be copied as a whole, as while somebody reads, it is kept under another name.
        """
        # On connections of old: a new one would find the new file.
        has_old = self._mode == READ_WRITE and _idle_connections(engine) >= _CHECKPOINT_CONNECTIONS
        is_copied = has_old and self._checkpoint(engine)
        self.close()
        for path in (self._wal, self._shm):
            if (known := self._identities[path]) and known == permissions.identity(path):
                if is_copied or path == self._shm:
                    path.unlink()
                else:
                    kept = orphans.keep(path).kept
                    logger.warning("%s was not copied into its file: kept as %s.", path, kept.name)

    def _open(self) -> Engine:
        self._make_file()
        self._mode = self._usable_mode()
        engine = new_engine(self.path, self._mode)
        try:
            if self._mode == READ_WRITE:
                upgrade.upgrade(engine, self.path)
                self._use_wal()
                permissions.restrict(self.path, permissions.FILE_MODE)
                unfinished.remove_abandoned(self.path)
            else:
                upgrade.require_current(engine, self.path)
            # Two connections at hand, for a checkpoint even when the file was moved away; the
            # first read makes the WAL, which stays the same file as long as they are open.
            for connection in [engine.raw_connection() for _ in range(_CHECKPOINT_CONNECTIONS)]:
                connection.cursor().execute("SELECT count(*) FROM sqlite_master").fetchone()
                connection.close()
        except BaseException:
            engine.dispose()
            raise
        for path in (self._wal, self._shm):
            permissions.restrict(path, permissions.FILE_MODE)
        self._identities = {
            path: permissions.identity(path) for path in (self.path, self._wal, self._shm)
        }
        if self._mode == READ_WRITE and permissions.size(self._wal) > WAL_BYTES_AT_REST // 4:
            self._checkpoint(engine)
        return engine

    def _make_file(self) -> None:
        """Make the folder and the file where they are missing and may be made."""
        if self._must_exist and not permissions.holds_something(self.path):
            raise StoreError(
                f"There is no memory in {self.path.name} any more.", remedy="look for the file."
            )
        permissions.make_folder(self.path.parent)
        if self._own_folder:
            permissions.restrict(self.path.parent, permissions.FOLDER_MODE)
        orphans.make_file(self.path)
        if permissions.may_be_written(self.path):
            # SQLite gave them the mode of the file, which was read-only then.
            permissions.allow_writing(self._wal)
            permissions.allow_writing(self._shm)

    def _usable_mode(self) -> str:
        """Find out whether the file can be written, only read, or read only as it lies there."""
        try:
            with closing(connect(self.path, timeout=0)) as connection:
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                connection.execute("BEGIN IMMEDIATE")
                # Only a change makes SQLite notice that it may not write; this one is undone.
                connection.execute(f"PRAGMA user_version={version}")
                connection.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                return READ_WRITE  # somebody is writing it, and a reader does not wait for that
            if not _is_read_only_error(error):
                raise
        else:
            return READ_WRITE
        try:
            with closing(connect(self.path, READ_ONLY)) as connection:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            # A WAL in a folder that we may not write has no index to read it by. Where nothing
            # is left in the WAL, the file is the whole truth and may be read as it lies there.
            if not _is_read_only_error(error) or permissions.size(self._wal):
                raise
            return IMMUTABLE
        return READ_ONLY

    def _use_wal(self) -> None:
        """Switch the file to write-ahead logging, once in its life."""
        deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
        with closing(connect(self.path)) as connection:
            while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                try:
                    mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
                except sqlite3.OperationalError as error:
                    # SQLite does not wait here by itself: another server may be starting.
                    if "locked" not in str(error) or time.monotonic() > deadline:
                        raise
                    time.sleep(0.02)
                    continue
                if mode != "wal":
                    logger.warning("%s cannot have a WAL here; reads may wait.", self.path)
                    return

    def _is_checkpoint_due(self) -> bool:
        return self._commits >= COMMITS_PER_CHECKPOINT or (
            self._commits >= _LARGE_COMMITS_PER_CHECKPOINT
            and permissions.size(self._wal) > WAL_BYTES_AT_REST
        )

    def _checkpoint(self, engine: Engine) -> bool:
        """Copy the WAL into the file while nobody can commit (the docstring above says why).

        Return whether all of it was copied.
        """
        worker = engine.raw_connection()
        try:
            # Without waiting: whoever writes now will copy it, or we later.
            with write_transaction(engine, wait=False):
                copying = worker.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
                _, frames, copied = copying.fetchone()
            self._commits = 0
            return bool(frames == copied)
        except sqlite3.OperationalError as error:
            # What was committed is safe in the WAL; the next save tries again.
            logger.debug("The WAL of %s was not copied yet: %s", self.path, error)
            return False
        finally:
            worker.close()


def _idle_connections(engine: Engine) -> int:
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    return pool.checkedin()


def _is_read_only_error(error: sqlite3.OperationalError) -> bool:
    return any(words in str(error) for words in ("readonly", "unable to open"))
