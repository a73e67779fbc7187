"""JSON that another tool wrote: one document in a file, or one object on each line."""

from collections.abc import Iterator
from pathlib import Path

from pydantic_core import from_json

from extended_memory.transfer.formats.item import Damaged, TransferError, lines

MAXIMUM_DOCUMENT_BYTES = 256 * 2**20
"""Of one JSON document, which is read as a whole; lines have a bound of their own."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def value_of(data: bytes) -> object:
    """Read a JSON value; a lone surrogate is refused, which the json module lets pass.

    Raises:
        ValueError: it is none.
    """
    value: object = from_json(data)
    return value


def document(path: Path) -> object:
    """Read a file that is one JSON value.

    Raises:
        TransferError: it is none.
    """
    if path.stat().st_size > MAXIMUM_DOCUMENT_BYTES:
        raise TransferError(
            f"{path.name} is larger than {MAXIMUM_DOCUMENT_BYTES:,} bytes, and one JSON document.",
            remedy="split it.",
        )
    try:
        return value_of(path.read_bytes().removeprefix(_BYTE_ORDER_MARK))
    except ValueError as error:
        raise TransferError(f"{path.name} is no whole JSON document: {error}.") from error


def objects(path: Path) -> Iterator[tuple[str, dict[str, object]] | Damaged]:
    """Give the JSON objects on the lines of a file, each with its place."""
    for number, row in lines(path):
        place = f"line {number:,}"
        try:
            value = value_of(row)
        except ValueError:
            yield Damaged(place=place, why="it is no JSON")
            continue
        if isinstance(value, dict):
            yield place, value
        else:
            yield Damaged(place=place, why="it is no JSON object")
