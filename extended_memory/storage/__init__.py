"""Where contexts are kept: opens the repository that the settings ask for, and no other."""

from typing import TYPE_CHECKING

from extended_memory.settings import RedisLocation, SqliteLocation
from extended_memory.storage.contract import MemoryRepository

if TYPE_CHECKING:
    from extended_memory.storage.redis.legacy import LegacyRedis


def open_repository(location: SqliteLocation | RedisLocation) -> MemoryRepository:
    """Return the repository for a location, importing only the backend it needs.

    Nothing is opened or created yet: a fault of the store is an error of the call that meets it.
    """
    if isinstance(location, RedisLocation):
        from extended_memory.storage.redis.repository import RedisRepository

        return RedisRepository(
            location.url, key_prefix=location.key_prefix, may_evict=location.may_evict
        )
    from extended_memory.storage.sql.repository import SqlRepository

    return SqlRepository(location.path, own_folder=location.own_folder)


def open_legacy_redis(url: str, *, prefix: str) -> "LegacyRedis":
    """Return the memories of 0.9.0 in a Redis server; nothing is read yet."""
    from extended_memory.storage.redis.legacy import LegacyRedis

    return LegacyRedis(url, prefix=prefix)
