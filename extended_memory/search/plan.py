"""The plan of a query: its terms and their stand-ins, each with its weight."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from extended_memory.search.analyzer import QueryWord
from extended_memory.search.index import FEW_POSTINGS, Group, SearchIndex
from extended_memory.search.ranking import FULL_IMPACT, is_common, weight
from extended_memory.search.stand_ins import Words, stand_ins
from extended_memory.search.writing_systems import is_short_run

MOST_TERMS = 256
"""At most this many terms of a query are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The groups of a search, and which terms of the project stand for a term of the query.

    ``full_score`` is that of a context of average length with every term of the query once.
    """

    groups: tuple[Group, ...]
    stand_ins: Mapping[str, Words]
    full_score: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    terms: tuple[str, ...]
    df: int
    is_stand_in: bool = False


def planned(index: SearchIndex, project: str, words: Sequence[QueryWord]) -> Plan:
    """Return the plan for the words of a query, of which there is at least one.

    Stand-ins count half, all of a term's together as one term, as common as all of them.
    """
    asked = tuple(dict.fromkeys(term for word in words for term in word.terms))[:MOST_TERMS]
    statistics = index.statistics(project, asked)
    # A character alone as the whole query would find only what ends in it: it is a beginning.
    lone = asked[0] if len(asked) == 1 and is_short_run(asked[0]) else None
    rare = {
        term: statistics.df[term]
        for term in asked
        if statistics.df[term] <= FEW_POSTINGS or term == lone
    }
    chosen = stand_ins(index, project, rare, asked=asked)
    parts = []
    for term in asked:
        df, others = statistics.df[term], chosen.get(term, {})
        if term == lone:
            parts.append(_Part(terms=(term, *others), df=df + sum(others.values())))
            continue
        parts.append(_Part(terms=(term,), df=df))
        if others:
            parts.append(_Part(terms=tuple(others), df=sum(others.values()), is_stand_in=True))
    return Plan(
        groups=_groups(statistics.total, parts),
        stand_ins=chosen,
        full_score=FULL_IMPACT
        * sum(weight(statistics.total, part.df) for part in parts if not part.is_stand_in),
    )


def _groups(total: int, parts: Sequence[_Part]) -> tuple[Group, ...]:
    return tuple(
        Group(
            terms=part.terms,
            weight=weight(total, part.df, halved=part.is_stand_in),
            finds=not is_common(total, part.df),
        )
        for part in parts
    )
