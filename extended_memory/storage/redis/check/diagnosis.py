"""How a Redis server is, for a person who looks for what is wrong; nothing is written to it."""

from collections.abc import Iterator, Mapping
from typing import Any

from extended_memory.errors import (
    Diagnosis,
    StoreError,
)
from extended_memory.storage.redis.connection import health
from extended_memory.storage.redis.connection.store import Store
from extended_memory.storage.redis.keys import Keys


def diagnoses(url: str, key_prefix: str, *, may_evict: bool) -> Iterator[Diagnosis]:
    """Give what there is to say of a server, or of each of a cluster."""
    keys = Keys(key_prefix)
    store = Store(url, keys, may_evict=may_evict, only_reads=True)
    try:
        with store.use():
            infos = list(health.infos(store.client))
            health.require_usable(infos, name=store.name, may_evict=may_evict)
            health.require_layout(store.client, keys, name=store.name)
            last = int(store.client.get(keys.sequence) or 0)
            holds_legacy = health.holds_legacy(store.client, keys)
    except StoreError as refusal:
        yield Diagnosis.of(refusal)
        return
    finally:
        store.close()
    yield Diagnosis(fact=f"The memory is on {store.name}; {last:,} ids were given so far.")
    for info in infos:
        yield from _of_a_server(info, store.name, may_evict=may_evict)
    if holds_legacy:
        yield Diagnosis(
            level="warning",
            fact="Memories of 0.9.0 lie on this server, and none of them was brought over.",
            remedy="`extended-memory-mcp import-redis` does that.",
        )


def _of_a_server(info: Mapping[str, Any], name: str, *, may_evict: bool) -> Iterator[Diagnosis]:
    what = "Valkey" if "valkey_version" in info else "Redis"
    number = info.get("valkey_version") or info.get("redis_version", "?")
    mode = info.get("redis_mode") or info.get("server_mode", "?")
    used, most = info.get("used_memory", 0), info.get("maxmemory", 0)
    limit = f" of {most / 1_000_000:,.0f} MB" if most else ", without a limit"
    policy = info.get("maxmemory_policy", "?")
    yield Diagnosis(
        fact=f"{what} {number}, {mode}, {info.get('role', '?')} with "
        f"{info.get('connected_slaves', 0)} replicas; memory used: {used / 1_000_000:,.1f} MB"
        f"{limit}; when full: {policy}."
    )
    if most and str(policy).startswith("allkeys") and may_evict:
        yield Diagnosis(
            level="warning",
            fact="It throws memories away when it is full, and REDIS_ALLOW_EVICTION allows it.",
            remedy="set maxmemory-policy to noeviction where losing memories is not fine.",
        )
    if most and used > 0.9 * most:
        yield Diagnosis(
            level="warning",
            fact="Nine tenths of its memory are used.",
            remedy="raise its maxmemory before it refuses to save.",
        )
    found = [
        Diagnosis(level="warning", fact=fact, remedy=remedy)
        for fact, remedy in health.shortcomings(dict(info), name=name)
    ]
    if info.get("rdb_last_bgsave_status", "ok") != "ok":
        found.append(
            Diagnosis(
                level="warning",
                fact="Its last snapshot could not be written.",
                remedy="check its disk, and its log.",
            )
        )
    yield from found or [Diagnosis(fact="It keeps what it is given: the append-only file is on.")]
