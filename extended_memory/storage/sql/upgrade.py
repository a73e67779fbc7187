"""What state a database file is in, and how it becomes the one this release knows.

Alembic takes a tenth of a second to import, so it is imported only when there is something to
do; ``HEAD`` says without it what the newest revision is, and a test compares the two.
"""

import logging
import sqlite3
from contextlib import closing
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine

from extended_memory.domain import StoreError
from extended_memory.storage.sql import copies
from extended_memory.storage.sql.engine import connect, driver_connection, restructuring
from extended_memory.version import __version__

if TYPE_CHECKING:
    from alembic.config import Config

REVISIONS = ("0001", "0002", "0003", "0004")
"""Every revision this release knows, oldest first; a test compares them with the scripts."""

HEAD = REVISIONS[-1]

LEGACY = "0.9.0"
"""Stands for the revision of a file that 0.9.0 or an older install from source wrote."""

_PACKAGE = Path(__file__).resolve().parents[2]

logger = logging.getLogger(__name__)


class FileState(Enum):
    """What kind of file this is."""

    EMPTY = auto()
    CURRENT = auto()
    OLDER = auto()
    LEGACY = auto()
    NEWER = auto()
    FOREIGN = auto()


def upgrade(engine: Engine, path: Path) -> None:
    """Bring the file to ``HEAD`` in one transaction, after a backup where it held anything.

    Safe when several servers meet the file at once: the first one does the work, the others
    wait for its transaction and find it done.

    Raises:
        StoreError: a newer release or another program wrote the file; it is left untouched.
    """
    with engine.connect() as connection:
        if require_ours(driver_connection(connection), path.name) is FileState.CURRENT:
            return
    with restructuring(engine) as connection:
        if back_up_before_upgrade(connection, path) is not FileState.CURRENT:
            migrate(connection)
            logger.info("%s is at revision %s now.", path, HEAD)


def back_up_before_upgrade(connection: Connection, path: Path) -> FileState:
    """Write a backup where an upgrade would change something; return the file's state.

    Raises:
        StoreError: a newer release or another program wrote the file.
    """
    state = require_ours(driver_connection(connection), path.name)
    if state in {FileState.OLDER, FileState.LEGACY}:
        revision = revision_of(driver_connection(connection), state)
        logger.info("Upgrading %s from revision %s.", path, revision)
        back_up(path, revision)
    return state


def require_current(engine: Engine, path: Path) -> None:
    """Check a file that cannot be written.

    Raises:
        StoreError: it would have to be upgraded, or is not ours.
    """
    with engine.connect() as connection:
        if require_ours(driver_connection(connection), path.name) is not FileState.CURRENT:
            raise StoreError(
                f"{path.name} is read-only and has to be upgraded before it can be read: make "
                "the file and its folder writable and try again."
            )


def migrate(connection: Connection, revision: str = "head") -> None:
    """Run the migrations on a connection, within its transaction."""
    from alembic import command

    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def configuration() -> "Config":
    """Return Alembic's configuration, without a file and without touching logging."""
    from alembic.config import Config

    config = Config()
    # In a wheel the migrations lie inside the package, in a checkout beside it.
    packaged = _PACKAGE / "migrations"
    folder = packaged if packaged.is_dir() else _PACKAGE.parent / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config


def record_release(connection: Connection) -> None:
    """Note in the file which release last changed its structure."""
    connection.exec_driver_sql(
        "INSERT OR REPLACE INTO store_facts (name, value) VALUES ('release', ?)", (__version__,)
    )


def file_state(database: sqlite3.Connection) -> FileState:
    """Say what kind of file this is, by reading alone."""
    tables = {
        name
        for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' "
            "ESCAPE '~'"
        )
    }
    if not tables:
        return FileState.EMPTY
    if {"alembic_version", "store_facts"} <= tables:
        revision = _revision(database)
        if revision == HEAD:
            return FileState.CURRENT
        return FileState.OLDER if revision in REVISIONS else FileState.NEWER
    if "contexts" in tables and "alembic_version" not in tables:
        columns = {row[1] for row in database.execute("PRAGMA table_info(contexts)")}
        if {"id", "content"} <= columns:
            return FileState.LEGACY
    return FileState.FOREIGN


def require_ours(database: sqlite3.Connection, name: str) -> FileState:
    """Return a file's state.

    Raises:
        StoreError: a newer release or another program wrote the file.
    """
    state = file_state(database)
    if state is FileState.NEWER:
        release = database.execute(
            "SELECT value FROM store_facts WHERE name = 'release'"
        ).fetchone()
        version = f" {release[0]}" if release else ""
        raise StoreError(
            f"{name} was written by a newer release{version}, and it was left as it is: install "
            f"extended-memory-mcp{version or ' in its newest version'} or newer (with uv: "
            "`uvx extended-memory-mcp@latest`)."
        )
    if state is FileState.FOREIGN:
        raise StoreError(
            f"{name} is the database of another program, and it was left as it is: set "
            "STORAGE_CONNECTION_STRING to a file of its own."
        )
    return state


def revision_of(database: sqlite3.Connection, state: FileState) -> str:
    """Return the revision of a file in a state, "unknown" where it has none of ours."""
    if state in {FileState.EMPTY, FileState.FOREIGN}:
        return "unknown"
    return LEGACY if state is FileState.LEGACY else _revision(database)


def _revision(database: sqlite3.Connection) -> str:
    row = database.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(None if row is None else row[0])


def back_up(path: Path, label: str) -> Path:
    """Copy the file with SQLite's backup API beside it; return the copy, named for a revision."""
    target = copies.new_name(path, label, "upgrade")
    with closing(connect(path)) as source:
        # As it is: an upgrade may still read what is left of a damaged file.
        copies.write(source, target, is_checked=False)
    copies.thin_out(path, "upgrade")
    logger.info("Wrote a backup: %s", target)
    return target
