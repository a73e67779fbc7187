"""The backends that the contract is tested on: each a way to open a repository on one store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from extended_memory.storage.contract import MemoryRepository
from extended_memory.storage.redis.repository import RedisRepository
from extended_memory.storage.sqlite.repository import SqliteRepository
from tests.support.contract import Open
from tests.support.redis_checker import flaws
from tests.support.redis_servers import RedisServer


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisServer]:
    """Give one server for all tests of a process."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_server(shared_redis: RedisServer) -> Iterator[RedisServer]:
    """Give a server that holds nothing, not even scripts; whatever a test does, it is sound."""
    with shared_redis.client() as client:
        client.flushall()
        client.script_flush()
        yield shared_redis
        assert flaws(client) == []


@pytest.fixture(params=["sqlite", "redis"])
def open_store(request: pytest.FixtureRequest, place: Path) -> Iterator[Open]:
    """Return a function that opens one more repository on the test's own store."""
    opened: list[MemoryRepository] = []

    def open_sqlite() -> MemoryRepository:
        opened.append(SqliteRepository(place))
        return opened[-1]

    def open_redis() -> MemoryRepository:
        opened.append(RedisRepository(server.url, key_prefix="em"))
        return opened[-1]

    if request.param == "sqlite":
        yield open_sqlite
    else:
        server: RedisServer = request.getfixturevalue("redis_server")
        yield open_redis
    for repository in opened:
        repository.close()


@pytest.fixture
def repository(open_store: Open) -> MemoryRepository:
    """Return a repository on an empty store."""
    return open_store()
