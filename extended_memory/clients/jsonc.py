"""JSON with or without comments, changed in its text: what is not the change stays byte for byte.

No library that keeps comments is well kept and without a runtime of its own, so the reading is
left to the standard one: comments and trailing commas are overwritten with as many spaces, and
every position in what is left is one in the text.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from extended_memory.clients.faults import ConfigurationError, MalformedError

_STRING = r'"(?:[^"\\\r\n]|\\.)*"'
_COMMENT = re.compile(rf"{_STRING}|//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_TRAILING_COMMA = re.compile(rf"{_STRING}|[\[{{,:]\s*,|,(?=\s*[\]}}])", re.DOTALL)
_INDENTED = re.compile(r'^([ \t]+)"', re.MULTILINE)
_DEFAULT_INDENT = "  "

_decoder = json.JSONDecoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """A key and its value, with where the key begins and where the value begins and ends."""

    key: str
    start: int
    value: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Object:
    """An object in a text: where its braces are, and its members."""

    opening: int
    closing: int
    members: tuple[_Member, ...]

    def member(self, key: str) -> _Member | None:
        """Return the member of a name; of several the last, which is the one that counts."""
        return next((member for member in reversed(self.members) if member.key == key), None)


def read(text: str, *, comments: bool) -> Any:
    """Return the value of a text; an empty text is an empty object.

    Raises:
        MalformedError: it is no JSON, or has comments that its program does not take.
    """
    plain = _plain(text)
    if not plain.strip():
        return {}
    try:
        return json.loads(plain if comments else text)
    except json.JSONDecodeError as error:
        error = json.JSONDecodeError(error.msg, text, error.pos)  # comments may hold line ends
        raise MalformedError(error.lineno, error.colno, error.msg) from error


def put(text: str, keys: Sequence[str], value: Any) -> str:
    """Set the value that a way of keys leads to; objects that are missing are made.

    Raises:
        ConfigurationError: on the way is something that is no object.
    """
    if not _plain(text).strip():
        text = f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{{}}\n"
    plain = _plain(text)
    opening = _skip(plain, 0)
    for depth, key in enumerate(keys):
        if plain[opening] != "{":
            raise ConfigurationError(f"{_place(keys[:depth])} is no object.")
        inside = _object(plain, opening)
        member = inside.member(key)
        new = _nested(keys[depth + 1 :], value)
        if member is None:
            return _insert(text, inside, key, new)
        if depth == len(keys) - 1 or plain.startswith("null", member.value):
            if json.loads(plain[member.value : member.end]) == new:
                return text
            written = _written(new, _indent_at(text, member.start), _unit(text), _newline(text))
            return text[: member.value] + written + text[member.end :]
        opening = member.value
    return text


def cut(text: str, keys: Sequence[str]) -> str:
    """Take away what a way of keys leads to, if it is there."""
    *way, last = keys
    while (inside := _inside(_plain(text), way)) and (member := inside.member(last)):
        text = _without(text, inside, member)  # a key may stand there twice
    return text


def _without(text: str, inside: _Object, member: _Member) -> str:
    """Take a member away with its comma, and with its line if nothing else is on that."""
    code = _without_comments(text)
    index = inside.members.index(member)
    is_last = index == len(inside.members) - 1
    comma = code.find(
        ",", member.end, inside.closing if is_last else inside.members[index + 1].start
    )
    comma_before = code.find(",", inside.members[index - 1].end, member.start) if index else -1
    start, end = member.start, member.end if comma < 0 else comma + 1
    is_only = len(inside.members) == 1
    if (
        is_only
        and not text[inside.opening + 1 : start].strip() + text[end : inside.closing].strip()
    ):
        return text[: inside.opening + 1] + text[inside.closing :]
    next_line = text.find("\n", end) + 1
    own_line = _begins_line(text, start)
    next_to_comma = comma_before >= 0 and not text[comma_before + 1 : start].strip()
    if own_line and next_line and not text[end:next_line].strip():
        start, end = text.rfind("\n", 0, start) + 1, next_line
    elif is_last and next_to_comma and not (own_line and text[end] != "}"):
        start = comma_before + 1  # where no line of its own is left to a comment
    else:
        end += len(text[end:]) - len(text[end:].lstrip(" \t"))
    if is_last and comma < 0 and comma_before >= 0:
        return text[:comma_before] + text[comma_before + 1 : start] + text[end:]
    return text[:start] + text[end:]


def _insert(text: str, inside: _Object, key: str, value: Any) -> str:
    """Add a member as the last one of an object, laid out as the others are."""
    newline, unit = _newline(text), _unit(text)
    last = inside.members[-1] if inside.members else None
    after = last.end if last else inside.opening + 1
    trailing = _without_comments(text).find(",", after, inside.closing) if last else -1
    tail = trailing + 1 if trailing >= 0 else after
    end_of_line = _plain(text).find("\n", tail, inside.closing)
    outer = _indent_at(text, inside.opening)
    own_line = last is not None and _begins_line(text, last.start)
    inner = _indent_at(text, last.start) if last and own_line else outer + unit
    comma = "," if last and trailing < 0 else ""
    one_line_file = "\n" not in text.strip() and text.strip() != "{}"
    if end_of_line < 0 and not own_line and (last or one_line_file):
        member = f"{json.dumps(key, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
        piece = f"{comma}{' ' if last else ''}{member}{',' if trailing >= 0 else ''}"
        return text[:tail] + piece + text[tail:]
    point = end_of_line if end_of_line >= 0 else tail
    if text[point - 1] == "\r" and end_of_line >= 0:
        point -= 1
    piece = (
        f"{newline}{inner}{json.dumps(key, ensure_ascii=False)}: "
        f"{_written(value, inner, unit, newline)}{',' if trailing >= 0 else ''}"
    )
    if end_of_line < 0 and not last:
        piece += newline + outer
    return text[:after] + comma + text[after:point] + piece + text[point:]


def _written(value: Any, indent: str, unit: str, newline: str) -> str:
    """Return a value as text: an object a member to a line, anything else in one line."""
    if not isinstance(value, Mapping) or not value:
        return json.dumps(value, ensure_ascii=False)
    inner = indent + unit
    members = (
        f"{newline}{inner}{json.dumps(key, ensure_ascii=False)}: "
        f"{_written(member, inner, unit, newline)}"
        for key, member in value.items()
    )
    return "{" + ",".join(members) + newline + indent + "}"


def _nested(keys: Sequence[str], value: Any) -> Any:
    for key in reversed(keys):
        value = {key: value}
    return value


def _without_comments(text: str) -> str:
    """Overwrite comments with spaces, also the line ends in them."""
    return _COMMENT.sub(lambda m: m[0] if m[0].startswith('"') else " " * len(m[0]), text)


def _plain(text: str) -> str:
    """Return strict JSON of the same length."""
    return _TRAILING_COMMA.sub(lambda m: " " if m[0] == "," else m[0], _without_comments(text))


def _object(plain: str, opening: int) -> _Object:
    """Find the members of the object that begins at a position of well-formed text."""
    members = []
    at = _skip(plain, opening + 1)
    while plain[at] != "}":
        key, end = _decoder.raw_decode(plain, at)
        value = _skip(plain, _skip(plain, end) + 1)
        _, end = _decoder.raw_decode(plain, value)
        members.append(_Member(key=key, start=at, value=value, end=end))
        at = _skip(plain, end)
        if plain[at] == ",":
            at = _skip(plain, at + 1)
    return _Object(opening=opening, closing=at, members=tuple(members))


def _inside(plain: str, way: Sequence[str]) -> _Object | None:
    """Find the object that a way of keys leads to, if there is one."""
    at = _skip(plain, 0)
    for key in way:
        member = _object(plain, at).member(key) if plain.startswith("{", at) else None
        if member is None:
            return None
        at = member.value
    return _object(plain, at) if plain.startswith("{", at) else None


def _skip(plain: str, at: int) -> int:
    """Return the position of the next character that is no white space."""
    return len(plain) - len(plain[at:].lstrip(" \t\r\n"))


def _begins_line(text: str, at: int) -> bool:
    return not text[text.rfind("\n", 0, at) + 1 : at].strip()


def _indent_at(text: str, at: int) -> str:
    """Return the white space that the line of a position begins with."""
    line = text[text.rfind("\n", 0, at) + 1 :]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _unit(text: str) -> str:
    """Return what a level is indented by, as the first indented member shows it."""
    found = _INDENTED.search(_without_comments(text))
    return found[1] if found else _DEFAULT_INDENT


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _place(keys: Sequence[str]) -> str:
    return f'"{keys[-1]}"' if keys else "The whole of it"
