"""The diagnosis of a SQLite file, for a person who looks for a fault; it changes nothing."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from extended_memory.counts import counted
from extended_memory.errors import Diagnosis, StoreError
from extended_memory.storage.sqlite.file import copies, orphans, permissions, side_files, unfinished
from extended_memory.storage.sqlite.file.engine import connect
from extended_memory.storage.sqlite.file.faults import cause, fault
from extended_memory.storage.sqlite.file.open_files import processes_with
from extended_memory.storage.sqlite.schema import upgrade
from extended_memory.storage.sqlite.schema.upgrade import HEAD, FileState

_LARGE_WAL: Final = 64_000_000
"""A WAL grows so far where a reader never ends, or where no server of ours comes to copy it."""

_WITHOUT_THE_BUG: Final = ((3, 51, 3), (3, 50, 7), (3, 44, 6))
"""The first releases without the WAL-reset bug, of three branches (see ``database``)."""


def diagnose_library() -> Diagnosis:
    """Say which SQLite this is, and whether it has the bug that ``database`` describes."""
    version = sqlite3.sqlite_version_info
    is_mended = version >= _WITHOUT_THE_BUG[0] or any(
        version[:2] == mended[:2] and version >= mended for mended in _WITHOUT_THE_BUG[1:]
    )
    if is_mended:
        return Diagnosis(fact=f"SQLite {sqlite3.sqlite_version}.")
    return Diagnosis(
        fact=f"SQLite {sqlite3.sqlite_version} has the WAL-reset bug, which can lose a commit: "
        "this server never checkpoints while anyone commits, so here it cannot happen.",
        remedy="let no other program write to the file while a server runs.",
    )


def diagnoses(path: Path) -> Iterator[Diagnosis]:
    """Give what there is to say of a file."""
    try:
        is_there = path.exists()
    except OSError as error:  # it may not be looked at
        yield Diagnosis.of(fault(error, name=path.name))
        return
    if not is_there:
        yield Diagnosis(fact=f"There is no memory yet at {path}: a server makes it at its start.")
        yield from _folder_diagnoses(path.parent)
        return
    try:
        yield from _file_diagnoses(path)
    except StoreError as refusal:
        yield Diagnosis.of(refusal)
    except (sqlite3.Error, OSError) as error:
        yield Diagnosis.of(fault(error, name=path.name))
    yield from _mode_diagnoses(path)
    yield _user_diagnosis(path)
    yield from _backup_diagnoses(path)


def _file_diagnoses(path: Path) -> Iterator[Diagnosis]:
    wal = permissions.size(side_files.wal(path))
    yield Diagnosis(fact=f"The memory is {path} ({_megabytes(permissions.size(path))}).")
    if wal > _LARGE_WAL:
        yield Diagnosis(
            level="warning",
            fact=f"Its write-ahead log has {_megabytes(wal)}.",
            remedy="quit every client: the last one to close copies the log into the file.",
        )
    elif wal:
        yield Diagnosis(fact=f"Its write-ahead log has {_megabytes(wal)}.")
    with closing(connect(path, timeout=1)) as database:
        state = upgrade.require_ours(database, path.name)
        yield _state_diagnosis(state, upgrade.revision_of(database, state))
        if state is FileState.EMPTY:
            return
        if database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            yield Diagnosis(
                level="problem",
                fact=f"{path.name} is damaged.",
                remedy="`extended-memory-mcp check` says how, and `extended-memory-mcp backups` "
                "lists what `extended-memory-mcp restore-backup` can put in its place.",
            )
            return
        (count,) = database.execute("SELECT count(*) FROM contexts").fetchone()
        yield Diagnosis(fact=f"It holds {counted(count, 'context')}, and its pages are whole.")
        yield _lock_diagnosis(path, database)


def _state_diagnosis(state: FileState, revision: str) -> Diagnosis:
    if state is FileState.CURRENT:
        return Diagnosis(fact=f"Its revision is {revision}, the newest.")
    if state is FileState.EMPTY:
        return Diagnosis(fact="It is empty: a server makes the memory in it at its start.")
    return Diagnosis(
        fact=f"Its revision is {revision}: a server brings it to {HEAD} at its start, after a "
        "backup."
    )


def _lock_diagnosis(path: Path, database: sqlite3.Connection) -> Diagnosis:
    """Say whether the file can be written now, by a change that is undone."""
    try:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        database.execute("BEGIN IMMEDIATE")
        database.execute(f"PRAGMA user_version={version}")
        database.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        level = Diagnosis.of(fault(error, name=path.name))
        if "locked" not in cause(error):
            return level
        return Diagnosis(level="warning", fact=level.fact, remedy=level.remedy)
    return Diagnosis(fact="It can be written.")


def _folder_diagnoses(folder: Path) -> Iterator[Diagnosis]:
    there = next(each for each in (folder, *folder.parents) if each.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        yield Diagnosis(
            level="problem",
            fact=f"Nothing can be made in {there}.",
            remedy="make it writable for you, or set STORAGE_CONNECTION_STRING to another place.",
        )


def _mode_diagnoses(path: Path) -> Iterator[Diagnosis]:
    if os.name != "nt" and path.stat().st_mode & 0o077 & ~permissions.FILE_MODE:
        yield Diagnosis(
            level="warning",
            fact="Others on this machine may read the memory.",
            remedy=f"`chmod 600 {path}`; a server does it as well where the file is its user's.",
        )


def _user_diagnosis(path: Path) -> Diagnosis:
    others = processes_with(path)
    if others is None:
        return Diagnosis(fact="Whether other servers use it cannot be seen on this system.")
    if not others:
        return Diagnosis(fact="No other process has it open.")
    ids = ", ".join(map(str, others))
    several = counted(len(others), "other process", "other processes")
    return Diagnosis(fact=f"Open in {several}, which is fine: {ids}.")


def _backup_diagnoses(path: Path) -> Iterator[Diagnosis]:
    try:
        found, parts = copies.beside(path), unfinished.parts(path)
        logs = [file for file in orphans.kept_files(path) if "-shm." not in file.name]
    except OSError as error:
        yield Diagnosis.of(fault(error, name=path.parent.name))
        return
    if found:
        newest = f"{found[-1].written_at:%Y-%m-%d %H:%M} UTC"
        yield Diagnosis(fact=f"Beside it: {counted(len(found), 'backup')}, the newest of {newest}.")
    else:
        yield Diagnosis(fact="No backup lies beside it: `extended-memory-mcp backup` makes one.")
    if logs:
        yield Diagnosis(
            fact=f"Beside it: {counted(len(logs), 'log')} of a file that was gone, kept under "
            "names that end in -replaced."
        )
    if parts:
        yield Diagnosis(
            level="warning",
            fact=f"Beside it: {counted(len(parts), 'unfinished copy', 'unfinished copies')}.",
            remedy="delete what has .unfinished in its name, unless a backup is being made right "
            "now.",
        )


def _megabytes(count: int) -> str:
    return f"{count / 1_000_000:,.1f} MB"
