"""Where contexts are kept: opens the repository that the settings ask for, and no other."""

import logging
from functools import cache
from importlib.util import find_spec

from extended_memory.domain import StoreError
from extended_memory.settings import RedisLocation, SqliteLocation
from extended_memory.storage.contract import MemoryRepository

logger = logging.getLogger(__name__)


def open_repository(location: SqliteLocation | RedisLocation) -> MemoryRepository:
    """Return the repository for a location, importing only the backend it needs.

    Nothing is opened or created yet: a fault of the store is an error of the call that meets it.

    Raises:
        StoreError: the backend is not installed or not part of this release.
    """
    if isinstance(location, RedisLocation):
        raise StoreError(_redis_refusal())
    from extended_memory.storage.sql.repository import SqlRepository

    return SqlRepository(location.path, own_folder=location.own_folder)


@cache
def _redis_refusal() -> str:
    """Say why Redis cannot be used; the log says it once."""
    if find_spec("redis") is None:
        refusal = (
            "STORAGE_CONNECTION_STRING names a Redis server, but Redis support is not installed: "
            'run `pip install "extended-memory-mcp[redis]"`, or with uv '
            '`uvx --from "extended-memory-mcp[redis]" extended-memory-mcp`.'
        )
    else:
        refusal = (
            "STORAGE_CONNECTION_STRING names a Redis server, and this release cannot store in "
            "Redis yet: use sqlite:////absolute/path/memory.db."
        )
    logger.error("%s", refusal)
    return refusal
