"""The index of a search as Redis keeps it: postings are read whole and added up here.

The server does no more than copy strings and look up what a few hundred contexts are, so that a
search never holds it up: of a word that most of 100,000 contexts have, half a megabyte is read.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from heapq import nlargest
from itertools import chain
from struct import iter_unpack

from typing_extensions import override

from extended_memory.domain import EVERY_CONTEXT, Selection, to_milliseconds
from extended_memory.search.index import (
    RESCORED,
    Group,
    Place,
    Scored,
    SearchIndex,
    Statistics,
    VocabularyRange,
)
from extended_memory.storage.redis import pages
from extended_memory.storage.redis.connection.store import Store
from extended_memory.storage.redis.keys import LEVEL, id_of, member

_AT_A_TIME = 1_000
"""How many keys or members a command looks up before others get a turn."""

_WORDS_AT_A_TIME = 5_000
_POSTINGS_AT_A_TIME = 100_000

_FEW = 5_000
"""Where fewer contexts pass a filter, they are read rather than looked up one by one."""

Impacts = Mapping[int, int]
"""The impact of a term in each context that has it."""


class RedisIndex(SearchIndex):
    """The reads of one search, to be used within ``Store.use``; it keeps what it has read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys = store.keys
        self._df: dict[str, int] = {}
        self._impacts: dict[str, Impacts] = {}

    @override
    def statistics(self, project: str, terms: Collection[str]) -> Statistics:
        asked, total = list(terms), 0
        for start in range(0, max(len(asked), 1), _AT_A_TIME):
            some = asked[start : start + _AT_A_TIME]
            total, *df = self._store.run(
                "statistics",
                [
                    self._keys.timeline(project),
                    self._keys.empty_postings(project),
                    *self._keys.postings(project, some),
                ],
                [],
            )
            # Below 0 only where a server that may evict has dropped one key of the two.
            self._df |= {term: max(0, count) for term, count in zip(some, df, strict=True)}
        return Statistics(total=total, df={term: self._df[term] for term in asked})

    @override
    def vocabulary(
        self, project: str, ranges: Sequence[VocabularyRange], *, limit: int
    ) -> tuple[tuple[str, ...], ...]:
        return tuple(self._words(project, one, limit) for one in ranges)

    @override
    def best(
        self, project: str, groups: Sequence[Group], selection: Selection, *, limit: int
    ) -> tuple[Scored, ...]:
        self._read(project, {term for group in groups for term in group.terms})
        scores: dict[int, int] = {}
        for group in (group for group in groups if group.finds):
            largest, weight = self._largest(group.terms), group.weight
            if scores:
                for one, impact in largest.items():
                    scores[one] = scores.get(one, 0) + weight * impact
            else:
                scores = {one: weight * impact for one, impact in largest.items()}
        others = [group for group in groups if not group.finds]
        best = self._filtered(project, scores, selection, RESCORED if others else limit)
        for group in others:
            largest, weight = self._largest(group.terms), group.weight
            best = [(score + weight * largest.get(one, 0), one) for score, one in best]
        if others:
            best = nlargest(limit, best)
        return tuple(Scored(id=one, score=score) for score, one in best)

    @override
    def places(self, project: str, ids: Collection[int]) -> Mapping[int, Place]:
        asked = list(ids)
        places: dict[int, Place] = {}
        for start in range(0, len(asked), _AT_A_TIME):
            some = asked[start : start + _AT_A_TIME]
            found = self._store.run(
                "places",
                [self._keys.contexts(project), self._keys.timeline(project)],
                [member(one) for one in some],
            )
            places |= {
                one: _place(one, *each) for one, each in zip(some, found, strict=True) if each
            }
        return places

    @override
    def matches(
        self, project: str, ids: Collection[int], terms: Collection[str]
    ) -> Mapping[int, frozenset[str]]:
        self._read(project, terms)
        return {one: frozenset(term for term in terms if one in self._impacts[term]) for one in ids}

    def _words(self, project: str, one: VocabularyRange, limit: int) -> tuple[str, ...]:
        key = self._keys.vocabulary(project)
        found: list[str] = []
        start, end = b"[" + one.prefix.encode(), b"(" + one.prefix.encode() + b"\xff"
        while True:
            words = self._store.ask(
                partial(
                    self._store.client.zrangebylex, key, start, end, start=0, num=_WORDS_AT_A_TIME
                )
            )
            found += [word for word in words if one.shortest <= len(word) <= one.longest]
            if len(words) < _WORDS_AT_A_TIME or len(found) >= limit:
                return tuple(found[:limit])
            start = b"(" + words[-1].encode()

    def _read(self, project: str, terms: Collection[str]) -> None:
        """Read the postings of terms that were not read yet."""
        missing = [term for term in terms if term not in self._impacts]
        if unknown := [term for term in missing if term not in self._df]:
            self.statistics(project, unknown)
        for some in self._portions(missing):
            keys = self._keys.postings(project, some)
            postings = self._store.ask(
                partial(self._store.client.execute_command, "MGET", *keys, NEVER_DECODE=True)
            )
            for term, one in zip(some, postings, strict=True):
                impacts = dict(iter_unpack("<IH", one or b""))
                impacts.pop(0, None)  # what was taken out
                self._impacts[term] = impacts

    def _portions(self, terms: Sequence[str]) -> Iterator[list[str]]:
        """Give terms in portions that the server can copy without holding others up."""
        portion: list[str] = []
        size = 0
        for term in terms:
            if portion and (
                size + self._df[term] > _POSTINGS_AT_A_TIME or len(portion) == _AT_A_TIME
            ):
                yield portion
                portion, size = [], 0
            portion.append(term)
            size += self._df[term]
        if portion:
            yield portion

    def _largest(self, terms: Sequence[str]) -> Impacts:
        """Return the largest impact of any of the terms in each context that has one."""
        if len(terms) == 1:
            return self._impacts[terms[0]]
        largest: dict[int, int] = {}
        for one, impact in chain.from_iterable(self._impacts[term].items() for term in terms):
            if impact > largest.get(one, 0):
                largest[one] = impact
        return largest

    def _filtered(
        self, project: str, scores: Mapping[int, int], selection: Selection, limit: int
    ) -> list[tuple[int, int]]:
        """Return the highest scores of contexts that pass, each with its id."""
        if selection == EVERY_CONTEXT or not scores:
            return nlargest(limit, zip(scores.values(), scores, strict=True))
        keys = pages.lists(self._store, project, selection)
        passing = self._store.run(
            "passing",
            keys,
            [selection.minimum_importance, *pages.bounds(selection.span), min(_FEW, len(scores))],
        )
        if passing is not None:
            ids = scores.keys() & {id_of(name) for name in passing}
            return nlargest(limit, ((scores[one], one) for one in ids))
        found: list[tuple[int, int]] = []
        ranked = sorted(zip(scores.values(), scores, strict=True), reverse=True)
        for start in range(0, len(ranked), _AT_A_TIME):
            some = ranked[start : start + _AT_A_TIME]
            members = [member(one) for _, one in some]
            marks = [self._store.ask(partial(self._store.client.zmscore, k, members)) for k in keys]
            found += [
                each
                for each, of_each in zip(some, zip(*marks, strict=True), strict=True)
                if any(mark is not None and _passes(int(mark), selection) for mark in of_each)
            ]
            if len(found) >= limit:
                break
        return found[:limit]


def _passes(mark: int, selection: Selection) -> bool:
    """Say whether a score of a ZSET of contexts is of an importance and a time asked for."""
    importance, time = divmod(mark, LEVEL)
    return (
        importance >= selection.minimum_importance
        and (selection.span.since is None or time >= to_milliseconds(selection.span.since))
        and (selection.span.until is None or time < to_milliseconds(selection.span.until))
    )


def _place(context_id: int, mark: str, near: Sequence[str]) -> Place:
    """Return a place, given the context's score and the stretch of the timeline around it."""
    ids, times = [id_of(name) for name in near[::2]], [int(time) for time in near[1::2]]
    at = ids.index(context_id)
    earlier, later = ids[:at], ids[at + 1 :]
    return Place(
        importance=int(mark) // LEVEL,
        milliseconds=times[at],
        before=earlier[0] if earlier else None,
        milliseconds_before=times[at] - times[0],
        after=later[0] if later else None,
        milliseconds_after=times[-1] - times[at],
    )
