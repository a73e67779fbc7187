"""A count and its noun agree."""

import pytest

from extended_memory.counts import counted, noun


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 contexts"), (1, "1 context"), (2, "2 contexts"), (1200, "1,200 contexts")],
)
def test_a_noun_agrees_with_its_count(count: int, text: str) -> None:
    assert counted(count, "context") == text


def test_an_irregular_plural_is_given() -> None:
    assert [counted(count, "copy", "copies") for count in (1, 2)] == ["1 copy", "2 copies"]


def test_a_noun_can_stand_without_its_count() -> None:
    assert [noun(count, "problem") for count in (0, 1)] == ["problems", "problem"]
