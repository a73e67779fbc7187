"""Which repository a location opens, and what is said where none can be."""

import sys
from pathlib import Path

import pytest

from extended_memory.errors import StoreError
from extended_memory.settings import RedisLocation, SqliteLocation
from extended_memory.storage.backends import open_repository
from extended_memory.storage.redis.repository import RedisRepository
from extended_memory.storage.sqlite.repository import SqliteRepository


def test_a_sqlite_location_opens_nothing_yet(place: Path) -> None:
    repository = open_repository(SqliteLocation(path=place))
    assert isinstance(repository, SqliteRepository)
    assert not place.parent.exists()


def test_a_redis_location_connects_to_nothing_yet() -> None:
    repository = open_repository(RedisLocation(url="redis://user:secret@127.0.0.1:1/0"))
    assert isinstance(repository, RedisRepository)


def test_without_the_redis_extra_the_command_to_install_it_is_said_and_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)  # as if it were not installed
    repository = open_repository(RedisLocation(url="redis://user:secret@127.0.0.1:1/0"))
    for _ in range(3):
        with pytest.raises(StoreError, match=r'run `pip install "extended-memory-mcp\[redis\]"`'):
            repository.prepare()
    assert len(caplog.records) == 1
    assert "secret" not in caplog.text


def test_a_url_that_cannot_be_understood_is_said_without_it_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    repository = open_repository(RedisLocation(url="redis://user:secret@127.0.0.1:1/zero"))
    for _ in range(3):
        with pytest.raises(StoreError, match="names a database that is not a number") as refusal:
            repository.projects()
        assert "secret" not in str(refusal.value)
    assert len(caplog.records) == 1
    assert "secret" not in caplog.text
