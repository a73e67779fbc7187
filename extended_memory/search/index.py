"""The index of a store as the engine sees it: a few reads.

A store keeps, of every context it holds, one posting for each term of ``ranking.impacts``: the
project, the term, the context and the term's impact in it; and of every term of a project in how
many of its contexts it is (``df``). Nothing spans projects: no word or number of one project has
any part in an answer about another. All of it changes in the transaction that saves, imports or
removes a context, so that no search sees a context without its postings or a posting without its
context.

Everything a backend computes is a sum or a maximum of integers, below 2**53 also where a backend
computes with doubles: two backends with the same contexts give the same answer to the last tie.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from extended_memory.domain import Selection

FEW_POSTINGS = 5
"""A term that at most this many contexts of a project have is rare there."""

POOL = 200
"""How many contexts are looked at more closely; with 50 the neighbours gain less (measured)."""


RESCORED = 1_000
"""To how many of the contexts found the common words add; a look at each costs most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """How many contexts a project holds, and how many of them have each term asked for."""

    total: int
    df: Mapping[str, int]
    """Of every term asked for: of an unknown one too, 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VocabularyRange:
    """Terms with a common prefix and a length in characters (code points), both ends included."""

    prefix: str
    shortest: int
    longest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Terms that count as one: a context gains the weight times the largest impact of them.

    A group that does not find adds to the best ``RESCORED`` of the contexts that other groups find
    (on a tie the newer ids), and to no others: where there is such a group, no others are returned.
    """

    terms: tuple[str, ...]
    weight: int
    finds: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A context and the sum of what it gains from the groups, more than 0."""

    id: int
    score: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a context stands: its importance, its time, and who is next to it in the project.

    Next to it are, of all contexts of its project ordered by time and id, the one before and the
    one after. Times are whole milliseconds since 1970, as ``domain.to_milliseconds`` gives them.
    """

    importance: int
    milliseconds: int
    before: int | None
    milliseconds_before: int
    """How much earlier the one before was saved; 0 where there is none."""
    after: int | None
    milliseconds_after: int
    """How much later the one after was saved; 0 where there is none."""


class SearchIndex(ABC):
    """The reads of one search; better all of one state of the store, but that is not promised."""

    @abstractmethod
    def statistics(self, project: str, terms: Collection[str]) -> Statistics:
        """Return how common these terms are in a project."""

    @abstractmethod
    def vocabulary(
        self, project: str, ranges: Sequence[VocabularyRange], *, limit: int
    ) -> tuple[tuple[str, ...], ...]:
        """Return of each range the first terms of a project, in the order of their UTF-8 bytes.

        A term is one with a df above 0; ``limit`` counts for each range by itself.
        """

    @abstractmethod
    def best(
        self, project: str, groups: Sequence[Group], selection: Selection, *, limit: int
    ) -> tuple[Scored, ...]:
        """Return the contexts of a project that score highest, the newer id first on a tie.

        Only contexts of the selection count, and only those with a term of a group that
        finds. A term may be in several groups, and counts in each.
        """

    @abstractmethod
    def places(self, project: str, ids: Collection[int]) -> Mapping[int, Place]:
        """Return where each of these contexts of a project stands, whatever the selection.

        A context that was removed meanwhile is left out.
        """

    @abstractmethod
    def matches(
        self, project: str, ids: Collection[int], terms: Collection[str]
    ) -> Mapping[int, frozenset[str]]:
        """Return which of the terms each of these contexts of a project has, if any."""
