"""TOML, changed in its text: everything else stays as it is, comments too.

tomlkit takes the comments before a table for the end of the table above it, and fails at some
dotted keys. So tables are added and removed by the line, tomlkit changes values within one, and
every result is read again before it is returned.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

import tomlkit
from tomlkit.exceptions import ParseError, TOMLKitError
from tomlkit.items import Table

from extended_memory.clients.errors import ConfigurationError, MalformedError


def read(text: str) -> Any:
    """Return the value of a text.

    Raises:
        MalformedError: it is not valid TOML.
    """
    return _document(text).unwrap()


def put(text: str, keys: Sequence[str], value: Any) -> str:
    """Set the value at a path of keys; missing tables are made.

    Raises:
        ConfigurationError: something on the path is no table, or the text cannot be
            changed without changing something else.
    """
    before = read(text)
    wanted = deepcopy(before)
    table = wanted
    for depth, key in enumerate(keys[:-1], start=1):
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            raise ConfigurationError(f'"{".".join(keys[:depth])}" is no table.')
    table[keys[-1]] = value
    if wanted == before:
        return text
    return _first_equal(_put_candidates(text, keys, value), keys, wanted)


def cut(text: str, keys: Sequence[str]) -> str:
    """Remove the value at a path of keys, if it is there.

    Raises:
        ConfigurationError: the text cannot be changed without changing something else.
    """
    before = read(text)
    wanted = deepcopy(before)
    table = wanted
    for key in keys[:-1]:
        table = table.get(key, {})
    if table.pop(keys[-1], None) is None:
        return text
    return _first_equal(_cut_candidates(text, keys), keys, wanted)


def _first_equal(candidates: Iterator[str], keys: Sequence[str], wanted: Any) -> str:
    for candidate in candidates:
        try:
            found = read(candidate)
        except MalformedError:
            continue
        if _without_empty(found, keys[:-1]) == _without_empty(wanted, keys[:-1]):
            return candidate
    raise ConfigurationError(
        f'"{".".join(keys)}" cannot be changed without changing more than that.',
        remedy="do it by hand, with what --print shows.",
    )


def _without_empty(value: Any, keys: Sequence[str]) -> Any:
    """Return a value without the table that keys lead to, if nothing is in it."""
    if not keys or keys[0] not in value:
        return value
    inside = _without_empty(value[keys[0]], keys[1:])
    others = {key: member for key, member in value.items() if key != keys[0]}
    return {**others, keys[0]: inside} if inside else others


def _put_candidates(text: str, keys: Sequence[str], value: Any) -> Iterator[str]:
    newline = "\r\n" if "\r\n" in text else "\n"
    neighbours = read(text)
    for key in keys[:-1]:
        neighbours = neighbours.get(key, {})
    if isinstance(value, Mapping) and all(isinstance(v, dict) for v in neighbours.values()):
        gap = "" if not text else newline if text.endswith("\n") else newline * 2
        header = ".".join(tomlkit.key(key).as_string() for key in keys)
        lines = [f"[{header}]", *(f"{key} = {_one_line(v)}" for key, v in value.items())]
        yield text + gap + "".join(line + newline for line in lines)
    document = _document(text)
    table: Any = document
    for key in keys[:-1]:
        table = table.setdefault(key, tomlkit.inline_table())
    # What follows the last key of a table is about the next one.
    body = table.value.body if isinstance(table, Table) else []
    end = max((at for at, (key, _) in enumerate(body, start=1) if key is not None), default=0)
    rest = body[end:] if keys[-1] not in table else []
    del body[len(body) - len(rest) :]
    table[keys[-1]] = tomlkit.value(_one_line(value))
    if rest:
        body.extend(rest)
    yield document.as_string()


def _cut_candidates(text: str, keys: Sequence[str]) -> Iterator[str]:
    kept: list[str] = []
    taken: list[str] = []
    for header, lines in _sections(text):
        if header[: len(keys)] == tuple(keys):
            taken += lines
        else:
            _drop(taken, kept)
            kept += lines
    if taken and kept and not kept[-1].strip():
        kept.pop()  # the empty line before what was the last table
    _drop(taken, kept)
    yield "".join(kept)
    document = _document(text)
    table: Any = document
    for key in keys[:-1]:
        table = table[key]
    del table[keys[-1]]
    yield document.as_string()


def _drop(taken: list[str], kept: list[str]) -> None:
    """Drop the lines taken, but keep the comments after their last key."""
    code = (at for at, line in enumerate(taken, 1) if re.match(r"\s*[^\s#]", line))
    last = max(code, default=0)
    rest = taken[last:]
    taken.clear()
    while rest and not rest[0].strip() and not (kept and kept[-1].strip()):
        del rest[0]  # one empty line between those that remain is enough
    kept.extend(rest)


def _sections(text: str) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Take a text apart into its tables: the keys of each one's header, and its lines."""
    header: tuple[str, ...] = ()
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        if line.lstrip().startswith("[") and (is_header := _keys(line)) and _is_whole(lines):
            yield header, lines
            header, lines = is_header, []
        lines.append(line)
    yield header, lines


def _is_whole(lines: list[str]) -> bool:
    """Say whether lines end where a text or an array of several lines does not go on."""
    try:
        _document("".join(lines))
    except MalformedError:
        return False
    return True


def _keys(line: str) -> tuple[str, ...]:
    """Return the keys of a table's header; none where a line is no header."""
    try:
        value = _document(line.strip()).unwrap()
    except MalformedError:
        return ()
    keys = []
    while isinstance(value, dict) and value:
        ((key, value),) = value.items()
        keys.append(key)
    return tuple(keys)


def _one_line(value: Any) -> str:
    """Return a value as it is written in one line."""
    if isinstance(value, Mapping):
        members = (f"{tomlkit.key(key).as_string()} = {_one_line(v)}" for key, v in value.items())
        return f"{{ {', '.join(members)} }}" if value else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_one_line(v) for v in value)}]"
    return str(tomlkit.item(value).as_string())


def _document(text: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        line, column = (error.line, error.col + 1) if isinstance(error, ParseError) else (1, 1)
        raise MalformedError(line, column, str(error).partition(" at line ")[0]) from error
