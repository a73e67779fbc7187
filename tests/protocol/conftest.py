"""A client of the server, in each era of the protocol."""

from collections.abc import AsyncIterator

import pytest
from fastmcp import Client

from extended_memory.server import mcp
from tests.support.tools import MemoryClient

ERAS = {"2026-07-28": "auto", "2025-11-25": "legacy"}


@pytest.fixture(params=list(ERAS.values()), ids=list(ERAS))
def era(request: pytest.FixtureRequest) -> str:
    """Name the protocol: without a handshake, or with one."""
    return str(request.param)


@pytest.fixture
async def client(era: str, anyio_backend: str) -> AsyncIterator[MemoryClient]:
    """Give a client of a server on the test's own, empty store."""
    async with Client(mcp, mode=era) as client:
        yield client
