"""A server, its client, and the way between them."""

from collections.abc import Iterator

import pytest
import redis

from tests.support.redis_servers import Outage, RedisServer


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """Give a server of the test's own."""
    with RedisServer(tcp=True) as server:
        yield server


@pytest.fixture
def client(server: RedisServer) -> Iterator[redis.Redis]:
    """Give a client of that server."""
    with server.client() as client:
        yield client


@pytest.fixture
def outage(server: RedisServer) -> Iterator[Outage]:
    """Give a way to that server that fails when it is told to."""
    with Outage(server) as outage:
        yield outage
