"""Which terms of a project stand for the rare and unknown terms of a query: the index is asked."""

from collections.abc import Iterable, Mapping

from extended_memory.search.expansion import (
    CORRECTIONS,
    alike,
    alike_range,
    beginning_range,
    changed_ranges,
    corrections,
    may_expand,
    tolerated_changes,
)
from extended_memory.search.index import SearchIndex, VocabularyRange
from extended_memory.search.writing_systems import is_short_run

WIDEST_BEGINNING = 256
"""At most this many terms with a common prefix are considered."""

WIDEST_LONE_BEGINNING = 1_000
"""The same where only one word of a query is rare: a common 学 begins hundreds of pairs."""

WIDEST_LETTER = 100_000
"""At most this many terms with one first letter are compared with a mistyped word."""

Words = Mapping[str, int]
"""Terms of the project, and in how many of its contexts each of them is."""


def stand_ins(
    index: SearchIndex, project: str, rare: Mapping[str, int], *, asked: Iterable[str]
) -> dict[str, Words]:
    """Return what stands for each of the rare terms, given how many contexts have it.

    A term that is ``asked`` for stands for no other one. Terms without a stand-in are left out.
    """
    ranges = {
        term: beginning_range(term) if is_short_run(term) else alike_range(term)
        for term in rare
        if is_short_run(term) or may_expand(term)
    }
    limit = WIDEST_BEGINNING if len(ranges) > 1 else WIDEST_LONE_BEGINNING
    found = _words(index, project, ranges.values(), limit=limit)
    chosen: dict[str, Words] = {}
    for term, one in ranges.items():
        others = {word: df for word, df in found[one].items() if word not in asked}
        names = others if is_short_run(term) else alike(term, others, known=rare[term] > 0)
        if names:
            chosen[term] = {name: others[name] for name in names}
    unknown = [term for term in ranges if not rare[term] and term not in chosen]
    changes = {term: tolerated_changes(term) for term in unknown if may_expand(term)}
    near = corrected(index, project, changes, first_letters=1)
    return chosen | {term: dict(list(words.items())[:CORRECTIONS]) for term, words in near.items()}


def corrected(
    index: SearchIndex, project: str, changes: Mapping[str, int], *, first_letters: int
) -> dict[str, Words]:
    """Return the terms of a project within a number of changes of each term, the nearest first.

    Only terms that begin with one of the term's ``first_letters`` are compared with it. Terms
    without a correction are left out.
    """
    ranges = {
        term: changed_ranges(term, count, first_letters=first_letters)
        for term, count in changes.items()
        if count
    }
    spans = tuple(dict.fromkeys(one for several in ranges.values() for one in several))
    if not spans:
        return {}
    found = index.vocabulary(project, spans, limit=WIDEST_LETTER)
    vocabulary = dict(zip(spans, found, strict=True))
    near = {
        term: corrections(
            term, (word for one in several for word in vocabulary[one]), changes=changes[term]
        )
        for term, several in ranges.items()
    }
    df = index.statistics(project, {word for words in near.values() for word in words}).df
    return {term: {word: df[word] for word in words} for term, words in near.items() if words}


def _words(
    index: SearchIndex, project: str, ranges: Iterable[VocabularyRange], *, limit: int
) -> dict[VocabularyRange, Words]:
    spans = tuple(dict.fromkeys(ranges))
    if not spans:
        return {}
    found = index.vocabulary(project, spans, limit=limit)
    df = index.statistics(project, {word for words in found for word in words}).df
    return {
        one: {word: df[word] for word in words} for one, words in zip(spans, found, strict=True)
    }
