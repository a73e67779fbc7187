"""A search index in the plainest Python: what every backend has to answer."""

from bisect import insort
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from extended_memory.domain import Context, Selection, to_milliseconds
from extended_memory.search.index import (
    RESCORED,
    Group,
    Place,
    Scored,
    SearchIndex,
    Statistics,
    VocabularyRange,
)
from extended_memory.search.ranking import impacts


class MemoryIndex(SearchIndex):
    def __init__(self) -> None:
        self.contexts: dict[int, Context] = {}
        self.postings: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
        self.timelines: dict[str, list[tuple[int, int]]] = defaultdict(list)

    def add(self, context: Context) -> None:
        self.contexts[context.id] = context
        for term, impact in impacts(
            context.note.content, context.note.tags, context.created_at
        ).items():
            self.postings[context.project, term][context.id] = impact
        insort(self.timelines[context.project], (to_milliseconds(context.created_at), context.id))

    def remove(self, context_id: int) -> None:
        context = self.contexts.pop(context_id)
        for term in impacts(context.note.content, context.note.tags, context.created_at):
            del self.postings[context.project, term][context.id]
        self.timelines[context.project].remove((to_milliseconds(context.created_at), context.id))

    def statistics(self, project: str, terms: Collection[str]) -> Statistics:
        return Statistics(
            total=len(self.timelines[project]), df={t: len(self._of(project, t)) for t in terms}
        )

    def vocabulary(
        self, project: str, ranges: Sequence[VocabularyRange], *, limit: int
    ) -> tuple[tuple[str, ...], ...]:
        own = (term for (of, term), held in self.postings.items() if of == project and held)
        words = sorted(own, key=str.encode)
        return tuple(
            tuple(
                word
                for word in words
                if word.startswith(one.prefix) and one.shortest <= len(word) <= one.longest
            )[:limit]
            for one in ranges
        )

    def best(
        self, project: str, groups: Sequence[Group], selection: Selection, *, limit: int
    ) -> tuple[Scored, ...]:
        scores: dict[int, int] = defaultdict(int)
        found: set[int] = set()
        for group in sorted(groups, key=lambda group: not group.finds):
            if not group.finds and len(found) > RESCORED:
                best = sorted(found, key=lambda one: (scores[one], one), reverse=True)
                found = set(best[:RESCORED])
            largest: dict[int, int] = {}
            for term in group.terms:
                for one, impact in self._of(project, term).items():
                    if _passes(self.contexts[one], selection):
                        largest[one] = max(largest.get(one, 0), impact)
            for one, impact in largest.items():
                scores[one] += group.weight * impact
            if group.finds:
                found |= largest.keys()
        best = sorted(found, key=lambda one: (scores[one], one), reverse=True)
        return tuple(Scored(id=one, score=scores[one]) for one in best[:limit])

    def places(self, project: str, ids: Collection[int]) -> Mapping[int, Place]:
        line = self.timelines[project]
        where = {one: place for place, (_, one) in enumerate(line)}
        places = {}
        for one in ids:
            if one not in where:
                continue
            now = line[where[one]][0]
            earlier, before = line[where[one] - 1] if where[one] else (now, None)
            later, after = line[where[one] + 1] if where[one] + 1 < len(line) else (now, None)
            places[one] = Place(
                importance=self.contexts[one].note.importance,
                milliseconds=now,
                before=before,
                milliseconds_before=now - earlier,
                after=after,
                milliseconds_after=later - now,
            )
        return places

    def matches(
        self, project: str, ids: Collection[int], terms: Collection[str]
    ) -> Mapping[int, frozenset[str]]:
        return {
            one: frozenset(term for term in terms if one in self._of(project, term)) for one in ids
        }

    def _of(self, project: str, term: str) -> Mapping[int, int]:
        return self.postings.get((project, term), {})


def _passes(context: Context, selection: Selection) -> bool:
    return (
        (not selection.tags or bool(set(selection.tags) & set(context.note.tags)))
        and context.note.importance >= selection.minimum_importance
        and (selection.span.since is None or context.created_at >= selection.span.since)
        and (selection.span.until is None or context.created_at < selection.span.until)
    )
