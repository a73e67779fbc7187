"""Which words may be meant by a rare or unknown one."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extended_memory.search.expansion import (
    alike,
    alike_range,
    changed_ranges,
    corrections,
    edit_distance,
    may_expand,
)


def distance(one: str, other: str) -> int:
    """Define the optimal string alignment distance."""

    @cache
    def of(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        cost = min(
            of(i - 1, j) + 1, of(i, j - 1) + 1, of(i - 1, j - 1) + (one[i - 1] != other[j - 1])
        )
        if i > 1 and j > 1 and one[i - 2 : i] == other[j - 2 : j][::-1]:
            cost = min(cost, of(i - 2, j - 2) + 1)
        return cost

    return of(len(one), len(other))


WORD = st.text("abc", max_size=8)


@given(WORD, WORD, st.integers(0, 4))
def test_the_bounded_distance_is_the_distance(one: str, other: str, at_most: int) -> None:
    assert edit_distance(one, other, at_most=at_most) == min(distance(one, other), at_most + 1)


@pytest.mark.parametrize(
    ("term", "expected"),
    [("cat", False), ("cats", True), ("utf8", False), ("ошибк", True), ("猫猫猫猫", False)],
)
def test_words_of_an_alphabet_may_be_expanded(term: str, expected: bool) -> None:
    assert may_expand(term) is expected


@pytest.mark.parametrize(
    ("term", "prefix"),
    [("конф", "конф"), ("kuber", "kube"), ("kubernet", "kuber"), ("a" * 20, "a" * 12)],
)
def test_six_tenths_of_a_word_are_shared(term: str, prefix: str) -> None:
    assert alike_range(term).prefix == prefix


def test_an_unknown_beginning_stands_for_what_goes_on_from_it() -> None:
    candidates = ["kube", "kuberdog", "kubern", "kubernet", "kubernet2"]
    assert alike("kubern", candidates, known=False) == ("kubernet", "kubernet2")
    assert alike("kubern", candidates, known=True) == ("kube", "kuberdog", "kubernet", "kubernet2")


@given(WORD, st.sets(WORD), st.integers(0, 4))
def test_corrections_are_all_within_the_distance(
    term: str, candidates: set[str], changes: int
) -> None:
    near = {one for one in candidates - {term} if distance(term, one) <= changes}
    assert set(corrections(term, candidates, changes=changes)) == near


def test_corrections_come_nearest_first() -> None:
    assert corrections("fluent", ["fluent", "flue", "fluant", "affluent"], changes=2) == (
        "fluant",
        "affluent",
        "flue",
    )


def test_a_letter_too_many_at_the_beginning_is_looked_for_by_the_second() -> None:
    assert [one.prefix for one in changed_ranges("xjira", 1, first_letters=2)] == ["x", "j"]
