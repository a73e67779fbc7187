"""The layout of a text of JSON with comments: positions of members, indents, line ends.

No library that keeps comments is well kept and without a runtime of its own, so the reading is
left to the standard one: spaces overwrite comments and trailing commas, so that every position
in the rest is one in the text.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

_STRING = r'"(?:[^"\\\r\n]|\\.)*"'
_COMMENT = re.compile(rf"{_STRING}|//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_TRAILING_COMMA = re.compile(rf"{_STRING}|[\[{{,:]\s*,|,(?=\s*[\]}}])", re.DOTALL)
_INDENTED = re.compile(r'^([ \t]+)"', re.MULTILINE)
_SPACE = re.compile(r"[ \t\r\n]*")
_INDENT = re.compile(r"[ \t]*")
_DEFAULT_INDENT = "  "

_decoder = json.JSONDecoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A key and its value: positions of the key, of the value's two ends, and of the comma.

    ``comma`` is None where none follows.
    """

    key: str
    start: int
    value: int
    end: int
    comma: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """An object in a text: the positions of its braces, and its members."""

    opening: int
    closing: int
    members: tuple[Member, ...]

    def member(self, key: str) -> Member | None:
        """Return the member of a name; the last of several, which counts."""
        return next((member for member in reversed(self.members) if member.key == key), None)


@dataclass(frozen=True)
class Layout:
    """A text of JSON that may have comments and trailing commas."""

    text: str

    @cached_property
    def without_comments(self) -> str:
        """The text with spaces in place of comments, also of the line ends in them."""
        return _COMMENT.sub(lambda m: m[0] if m[0][0] == '"' else " " * len(m[0]), self.text)

    @cached_property
    def plain(self) -> str:
        """The text as strict JSON of the same length."""
        return _TRAILING_COMMA.sub(lambda m: " " if m[0] == "," else m[0], self.without_comments)

    @property
    def newline(self) -> str:
        """The line end."""
        return "\r\n" if "\r\n" in self.text else "\n"

    @property
    def unit(self) -> str:
        """The indent of a level, taken from the first indented member."""
        found = _INDENTED.search(self.without_comments)
        return found[1] if found else _DEFAULT_INDENT

    def object_in(self, keys: Sequence[str]) -> Object | None:
        """Find the object at a path of keys, if there is one."""
        at = self._skip(0)
        for key in keys:
            member = self.object_at(at).member(key) if self.plain.startswith("{", at) else None
            if member is None:
                return None
            at = member.value
        return self.object_at(at) if self.plain.startswith("{", at) else None

    def object_at(self, opening: int) -> Object:
        """Find the members of the object that begins at a position of well-formed text."""
        members = []
        at = self._skip(opening + 1)
        while self.plain[at] != "}":
            key, end = _decoder.raw_decode(self.plain, at)
            value = self._skip(self._skip(end) + 1)
            _, end = _decoder.raw_decode(self.plain, value)
            after = self._skip(end, self.without_comments)
            comma = after if self.without_comments[after] == "," else None
            members.append(Member(key=key, start=at, value=value, end=end, comma=comma))
            at = self._skip(after if comma is None else comma + 1)
        return Object(opening=opening, closing=at, members=tuple(members))

    def begins_line(self, at: int) -> bool:
        """Say whether nothing but white space is before a position in its line."""
        return not self.text[self.line(at) : at].strip()

    def line(self, at: int) -> int:
        """Return where the line of a position begins."""
        return self.text.rfind("\n", 0, at) + 1

    def indent(self, at: int) -> str:
        """Return the white space that the line of a position begins with."""
        line = self.line(at)
        return self.text[line : self.spaces_after(line)]

    def is_space(self, start: int, end: int) -> bool:
        """Say whether there is nothing between two positions, not even a comment."""
        return not self.text[start:end].strip()

    def spaces_after(self, at: int) -> int:
        """Return where the spaces at a position end."""
        return _end(_INDENT, self.text, at)

    def _skip(self, at: int, text: str | None = None) -> int:
        """Return the position of the next character that is no white space."""
        return _end(_SPACE, text or self.plain, at)


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    assert found is not None  # both match nothing too
    return found.end()


def member_text(key: str, value: Any, *, indent: str | None, unit: str, newline: str) -> str:
    """Return a member as text: in one line without an indent, else as its neighbours are."""
    written = json.dumps(value, ensure_ascii=False)
    if indent is not None:
        written = value_text(value, indent=indent, unit=unit, newline=newline)
    return f"{json.dumps(key, ensure_ascii=False)}: {written}"


def value_text(value: Any, *, indent: str, unit: str, newline: str) -> str:
    """Return a value as text: an object a member to a line, anything else in one line."""
    if not isinstance(value, Mapping) or not value:
        return json.dumps(value, ensure_ascii=False)
    inner = indent + unit
    members = (
        newline + inner + member_text(key, member, indent=inner, unit=unit, newline=newline)
        for key, member in value.items()
    )
    return "{" + ",".join(members) + newline + indent + "}"
