"""The analyzer's terms, pinned: where they change, ``analyzer.VERSION`` has to change as well."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from extended_memory.search.analyzer import VERSION, date_terms, query_terms, tag_terms, terms

GOLDEN = Path(__file__).parent / "golden"
APART = {"tags", "dates"}


def rows(name: str) -> list[dict[str, Any]]:
    return list(json.loads((GOLDEN / f"{name}.json").read_text("utf-8")))


TEXTS = [
    pytest.param(row, id=f"{path.stem}-{number}")
    for path in sorted(GOLDEN.glob("*.json"))
    if path.stem not in APART
    for number, row in enumerate(rows(path.stem))
]


def test_these_are_the_terms_of_version_1() -> None:
    assert VERSION == 1


@pytest.mark.parametrize("row", TEXTS)
def test_the_terms_of_a_text_are_pinned(row: dict[str, Any]) -> None:
    assert terms(row["text"]) == row["terms"]


@pytest.mark.parametrize("row", TEXTS)
def test_the_terms_of_a_query_are_pinned(row: dict[str, Any]) -> None:
    assert query_terms(row["text"]) == tuple(row["query"])


@pytest.mark.parametrize("row", rows("tags"), ids=str)
def test_the_terms_of_tags_are_pinned(row: dict[str, Any]) -> None:
    assert sorted(tag_terms(row["tags"])) == row["terms"]


@pytest.mark.parametrize("row", rows("dates"), ids=str)
def test_the_terms_of_a_date_are_pinned(row: dict[str, Any]) -> None:
    assert sorted(date_terms(datetime.fromisoformat(row["moment"]))) == row["terms"]
