"""The health of a server by its INFO: it is refused, warned about, or used.

INFO is asked instead of CONFIG GET, which hosted servers forbid. How often an append-only file is
synced is not in it: the README says what each setting means.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

from extended_memory.errors import (
    StoreError,
)
from extended_memory.settings import REDIS_ALLOW_EVICTION
from extended_memory.storage.redis.connection.client import Client
from extended_memory.storage.redis.keys import LAYOUT, Keys

LEGACY_PREFIX = "extended_memory"
"""The default prefix of 0.9.0's keys."""

_OLDEST = 7  # the first with flags of scripts; Valkey begins at 7.2 and says so here as well

logger = logging.getLogger(__name__)

Info: TypeAlias = dict[str, Any]


def require_usable(infos: Sequence[Info], *, name: str, may_evict: bool) -> None:
    """Look at every server before the first call is sent to it.

    Raises:
        StoreError: it is too old, or it may throw memories away.
    """
    for info in infos:
        version = str(info.get("redis_version", ""))
        if version.partition(".")[0].isdecimal() and int(version.partition(".")[0]) < _OLDEST:
            raise StoreError(
                f"{name} runs version {version}, and this memory needs Redis 7.0 or Valkey 7.2 or "
                "newer.",
                remedy="upgrade the server.",
            )
        policy = str(info.get("maxmemory_policy", ""))
        if info.get("maxmemory") and policy.startswith("allkeys") and not may_evict:
            raise StoreError(
                f"{name} throws memories away when it is full (maxmemory-policy {policy}), so "
                "nothing is kept there.",
                remedy=(
                    "set the policy to noeviction, or "
                    f"{REDIS_ALLOW_EVICTION}=yes if losing memories is fine."
                ),
            )


def require_layout(client: Client, keys: Keys, *, name: str) -> None:
    """Look at who wrote the store.

    Raises:
        StoreError: a newer release did.
        redis.exceptions.RedisError: the server cannot be asked.
    """
    layout, release = client.hmget(keys.meta, "layout", "release")
    if layout not in {None, str(LAYOUT)}:
        raise StoreError(
            f"The memory on {name} was written by a newer release, and it was left as it is.",
            remedy=(
                f"install extended-memory-mcp {release} or newer."
                if release
                else "upgrade this one."
            ),
        )


def warn(infos: Sequence[Info], *, name: str) -> None:
    """Say in the log where what is saved would not survive the server."""
    for info in infos:
        for fact, remedy in shortcomings(info, name=name):
            logger.warning("%s %s", fact, remedy)


def shortcomings(info: Info, *, name: str) -> Iterator[tuple[str, str]]:
    """Give what would not survive a server, and what to do."""
    if info.get("loading"):
        return
    if not info.get("aof_enabled"):
        yield (
            f"{name} keeps no append-only file: what is saved is lost when it stops, but for its "
            "last snapshot.",
            "Set appendonly to yes, and appendfsync to always for a save that also survives a "
            "power cut.",
        )
    elif info.get("aof_last_write_status", "ok") != "ok":
        yield f"{name} could not write its append-only file.", "Check its disk."


def holds_legacy(client: Client, keys: Keys) -> bool:
    """Say whether memories of 0.9.0 lie beside ours and none was imported yet."""
    from redis.exceptions import NoPermissionError

    if client.exists(keys.origins):
        return False
    try:
        return any(client.exists(f"{prefix}:projects") for prefix in (keys.prefix, LEGACY_PREFIX))
    except NoPermissionError:
        return False  # a user who may see our keys alone has no business with others


def infos(client: Client) -> Iterator[Info]:
    """Give what each server that can be written to says of itself."""
    from redis.cluster import RedisCluster
    from redis.exceptions import ConnectionError as LostError
    from redis.exceptions import TimeoutError as TooLateError

    if not isinstance(client, RedisCluster):
        yield client.info()
        return
    for node in client.get_primaries():
        # The projects of the other nodes are served meanwhile; a call that needs this one says
        # so, and then all are asked again.
        with suppress(LostError, TooLateError):
            yield client.info(target_nodes=node)
