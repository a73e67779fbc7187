"""A refusal is one sentence: the argument, the rule that it breaks, and what was given."""

import inspect
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from extended_memory import server
from extended_memory.protocol import refusals

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("save_context", {}, "content is required by save_context and was not given."),
    ("forget_context", {}, "context_id is required by forget_context and was not given."),
    ("search_contexts", {}, "query is required by search_contexts and was not given."),
    ("save_context", {"content": None}, "content must be text; given: null."),
    ("save_context", {"content": 7}, "content must be text; given: 7."),
    ("save_context", {"content": ["a"]}, 'content must be text; given: ["a"].'),
    ("save_context", {"content": ""}, 'content must not be blank; given: "".'),
    (
        "save_context",
        {"content": " \n\t\u2003"},
        'content must not be blank; given: " \\n\\t\u2003".',
    ),
    (
        "save_context",
        {"content": "\ud800"},
        'content must be Unicode text, without lone surrogates; given: "\\ud800".',
    ),
    (
        "save_context",
        {"content": "я" * 25_001},
        "content must be at most 50,000 bytes of UTF-8: split it into several contexts (this one "
        f'has 50,002 bytes); given: "{"я" * 59}....',
    ),
    (
        "save_context",
        {"content": "a", "importance_level": 11},
        "importance_level must be at most 10; given: 11.",
    ),
    (
        "save_context",
        {"content": "a", "tags": ["a", " "]},
        'tags[1] must not be blank; given: " ".',
    ),
    ("save_context", {"content": "a", "tags": [1]}, "tags[0] must be text; given: 1."),
    ("save_context", {"content": "a", "tags": "[1"}, 'tags must be a list of texts; given: "[1".'),
    (
        "save_context",
        {"content": "a", "tags": {"a": 1}},
        'tags must be a list of texts; given: {"a": 1}.',
    ),
    (
        "save_context",
        {"content": "a", "project_id": "a\nb"},
        'project_id must have no control characters; given: "a\\nb".',
    ),
    (
        "load_contexts",
        {"offset": 10**30},
        f"offset must be at most {2**53 - 1}; given: {10**30}.",
    ),
    ("load_contexts", {"tags_filter": [""]}, 'tags_filter[0] must not be blank; given: "".'),
    (
        "load_contexts",
        {"since": "soon"},
        "since must be a date or a time, such as 2026-11-23 or 2026-11-23T09:15:00Z; given: "
        '"soon".',
    ),
    (
        "save_context",
        {"content": "a", "bogus": "x"},
        'bogus must not be given, save_context has no such argument; given: "x".',
    ),
    (
        "list_all_projects",
        {"project_id": "a"},
        'project_id must not be given, list_all_projects has no such argument; given: "a".',
    ),
    (
        "load_contexts",
        {"limit": 0, "project_id": 5},  # in the order of the tool, not of the call
        "project_id must be text; given: 5.",
    ),
]


def arguments_of(tool: str) -> type[BaseModel]:
    """Return the arguments of a tool as one model."""
    given = inspect.signature(getattr(server, tool)).parameters
    fields: dict[str, Any] = {
        name: (each.annotation, ... if each.default is each.empty else each.default)
        for name, each in given.items()
        if name != "memory"
    }
    return create_model(tool, __config__=ConfigDict(extra="forbid"), **fields)


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"), REFUSED, ids=[f"{t}-{str(a)[:40]}" for t, a, _ in REFUSED]
)
def test_a_wrong_argument_is_refused_in_one_sentence(
    tool: str, arguments: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        arguments_of(tool)(**arguments)
    assert refusals.sentence(tool, refused.value) == sentence
