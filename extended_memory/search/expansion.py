"""Which words of the store a rare or unknown word of a query may stand for.

Two ways: words that begin like it, which finds other forms of it and beginnings of words, and, for
a word that nobody wrote, words with a letter or two changed.
"""

from collections.abc import Iterable

from extended_memory.search.index import VocabularyRange
from extended_memory.search.stems import LONGEST

EXPANSIONS = 64
"""At most this many words with a common prefix stand for a word."""

CORRECTIONS = 10
"""At most this many words stand for a mistyped one."""

_FIRST_SYLLABLES = "\u1100"  # from here on scripts whose letters are syllables or words


def may_expand(term: str) -> bool:
    """Tell whether a term is a word of four letters or more in an alphabet."""
    return len(term) >= 4 and term.isalpha() and max(term) < _FIRST_SYLLABLES


def alike_range(term: str) -> VocabularyRange:
    """Return the words that share the first six tenths of a term, at least four letters of it."""
    shared = max(4, min(len(term) - 1, (6 * len(term) + 5) // 10))
    return beginning_range(term[:shared])


def beginning_range(prefix: str) -> VocabularyRange:
    """Return the terms that begin with a prefix."""
    return VocabularyRange(prefix=prefix, shortest=len(prefix), longest=LONGEST)


def alike(term: str, candidates: Iterable[str], *, known: bool) -> tuple[str, ...]:
    """Return which terms of ``alike_range``, in their order, stand for a term besides itself.

    They are words, or go on from the whole of it (``kubernetes2``). An unknown term with such
    goings-on is a beginning: then these alone.
    """
    others = [one for one in candidates if one != term]
    goings_on = [one for one in others if one.startswith(term)]
    if goings_on and not known:
        return tuple(goings_on[:EXPANSIONS])
    return tuple([one for one in others if one.isalpha() or one in goings_on][:EXPANSIONS])


def tolerated_changes(term: str) -> int:
    """Return how many letters of an unknown term may be wrong: none below 5, 1 below 8, else 2."""
    return 0 if len(term) < 5 else 1 if len(term) < 8 else 2


def changed_ranges(term: str, changes: int, *, first_letters: int) -> tuple[VocabularyRange, ...]:
    """Return the terms no shorter or longer than changes allow, by the letters they begin with.

    With one first letter those that begin as the term does; with two also those that begin with
    its second letter, for a letter too many at the beginning or two letters swapped there.
    """
    return tuple(
        VocabularyRange(
            prefix=letter,
            shortest=max(1, len(term) - changes),
            longest=min(LONGEST, len(term) + changes),
        )
        for letter in dict.fromkeys(term[:first_letters])
    )


def corrections(term: str, candidates: Iterable[str], *, changes: int) -> tuple[str, ...]:
    """Return the candidates within a number of changes of a term, nearest first, then by name."""
    letters = frozenset(term)
    near = sorted(
        (distance, one)
        for one in set(candidates)
        # Each letter that the other has not is a change: this rules most of thousands out.
        if len(letters.difference(one)) <= changes and one != term
        if (distance := edit_distance(term, one, at_most=changes)) <= changes
    )
    return tuple(one for _, one in near)


def edit_distance(one: str, other: str, *, at_most: int) -> int:
    """Return how many letters to insert, delete, replace or swap with the next make one the other.

    ``at_most + 1`` where it is more. The optimal string alignment distance. Source: F. J. Damerau,
    "A technique for computer detection and correction of spelling errors" (1964).
    """
    if abs(len(one) - len(other)) > at_most:
        return at_most + 1
    # What both begin or end with costs nothing, and most candidates differ soon after.
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    while one and other and one[0] == other[0]:
        one, other = one[1:], other[1:]
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        two_before, before, row = before, row, [i]
        for j, counterpart in enumerate(other, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != counterpart))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == counterpart:
                cost = min(cost, two_before[j - 2] + 1)
            row.append(cost)
        if min(row) > at_most:
            return at_most + 1
    return min(row[-1], at_most + 1)


def may_suggest(term: str) -> bool:
    """Tell whether a term is a word of three letters or more in an alphabet."""
    return len(term) >= 3 and term.isalpha() and max(term) < _FIRST_SYLLABLES


def suggested_changes(term: str) -> int:
    """Return how far from an unknown term a suggestion may be: a change more than is tolerated."""
    return tolerated_changes(term) + 1
