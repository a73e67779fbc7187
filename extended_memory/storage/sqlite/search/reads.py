"""The search index as SQLite is asked for it, on one connection within one transaction.

So every read of a search is of one state of the store.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from typing_extensions import override

from extended_memory.domain import (
    EVERY_CONTEXT,
    MAXIMUM_IMPORTANCE,
    MINIMUM_IMPORTANCE,
    Selection,
    to_milliseconds,
)
from extended_memory.search.index import (
    RESCORED,
    Group,
    Place,
    Scored,
    SearchIndex,
    Statistics,
    VocabularyRange,
)
from extended_memory.storage.sqlite import rows
from extended_memory.storage.sqlite.search import queries
from extended_memory.storage.sqlite.statements import PROJECT_ID

_BEYOND = "\U0010ffff"
"""Comes after every character of a term: it is none itself."""
_AHEAD = 4
_MANY = 8_000
"""To gather this many contexts takes as long as to look at the best ones (measured)."""
_FIRST, _LAST = -(2**63), 2**63 - 1


class SqliteIndex(SearchIndex):
    """The index of one file, for one search."""

    def __init__(self, database: sqlite3.Connection, *, is_written: bool = True) -> None:
        """Give the reads; where the index is not written, it is as if there were no context."""
        self._database = database
        self._is_written = is_written
        self._projects: dict[str, int | None] = {}
        self._terms: dict[tuple[int, str], tuple[int, int]] = {}
        """The id of each term of a project that was asked for, and its df; 0 and 0 if unknown."""

    @override
    def statistics(self, project: str, terms: Collection[str]) -> Statistics:
        known = self._known(project, terms)
        values = {"project_id": self._project_id(project)}
        total = rows.scalar(self._database.execute(queries.CONTEXT_COUNT, values))
        return Statistics(total=total, df={term: known[term][1] for term in terms})

    @override
    def vocabulary(
        self, project: str, ranges: Sequence[VocabularyRange], *, limit: int
    ) -> tuple[tuple[str, ...], ...]:
        project_id = self._project_id(project)
        found = []
        for one in ranges:
            values = {
                "project_id": project_id,
                "first": one.prefix,
                "beyond": one.prefix + _BEYOND,
                "shortest": one.shortest,
                "longest": one.longest,
                "limit": limit,
            }
            terms = self._database.execute(queries.VOCABULARY, values).fetchall()
            found.append(tuple(term for (term,) in terms))
        return tuple(found)

    @override
    def best(
        self, project: str, groups: Sequence[Group], selection: Selection, *, limit: int
    ) -> tuple[Scored, ...]:
        if all(group.finds for group in groups) and self._is_one_in_three(project, selection):
            ahead = _AHEAD * limit
            found = self._best(project, groups, EVERY_CONTEXT, limit=ahead)
            values = {"ids": _json(one.id for one in found), "level": selection.minimum_importance}
            cursor = self._database.execute(queries.IMPORTANT_IDS, values)
            important = {context_id for (context_id,) in cursor}
            best = [one for one in found if one.id in important]
            if len(best) >= limit or len(found) < ahead:
                return tuple(best[:limit])
        return self._best(project, groups, selection, limit=limit)

    def _is_one_in_three(self, project: str, selection: Selection) -> bool:
        """Say whether importance is all that is asked for, and one context of three has it.

        Then enough of the best have it too. To look at these is quicker than to gather thousands
        that have it, and to look for each that is found among them.
        """
        if selection == EVERY_CONTEXT or replace(selection, minimum_importance=1) != EVERY_CONTEXT:
            return False
        values = {"project_id": self._project_id(project), "level": selection.minimum_importance}
        important, total = self._database.execute(queries.IMPORTANT_COUNT, values).fetchone()
        return bool(important > _MANY and 3 * important > total)

    def _best(
        self, project: str, groups: Sequence[Group], selection: Selection, *, limit: int
    ) -> tuple[Scored, ...]:
        known = self._known(project, {term for group in groups for term in group.terms})
        finding, others = (
            [
                weights
                for group in groups
                if group.finds is finds and (weights := _weights(group, known))
            ]
            for finds in (True, False)
        )
        if not finding:
            return ()
        several = [weights for weights in finding if len(weights) > 1]
        single: Counter[int] = Counter()
        for weights in finding:
            single.update(weights if len(weights) == 1 else {})
        at_most = limit if all(group.finds for group in groups) else RESCORED
        levels = range(
            max(MINIMUM_IMPORTANCE, selection.minimum_importance), MAXIMUM_IMPORTANCE + 1
        )
        values = {
            "project_id": self._project_id(project),
            "single": json.dumps(single),
            "groups": json.dumps(several),
            **{f"other_{place}": _json(group) for place, group in enumerate(others)},
            **{f"weight_{place}": max(group.values()) for place, group in enumerate(others)},
            "tags": _json(selection.tags),
            "levels": _json(levels),
            "since": _milliseconds(selection.span.since, _FIRST),
            "until": _milliseconds(selection.span.until, _LAST),
            "limit": at_most,
        }
        found: list[tuple[int, ...]] = []
        for recent in (False, True):
            statement = queries.best(
                recent=recent,
                alone=len(single) == 1 and not several,
                groups=bool(several),
                others=len(others),
                filtered=selection != EVERY_CONTEXT,
                tagged=bool(selection.tags),
            )
            found += self._database.execute(statement, values).fetchall()
        found = sorted(found, reverse=True)[:at_most]
        if others:
            found = sorted(((score, context_id) for _, context_id, score in found), reverse=True)
        return tuple(Scored(id=context_id, score=score) for score, context_id in found[:limit])

    @override
    def places(self, project: str, ids: Collection[int]) -> Mapping[int, Place]:
        values = {"project_id": self._project_id(project), "ids": _json(ids)}
        return {
            context_id: Place(
                importance=importance,
                milliseconds=time,
                before=before,
                milliseconds_before=0 if before is None else time - earlier,
                after=after,
                milliseconds_after=0 if after is None else later - time,
            )
            for context_id, importance, time, before, earlier, after, later in (
                self._database.execute(queries.PLACES, values).fetchall()
            )
        }

    @override
    def matches(
        self, project: str, ids: Collection[int], terms: Collection[str]
    ) -> Mapping[int, frozenset[str]]:
        known = self._known(project, terms)
        names = {number: term for term, (number, df) in known.items() if df}
        values = {"ids": _json(ids), "terms": _json(names)}
        found: dict[int, set[str]] = {one: set() for one in ids}
        for context_id, number in self._database.execute(queries.MATCHES, values).fetchall():
            found[context_id].add(names[number])
        return {one: frozenset(several) for one, several in found.items()}

    def _project_id(self, name: str) -> int | None:
        if name not in self._projects:
            known = self._database.execute(PROJECT_ID, {"project": name})
            self._projects[name] = rows.scalar(known) if self._is_written else None
        return self._projects[name]

    def _known(self, project: str, terms: Collection[str]) -> dict[str, tuple[int, int]]:
        """Return the id and the df of each term, 0 and 0 where the project has it not."""
        project_id = self._project_id(project)
        if project_id is None:
            return dict.fromkeys(terms, (0, 0))
        unasked = [term for term in terms if (project_id, term) not in self._terms]
        if unasked:
            values = {"project_id": project_id, "terms": _json(unasked)}
            found = self._database.execute(queries.TERMS, values).fetchall()
            self._terms |= {(project_id, term): (0, 0) for term in unasked}
            self._terms |= {(project_id, term): (number, df) for term, number, df in found}
        return {term: self._terms[project_id, term] for term in terms}


def _weights(group: Group, known: Mapping[str, tuple[int, int]]) -> dict[int, int]:
    """Return the ids of the terms of a group that the project has, each with the weight."""
    return {number: group.weight for number, df in map(known.__getitem__, group.terms) if df}


def _json(values: Iterable[int | str]) -> str:
    return json.dumps(list(values), ensure_ascii=False)


def _milliseconds(moment: datetime | None, otherwise: int) -> int:
    """Return the first whole millisecond that is not before a time."""
    if moment is None:
        return otherwise
    return to_milliseconds(moment) + (moment.microsecond % 1_000 > 0)
