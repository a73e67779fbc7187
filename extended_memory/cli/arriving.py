"""What of an import is in the store already, in whatever way it got there."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from extended_memory.domain import MINIMUM_IMPORTANCE, Context, ForeignContext, TimeSpan
from extended_memory.service import MemoryService
from extended_memory.transfer.origins import origin_of
from extended_memory.transfer.reading import Found

_MILLISECOND = timedelta(milliseconds=1)

_AT_A_TIME = 500

_COMPARED = 1_000
"""How many contexts of the same time are compared with what arrives."""


def last_id(memory: MemoryService) -> int:
    """Return the highest id of a context that is there now, 0 where there is none."""
    beyond = 1
    while memory.walk(after=beyond, limit=1):
        beyond *= 2
    low = 0
    while low < beyond:
        middle = (low + beyond) // 2
        if memory.walk(after=middle, limit=1):
            low = middle + 1
        else:
            beyond = middle
    return low


def new_of(
    memory: MemoryService, batch: Sequence[Found], *, there_until: int
) -> list[ForeignContext]:
    """Return the contexts of a batch that are not there yet.

    Of what this product exported, also that is there which was never brought: under its own id,
    or under another one in a store that gets back what it once gave. ``there_until`` is the last
    id that was there before the import: what it brings itself makes nothing a double.
    """
    known = memory.brought([found.context.origin for found in batch])
    unknown = {f.context.origin: f for f in batch if f.context.origin not in known}
    ours = [found for found in unknown.values() if found.own_id is not None]
    there = _under_their_ids(memory, ours)
    if there_until:  # nothing is like it in a store that was empty
        there |= _alike(memory, ours, there_until)
    return [found.context for origin, found in unknown.items() if origin not in there]


def _under_their_ids(memory: MemoryService, batch: Sequence[Found]) -> set[str]:
    """Return the origins that contexts here have under the same ids, changed or forgotten."""
    ids = sorted({found.own_id for found in batch if found.own_id is not None})
    if not ids:
        return set()
    held = [*memory.get(ids), *_in_the_trash(memory, ids)]
    revised = memory.revised([context.id for context in held])
    return {origin_of(one.id, one.created_at, one.content, revised.get(one.id, ())) for one in held}


def _in_the_trash(memory: MemoryService, ids: Sequence[int]) -> Iterator[Context]:
    """Give what is in the trash from the first to the last of these ids."""
    after = ids[0] - 1
    while forgotten := memory.walk_trash(after=after, limit=_AT_A_TIME):
        for one in forgotten:
            after = one.context.id
            if after > ids[-1]:
                return
            yield one.context


def _alike(memory: MemoryService, batch: Sequence[Found], there_until: int) -> set[str]:
    """Return the origins of what has the project, time and text of a context here."""
    alike: set[str] = set()
    for project in {found.context.project for found in batch}:
        asked = [found.context for found in batch if found.context.project == project]
        there = {
            (context.created_at, context.content)
            for context in _of_the_same_times(memory, project, asked)
            if context.id <= there_until
        }
        alike |= {c.origin for c in asked if (c.created_at, c.content) in there}
    return alike


def _of_the_same_times(
    memory: MemoryService, project: str, asked: Sequence[ForeignContext]
) -> Iterable[Context]:
    times = {context.created_at for context in asked}
    page = memory.load(
        project,
        minimum_importance=MINIMUM_IMPORTANCE,
        limit=_COMPARED,
        span=TimeSpan(since=min(times), until=max(times) + _MILLISECOND),
    )
    if page.total <= len(page.contexts):
        return page.contexts
    # Much else was saved in that time: ask for each millisecond alone.
    return [
        context
        for time in times
        for context in memory.load(
            project,
            minimum_importance=MINIMUM_IMPORTANCE,
            limit=_COMPARED,
            span=TimeSpan(since=time, until=time + _MILLISECOND),
        ).contexts
    ]
