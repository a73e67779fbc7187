"""Contexts of an import that the store holds already, however they got there."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Literal

from extended_memory.domain import (
    Context,
    PortableContext,
    Standing,
    TimeSpan,
)
from extended_memory.store_service import StoreService
from extended_memory.transfer.formats.item import Found
from extended_memory.transfer.origins import origin_of

_MILLISECOND = timedelta(milliseconds=1)

_AT_A_TIME = 500

_COMPARED = 1_000
"""How many contexts of the same time are compared with what arrives."""

Place = Literal["there", "in_trash", "moved", "forgotten"]
"""Where something is that need not be brought: in the trash, in another project, or gone."""


def last_id(store: StoreService) -> int:
    """Return the highest id of a context that is there now, 0 where there is none."""
    beyond = 1
    while store.contexts_after(after=beyond, limit=1):
        beyond *= 2
    low = 0
    while low < beyond:
        middle = (low + beyond) // 2
        if store.contexts_after(after=middle, limit=1):
            low = middle + 1
        else:
            beyond = middle
    return low


def sorted_out(
    store: StoreService, batch: Sequence[Found], *, within: str, there_until: int
) -> tuple[list[PortableContext], Counter[Place]]:
    """Return the contexts of a batch that are not there yet, and how many of it are where.

    A context is known in the whole store, whatever project it has moved to; with ``within``,
    only in that project: then it may stand in several, each brought under an origin of its own.

    Of what this product exported, also that is there which was never brought: under its own id,
    or under another one in a store that gets back what it once gave. ``there_until`` is the last
    id that was there before the import: what it brings itself makes nothing a double.
    """
    first = {found.context.origin: found for found in reversed(batch)}
    known, free = _brought(store, list(first))
    ours = [found for found in first.values() if found.own_id is not None]
    for origin, standing in _under_their_ids(store, ours):
        known[origin].append(standing)
    if there_until:  # nothing is like it in a store that was empty
        for origin in _alike(store, ours, there_until):
            known[origin].append(Standing(place="contexts", project=first[origin].context.project))
    new: list[PortableContext] = []
    places: Counter[Place] = Counter()
    told: set[str] = set()
    for found in batch:
        origin = found.context.origin
        standings = [one for one in known[origin] if within in ("", one.project)]
        if standings:
            places[_place(standings, found.context.project)] += 1
        elif origin in told:
            places["there"] += 1  # twice in the source
        else:
            told.add(origin)
            new.append(replace(found.context, origin=free[origin]))
    return new, places


def _place(standings: Sequence[Standing], project: str) -> Place:
    """Say where a context is that may stand in several projects: best in its own."""
    own = {one.place for one in standings if one.project == project}
    others = {one.place for one in standings}
    if "contexts" in own:
        return "there"
    if "trash" in own:
        return "in_trash"
    return "moved" if "contexts" in others else "in_trash" if "trash" in others else "forgotten"


def _brought(
    store: StoreService, origins: Sequence[str]
) -> tuple[defaultdict[str, list[Standing]], dict[str, str]]:
    """Return where the copies of each origin are, and under which origin another can be brought.

    The first copy has the origin itself, the next ones have their number behind it.
    """
    known: defaultdict[str, list[Standing]] = defaultdict(list)
    free = {origin: origin for origin in origins}
    asked, number = dict(free), 1
    while asked:
        found = store.imported_origins(list(asked))
        number += 1
        following = {}
        for copy, standing in found.items():
            origin = asked[copy]
            if standing is not None:
                known[origin].append(standing)
            free[origin] = f"{origin}#{number}"
            following[free[origin]] = origin
        asked = following
    return known, free


def _under_their_ids(store: StoreService, batch: Sequence[Found]) -> Iterator[tuple[str, Standing]]:
    """Give the origins that contexts here have under the same ids, changed or forgotten."""
    ids = sorted({found.own_id for found in batch if found.own_id is not None})
    if not ids:
        return
    held: list[tuple[Context, Literal["contexts", "trash"]]] = [
        *((context, "contexts") for context in store.get(ids)),
        *((context, "trash") for context in _in_the_trash(store, ids)),
    ]
    revised = store.revisions_of([context.id for context, _ in held])
    for one, place in held:
        origin = origin_of(one.id, one.created_at, one.note.content, revised.get(one.id, ()))
        yield origin, Standing(place=place, project=one.project)


def _in_the_trash(store: StoreService, ids: Sequence[int]) -> Iterator[Context]:
    """Give what is in the trash from the first to the last of these ids."""
    after = ids[0] - 1
    while forgotten := store.trash_after(after=after, limit=_AT_A_TIME):
        for one in forgotten:
            after = one.context.id
            if after > ids[-1]:
                return
            yield one.context


def _alike(store: StoreService, batch: Sequence[Found], there_until: int) -> set[str]:
    """Return the origins of what has the project, time and text of a context here."""
    alike: set[str] = set()
    for project in {found.context.project for found in batch}:
        asked = [found.context for found in batch if found.context.project == project]
        there = {
            (context.created_at, context.note.content)
            for context in _of_the_same_times(store, project, asked)
            if context.id <= there_until
        }
        alike |= {c.origin for c in asked if (c.created_at, c.note.content) in there}
    return alike


def _of_the_same_times(
    store: StoreService, project: str, asked: Sequence[PortableContext]
) -> Iterable[Context]:
    times = {context.created_at for context in asked}
    span = TimeSpan(since=min(times), until=max(times) + _MILLISECOND)
    page = store.saved_within(project, span, limit=_COMPARED)
    if page.total <= len(page.contexts):
        return page.contexts
    # Much else was saved in that time: ask for each millisecond alone.
    return [
        context
        for time in times
        for context in store.saved_within(
            project, TimeSpan(since=time, until=time + _MILLISECOND), limit=_COMPARED
        ).contexts
    ]
