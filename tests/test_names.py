"""Normalised names: idempotent, and the spellings people use for one name are one."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extended_memory.names import control_character, normalise_project, normalise_tags

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("My_Proj", "my proj"),
        ("my-proj", "my proj"),
        ("MY  PROJ", "my proj"),
        ("  my proj ", "my proj"),
        ("__a--b__", "a b"),
        ("---", ""),
        ("", ""),
        ("Cafe\u0301", "caf\u00e9"),
        ("\u0130stanbul", "i\u0307stanbul"),
        ("ПРОЕКТ_Ё", "проект ё"),
        ("a\u00a0\u2003b", "a b"),
        ("v1.2/x:y", "v1.2/x:y"),
    ],
)
def test_a_project_has_one_spelling(written: str, name: str) -> None:
    assert normalise_project(written) == name


@given(TEXT)
def test_normalising_a_project_twice_changes_nothing(written: str) -> None:
    once = normalise_project(written)
    assert normalise_project(once) == once
    assert once == once.strip()
    assert unicodedata.is_normalized("NFC", once)
    assert not set("_-") & set(once)
    assert "  " not in once


@given(TEXT)
def test_upper_case_and_decomposition_are_the_same_project(written: str) -> None:
    assert normalise_project(unicodedata.normalize("NFD", written)) == normalise_project(written)


@given(st.lists(TEXT))
def test_normalising_tags_twice_changes_nothing(written: list[str]) -> None:
    once = normalise_tags(written)
    assert normalise_tags(once) == once
    assert list(once) == sorted(set(once))
    assert "" not in once
    assert normalise_tags([*written, *reversed(written)]) == once


@pytest.mark.parametrize("character", ["\0", "\t", "\n", "\x7f", "\x85", "\x9f"])
def test_control_characters_are_found(character: str) -> None:
    assert control_character(f"a{character}b") == character


@pytest.mark.parametrize("harmless", ["", "plain", "ё\u0301", "\u200d", "\u00a0", "😀"])
def test_other_characters_are_no_control_characters(harmless: str) -> None:
    assert control_character(harmless) is None
