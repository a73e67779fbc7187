"""What a check promises on every backend: silence about what this product wrote, and no change."""

from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from extended_memory.domain import Change, Note, PortableContext, Revision
from extended_memory.flaws import Finding, Flaw
from extended_memory.storage.contract import MemoryRepository
from tests.support.contract import NO_TIME, Open, tell

NOON = datetime(2025, 7, 2, 12, tzinfo=timezone.utc)
BROUGHT = PortableContext(
    origin="x:1",
    project="brought",
    note=Note(content="Brought with its past", importance=5, tags=("a",)),
    created_at=NOON,
    updated_at=NOON + timedelta(hours=2),
    revisions=tuple(
        Revision(
            number=number,
            note=Note(content=f"It was {number}", importance=1),
            replaced_at=NOON + timedelta(hours=number),
        )
        for number in (1, 2)
    ),
)


@pytest.fixture
def used(repository: MemoryRepository) -> MemoryRepository:
    """Give a store in which everything was done that can be done."""
    ids = [
        repository.save(
            f"project {number % 2}",
            Note(
                content=f"Note {number} of the trees, ёлки and 木 in {2000 + number}",
                importance=number % 10 + 1,
                tags=("all", f"t{number % 3}"),
            ),
            repeat_within=NO_TIME,
        ).id
        for number in range(70)
    ]
    for number in ids[:20]:
        repository.update(number, Change(content=f"Now {number}", tags=("new",)), project=None)
    for number in ids[10:30]:
        repository.forget(number, project=None)
    repository.forget(ids[40], project=None, permanently=True)
    repository.restore(ids[12], project=None)
    repository.restore(ids[1], project=None, revision=1)
    repository.rename_project("project 1", "another")
    repository.rename_project("another", "project 0")
    repository.add_imported([BROUGHT, replace(BROUGHT, origin="x:2", forgotten_at=NOON)])
    return repository


def test_what_was_written_by_this_product_fits_together(used: MemoryRepository) -> None:
    assert used.check(tell) == ()


def test_an_empty_store_fits_together(repository: MemoryRepository) -> None:
    assert repository.check(tell) == ()


def test_a_project_that_was_emptied_fits_together(repository: MemoryRepository) -> None:
    saved = repository.save(
        "p", Note(content="x", importance=5, tags=("a",)), repeat_within=NO_TIME
    )
    repository.forget(saved.id, project=None)
    assert repository.check(tell) == ()
    repository.purge(before=datetime.now(timezone.utc) + timedelta(days=1))
    assert repository.check(tell) == ()


def test_what_is_looked_at_is_told(used: MemoryRepository) -> None:
    told: list[tuple[str, int, int]] = []
    used.check(lambda *what: told.append(what))
    assert {what for what, _, _ in told} & {"the contexts", "the search index"}
    assert all(done <= total or not total for _, done, total in told)


def test_a_repair_where_nothing_is_wrong_changes_nothing(
    used: MemoryRepository, open_store: Open
) -> None:
    before = used.contexts_after(after=0, limit=1000), used.trash(project=None, limit=1000)
    used.repair([Finding(flaw=Flaw.SEARCH_CONTEXTS, count=1)])
    while used.index_newest(100):
        pass
    with closing(open_store()) as other:
        assert other.check(tell) == ()
        assert (
            other.contexts_after(after=0, limit=1000),
            other.trash(project=None, limit=1000),
        ) == before
