"""The numbers of a ranking: exact, and the same everywhere."""

from datetime import datetime, timezone
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extended_memory.search.index import Place, Scored
from extended_memory.search.ranking import (
    FULL_IMPACT,
    impact,
    impacts,
    is_common,
    ordered,
    weight,
    with_neighbours,
)

MINUTE = 60_000


def place(
    *,
    importance: int = 5,
    milliseconds: int = 0,
    before: int | None = None,
    after: int | None = None,
    minutes: int = 1,
) -> Place:
    return Place(
        importance=importance,
        milliseconds=milliseconds,
        before=before,
        milliseconds_before=0 if before is None else minutes * MINUTE,
        after=after,
        milliseconds_after=0 if after is None else minutes * MINUTE,
    )


@given(st.integers(1, 50_000), st.integers(0, 50_000))
def test_an_impact_is_the_formula_rounded(tf: int, length: int) -> None:
    k1, b = Fraction(9, 10), Fraction(4, 10)
    exact = 1000 * (k1 + 1) * tf / (tf + k1 * (1 - b + b * Fraction(length, 120)))
    assert impact(tf, length) == max(1, int(exact + Fraction(1, 2)))
    assert 1 <= impact(tf, length) <= 1900


def test_a_term_once_in_an_average_context_has_the_full_impact() -> None:
    assert impact(1, 120) == FULL_IMPACT


def test_a_context_is_found_by_its_words_tags_and_date() -> None:
    moment = datetime(2023, 5, 8, 23, 59, tzinfo=timezone.utc)
    found = impacts("Deploys, deploy: 2023", ("Infra", "deploy"), moment)
    once, twice = impact(1, 3), impact(2, 3)
    assert found == {
        "deploy": twice,
        "2023": once,
        "infra": once,
        "20230508": once,
        "may": once,
        "ма": once,
    }


def test_a_content_without_words_is_found_by_its_date() -> None:
    found = impacts("???", (), datetime(2023, 5, 8, tzinfo=timezone.utc))
    assert set(found) == {"2023", "20230508", "may", "ма"}


@pytest.mark.parametrize(
    ("total", "df", "expected"),
    [(0, 0, 693), (1, 1, 288), (100, 0, 5308), (100, 1, 4210), (100, 100, 5), (10, 12, 47)],
)
def test_a_rare_term_weighs_more(total: int, df: int, expected: int) -> None:
    assert weight(total, df) == expected


def test_no_term_weighs_nothing() -> None:
    assert weight(1_000_000, 1_000_000) == weight(1_000_000, 1_000_000, halved=True) == 1


@pytest.mark.parametrize(
    ("total", "df", "common"), [(100, 100, False), (8000, 2000, False), (8003, 2001, True)]
)
def test_a_term_is_common_in_a_quarter_of_a_large_store(total: int, df: int, common: bool) -> None:
    assert is_common(total, df) is common


def test_the_better_neighbour_of_the_pool_adds_a_quarter() -> None:
    pool = [Scored(id=1, score=8), Scored(id=2, score=100), Scored(id=3, score=20)]
    places = {
        1: place(before=9, after=2),
        2: place(before=1, after=3),
        3: place(before=2, after=4, minutes=31),
    }
    assert with_neighbours(pool, places) == {1: 4 * 8 + 100, 2: 4 * 100 + 20, 3: 4 * 20}


def test_half_an_hour_is_one_sitting() -> None:
    pool = [Scored(id=1, score=1), Scored(id=2, score=10)]
    places = {1: place(after=2, minutes=30), 2: place(before=1, minutes=30)}
    assert with_neighbours(pool, places) == {1: 14, 2: 41}


def test_ties_are_broken_by_importance_then_time_then_id() -> None:
    places = {
        1: place(importance=5, milliseconds=7),
        2: place(importance=5, milliseconds=7),
        3: place(importance=5, milliseconds=9),
        4: place(importance=6, milliseconds=1),
        5: place(importance=1, milliseconds=1),
    }
    assert ordered({1: 10, 2: 10, 3: 10, 4: 10, 5: 11}, places) == [5, 4, 3, 2, 1]
