"""What a server says of itself decides whether it is used, and what the log says once."""

import logging
from collections.abc import Iterator
from contextlib import closing

import pytest
import redis

from extended_memory.storage.redis.repository import RedisRepository
from tests.support.contract import load, save
from tests.support.redis_calls import CALLS, End, end, prepare
from tests.support.redis_servers import Cluster, RedisServer

KEPT = ["noeviction", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"]
EVICTED = ["allkeys-lru", "allkeys-lfu", "allkeys-random"]


def prepared(server: RedisServer | Cluster, *, may_evict: bool = False) -> End:
    """Open a store on a server, and return how that ended."""
    with closing(RedisRepository(server.url, key_prefix="em", may_evict=may_evict)) as repository:
        return end(prepare, repository)


@pytest.mark.parametrize("policy", EVICTED)
def test_a_server_that_would_throw_memories_away_is_refused_unless_that_is_wanted(
    client: redis.Redis, server: RedisServer, policy: str
) -> None:
    client.config_set("maxmemory-policy", policy)
    assert prepared(server).sentence == ""  # its memory has no bound yet

    client.config_set("maxmemory", "100mb")

    refused = prepared(server)
    assert refused.refuses_with(f"policy {policy}.*noeviction, or REDIS_ALLOW_EVICTION=yes")
    assert client.dbsize() == 0
    assert prepared(server, may_evict=True).sentence == ""


@pytest.mark.parametrize("policy", KEPT)
def test_a_server_that_evicts_nothing_of_ours_is_used(
    client: redis.Redis, server: RedisServer, policy: str
) -> None:
    client.config_set("maxmemory-policy", policy)
    client.config_set("maxmemory", "100mb")
    with closing(RedisRepository(server.url, key_prefix="em")) as repository:
        saved = save(repository, "note", tags=("a",))
        assert load(repository).contexts == (saved,)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "key",
    [
        *("em:{g}:seq", "em:{g}:i:0", "em:{g}:projects", "em:{g}:meta", "em:c:{alpha}:1"),
        *("em:z:{alpha}", "em:t:{alpha}:a", "em:k:{alpha}", "em:m:{alpha}", "em:r:{alpha}"),
        "em:d:{alpha}",
    ],
)
def test_where_keys_may_be_evicted_a_missing_one_is_no_error(
    redis_may_evict: tuple[RedisServer, redis.Redis], key: str, call: str
) -> None:
    server, client = redis_may_evict
    with closing(RedisRepository(server.url, key_prefix="em", may_evict=True)) as repository:
        save(repository, "note", tags=("a", "b"))
        assert client.delete(key) == 1
        assert end(CALLS[call], repository).sentence == ""


@pytest.fixture(scope="module")
def evicting() -> Iterator[RedisServer]:
    with RedisServer("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru") as server:
        yield server


@pytest.fixture
def redis_may_evict(evicting: RedisServer) -> Iterator[tuple[RedisServer, redis.Redis]]:
    with evicting.client() as client:
        client.flushall()
        yield evicting, client


def warnings_of(records: list[logging.LogRecord]) -> list[str]:
    return [each.getMessage() for each in records if each.levelno >= logging.WARNING]


def test_a_server_without_an_append_only_file_is_warned_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with (
        RedisServer("--appendonly", "no", tcp=True) as server,
        closing(RedisRepository(server.url, key_prefix="em")) as repository,
    ):
        for number in range(3):
            save(repository, f"note {number}")
        repository.close()
        assert load(repository).total == 3
        (warning,) = warnings_of(caplog.records)
        assert warning.startswith(f"Redis at 127.0.0.1:{server.port} keeps no append-only file")
        assert "appendonly" in warning


def test_a_server_with_an_append_only_file_is_not_warned_of(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(RedisRepository(server.url, key_prefix="em")) as repository:
        save(repository, "note")
    assert warnings_of(caplog.records) == []


@pytest.mark.parametrize("call", CALLS)
def test_a_store_of_a_newer_release_is_left_alone(
    client: redis.Redis, server: RedisServer, call: str
) -> None:
    with closing(RedisRepository(server.url, key_prefix="em")) as repository:
        save(repository, "note", tags=("a", "b"))
    client.hset("em:{g}:meta", mapping={"layout": "2", "release": "9.1.0"})
    before = {key: client.type(key) for key in client.scan_iter()}
    with closing(RedisRepository(server.url, key_prefix="em")) as repository:
        refused = end(CALLS[call], repository)
        assert {key: client.type(key) for key in client.scan_iter()} == before

        assert refused.sentence == (
            f"The memory on Redis at 127.0.0.1:{server.port} was written by a newer release, and "
            "it was left as it is: install extended-memory-mcp 9.1.0 or newer."
        )
        client.hset("em:{g}:meta", "layout", "1")
        assert end(CALLS[call], repository).sentence == ""


@pytest.mark.parametrize("layout", ["2", "two", ""])
def test_a_layout_that_is_not_known_is_refused_also_where_no_release_is_named(
    client: redis.Redis, server: RedisServer, layout: str
) -> None:
    client.hset("em:{g}:meta", "layout", layout)
    refused = prepared(server)
    assert refused.refuses_with("was left as it is")
    assert "None" not in refused.sentence


@pytest.mark.long
def test_every_primary_of_a_cluster_is_looked_at(caplog: pytest.LogCaptureFixture) -> None:
    with Cluster() as cluster, cluster.servers[1].client() as client:
        client.config_set("appendonly", "no")
        assert prepared(cluster).sentence == ""
        assert len(warnings_of(caplog.records)) == 1

        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("maxmemory", "100mb")
        assert prepared(cluster).refuses_with("policy allkeys-lru")
