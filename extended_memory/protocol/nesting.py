"""How deep JSON is nested, found without recursion: by its text, or by the value it says."""

import json
import re
from itertools import accumulate
from typing import Any, Final

MAXIMUM_DEPTH: Final = 180
"""Objects and lists within each other; pydantic reads 200 of them, and json by recursion."""

_STEPS: Final = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
"""Brackets as signed bytes: 1 where something begins, -1 where it ends."""
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[{]}"))
_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
_SEARCHED_BYTES: Final = 1024 * 1024
"""In a longer text nobody looks for the outermost object: it takes a microsecond a bracket."""


def is_too_deep(text: bytes) -> bool:
    """Say whether a text of JSON is nested beyond the bound, before anybody parses it.

    Of a text that is no JSON this is true of the part that a parser reads before it notices.
    """
    if text.count(b"[") + text.count(b"{") <= MAXIMUM_DEPTH:
        return False
    outside = text.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2]
    steps = memoryview(b"".join(outside).translate(_STEPS, _NO_BRACKETS)).cast("b")
    return max(accumulate(steps), default=0) > MAXIMUM_DEPTH


def holds_too_much(value: Any) -> bool:
    """Say whether a value that was parsed is nested beyond the bound."""
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(MAXIMUM_DEPTH):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def outermost(text: bytes) -> dict[str, Any]:
    """Return an object without what is nested in it, or an empty one where there is none."""
    if len(text) > _SEARCHED_BYTES:
        return {}
    kept: list[bytes] = []
    depth = since = 0
    for token in _TOKEN.finditer(text):
        if token.group() in b"[{":
            depth += 1
            if depth == 2:
                kept += text[since : token.start()], b"null"
        elif token.group() in b"]}":
            depth -= 1
            if depth == 1:
                since = token.end()
    try:
        value = json.loads(b"".join((*kept, text[since:])))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
