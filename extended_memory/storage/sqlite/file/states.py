"""Whether copies of a file are of one state of it, told by their pages.

Only copies are read here, never a file that SQLite has open: closing it would drop SQLite's locks.
"""

from pathlib import Path
from typing import BinaryIO, Final

from extended_memory.storage.sqlite.file import copies, permissions, side_files

_HEADER_BYTES: Final = 100
_EACH_COPYS_OWN: Final = ((92, 100), (40, 44), (24, 28), (18, 20))
"""Parts of the header that differ between copies of one state, the last first.

They say whether there is a WAL, count the changes of the file and of its schema, and name the
SQLite that wrote it; https://sqlite.org/fileformat2.html#the_database_header lists them.
"""
_BYTES_AT_ONCE: Final = 1024 * 1024


def equal_copies(copy: Path, path: Path, kind: copies.Kind) -> list[Path]:
    """Return the other copies of a kind beside a file that are of the same state as one of them."""
    return [
        other.path
        for other in copies.beside(path)
        if other.kind == kind and other.path != copy and _is_same(other.path, copy)
    ]


def _is_same(one: Path, other: Path) -> bool:
    if permissions.size(one) != permissions.size(other) or permissions.size(side_files.wal(one)):
        return False
    try:
        with one.open("rb") as left, other.open("rb") as right:
            if _header(left) != _header(right):
                return False
            while part := left.read(_BYTES_AT_ONCE):
                if part != right.read(_BYTES_AT_ONCE):
                    return False
    except OSError:  # what cannot be read may be anything
        return False
    return True


def _header(copy: BinaryIO) -> bytes:
    header = bytearray(copy.read(_HEADER_BYTES))
    for start, end in _EACH_COPYS_OWN:
        header[start:end] = b""
    return bytes(header)
