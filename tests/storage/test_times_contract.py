"""What the contract promises of times: one bound for all, and order by importance up to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from extended_memory.access import Access
from extended_memory.domain import (
    NEWEST_TIME,
    OLDEST_TIME,
    Change,
    Note,
    PortableContext,
    Revision,
    TimeSpan,
    to_milliseconds,
)
from extended_memory.errors import StoreError, TimeRefusedError
from extended_memory.flaws import Finding, Flaw
from extended_memory.storage.contract import MemoryRepository
from extended_memory.storage.redis import keys
from extended_memory.storage.redis.connection import scripts
from extended_memory.store_service import StoreService
from tests.support.contract import foreign, load, save
from tests.support.redis_calls import find

MILLISECOND = timedelta(milliseconds=1)
BEYOND = [OLDEST_TIME - MILLISECOND, NEWEST_TIME + MILLISECOND]
FIRST = datetime.min.replace(tzinfo=timezone.utc)
LAST = datetime.max.replace(tzinfo=timezone.utc)


def with_revision(time: datetime) -> dict[str, Any]:
    revision = Revision(number=1, note=Note(content="was", importance=1, tags=()), replaced_at=time)
    return {"revisions": (revision,), "updated_at": NEWEST_TIME}


@contextmanager
def without_bounds() -> Iterator[None]:
    """Let a store take what 1.0.0 took."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("extended_memory.domain.OLDEST_TIME", FIRST)
        patch.setattr("extended_memory.domain.NEWEST_TIME", LAST)
        yield


@pytest.mark.parametrize("time", BEYOND)
@pytest.mark.parametrize("field", ["created_at", "updated_at", "forgotten_at", "replaced_at"])
def test_a_context_with_a_time_out_of_bounds_is_refused_and_none_is_stored(
    repository: MemoryRepository, field: str, time: datetime
) -> None:
    values = with_revision(time) if field == "replaced_at" else {field: time}
    with pytest.raises(TimeRefusedError, match=rf"{field} must be from 1970 to 2247"):
        repository.add_imported([foreign(1), foreign(2, **values)])
    assert repository.contexts_after(after=0, limit=9) == ()
    assert repository.add_imported([foreign(1)]) == 1


def at_the_bounds(repository: MemoryRepository) -> list[PortableContext]:
    """Bring contexts of neighbouring importances at both ends of time; newest first."""
    brought = [
        foreign(number, importance=importance, created_at=time, content=f"note {number}")
        for number, (importance, time) in enumerate(
            [(level, time) for time in (OLDEST_TIME, NEWEST_TIME) for level in (4, 5, 6)]
        )
    ]
    repository.add_imported(brought)
    return brought[::-1]


@pytest.mark.parametrize(
    ("span", "times"),
    [
        (TimeSpan(), (NEWEST_TIME, OLDEST_TIME)),
        (TimeSpan(since=FIRST), (NEWEST_TIME, OLDEST_TIME)),
        (TimeSpan(until=LAST), (NEWEST_TIME, OLDEST_TIME)),
        (TimeSpan(since=FIRST, until=LAST), (NEWEST_TIME, OLDEST_TIME)),
        (TimeSpan(since=NEWEST_TIME), (NEWEST_TIME,)),
        (TimeSpan(until=NEWEST_TIME), (OLDEST_TIME,)),
        (TimeSpan(since=NEWEST_TIME + MILLISECOND), ()),
        (TimeSpan(since=LAST), ()),
        (TimeSpan(until=OLDEST_TIME), ()),
        (TimeSpan(until=FIRST), ()),
    ],
)
def test_importance_and_time_hold_up_to_the_bounds_and_beyond_them_nothing_is_found(
    repository: MemoryRepository, span: TimeSpan, times: tuple[datetime, ...]
) -> None:
    brought = at_the_bounds(repository)
    for tags in ((), ("a",), ("a", "t1")):
        for minimum in (1, 5, 6):
            expected = [
                one.note.content
                for one in brought
                if one.created_at in times
                and one.note.importance >= minimum
                and (not tags or set(tags) & set(one.note.tags))
            ]
            page = load(repository, minimum_importance=minimum, tags=tags, span=span)
            assert [context.note.content for context in page.contexts] == expected
            assert page.total == len(expected)
            found = find(
                repository, "note", minimum_importance=minimum, tags=tags, span=span, limit=9
            )
            assert {one.context.note.content for one in found.found} == set(expected)
    assert repository.check(lambda *_: None) == ()


def test_a_time_out_of_bounds_from_1_0_0_is_found_by_a_check(
    repository: MemoryRepository,
) -> None:
    with without_bounds():
        repository.add_imported([foreign(1), foreign(2, created_at=NEWEST_TIME + MILLISECOND)])
    assert repository.check(lambda *_: None) == (Finding(flaw=Flaw.TIME_OUT_OF_BOUNDS, count=1),)


@contextmanager
def clock_out_of_bounds() -> Iterator[None]:
    """Let the clocks of this machine and of its servers be later than any bound."""
    text = scripts._text
    early = OLDEST_TIME + MILLISECOND
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("extended_memory.domain.NEWEST_TIME", early)
        newest = f"NEWEST = {to_milliseconds(NEWEST_TIME)}"
        patch.setattr(scripts, "_text", lambda name: text(name).replace(newest, "NEWEST = 1"))
        scripts.source.cache_clear()
        scripts.digest.cache_clear()
        yield
    scripts.source.cache_clear()
    scripts.digest.cache_clear()


def test_a_clock_that_is_wrong_changes_nothing(repository: MemoryRepository) -> None:
    kept, forgotten = save(repository, "kept", tags=("a",)), save(repository, "forgotten")
    repository.forget(forgotten.id, project=None)
    before = repository.contexts_after(after=0, limit=9), repository.trash_after(after=0, limit=9)
    with clock_out_of_bounds():
        for change in (
            lambda: save(repository, "new"),
            lambda: repository.update(kept.id, Change(content="changed"), project=None),
            lambda: repository.forget(kept.id, project=None),
            lambda: StoreService(Access(lambda: repository)).purge(),
        ):
            with pytest.raises(StoreError, match=r"clock .*is wrong .*not from 1970 to 2247"):
                change()
        assert load(repository).contexts == (kept,)
    assert before == (
        repository.contexts_after(after=0, limit=9),
        repository.trash_after(after=0, limit=9),
    )
    assert save(repository, "new").id > forgotten.id
    assert repository.check(lambda *_: None) == ()


def test_redis_has_room_for_every_time_between_two_importances() -> None:
    assert to_milliseconds(NEWEST_TIME) < keys.LEVEL - 1
    assert f"LEVEL = {keys.LEVEL} " in scripts.source("save")
    assert f"NEWEST = {to_milliseconds(NEWEST_TIME)} " in scripts.source("save")


def test_a_context_of_the_last_moment_there_is_can_be_changed(
    repository: MemoryRepository,
) -> None:
    with without_bounds():
        repository.add_imported([foreign(1, created_at=LAST)])
    (context,) = repository.contexts_after(after=0, limit=9)
    updated = repository.update(context.id, Change(importance=4), project=None)
    assert updated is not None
    (changed,) = repository.get([context.id], project=None)
    assert changed == updated.context
    assert changed.note.importance == 4
    assert repository.restore(context.id, project=None, revision=1) is not None
