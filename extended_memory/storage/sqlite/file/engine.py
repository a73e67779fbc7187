"""Connections to a SQLite file: their pragmas, their pool, their transactions."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event

from extended_memory.storage.sqlite.file import orphans

BUSY_TIMEOUT_SECONDS: Final = 30.0

WAL_BYTES_AT_REST: Final = 16 * 1024 * 1024
"""To what a WAL that grew beyond it is cut when SQLite next starts it over."""

READ_WRITE: Final = "mode=rw"
READ_ONLY: Final = "mode=ro"
IMMUTABLE: Final = "immutable=1"

_PRAGMAS = (
    "PRAGMA foreign_keys=ON",
    "PRAGMA synchronous=FULL",
    "PRAGMA fullfsync=ON",  # on macOS only this makes the disk write; elsewhere it is nothing
    "PRAGMA checkpoint_fullfsync=ON",
    "PRAGMA wal_autocheckpoint=0",  # database.py says why, and when we checkpoint instead
    f"PRAGMA journal_size_limit={WAL_BYTES_AT_REST}",
    "PRAGMA secure_delete=ON",  # what is forgotten permanently is overwritten with zeros
    "PRAGMA trusted_schema=OFF",
)


def connect(
    path: Path, mode: str = READ_WRITE, *, timeout: float = BUSY_TIMEOUT_SECONDS
) -> sqlite3.Connection:
    """Open a connection in the driver's autocommit, so that we alone say BEGIN and COMMIT."""
    orphans.keep_log(path)
    connection = sqlite3.connect(
        f"{path.as_uri()}?{mode}",
        uri=True,
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,  # the pool hands a connection to one thread at a time
        cached_statements=256,
    )
    try:
        for pragma in _PRAGMAS:
            connection.execute(pragma)
    except sqlite3.Error:  # not a database, for one
        connection.close()
        raise
    # An old file may hold bytes that are not UTF-8; they must not make the rest unreadable.
    connection.text_factory = _decoded
    return connection


def _decoded(stored: bytes) -> str:
    return stored.decode(errors="replace")


def new_engine(path: Path, mode: str = READ_WRITE) -> Engine:
    """Return a pool of such connections; a transaction begins as its options say."""
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


@contextmanager
def write_transaction(engine: Engine, *, wait: bool = True) -> Iterator[sqlite3.Connection]:
    """Give a pooled connection in a writing transaction, committed at the end, or not at all.

    It is the driver's own (see ``compilation``). Without ``wait``, "database is locked" comes at
    once if somebody else is writing.
    """
    pooled = engine.raw_connection()
    try:
        database = pooled.driver_connection
        assert isinstance(database, sqlite3.Connection)
        if not wait:
            database.execute("PRAGMA busy_timeout=0")
        try:
            # IMMEDIATE: a transaction that starts by reading may find that it cannot become a
            # writer any more, and then it fails however long it waits.
            database.execute("BEGIN IMMEDIATE")
        finally:
            if not wait:
                database.execute(f"PRAGMA busy_timeout={int(BUSY_TIMEOUT_SECONDS * 1000)}")
        yield database
        database.execute("COMMIT")
    finally:
        pooled.close()  # the pool takes it back, and rolls back what was not committed


def driver_connection(connection: Connection) -> sqlite3.Connection:
    """Return the driver's connection below SQLAlchemy's."""
    database = connection.connection.driver_connection
    assert isinstance(database, sqlite3.Connection)
    return database


@contextmanager
def structure_change(engine: Engine) -> Iterator[Connection]:
    """Give SQLAlchemy's connection in a writing transaction in which tables can be replaced.

    Foreign keys are off, or dropping the old table would delete what refers to the new one.
    SQLite takes that setting only outside a transaction.
    """
    with engine.connect() as connection:
        database = driver_connection(connection)
        database.execute("PRAGMA foreign_keys=OFF")
        try:
            writer = connection.execution_options(begin="BEGIN IMMEDIATE")
            with writer.begin():
                yield writer
        finally:
            database.execute("PRAGMA foreign_keys=ON")
