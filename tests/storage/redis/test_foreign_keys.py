"""Something else under a key of ours is named, and neither used nor changed."""

from collections.abc import Iterator
from contextlib import closing

import pytest
import redis

from extended_memory.storage.redis.repository import RedisRepository
from tests.support.contract import save
from tests.support.redis_calls import CALLS, SAVES, WRITES, end
from tests.support.redis_servers import RedisServer

KINDS = {
    "em:{g}:seq": (*SAVES, "walk", "walk trash", "rename"),
    "em:{g}:i:0": (*SAVES, "walk", "walk trash", "revised", "get"),
    "em:{g}:projects": (*SAVES, "projects", "index"),
    "em:{g}:origins": ("bring",),
    "em:{g}:meta": tuple(CALLS),  # each call here is the first one, which looks for the layout
    "em:c:{alpha}:1": (
        "forget",
        "update",
        "load",
        "load by tags",
        "search",
        "walk",
        "get",
        "rename",
        "summary",
    ),
    "em:c:{alpha}:2": SAVES,
    "em:z:{alpha}": (*WRITES, "load", "search", "index", "projects", "project", "summary"),
    "em:t:{alpha}:a": (*WRITES, "load by tags"),
    "em:k:{alpha}": (*WRITES, "popular tags"),
    "em:m:{alpha}": (*WRITES, "search", "index", "projects", "project"),
    "em:r:{alpha}": WRITES,
    "em:d:{alpha}": WRITES,
    "em:x:{alpha}": (*WRITES, "trash", "summary"),
    "em:y:{alpha}:1": ("forget", "update", "rename"),
    "em:v:{alpha}:1": ("forget", "update", "restore", "revisions", "revised", "rename"),
    "em:n:{alpha}": ("bring", "rename"),
    "em:n:{alpha}:1": ("rename",),
    "em:n:{alpha}:2": ("bring",),
    "em:o:{alpha}": (*WRITES, "search", "index"),
    "em:w:{alpha}": (*WRITES, "search"),
    "em:p:{alpha}:a": (*SAVES, "forget", "rename"),
    "em:p:{alpha}:note": ("update", "forget", "search", "rename"),
    "em:e:{alpha}": (*WRITES, "search"),
}
"""A key of each kind, and the calls that need it."""

RESERVED = {b"em:{g}:seq", b"em:{g}:i:0", b"em:{g}:origins"}
"""Where a save that fails in its second step leaves the id that nobody has."""


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def client(server: RedisServer) -> Iterator[redis.Redis]:
    with server.client() as client:
        client.flushall()
        yield client


def held(server: RedisServer) -> dict[bytes, object]:
    """Return all that the server holds, key by key, but for reserved ids."""
    with server.client(decode_responses=False) as client:
        return {key: client.dump(key) for key in client.scan_iter() if key not in RESERVED}


@pytest.mark.parametrize(
    ("key", "call"), [(key, call) for key, calls in KINDS.items() for call in calls]
)
def test_a_foreign_key_is_a_sentence_and_nothing_is_changed(
    server: RedisServer, client: redis.Redis, key: str, call: str
) -> None:
    with closing(RedisRepository(server.url, key_prefix="em")) as repository:
        save(repository, "note", tags=("a", "b"))
    client.delete(key)
    put = client.set if key.startswith("em:v:") else client.rpush  # never of our own type
    put(key, "of somebody else")
    before = held(server)
    with closing(RedisRepository(server.url, key_prefix="em")) as repository:
        ended = end(CALLS[call], repository)
    assert held(server) == before
    assert ended.refuses_with("holds something else under a key.*REDIS_KEY_PREFIX")
