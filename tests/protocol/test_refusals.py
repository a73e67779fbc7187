"""The grammar of arguments on their types, without a server: each refusal is one sentence."""

import inspect
import json
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from extended_memory import server
from extended_memory.protocol import refusals

NO_INTEGERS: list[Any] = [5.5, "5.5", "high", True, [], {}, "", "1e400"]

NO_WHOLE_NUMBERS: list[tuple[str, dict[str, Any], str]] = [
    (
        "save_context",
        {"content": "a", "importance_level": value},
        f"importance_level must be a whole number; given: {json.dumps(value)}.",
    )
    for value in NO_INTEGERS
]

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("save_context", {}, "content is required by save_context and was not given."),
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
        {"content": "a", "importance_level": 0},
        "importance_level must be at least 1; given: 0.",
    ),
    (
        "save_context",
        {"content": "a", "importance_level": 11},
        "importance_level must be at most 10; given: 11.",
    ),
    *NO_WHOLE_NUMBERS,
    (
        "save_context",
        {"content": "a", "tags": ["a", " "]},
        'tags[1] must not be blank; given: " ".',
    ),
    (
        "save_context",
        {"content": "a", "tags": ["x" * 101]},
        f'tags[0] must be at most 100 characters; given: "{"x" * 59}....',
    ),
    ("save_context", {"content": "a", "tags": [1]}, "tags[0] must be text; given: 1."),
    ("save_context", {"content": "a", "tags": "[1"}, 'tags must be a list of texts; given: "[1".'),
    ("save_context", {"content": "a", "tags": 5}, "tags must be a list of texts; given: 5."),
    (
        "save_context",
        {"content": "a", "tags": {"a": 1}},
        'tags must be a list of texts; given: {"a": 1}.',
    ),
    (
        "save_context",
        {"content": "a", "tags": ["a\tb"]},
        'tags[0] must have no control characters; given: "a\\tb".',
    ),
    (
        "save_context",
        {"content": "a", "tags": ["\udc00"]},
        'tags[0] must be Unicode text, without lone surrogates; given: "\\udc00".',
    ),
    (
        "save_context",
        {"content": "a", "project_id": "x" * 201},
        f'project_id must be at most 200 characters; given: "{"x" * 59}....',
    ),
    (
        "save_context",
        {"content": "a", "project_id": "a\nb"},
        'project_id must have no control characters; given: "a\\nb".',
    ),
    ("save_context", {"content": "a", "project_id": 5}, "project_id must be text; given: 5."),
    (
        "save_context",
        {"content": "a", "bogus": "x"},
        'bogus must not be given, save_context has no such argument; given: "x".',
    ),
    ("load_contexts", {"limit": 0}, "limit must be at least 1; given: 0."),
    ("load_contexts", {"limit": 101}, "limit must be at most 100; given: 101."),
    ("load_contexts", {"offset": -1}, "offset must be at least 0; given: -1."),
    (
        "load_contexts",
        {"offset": 10**30},
        f"offset must be at most {2**53 - 1}; given: {10**30}.",
    ),
    (
        "load_contexts",
        {"init_load": "perhaps"},
        'init_load must be true or false; given: "perhaps".',
    ),
    ("load_contexts", {"init_load": 2}, "init_load must be true or false; given: 2."),
    ("load_contexts", {"tags_filter": [""]}, 'tags_filter[0] must not be blank; given: "".'),
    ("forget_context", {}, "context_id is required by forget_context and was not given."),
    (
        "forget_context",
        {"context_id": None},
        "context_id must be a whole number; given: null.",
    ),
    ("forget_context", {"context_id": 0}, "context_id must be at least 1; given: 0."),
    (
        "forget_context",
        {"context_id": "1; DROP TABLE contexts"},
        'context_id must be a whole number; given: "1; DROP TABLE contexts".',
    ),
    (
        "list_all_projects",
        {"project_id": "a"},
        'project_id must not be given, list_all_projects has no such argument; given: "a".',
    ),
    ("get_popular_tags", {"limit": 0}, "limit must be at least 1; given: 0."),
    ("get_popular_tags", {"limit": 1001}, "limit must be at most 1000; given: 1001."),
    ("get_popular_tags", {"min_usage": 0}, "min_usage must be at least 1; given: 0."),
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
