"""The files that SQLite keeps beside a database: its log, the index of the log, its journal."""

from pathlib import Path
from typing import Final

ENDINGS: Final = ("-wal", "-shm", "-journal")
"""The endings of their names."""


def wal(path: Path) -> Path:
    """Return where SQLite keeps the write-ahead log of a database."""
    return path.with_name(f"{path.name}-wal")


def shm(path: Path) -> Path:
    """Return where SQLite keeps the index of that log, which its users share."""
    return path.with_name(f"{path.name}-shm")


def beside(path: Path) -> tuple[Path, ...]:
    """Return where SQLite keeps files beside a database, whether they are there or not."""
    return tuple(path.with_name(path.name + ending) for ending in ENDINGS)


def with_database(path: Path) -> tuple[Path, ...]:
    """Return a database and where SQLite keeps files beside it."""
    return (path, *beside(path))
