"""A query answered: the contexts of one project that match it best, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from extended_memory.domain import EVERY_CONTEXT, Selection
from extended_memory.search.analyzer import QueryWord, query_words
from extended_memory.search.expansion import may_suggest, suggested_changes
from extended_memory.search.index import POOL, Group, Scored, SearchIndex
from extended_memory.search.plan import Plan, planned
from extended_memory.search.ranking import QUARTERS, ordered, weight, with_neighbours
from extended_memory.search.stand_ins import corrected

SUGGESTIONS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question: the text, the project, and the number of contexts to return at most."""

    project: str
    text: str
    limit: int
    selection: Selection = EVERY_CONTEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A word of the query that a context has, as the query writes it, in NFKC.

    Where only parts of an identifier or of a run are in the context, it is one of those parts.
    ``taken_for`` is the term that stood for the word, None where the context has it itself;
    ``analyzer.spelling`` tells how a content writes a term.
    """

    word: str
    taken_for: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A context that was found.

    ``score`` is between 0 and 1: 1 for a context of average length with every word of the query,
    and less for each word it has not, the more so the rarer the word is in the project.
    """

    id: int
    score: float
    matches: tuple[Match, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A term of the project that an unknown word may stand for, and a context that has it."""

    term: str
    context_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """The best contexts, best first, and how many were found at all, counted up to ``POOL``.

    ``terms`` are all that was looked for, stand-ins too, for ``passage.best_passage``. Suggestions
    are given only where nothing was found.
    """

    hits: tuple[Hit, ...] = ()
    found: int = 0
    terms: frozenset[str] = frozenset()
    suggestions: tuple[Suggestion, ...] = ()


def search(index: SearchIndex, query: Query) -> Ranking:
    """Return the contexts that match a query; none where it has no letter, digit or emoji."""
    words = query_words(query.text)
    if not any(word.terms for word in words):
        return Ranking()
    plan = planned(index, query.project, words)
    pool = _pool(index, query, plan.groups)
    places = index.places(query.project, [scored.id for scored in pool])
    # One that was removed between two reads has no place any more.
    pool = tuple(scored for scored in pool if scored.id in places)
    if not pool:
        return Ranking(suggestions=_suggestions(index, query.project, words))
    scores = with_neighbours(pool, places)
    best = ordered(scores, places)[: query.limit]
    terms = frozenset(term for group in plan.groups for term in group.terms)
    matches = _matches(index, query.project, best, words, plan, terms)
    full_score = QUARTERS * plan.full_score
    return Ranking(
        hits=tuple(
            Hit(id=one, score=min(1.0, scores[one] / full_score), matches=matches[one])
            for one in best
        ),
        found=len(pool),
        terms=terms,
    )


def _pool(index: SearchIndex, query: Query, groups: Sequence[Group]) -> tuple[Scored, ...]:
    """Return the contexts that are looked at more closely.

    Where nothing has a rarer word, the least common of the common ones that finds something does:
    all of them together would find most of the project.
    """
    pool = index.best(query.project, groups, query.selection, limit=POOL)
    common = sorted((group for group in groups if not group.finds), key=lambda group: -group.weight)
    for one in common:
        if pool:
            break
        groups = [replace(group, finds=group.finds or group == one) for group in groups]
        pool = index.best(query.project, groups, query.selection, limit=POOL)
    return pool


def _matches(
    index: SearchIndex,
    project: str,
    ids: Sequence[int],
    words: Sequence[QueryWord],
    plan: Plan,
    terms: frozenset[str],
) -> Mapping[int, tuple[Match, ...]]:
    found = index.matches(project, ids, terms)
    return {
        one: tuple(
            dict.fromkeys(
                match
                for word in words
                for match in _word_matches(word, found.get(one, frozenset()), plan)
            )
        )
        for one in ids
    }


def _word_matches(word: QueryWord, found: frozenset[str], plan: Plan) -> list[Match]:
    """Return how a context with these terms has a word: whole, in part, or by a stand-in."""
    parts = [term for term in word.terms if term in found]
    if parts and (len(parts) == len(word.terms) or (word.terms[-1] in found and not word.is_run)):
        return [Match(word=word.written)]
    if parts:
        return [Match(word=part) for part in (_joined(word.terms, found) if word.is_run else parts)]
    stand_ins = (one for term in word.terms for one in plan.stand_ins.get(term, {}) if one in found)
    return [Match(word=word.written, taken_for=one) for one in stand_ins][:1]


def _joined(grams: Sequence[str], found: frozenset[str]) -> list[str]:
    """Return the parts of a run that its found terms cover, each of which overlaps the next."""
    parts: list[str] = []
    is_open = False
    for gram in grams:
        if gram in found and is_open:
            parts[-1] += gram[-1]
        elif gram in found:
            parts.append(gram)
        is_open = gram in found
    return parts


def _suggestions(
    index: SearchIndex, project: str, words: Sequence[QueryWord]
) -> tuple[Suggestion, ...]:
    """Return words of this project that are written a little like the ones it has not."""
    terms = {term for word in words for term in word.terms if may_suggest(term)}
    known = index.statistics(project, terms)
    changes = {term: suggested_changes(term) for term in sorted(terms) if not known.df[term]}
    near = corrected(index, project, changes, first_letters=2)
    chosen = list(dict.fromkeys(one for several in near.values() for one in several))[:SUGGESTIONS]
    if not chosen:
        return ()
    groups = [Group(terms=(term,), weight=weight(known.total, 0)) for term in chosen]
    holders = index.best(project, groups, EVERY_CONTEXT, limit=POOL)
    found = index.matches(project, [one.id for one in holders], chosen)
    return tuple(
        Suggestion(term=term, context_id=one.id)
        for term in chosen
        for one in [next((one for one in holders if term in found.get(one.id, ())), None)]
        if one is not None
    )
