"""Our own lossless form: JSON lines, a header and then one object for each context.

docs/export-format.md describes it for whoever writes a reader of their own.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from extended_memory.domain import PortableContext
from extended_memory.transfer.formats.documents import value_of
from extended_memory.transfer.formats.item import Damaged, Item, TransferError, lines
from extended_memory.transfer.formats.record import Record, moment, reason, values_of
from extended_memory.version import __version__

FORMAT = "extended-memory"
VERSION = 1
"""Of the form; a reader knows every earlier one.

A field that a reader can do without makes no new version.
"""

_MARKS = {"id", "project", "content", "importance", "tags", "created_at"}
"""The keys that every context has, and no line of another tool."""


def header(exported_at: datetime) -> bytes:
    """Return the first line of an export."""
    return _line(
        {
            "format": FORMAT,
            "version": VERSION,
            "program": f"extended-memory-mcp {__version__}",
            "exported_at": moment(exported_at),
        }
    )


def line(context_id: int, context: PortableContext) -> bytes:
    """Return the line of a context that has this id in its store."""
    return _line(values_of(context_id, context))


def is_header(values: object) -> bool:
    """Say whether a line is the header of an export."""
    return isinstance(values, dict) and values.get("format") == FORMAT


def is_one(values: object) -> bool:
    """Say whether a line is of an export: its header, or a context."""
    return is_header(values) or (isinstance(values, dict) and values.keys() >= _MARKS)


def count(path: Path) -> int:
    """Return how many contexts there are, without looking at them.

    Raises:
        TransferError: as ``read``.
    """
    rows = lines(path)
    _check_header(path, next(rows, (1, b""))[1])
    return sum(1 for _ in rows)


def read(path: Path) -> Iterator[Item]:
    """Give the contexts of an export.

    Raises:
        TransferError: it was written by a newer release, or has no header.
    """
    rows = lines(path)
    _check_header(path, next(rows, (1, b""))[1])
    for number, row in rows:
        place = f"line {number:,}"
        try:
            yield Record.model_validate_json(row, strict=True).found(place)
        except ValidationError as error:
            yield Damaged(place=place, why=reason(error))


def _check_header(path: Path, row: bytes) -> None:
    try:
        values = value_of(row)
    except ValueError:
        values = None
    if not isinstance(values, dict) or not is_header(values):
        raise TransferError(
            f"{path.name} does not begin as an export does, with a line such as "
            f'{{"format":"{FORMAT}","version":{VERSION}}}.'
        )
    version = values.get("version")
    if version != VERSION:
        raise TransferError(
            f"{path.name} was written by a newer release (version {version} of the format, this "
            f"one reads {VERSION}).",
            remedy="run `uvx extended-memory-mcp@latest import`.",
        )


def _line(values: dict[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
