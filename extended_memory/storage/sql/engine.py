"""One SQLite file: opened when a call needs it, reopened when its cause of failing is gone.

**The WAL-reset bug.** SQLite 3.7.0 to 3.51.2 (fixed in 3.51.3, 3.50.7 and 3.44.6; see
https://sqlite.org/wal.html#walresetbug) can lose a commit: while one connection checkpoints,
another commits a transaction that restarts the WAL, and the checkpoint notes down as copied what
was never copied. Many Pythons carry such a version, and several servers on one file is our
normal case. The race needs a commit *during* a checkpoint, so here there is none: automatic
checkpoints are off, and our own passive one runs on a second connection while the first holds
SQLite's write lock with an empty transaction. That lock belongs to the file, so it stops the
commits of every program, not only ours. (The checkpoint SQLite makes when the last connection
closes holds the file exclusively, which is safe as well; a checkpoint that *another* program
with an affected SQLite makes while we commit is beyond our reach.) It is done on every version:
one behaviour to test, and no difference when two Pythons share a file. Cost: a writer waits for
a checkpoint that another process is making, some ten milliseconds once in a hundred saves;
``benchmarks/`` measures it.

**Never open the file beside SQLite.** POSIX drops all of a process's locks on a file when the
process closes any descriptor of it, so nothing in this package opens the database file, its WAL
or its index by other means than SQLite once a connection exists; ``os.stat`` and ``os.chmod`` go
by name and are safe.
"""

import logging
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.exc import DBAPIError

from extended_memory.domain import StoreError
from extended_memory.storage.sql import upgrade
from extended_memory.storage.sql.faults import cause, fault

BUSY_TIMEOUT_SECONDS: Final = 30.0
COMMITS_PER_CHECKPOINT: Final = 100
WAL_BYTES_AT_REST: Final = 16 * 1024 * 1024

READ_WRITE: Final = "mode=rw"
READ_ONLY: Final = "mode=ro"
IMMUTABLE: Final = "immutable=1"

_PRAGMAS = (
    "PRAGMA foreign_keys=ON",
    "PRAGMA synchronous=FULL",
    "PRAGMA wal_autocheckpoint=0",
    f"PRAGMA journal_size_limit={WAL_BYTES_AT_REST}",
    "PRAGMA trusted_schema=OFF",
)
_FOLDER_MODE = 0o700
_FILE_MODE = 0o600

logger = logging.getLogger(__name__)


def connect(path: Path, mode: str = READ_WRITE) -> sqlite3.Connection:
    """Open a connection in the driver's autocommit, so that we alone say BEGIN and COMMIT."""
    connection = sqlite3.connect(
        f"{path.as_uri()}?{mode}",
        uri=True,
        timeout=BUSY_TIMEOUT_SECONDS,
        isolation_level=None,
        check_same_thread=False,  # the pool hands a connection to one thread at a time
        cached_statements=256,
    )
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    return connection


class Database:
    """A SQLite file with its transactions. Thread-safe; every fault is a ``StoreError``."""

    def __init__(self, path: Path, *, own_folder: bool = False) -> None:
        self.path = path
        self._own_folder = own_folder
        self._opening = threading.RLock()
        self._writing = threading.Lock()
        self._engine: Engine | None = None
        self._identity: tuple[int, int] | None = None
        self._mode = READ_WRITE
        self._commits = 0
        self._said: str | None = None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the store; it never waits for a writer."""
        with self._faults():
            engine = self._opened(writable=False)
            with engine.connect() as connection:
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection in a transaction that is committed at the end, or not at all."""
        with self._faults():
            engine = self._opened(writable=True)
            # Threads of this process queue here, in turn, instead of polling SQLite's lock.
            with self._writing:
                with engine.connect() as connection:
                    # IMMEDIATE: a transaction that starts by reading may find that it cannot
                    # become a writer any more, and then it fails however long it waits.
                    connection = connection.execution_options(begin="BEGIN IMMEDIATE")
                    with connection.begin():
                        yield connection
                self._commits += 1
                if self._commits >= COMMITS_PER_CHECKPOINT:
                    self._checkpoint(engine)

    @contextmanager
    def unprepared(self) -> Iterator[Connection]:
        """Give a connection like ``writing``, to the file as it is: for Alembic's commands."""
        with self._faults():
            self._make_private_file()
            engine = _engine(self.path, READ_WRITE)
            try:
                with engine.connect() as connection:
                    connection = connection.execution_options(begin="BEGIN IMMEDIATE")
                    with connection.begin():
                        yield connection
            finally:
                engine.dispose()

    def open(self) -> None:
        """Open, make or upgrade the file now."""
        with self._faults():
            self._opened(writable=False)

    def close(self) -> None:
        """Close every connection; the last one on the file copies the WAL into it."""
        with self._opening:
            if self._engine is not None:
                self._engine.dispose()
            self._engine = None
            self._identity = None

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, sqlite3.Error, OSError) as error:
            self.close()  # whatever was wrong, the next call looks afresh
            refusal = fault(error, name=self.path.name)
            self._say_once(refusal, cause(error))
            raise refusal from error
        except StoreError as refusal:
            self.close()
            self._say_once(refusal, "")
            raise
        self._said = None

    def _say_once(self, refusal: StoreError, detail: str) -> None:
        if str(refusal) != self._said:
            self._said = str(refusal)
            logger.error("%s [%s]%s", refusal, self.path, f" ({detail})" if detail else "")

    def _opened(self, *, writable: bool) -> Engine:
        with self._opening:
            if self._engine is not None and (
                self._identity != self._file_identity()
                or (writable and self._mode != READ_WRITE)
            ):
                # The file was deleted or replaced (what is written to the old one would be
                # lost), or it was read-only and may not be so any more.
                self.close()
            if self._engine is None:
                self._open()
            engine = self._engine
        assert engine is not None
        if writable and self._mode != READ_WRITE:
            raise fault(
                sqlite3.OperationalError("attempt to write a readonly database"),
                name=self.path.name,
            )
        return engine

    def _open(self) -> None:
        self._make_private_file()
        self._mode = self._usable_mode()
        engine = _engine(self.path, self._mode)
        try:
            if self._mode == READ_WRITE:
                upgrade.upgrade(engine, self.path)
                self._use_wal()
            else:
                upgrade.require_current(engine, self.path)
            self._identity = self._file_identity()
        except BaseException:
            engine.dispose()
            raise
        self._engine = engine
        self._commits = 0
        if self._mode == READ_WRITE and self._wal_bytes() > WAL_BYTES_AT_REST // 4:
            self._checkpoint(engine)

    def _file_identity(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino

    def _make_private_file(self) -> None:
        """Make the folder and the file where they are missing, readable for their owner alone."""
        folder = self.path.parent
        for missing in reversed([f for f in (folder, *folder.parents) if not f.exists()]):
            missing.mkdir(mode=_FOLDER_MODE, exist_ok=True)
        if self._own_folder:
            _restrict(folder, _FOLDER_MODE)
        try:
            # Before SQLite makes it: its own would be readable for everyone by default. The
            # WAL takes over the mode of the file.
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, _FILE_MODE))
        except FileExistsError:
            for suffix in ("", "-wal", "-shm"):
                _restrict(self.path.with_name(self.path.name + suffix), _FILE_MODE)

    def _usable_mode(self) -> str:
        """Find out whether the file can be written, only read, or read only as it lies there."""
        try:
            with closing(connect(self.path)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
            return READ_WRITE
        except sqlite3.OperationalError as error:
            message = str(error).lower()
            if "readonly" not in message and "unable to open" not in message:
                raise
        try:
            with closing(connect(self.path, READ_ONLY)) as connection:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return READ_ONLY
        except sqlite3.OperationalError as error:
            # A WAL file in a folder we may not write has no index to read it by. Where no WAL
            # is left, the file alone is the whole truth and may be read as it lies there.
            if "unable to open" not in str(error).lower() or self._wal_bytes() > 0:
                raise
        return IMMUTABLE

    def _wal_bytes(self) -> int:
        try:
            return os.stat(f"{self.path}-wal").st_size
        except FileNotFoundError:
            return 0

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
                    logger.warning("%s cannot use a WAL here; reads may wait.", self.path)
                    return

    def _checkpoint(self, engine: Engine) -> None:
        """Copy the WAL into the file while nobody can commit (the docstring above says why)."""
        self._commits = 0
        guard, worker = engine.raw_connection(), engine.raw_connection()
        try:
            guard.cursor().execute("BEGIN IMMEDIATE")
            try:
                worker.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            finally:
                guard.cursor().execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            # What was committed is safe in the WAL; the next round copies it.
            logger.warning("The WAL of %s was not copied yet: %s", self.path, error)
        finally:
            guard.close()
            worker.close()


def _engine(path: Path, mode: str) -> Engine:
    engine = create_engine(
        "sqlite://",
        creator=lambda: connect(path, mode),
        poolclass=QueuePool,
        pool_size=5,
        max_overflow=60,  # more than FastMCP's worker threads: no call waits for a connection
        hide_parameters=True,  # an error must not carry what it was about to store
    )

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    return engine


def _restrict(path: Path, mode: int) -> None:
    """Take away what others may do with our own file, where there is one and it is ours."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return
    if stat.S_IMODE(status.st_mode) & ~mode and status.st_uid == _user_id(status.st_uid):
        try:
            os.chmod(path, mode)
        except OSError as error:  # a read-only file system, or one without modes
            logger.debug("The mode of %s stays as it is: %s", path, error)


def _user_id(elsewhere: int) -> int:
    """Return this user's id; on Windows, which has none, whatever the file says."""
    return os.getuid() if hasattr(os, "getuid") else elsewhere
