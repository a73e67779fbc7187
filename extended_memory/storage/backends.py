"""Where contexts are kept: opens the repository that the settings ask for, and no other."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from extended_memory.domain import (
    Backup,
    MadeBackup,
    RestoredBackup,
)
from extended_memory.errors import (
    Diagnosis,
    StoreError,
)
from extended_memory.settings import RedisLocation, SqliteLocation
from extended_memory.storage.contract import MemoryRepository

if TYPE_CHECKING:
    from extended_memory.storage.redis.legacy import LegacyRedis


def open_repository(
    location: SqliteLocation | RedisLocation, *, must_exist: bool = False
) -> MemoryRepository:
    """Return the repository for a location, importing only the backend it needs.

    Nothing is opened or created yet: a fault of the store is an error of the call that meets it.
    With ``must_exist``, no call makes a file: one that is not there is such a fault.
    """
    if isinstance(location, RedisLocation):
        from extended_memory.storage.redis.repository import RedisRepository

        return RedisRepository(
            location.url, key_prefix=location.key_prefix, may_evict=location.may_evict
        )
    from extended_memory.storage.sqlite.repository import SqliteRepository

    return SqliteRepository(location.path, own_folder=location.own_folder, must_exist=must_exist)


def empty_repository() -> MemoryRepository:
    """Return a repository that holds nothing, for a place where there is none."""
    from extended_memory.storage.empty import EmptyRepository

    return EmptyRepository()


def is_there(location: SqliteLocation | RedisLocation) -> bool:
    """Say whether there is a store to read; a Redis is one, whatever it holds."""
    if isinstance(location, RedisLocation):
        return True
    from extended_memory.storage.sqlite.file import permissions

    return permissions.holds_something(location.path)


def shown(location: SqliteLocation | RedisLocation) -> str:
    """Name a place to the person whose it is, without a secret.

    Raises:
        StoreError: the URL of a Redis cannot be understood.
    """
    if isinstance(location, RedisLocation):
        from extended_memory.storage.redis.connection import address

        return address.parse(location.url).shown
    return str(location.path)


def open_legacy_redis(url: str, *, prefix: str) -> "LegacyRedis":
    """Return the memories of 0.9.0 in a Redis server; nothing is read yet."""
    from extended_memory.storage.redis.legacy import LegacyRedis

    return LegacyRedis(url, prefix=prefix)


Tell = Callable[[int, int], None]
"""Is told how much of a task is done, and of how much."""


def store_files(location: SqliteLocation | RedisLocation) -> tuple[Path, ...]:
    """Return the files that a store is in, its backups too; some may not be there now."""
    if isinstance(location, RedisLocation):
        return ()
    from extended_memory.storage.sqlite.file import backup

    return backup.store_files(location.path)


def side_files(location: SqliteLocation) -> tuple[Path, ...]:
    """Return where SQLite keeps files beside a store's own; it plays them back and deletes them."""
    from extended_memory.storage.sqlite.file import side_files

    return side_files.beside(location.path)


def back_up(
    location: SqliteLocation | RedisLocation,
    target: Path | None,
    *,
    overwrite: bool = False,
    tell: Tell,
) -> MadeBackup:
    """Copy a store's file while others use it, beside it or to a new file.

    Raises:
        StoreError: the store is no file, or it cannot be copied.
        OutputError: the target is not to be written over.
    """
    from extended_memory.storage.sqlite.file import backup

    return backup.back_up(_file(location), target, overwrite=overwrite, tell=tell)


def backups(location: SqliteLocation | RedisLocation) -> tuple[Backup, ...]:
    """Return the copies beside a store's file, the newest first.

    Raises:
        StoreError: the store is no file, or its folder cannot be read.
    """
    from extended_memory.storage.sqlite.file import backup

    return backup.backups(_file(location))


def backup_to_restore(location: SqliteLocation | RedisLocation, file: Path) -> Backup:
    """Look at a file that is to take the place of a store's.

    Raises:
        StoreError: it is none, or the store is no file.
    """
    from extended_memory.storage.sqlite.file import backup

    _file(location)
    return backup.backup_to_restore(file)


def restore_backup(
    location: SqliteLocation | RedisLocation, file: Path, *, tell: Tell
) -> RestoredBackup:
    """Put a backup in the place of a store's file, and keep that one.

    Raises:
        StoreError: the backup is none, others use the file, or the store is no file.
    """
    from extended_memory.storage.sqlite.file import backup

    return backup.restore(_file(location), file, tell=tell)


def diagnoses(location: SqliteLocation | RedisLocation) -> Iterator[Diagnosis]:
    """Say how a store is; it is neither made nor upgraded."""
    if isinstance(location, RedisLocation):
        from extended_memory.storage.redis.check import diagnosis as of_redis

        return of_redis.diagnoses(location.url, location.key_prefix, may_evict=location.may_evict)
    from extended_memory.storage.sqlite.check import diagnosis as of_file

    return of_file.diagnoses(location.path)


def diagnose_sqlite() -> Diagnosis:
    """Say which SQLite this Python carries, and what is known of it."""
    from extended_memory.storage.sqlite.check import diagnosis as of_file

    return of_file.diagnose_library()


def _file(location: SqliteLocation | RedisLocation) -> Path:
    if isinstance(location, RedisLocation):
        raise StoreError(
            "This memory is on a Redis server, which backs itself up.",
            remedy=(
                "copy its snapshot (written by BGSAVE) or its append-only files with the server's "
                "own tools, or take the memory out with `extended-memory-mcp export`."
            ),
        )
    return location.path
