"""Backups that a person asks for: made while servers run, listed, put back.

**Putting one back** writes it over the present file through SQLite, in one transaction. So no file
takes another's place under a server that starts, and no old WAL is played back over a new file.

All other users must be gone before, which SQLite's own locks tell. A connection that uses a WAL
holds a shared lock while it is open, so leaving the WAL fails while there is one. A present file
that is too damaged to be locked is moved aside with its WAL. Nobody can use it then; where the
system tells who has a file open, it is asked. Beyond reach are locks of another machine on a
network file system that has none.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path

from extended_memory import output
from extended_memory.domain import Backup, MadeBackup, MovedFile, RestoredBackup
from extended_memory.errors import StoreError
from extended_memory.output import OutputError
from extended_memory.storage.sqlite.file import copies, orphans, permissions, side_files, unfinished
from extended_memory.storage.sqlite.file.copies import Tell, tell_nobody
from extended_memory.storage.sqlite.file.engine import READ_WRITE, connect
from extended_memory.storage.sqlite.file.faults import fault, is_locked
from extended_memory.storage.sqlite.file.open_files import (
    in_use_error,
    processes_with,
    require_unused,
)
from extended_memory.storage.sqlite.schema import upgrade
from extended_memory.storage.sqlite.schema.upgrade import FileState

_LOCK_SECONDS = 2.0
"""Another user may take this long to finish; a server never does."""


def back_up(
    path: Path, target: Path | None, *, overwrite: bool = False, tell: Tell = tell_nobody
) -> MadeBackup:
    """Copy a file while others use it, beside it or to a new file.

    The file is neither changed nor upgraded. Copies beside it go where newer ones are enough.

    Raises:
        StoreError: there is no file, it is not ours, or it cannot be read or copied.
        StoreBusyError: another process uses the target.
        OutputError: the target is not to be written over.
    """
    _require_file(path)
    with _faults(path):
        with closing(connect(path)) as database:
            state = upgrade.file_state(database)
            revision = upgrade.revision_of(database, state)
        if state in {FileState.EMPTY, FileState.FOREIGN}:
            raise StoreError(f"{path.name} holds no memory of this product: nothing was copied.")
        is_beside = target is None
        if target is None:
            target = copies.new_name(path, revision, "manual")
        elif target.is_dir():
            target /= copies.new_name(path, revision, "manual").name
    with _faults(target):
        target = _checked_target(target, store_files(path), overwrite=overwrite)
        with closing(connect(path)) as source:
            moved = copies.write(source, target, may_replace=overwrite, tell=tell)
    with _faults(target):
        unfinished.remove_abandoned(path)
        gone = copies.thin_out(path, "manual", spared=(target,)) if is_beside else []
        return MadeBackup(backup=_describe(target), removed=tuple(gone), moved=moved)


def store_files(path: Path) -> tuple[Path, ...]:
    """Return what is part of a memory: its file, what lies beside it for SQLite, and its copies.

    Those that SQLite makes are named also where they are not there now.
    """
    there: list[Path] = []
    with suppress(OSError):  # no folder, or one that nobody can look into or write to
        there += [*unfinished.parts(path), *orphans.kept_files(path)]
        there += [f for copy in copies.beside(path) for f in side_files.with_database(copy.path)]
    return (*side_files.with_database(path), *there)


def _checked_target(target: Path, store: tuple[Path, ...], *, overwrite: bool) -> Path:
    """Return where a copy goes to, without links.

    Raises:
        OutputError: something is there that is not to be written over, or is no file.
    """
    to = output.target(target, store=store)
    for side in side_files.beside(to.path):  # what lies there is moved away
        output.target(side, store=store)
    if to.is_stream:
        raise OutputError(
            f"{to.name} is no file, and SQLite writes a copy into a file alone.",
            remedy="name one, or take `extended-memory-mcp export`, which can write there.",
        )
    if to.status is not None and not overwrite:
        raise OutputError(
            f"There is a file {to.name} already.",
            remedy="choose another name, or say --overwrite.",
        )
    return to.path


def backups(path: Path) -> tuple[Backup, ...]:
    """Return the copies that lie beside a file, the newest first."""
    with _faults(path):
        if not path.parent.is_dir():
            return ()
        return tuple(_describe(copy.path, copy) for copy in reversed(copies.beside(path)))


def backup_to_restore(backup: Path) -> Backup:
    """Look at a file that is to take the place of the present one; it is read as a whole.

    Raises:
        StoreError: it is not there, no memory of ours, of a newer release, or damaged.
    """
    _require_file(backup)
    with _faults(backup):
        with closing(connect(backup, copies.reading_mode(backup))) as database:
            if upgrade.require_ours(database, backup.name) is FileState.EMPTY:
                raise StoreError(f"{backup.name} holds no memory of this product.")
        if not copies.is_sound(backup):
            raise StoreError(
                f"{backup.name} is damaged, so it was not restored.",
                remedy="`extended-memory-mcp backups` lists others.",
            )
        return _describe(backup)


def restore(path: Path, backup: Path, *, tell: Tell = tell_nobody) -> RestoredBackup:
    """Put a backup in the place of the present file, and keep that one.

    Raises:
        StoreError: the backup is not one, or the file cannot be written.
        StoreBusyError: others use the file.
    """
    if output.is_same(path, backup):
        raise StoreError(
            f"{backup.name} is the present file itself.", remedy="name one of its backups."
        )
    if path.exists() and not path.is_file():
        raise StoreError(
            f"{path.name} is no regular file, so nothing was restored.",
            remedy="set STORAGE_CONNECTION_STRING to one.",
        )
    backup_to_restore(backup)
    with _faults(path):
        with closing(connect(backup, copies.reading_mode(backup))) as source:
            aside, moved = _install(path, source, tell)
        if not copies.is_sound(path, READ_WRITE):  # a server may have it open already
            raise StoreError(
                f"{path.name} is not whole, now that {backup.name} is in its place.",
                remedy="quit every client of this memory, and restore it again.",
            )
        if aside is not None:
            copies.thin_out(path, "replaced", spared=(aside, backup))
        return RestoredBackup(backup=_describe(path), replaced=aside, moved=moved)


def _install(
    path: Path, source: sqlite3.Connection, tell: Tell
) -> tuple[Path | None, tuple[MovedFile, ...]]:
    """Write a database to a place; return where the file is that was there, and what lay beside."""
    permissions.make_folder(path.parent)
    if not path.exists():
        return None, copies.write(source, path, is_checked=False, tell=tell)
    moved: tuple[MovedFile, ...] = ()
    if not permissions.size(path):
        moved = orphans.set_aside(path)  # SQLite would delete it, as it is of no empty file
    try:
        return _overwrite(path, source, tell), moved
    except sqlite3.DatabaseError as error:
        if not _is_beyond_sqlite(error):
            raise
    return _replace(path, source, tell)


def _overwrite(path: Path, source: sqlite3.Connection, tell: Tell) -> Path:
    """Keep a copy of the present file, and write the backup over it."""
    with closing(connect(path, timeout=_LOCK_SECONDS)) as present:
        present.execute("PRAGMA locking_mode=EXCLUSIVE")  # from the next transaction on, for good
        present.execute("PRAGMA journal_mode=DELETE")  # the WAL goes into the file
        present.execute("BEGIN EXCLUSIVE")
        present.execute("COMMIT")
        unfinished.remove_abandoned(path, is_locked=True)
        aside = copies.new_name(path, _revision(present), "replaced")
        copies.write(present, aside, is_checked=False)
        try:
            source.backup(
                present, pages=-1, progress=lambda _status, left, total: tell(total - left, total)
            )
        except sqlite3.Error:
            # Fails as well where the change was not undone; else what is there needs no copy.
            present.execute("SELECT count(*) FROM sqlite_master").fetchone()
            copies.remove(aside)
            raise
    return aside


def _replace(
    path: Path, source: sqlite3.Connection, tell: Tell
) -> tuple[Path, tuple[MovedFile, ...]]:
    """Move a file that SQLite cannot read out of the way, and write the backup in its place."""
    require_unused(path)
    aside = copies.new_name(path, "unknown", "replaced")
    _move(path, aside)
    try:
        return aside, copies.write(source, path, is_checked=False, tell=tell)
    except BaseException:
        if not path.exists():  # nobody has made a new one meanwhile
            _move(aside, path)
        raise


def _move(path: Path, target: Path) -> None:
    """Give a file another name, with what belongs to it; the file itself comes last."""
    files_of = zip(side_files.with_database(path), side_files.with_database(target), strict=True)
    for old, new in reversed([*files_of]):
        if old.exists():
            old.replace(new)


def _revision(database: sqlite3.Connection) -> str:
    try:
        return upgrade.revision_of(database, upgrade.file_state(database))
    except sqlite3.DatabaseError:
        return "unknown"


def _describe(path: Path, copy: copies.Copy | None = None) -> Backup:
    """Return what a copy is by its name, or else by its file, and how much it holds."""
    status = path.stat()
    written_at = datetime.fromtimestamp(status.st_mtime, timezone.utc).replace(microsecond=0)
    revision, count = "unknown", None
    try:
        with closing(connect(path, copies.reading_mode(path))) as database:
            revision = _revision(database)
            (count,) = database.execute("SELECT count(*) FROM contexts").fetchone()
    except sqlite3.DatabaseError:
        pass  # damaged, or no memory: that it cannot be counted says so
    return Backup(
        path=path,
        written_at=copy.written_at if copy else written_at,
        reason=copy.kind if copy else "",
        revision=revision if copy is None or revision != "unknown" else copy.revision,
        size=status.st_size,
        context_count=count,
        # One without a name of ours was looked through just now.
        is_damaged=copy is not None and not copies.is_sound(path),
    )


def _require_file(path: Path) -> None:
    with _faults(path):
        if not path.is_file():
            raise StoreError(
                f"There is no file {path.name}.", remedy="check its name and its folder."
            )


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        if is_locked(error):
            raise in_use_error(path.name, processes_with(path) or ()) from None
        raise fault(error, name=path.name) from error


def _is_beyond_sqlite(error: sqlite3.DatabaseError) -> bool:
    return any(words in str(error) for words in ("not a database", "malformed"))
