"""The passage of a long content."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extended_memory.search.analyzer import query_terms
from extended_memory.search.passage import best_passage

FILLER = "Lorem ipsum dolor sit amet. " * 20


def test_a_content_that_fits_comes_whole() -> None:
    assert best_passage("short", ("short",), 5) == ("short", False)


def test_the_passage_with_most_different_terms_is_chosen() -> None:
    content = f"{FILLER}\nredis redis redis\n{FILLER}\nThe redis cluster failed.\n{FILLER}"
    passage, was_cut = best_passage(content, query_terms("redis cluster"), 60)
    assert was_cut
    assert "The redis cluster failed." in passage
    assert len(passage.encode()) <= 60


def test_a_passage_begins_and_ends_between_lines() -> None:
    content = "\n".join(f"line {number} has words" for number in range(100))
    passage, _ = best_passage(content, query_terms("50"), 120)
    assert passage.splitlines() == [f"line {number} has words" for number in range(49, 55)]


def test_without_a_match_it_is_the_beginning() -> None:
    assert best_passage("one two three", ("absent",), 8) == ("one two", True)


def test_the_end_of_a_content_leaves_its_room_to_what_is_before() -> None:
    content = "word " * 100 + "target"
    passage, _ = best_passage(content, ("target",), 50)
    assert passage == "word " * 8 + "target"


def test_a_run_without_spaces_is_searched_as_well() -> None:
    content = "学" * 500 + "猫" + "学" * 500
    passage, _ = best_passage(content, query_terms("学猫"), 300)
    assert "猫" in passage
    assert len(passage) == 100


@pytest.mark.parametrize("cluster", ["e\u0301", "👨\u200d👩", "👍\U0001f3fd", "कि"])
def test_a_character_of_several_code_points_is_not_divided(cluster: str) -> None:
    for budget in range(20, 40):
        passage, was_cut = best_passage(cluster * 100, (), budget)
        assert was_cut
        assert passage == cluster * (len(passage) // len(cluster))


@given(st.text(), st.lists(st.sampled_from(["a", "b", "1"])), st.integers(0, 60))
def test_a_passage_is_a_part_within_the_budget(
    content: str, wanted: list[str], budget: int
) -> None:
    passage, was_cut = best_passage(content, wanted, budget)
    assert passage in content
    assert len(passage.encode()) <= budget
    assert was_cut is (passage != content)
