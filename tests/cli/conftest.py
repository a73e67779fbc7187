"""Stores for the tests of the commands."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.contexts import fill
from tests.support.redis_servers import RedisServer


@pytest.fixture(scope="session")
def shared_servers() -> Iterator[tuple[RedisServer, RedisServer]]:
    """Give two servers for all tests of a process: an old one and a new one."""
    with RedisServer() as old, RedisServer() as new:
        yield old, new


@pytest.fixture
def servers(shared_servers: tuple[RedisServer, RedisServer]) -> tuple[RedisServer, RedisServer]:
    """Give both, empty."""
    for server in shared_servers:
        with server.client() as client:
            client.flushall()
    return shared_servers


@pytest.fixture(params=["sqlite", "redis"])
def store(
    request: pytest.FixtureRequest, servers: tuple[RedisServer, RedisServer], place: Path
) -> str:
    """Give the connection string of an empty store of each kind."""
    return f"sqlite:///{place}" if request.param == "sqlite" else servers[1].url


@pytest.fixture
def env(store: str) -> dict[str, str]:
    """Give the variables of a command whose store holds a few contexts."""
    return fill(store)
