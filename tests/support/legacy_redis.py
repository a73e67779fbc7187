"""What the real 0.9.0 wrote into Redis, put into a server of the tests."""

import json
from pathlib import Path
from typing import Any

from tests.support.redis_servers import RedisServer

WRITTEN = Path(__file__).parents[1] / "data" / "written_by_0.9.0.redis.json"
PREFIX = "extended_memory"


def written() -> list[dict[str, Any]]:
    """Return every key that 0.9.0 wrote, with its type, value and time to live."""
    entries: list[dict[str, Any]] = json.loads(WRITTEN.read_text("utf-8"))
    return entries


def put_into(server: RedisServer, *, prefix: str = PREFIX) -> None:
    """Put those keys into a server, below this prefix."""
    with server.client() as client:
        for entry in written():
            key = prefix + entry["key"].removeprefix(PREFIX)
            if entry["type"] == "string":
                client.set(key, entry["value"])
            elif entry["type"] == "list":
                client.rpush(key, *entry["value"])
            else:
                client.hset(key, mapping=entry["value"])
            if entry["ttl"] > 0:
                client.pexpire(key, entry["ttl"])


def dump(server: RedisServer, prefix: str = PREFIX) -> dict[bytes, Any]:
    """Return everything below a prefix as Redis would dump it."""
    with server.client(decode_responses=False) as client:
        keys = sorted(client.scan_iter(match=f"{prefix}:*"))
        return {key: client.dump(key) for key in keys}
