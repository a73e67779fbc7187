"""The numbers of a ranking: what a term weighs in a context, in a query, and what neighbours add.

All of it is integer arithmetic but the logarithm, which the engine takes for every backend.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from extended_memory.search.analyzer import date_terms, tag_terms, terms
from extended_memory.search.index import Place, Scored

FULL_IMPACT = 1_000
"""The impact of a term that a content of 120 terms has once."""

_COMMON_DF = 2_000
_SITTING = timedelta(minutes=30) // timedelta(milliseconds=1)

QUARTERS = 4
"""A neighbour adds a quarter of its score, so with neighbours every score is given in quarters."""


def impact(tf: int, length: int) -> int:
    """Return what a term weighs that is ``tf`` times in a content of ``length`` terms, 1 to 1900.

    Okapi BM25's part of a posting, in thousandths, rounded half up: with k1 = 0.9 and b = 0.4
    1000 * (k1 + 1) * tf / (tf + k1 * (1 - b + b * length / 120)). Source: S. Robertson and
    H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with a fixed
    length in place of the average one: the weight depends on its own context alone, so that no
    posting changes when another context is saved.
    """
    # Both sides times 1000: 0.9 * 0.6 = 540 and 0.9 * 0.4 / 120 = 3 thousandths, exactly.
    numerator, denominator = 1_900_000 * tf, 1_000 * tf + 540 + 3 * length
    return max(1, (2 * numerator + denominator) // (2 * denominator))


def impacts(content: str, tags: Iterable[str], created_at: datetime) -> dict[str, int]:
    """Return all that a store writes of a context: its terms and what each weighs.

    The terms of the tags and of the date (in the zone of ``created_at``, which stores keep in UTC)
    count once where the content has them not, and do not count for its length.
    """
    of_content = terms(content)
    length = len(of_content)
    frequencies = Counter(of_content)
    for term in sorted(tag_terms(tags) | date_terms(created_at)):
        frequencies.setdefault(term, 1)
    return {term: impact(tf, length) for term, tf in frequencies.items()}


def weight(total: int, df: int, *, halved: bool = False) -> int:
    """Return what a term weighs that ``df`` of ``total`` contexts have; at least 1.

    BM25's inverse document frequency in thousandths, ln(1 + (total - df + 0.5) / (df + 0.5)), or
    half of it. It is never 0: a word that every context has finds them all the same.
    """
    df = min(df, total)
    idf = math.log(1 + (total - df + 0.5) / (df + 0.5))
    return max(1, round((500 if halved else 1_000) * idf))


def is_common(total: int, df: int) -> bool:
    """Tell whether a term is in too many contexts to be worth reading all of them."""
    return df > _COMMON_DF and 4 * df > total


def with_neighbours(pool: Sequence[Scored], places: Mapping[int, Place]) -> dict[int, int]:
    """Return the scores of a pool in quarters: four times each and once its better neighbour's.

    Neighbours are the previous and the next context of the project, within half an hour: what was
    said next to an answer is often part of it. Only those in the pool count: a context without
    any word of the query is not found. The better one, not both: where neighbours have nothing to
    do with each other, as articles have not, that does half the harm and elsewhere as much good.
    """
    scores = {scored.id: scored.score for scored in pool}
    return {
        one: QUARTERS * score
        + max((scores.get(other, 0) for other in _neighbours(places[one])), default=0)
        for one, score in scores.items()
    }


def _neighbours(place: Place) -> list[int]:
    near = []
    if place.before is not None and place.milliseconds_before <= _SITTING:
        near.append(place.before)
    if place.after is not None and place.milliseconds_after <= _SITTING:
        near.append(place.after)
    return near


def ordered(scores: Mapping[int, int], places: Mapping[int, Place]) -> list[int]:
    """Return ids by score, then importance, then time, then id, the higher of each first."""

    def key(one: int) -> tuple[int, int, int, int]:
        return scores[one], places[one].importance, places[one].milliseconds, one

    return sorted(scores, key=key, reverse=True)
