"""What is read where no store is, and that reading one makes none."""

from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from extended_memory.domain import EVERY_CONTEXT, Change, Note
from extended_memory.errors import StoreError
from extended_memory.settings import SqliteLocation
from extended_memory.storage.backends import empty_repository, open_repository
from extended_memory.storage.contract import MemoryRepository

READ: dict[str, Callable[[MemoryRepository], Any]] = {
    "imported_origins": lambda m: m.imported_origins(["a"]),
    "load": lambda m: m.load("p", EVERY_CONTEXT, limit=5, offset=0),
    "search": lambda m: m.search("p", "x", EVERY_CONTEXT, limit=5, offset=0),
    "index_newest": lambda m: m.index_newest(5),
    "get": lambda m: m.get([1], project=None),
    "contexts_after": lambda m: m.contexts_after(after=0, limit=5),
    "trash_after": lambda m: m.trash_after(after=0, limit=5),
    "revisions_of": lambda m: m.revisions_of([1]),
    "rename_project": lambda m: m.rename_project("p", "q"),
    "summary": lambda m: m.summary(None),
    "update": lambda m: m.update(1, Change(importance=3), project=None),
    "forget": lambda m: m.forget(1, project=None),
    "restore": lambda m: m.restore(1, project=None),
    "revisions": lambda m: m.revisions(1, project=None, limit=5),
    "trash": lambda m: m.trash(project=None, limit=5),
    "purge": lambda m: m.purge(before=datetime.now(timezone.utc)),
    "projects": lambda m: m.projects(),
    "project": lambda m: m.project("p"),
    "popular_tags": lambda m: m.popular_tags("p", minimum_count=1, limit=5),
    "check": lambda m: m.check(lambda _what, _done, _total: None),
    "notice": lambda m: m.notice,
}


def save(memory: MemoryRepository) -> Any:
    return memory.save("p", Note(content="x", importance=5, tags=()), repeat_within=timedelta(0))


@pytest.fixture
def file(tmp_path: Path) -> SqliteLocation:
    return SqliteLocation(path=tmp_path / "new" / "memory.db")


@pytest.mark.parametrize("method", READ)
def test_no_store_answers_as_an_empty_one(method: str, file: SqliteLocation) -> None:
    with closing(open_repository(file)) as real, closing(empty_repository()) as none:
        none.prepare()
        assert READ[method](none) == READ[method](real)


def test_nothing_is_saved_where_no_store_is() -> None:
    with pytest.raises(StoreError, match="There is no memory to save in"):
        save(empty_repository())


@pytest.mark.parametrize("method", [*sorted(READ.keys() - {"notice"}), "save"])
def test_a_file_that_must_exist_is_never_made(method: str, file: SqliteLocation) -> None:
    with (
        closing(open_repository(file, must_exist=True)) as memory,
        pytest.raises(StoreError, match=r"There is no memory in memory\.db any more"),
    ):
        READ.get(method, save)(memory)
    assert not file.path.parent.exists()


def test_a_file_that_goes_while_it_is_read_is_not_made_again(file: SqliteLocation) -> None:
    with closing(open_repository(file)) as memory:
        save(memory)
    with closing(open_repository(file, must_exist=True)) as memory:
        assert len(memory.contexts_after(after=0, limit=5)) == 1
        file.path.unlink()
        with pytest.raises(StoreError, match="any more"):
            memory.contexts_after(after=0, limit=5)
        assert not file.path.exists()
