"""Which repository a location opens, and what is said where none can be."""

import sys
from pathlib import Path

import pytest

from extended_memory import storage
from extended_memory.domain import StoreError
from extended_memory.settings import RedisLocation, SqliteLocation
from extended_memory.storage import open_repository
from extended_memory.storage.sql.repository import SqlRepository

REDIS = RedisLocation(url="redis://user:secret@localhost:6379/0")


@pytest.fixture(autouse=True)
def forget_what_was_said() -> None:
    """Let each test find out anew why Redis cannot be used."""
    storage._redis_refusal.cache_clear()


def test_a_sqlite_location_opens_nothing_yet(place: Path) -> None:
    repository = open_repository(SqliteLocation(path=place))
    assert isinstance(repository, SqlRepository)
    assert not place.parent.exists()


def test_a_redis_location_is_refused_until_that_backend_lands() -> None:
    with pytest.raises(StoreError, match=r"cannot store in Redis yet: use sqlite:////") as refusal:
        open_repository(REDIS)
    assert "secret" not in str(refusal.value)


def test_without_the_redis_extra_the_command_to_install_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)  # as if it were not installed
    with pytest.raises(StoreError, match=r'run `pip install "extended-memory-mcp\[redis\]"`'):
        open_repository(REDIS)


def test_the_refusal_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        with pytest.raises(StoreError):
            open_repository(REDIS)
    assert len(caplog.records) == 1
    assert "secret" not in caplog.text
