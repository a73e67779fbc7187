"""The rules that the service puts before a store."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from extended_memory.domain import Note, ProjectRefusedError, Summary
from extended_memory.service import MemoryService
from extended_memory.storage.sqlite.repository import SqlRepository


@pytest.fixture
def pinned(place: Path) -> Iterator[MemoryService]:
    """Give a memory that is pinned to one of two projects, each with something in the trash."""
    with closing(SqlRepository(place)) as repository:
        for project in ("mine", "other"):
            for content in ("kept", "gone"):
                saved = repository.save(
                    project, Note(content=content, importance=5), repeat_within=timedelta(0)
                )
            repository.forget(saved.id, project=None)
    with closing(MemoryService(lambda: SqlRepository(place), pinned="mine")) as service:
        yield service


def test_a_pin_hides_what_others_hold(pinned: MemoryService) -> None:
    assert [one.context.project for one in pinned.trash(limit=9)] == ["mine"]
    assert (pinned.summary().context_count, pinned.summary().trash_count) == (1, 1)
    assert pinned.summary() == pinned.summary("mine") != Summary()
    for ask in (lambda: pinned.trash(project="other", limit=9), lambda: pinned.summary("other")):
        with pytest.raises(ProjectRefusedError):
            ask()


@pytest.mark.parametrize(("old", "new"), [("mine", "other"), ("other", "mine"), ("mine", "new")])
def test_a_pinned_project_is_not_renamed(pinned: MemoryService, old: str, new: str) -> None:
    with pytest.raises(ProjectRefusedError):
        pinned.rename_project(old, new)
    assert pinned.summary().context_count == 1
