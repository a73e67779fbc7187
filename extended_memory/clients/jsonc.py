"""JSON with or without comments, changed in its text: everything else stays as it is."""

import json
from collections.abc import Sequence
from typing import Any

from extended_memory.clients.errors import ConfigurationError, MalformedError
from extended_memory.clients.json_layout import Layout, Member, Object, member_text, value_text


def read(text: str, *, comments: bool = True, trailing_commas: bool = True) -> Any:
    """Return the value of a text; an empty text is an empty object.

    Raises:
        MalformedError: it is not valid JSON, or has what its program refuses.
    """
    layout = Layout(text)
    if not layout.plain.strip():
        return {}
    commas = layout.plain if trailing_commas else layout.without_comments
    try:
        return json.loads(commas if comments else text)
    except json.JSONDecodeError as error:
        # Counted in the text itself: a comment may hold line ends.
        in_text = json.JSONDecodeError(error.msg, text, error.pos)
        raise MalformedError(in_text.lineno, in_text.colno, error.msg) from error


def put(text: str, keys: Sequence[str], value: Any) -> str:
    """Set the value at a path of keys; missing objects are made.

    Raises:
        ConfigurationError: something on the path is no object.
    """
    if not Layout(text).plain.strip():
        text += "{}\n" if text.endswith("\n") or not text else "\n{}\n"
    layout = Layout(text)
    for depth, key in enumerate(keys):
        inside = layout.object_in(keys[:depth])
        if inside is None:
            place = f'"{keys[depth - 1]}"' if depth else "The whole of it"
            raise ConfigurationError(f"{place} is no object.")
        member = inside.member(key)
        new = value
        for missing in reversed(keys[depth + 1 :]):
            new = {missing: new}
        if member is None:
            return _add_member(layout, inside, key, new)
        if depth == len(keys) - 1 or layout.plain.startswith("null", member.value):
            return _replace_value(layout, member, new)
    return text


def cut(text: str, keys: Sequence[str]) -> str:
    """Remove the value at a path of keys, if it is there."""
    *path, last = keys
    while (inside := Layout(text).object_in(path)) and (member := inside.member(last)):
        text = _remove_member(Layout(text), inside, member)  # a key may stand there twice
    return text


def _replace_value(layout: Layout, member: Member, value: Any) -> str:
    """Set the value of a member that is there."""
    if json.loads(layout.plain[member.value : member.end]) == value:
        return layout.text
    indent = layout.indent(member.start)
    written = value_text(value, indent=indent, unit=layout.unit, newline=layout.newline)
    return layout.text[: member.value] + written + layout.text[member.end :]


def _add_member(layout: Layout, inside: Object, key: str, value: Any) -> str:
    """Add a member as the last one of an object, laid out as the others are."""
    text, newline, unit = layout.text, layout.newline, layout.unit
    last = inside.members[-1] if inside.members else None
    end = last.end if last else inside.opening + 1
    trailing = "," if last and last.comma is not None else ""
    comma = "," if last and not trailing else ""
    tail = last.comma + 1 if last and last.comma is not None else end
    end_of_line = layout.plain.find("\n", tail, inside.closing)
    own_line = last is not None and layout.begins_line(last.start)
    one_line_file = "\n" not in text.strip() and text.strip() != "{}"
    if end_of_line < 0 and not own_line and (last or one_line_file):
        member = member_text(key, value, indent=None, unit=unit, newline=newline)
        return text[:tail] + comma + (" " if last else "") + member + trailing + text[tail:]
    outer = layout.indent(inside.opening)
    inner = layout.indent(last.start) if last and own_line else outer + unit
    point = tail  # or after the comment that may follow
    if end_of_line >= 0:
        point = end_of_line - (text[end_of_line - 1] == "\r")
    member = member_text(key, value, indent=inner, unit=unit, newline=newline)
    closing = newline + outer if end_of_line < 0 and not last else ""
    added = newline + inner + member + trailing + closing
    return text[:end] + comma + text[end:point] + added + text[point:]


def _remove_member(layout: Layout, inside: Object, member: Member) -> str:
    """Remove a member with its comma, and with its line if nothing else is on it."""
    text = layout.text
    start, end = member.start, member.end if member.comma is None else member.comma + 1
    if len(inside.members) == 1 and (
        layout.is_space(inside.opening + 1, start) and layout.is_space(end, inside.closing)
    ):
        return text[: inside.opening + 1] + text[inside.closing :]
    index = inside.members.index(member)
    is_last = index == len(inside.members) - 1
    before = inside.members[index - 1].comma if index else None
    own_line = layout.begins_line(start)
    next_line = text.find("\n", end) + 1
    if own_line and next_line and layout.is_space(end, next_line):
        start, end = layout.line(start), next_line
    elif (
        is_last
        and before is not None
        and layout.is_space(before + 1, start)
        and not (own_line and layout.spaces_after(end) != inside.closing)
    ):
        start = before + 1  # where no line of its own is left to a comment
    else:
        end = layout.spaces_after(end)
    if is_last and member.comma is None and before is not None:
        return text[:before] + text[before + 1 : start] + text[end:]
    return text[:start] + text[end:]
