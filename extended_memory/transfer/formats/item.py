"""The items that the reader of a format gives, and the lines that it reads."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from extended_memory.domain import (
    PortableContext,
)
from extended_memory.errors import (
    ExtendedMemoryError,
)

MAXIMUM_LINE_BYTES = 64 * 2**20
"""Of one line: a context with all of its earlier texts; what is longer is none."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class TransferError(ExtendedMemoryError):
    """Something that cannot be exported or imported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A context, and where in its source it stands: ``line 7``, or the name of a file.

    ``own_id`` is its id in the store of this product that it was exported from, None where it
    comes from another tool; ``lost_tags`` counts tags that are too many or too long for us;
    ``is_undated`` where a time is given that nobody can read, so that it has that of the import;
    ``part`` counts from 1 where a text is too long for one context and became several.
    """

    place: str
    context: PortableContext
    own_id: int | None = None
    lost_tags: int = 0
    is_undated: bool = False
    part: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Damaged:
    """Something that cannot be read, where it stands, and why; the rest can be."""

    place: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Something that is no memory, or no longer one, by its kind: ``deleted memories``."""

    kind: str


Item = Found | Damaged | LeftOut


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Give the lines of a file that are not blank, each with its number from 1 on.

    Raises:
        TransferError: a line is longer than any context.
    """
    number = 0
    with path.open("rb") as file:
        while line := file.readline(MAXIMUM_LINE_BYTES + 1):
            number += 1
            if len(line) > MAXIMUM_LINE_BYTES:
                raise TransferError(
                    f"Line {number:,} of {path.name} is longer than any context: "
                    "it is no export of a memory."
                )
            if number == 1:
                line = line.removeprefix(_BYTE_ORDER_MARK)
            if line.strip():
                yield number, line
