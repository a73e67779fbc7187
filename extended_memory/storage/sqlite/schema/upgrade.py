"""The state of a database file, and its upgrade to the one that this release knows.

Alembic takes a tenth of a second to import, so it is imported only when there is something to do.
``HEAD`` names the newest revision without it, and a test compares the two.
"""

import logging
import math
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine, insert

from extended_memory.errors import StoreError
from extended_memory.storage.sqlite.file import copies, permissions, side_files, states, unfinished
from extended_memory.storage.sqlite.file.engine import connect, driver_connection, structure_change
from extended_memory.storage.sqlite.file.faults import is_disk_full
from extended_memory.storage.sqlite.models import StoreFactRow
from extended_memory.storage.sqlite.rows import scalar
from extended_memory.version import __version__

if TYPE_CHECKING:
    from alembic.config import Config

REVISIONS = ("0001", "0002", "0003", "0004")
"""Every revision this release knows, oldest first; a test compares them with the scripts."""

HEAD = REVISIONS[-1]

LEGACY = "0.9.0"
"""Stands for the revision of a file that 0.9.0 or an older install from source wrote."""

_ROOM_FOR_ONE_BYTE: Final = 3
"""The backup, the old tables in the journal, the new ones in the file: measured below this."""

_PACKAGE = Path(__file__).resolve().parents[3]

_MIGRATING: Final = threading.Lock()
"""Alembic keeps the migration that runs in globals: another thread's would get its connection."""

logger = logging.getLogger(__name__)


class FileState(Enum):
    """The kinds of files that an upgrade meets."""

    EMPTY = auto()
    CURRENT = auto()
    OLDER = auto()
    LEGACY = auto()
    NEWER = auto()
    FOREIGN = auto()


_UPGRADED: Final = frozenset({FileState.OLDER, FileState.LEGACY})
"""The states in which an upgrade changes something that a backup keeps."""


def upgrade(engine: Engine, path: Path) -> None:
    """Bring the file to ``HEAD`` in one transaction, after a backup where it held anything.

    Safe when several servers meet the file at once: the first one does the work, the others
    wait for its transaction and find it done.

    Raises:
        StoreError: a newer release or another program wrote the file, or the disk is full; it is
            left untouched.
    """
    with engine.connect() as connection:
        if require_ours(driver_connection(connection), path.name) is FileState.CURRENT:
            return
    with upgrade_transaction(engine, path) as (connection, state):
        if state is not FileState.CURRENT:
            migrate(connection)
            logger.info("%s is at revision %s now.", path, HEAD)


@contextmanager
def upgrade_transaction(engine: Engine, path: Path) -> Iterator[tuple[Connection, FileState]]:
    """Give a connection in the transaction of an upgrade, and the file's state before it.

    Where the upgrade would change something, a backup is written first. Only after the commit do
    older ones go. Others wait for the transaction, so they find the file upgraded or the backup.

    Raises:
        StoreError: a newer release or another program wrote the file, or the disk is full.
    """
    before = frozenset[Path]()
    backup: Path | None = None
    is_upgrade = False
    try:
        with structure_change(engine) as connection:
            state = require_ours(driver_connection(connection), path.name)
            is_upgrade = state in _UPGRADED
            if is_upgrade:
                revision = revision_of(driver_connection(connection), state)
                logger.info("Upgrading %s from revision %s.", path, revision)
                # With the write lock, under which alone such copies are made.
                unfinished.remove_abandoned(path, is_locked=True)
                before = frozenset(copy.path for copy in copies.beside(path))
                backup = back_up(path, revision)
            yield connection, state
    except BaseException as error:
        engine.dispose()  # what the transaction left is undone when the file is next opened
        if backup is not None and backup not in before:
            _remove_needless_backup(backup, path, is_disk_full=is_disk_full(error))
        if is_upgrade and is_disk_full(error):
            raise _no_room_error(path) from error
        raise
    if backup is not None:
        copies.thin_out(path, "upgrade", spared=(backup,))


def require_current(engine: Engine, path: Path) -> None:
    """Check a file that cannot be written.

    Raises:
        StoreError: it would have to be upgraded, or is not ours.
    """
    with engine.connect() as connection:
        if require_ours(driver_connection(connection), path.name) is not FileState.CURRENT:
            raise StoreError(
                f"{path.name} is read-only and has to be upgraded before it can be read.",
                remedy="make the file and its folder writable and try again.",
            )


def migrate(connection: Connection, revision: str = "head") -> None:
    """Run the migrations on a connection, within its transaction."""
    from alembic import command

    config = alembic_configuration()
    config.attributes["connection"] = connection
    with _MIGRATING:
        command.upgrade(config, revision)


def alembic_configuration() -> "Config":
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
    fact = insert(StoreFactRow).prefix_with("OR REPLACE")
    connection.execute(fact, {"name": "release", "value": __version__})


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
        columns = {name for _, name, *_ in database.execute("PRAGMA table_info(contexts)")}
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
        # As text: the models are of this release, and the file is of another one.
        release = scalar(database.execute("SELECT value FROM store_facts WHERE name = 'release'"))
        version = f" {release}" if release else ""
        raise StoreError(
            f"{name} was written by a newer release{version}, and it was left as it is.",
            remedy=(
                f"install "
                f"extended-memory-mcp{version or ' in its newest version'} or newer (with uv: "
                "`uvx extended-memory-mcp@latest`)."
            ),
        )
    if state is FileState.FOREIGN:
        raise StoreError(
            f"{name} is the database of another program, and it was left as it is.",
            remedy="set STORAGE_CONNECTION_STRING to a file of its own.",
        )
    return state


def revision_of(database: sqlite3.Connection, state: FileState) -> str:
    """Return the revision of a file in a state, "unknown" where it has none of ours."""
    if state in {FileState.EMPTY, FileState.FOREIGN}:
        return "unknown"
    return LEGACY if state is FileState.LEGACY else _revision(database)


def _revision(database: sqlite3.Connection) -> str:
    return str(scalar(database.execute("SELECT version_num FROM alembic_version")))


def back_up(path: Path, label: str) -> Path:
    """Copy the file beside it, unless a copy of its present state is there; return the copy.

    Without the file's write lock, a copy that another process makes meanwhile goes unnoticed.
    """
    target = copies.new_name(path, label, "upgrade")
    with closing(connect(path)) as source:
        # As it is: an upgrade may still read what is left of a damaged file.
        copies.write(source, target, is_checked=False)
    if not (earlier := states.equal_copies(target, path, "upgrade")):
        logger.info("Wrote a backup: %s", target)
        return target
    for same in (target, *earlier[1:]):
        copies.remove(same)
    logger.info("A backup is there already: %s", earlier[0])
    return earlier[0]


def _remove_needless_backup(copy: Path, path: Path, *, is_disk_full: bool) -> None:
    """Remove the copy of an upgrade that failed, where it is one too many or fills the disk."""
    with suppress(sqlite3.Error, OSError), closing(connect(path)) as database:
        there = [other for other in copies.beside(path) if other.kind == "upgrade"]
        if not is_disk_full and len(there) <= copies.BACKUPS_KEPT:
            return
        # Undoes what the upgrade left, and waits for others: they may have found this copy.
        database.execute("BEGIN IMMEDIATE")
        if file_state(database) in _UPGRADED:
            copies.remove(copy)
        database.execute("ROLLBACK")


def _no_room_error(path: Path) -> StoreError:
    size = permissions.size(path) + permissions.size(side_files.wal(path))
    megabytes = math.ceil(size * _ROOM_FOR_ONE_BYTE / 1_000_000)
    return StoreError(
        f"{path.name} cannot be upgraded, which takes about {megabytes:,} MB beside it, and the "
        "disk is full.",
        remedy="free some space and try again.",
    )
