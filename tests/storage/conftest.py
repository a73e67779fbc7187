"""The backends that the contract is tested on: each a way to open a repository on one store."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from extended_memory.storage.contract import MemoryRepository
from extended_memory.storage.sql.repository import SqlRepository

Open = Callable[[], MemoryRepository]


@pytest.fixture(params=["sqlite"])
def open_store(request: pytest.FixtureRequest, place: Path) -> Iterator[Open]:
    """Return a function that opens one more repository on the test's own store."""
    opened: list[MemoryRepository] = []

    def open_one_more() -> MemoryRepository:
        opened.append(SqlRepository(place))
        return opened[-1]

    yield open_one_more
    for repository in opened:
        repository.close()


@pytest.fixture
def repository(open_store: Open) -> MemoryRepository:
    """Return a repository on an empty store."""
    return open_store()
