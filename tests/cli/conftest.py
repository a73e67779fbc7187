"""Stores for the tests of the commands, and a way to run a command as a person does."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from extended_memory.settings import Places
from extended_memory.storage.backends import open_repository
from extended_memory.storage.contract import MemoryRepository
from tests.support.forks import COMMANDS, can_be_forked
from tests.support.redis_servers import RedisServer
from tests.support.server import COMMAND


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


def run(
    *arguments: str, env: Mapping[str, str], timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    if can_be_forked(env):
        return COMMANDS.run(arguments, env={**os.environ, **env}, timeout=timeout)
    return subprocess.run(
        [*COMMAND, *arguments],
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def make(store: str) -> None:
    """Make an empty store, as a server does at its start."""
    with closing(opened(store)) as repository:
        repository.prepare()


def opened(store: str) -> MemoryRepository:
    """Open a store as the server would."""
    return open_repository(Places().location(store))
