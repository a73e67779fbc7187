"""Structured answers: the times in them, and the budget of the overview."""

import json
from datetime import datetime, timezone

from extended_memory.domain import Context, Note, Project
from extended_memory.protocol import answers

NOW = datetime(2026, 11, 23, 9, 15, 30, 123456, tzinfo=timezone.utc)
LONG_NAME = "𝔭" * 200


def context(number: int, content: str) -> Context:
    return Context(
        id=number,
        project=LONG_NAME,
        note=Note(content=content, importance=10, tags=("a",)),
        created_at=NOW,
    )


def test_a_save_is_answered_without_the_content() -> None:
    assert answers.saved(context(7, "note")) == {
        "id": 7,
        "project_id": LONG_NAME,
        "importance_level": 10,
        "tags": ["a"],
        "created_at": "2026-11-23T09:15:30.123+00:00",
        "updated_at": "2026-11-23T09:15:30.123+00:00",
    }


def test_a_time_has_its_zone_and_milliseconds() -> None:
    project = Project(name="p", context_count=1, created_at=NOW, last_saved_at=NOW)
    (answer,) = answers.projects([project], total=1)["projects"]
    assert answer["created_at"] == answer["last_saved_at"] == "2026-11-23T09:15:30.123+00:00"


def test_what_was_not_found_is_not_forgotten() -> None:
    assert answers.forgotten(7, None, asked="", is_in_trash=True) == {
        "id": 7,
        "project_id": None,
        "forgotten": False,
        "can_be_restored": False,
    }


def test_the_overview_keeps_its_small_budget() -> None:
    projects = [
        Project(name=f"{n} {LONG_NAME}", context_count=n, created_at=NOW, last_saved_at=NOW)
        for n in range(30)
    ]
    contexts = [context(n, "𝔠" * 1000) for n in range(10)]
    text = answers.overview(projects, contexts, usage="Use it.")
    assert len(text.encode()) <= 8_000
    overview = json.loads(text)
    assert overview["total_projects"] == 30
    assert overview["available_projects"]
