"""An argument that was refused, as one sentence: its name, the rule, and what was given."""

import json
from typing import Any

from pydantic import ValidationError

from extended_memory.protocol.transport import SURROGATE_KEY

_SHOWN_CHARACTERS = 60

_RULES = {
    "greater_than_equal": "be at least {ge}",
    "less_than_equal": "be at most {le}",
    "rule": "{rule}",
}


def sentence(tool: str, error: ValidationError) -> str:
    """Say the first thing that is wrong with a call, in the order of the tool's arguments."""
    first = error.errors(include_url=False)[0]
    argument, *place = (str(step) for step in first["loc"]) if first["loc"] else ("arguments",)
    kind = first["type"]
    if kind in {"missing_argument", "missing", "missing_keyword_only_argument"}:
        return f"{argument} is required by {tool} and was not given."
    if kind in {"unexpected_keyword_argument", "extra_forbidden"}:
        name, given = _shown(argument).strip('"').replace("\\\\", "\\"), _shown(first["input"])
        return f"{name} must not be given, {tool} has no such argument; given: {given}."
    where = f"{argument}[{']['.join(place)}]" if place else argument
    return f"{where} {broken_rule(error)}"


def broken_rule(error: ValidationError) -> str:
    """Say what the first value that is wrong must be: "must be at most 10; given: 11."."""
    first = error.errors(include_url=False)[0]
    rule = _RULES.get(first["type"], "be valid").format(**first.get("ctx", {}))
    return f"must {rule}; given: {_shown(first['input'])}."


def _shown(value: Any) -> str:
    """Return a value as JSON, cut to a length that is worth reading."""
    if isinstance(value, dict) and set(value) == {SURROGATE_KEY}:
        text = str(value[SURROGATE_KEY])
    else:
        text = json.dumps(value, default=str, ensure_ascii=False)
        text = text.encode(errors="backslashreplace").decode()  # a lone surrogate has no UTF-8
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
