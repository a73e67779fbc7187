"""The parts of copies that are being made, and what a maker that was killed leaves of one.

A process that has locked the file for writing makes the copy before an upgrade, and the copy of a
file that a backup replaces. So whoever has that lock knows that nobody makes one. Other copies
need no lock: their part is taken for abandoned a day after it was last written.
"""

import logging
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from extended_memory.storage.sqlite.file import copies, side_files
from extended_memory.storage.sqlite.file.open_files import processes_with

_UNTOUCHED_SECONDS: Final = 24 * 60 * 60
_PART: Final = re.compile(
    rf"(?P<part>(?:backup-.+|[a-z0-9_]+){re.escape(copies.UNFINISHED)})"
    rf"(?:{'|'.join(side_files.ENDINGS)})?"
)

logger = logging.getLogger(__name__)


def parts(path: Path) -> list[Path]:
    """Return what copies beside a file are being made, or were when their maker was killed."""
    beginning = f"{path.name}."
    matches = (
        _PART.fullmatch(other.name.removeprefix(beginning))
        for other in path.parent.iterdir()
        if other.name.startswith(beginning)
    )
    return sorted({path.with_name(beginning + match["part"]) for match in matches if match})


def remove_abandoned(path: Path, *, is_locked: bool = False) -> None:
    """Remove what nobody is writing any more; ``is_locked`` where we have the file's write lock."""
    try:
        for part in parts(path):
            if (is_locked and _is_made_under_lock(part, path)) or _is_untouched(part):
                copies.remove(part)
                logger.info("Removed an unfinished copy: %s", part)
    except OSError as error:  # the folder cannot be listed, or another system keeps what is open
        logger.debug("Unfinished copies beside %s were left: %s", path, error)


def _is_made_under_lock(part: Path, path: Path) -> bool:
    return copies.kind_of(part.name, path) in {"upgrade", "replaced"}


def _is_untouched(part: Path) -> bool:
    written = max(_times(part), default=0.0)
    return time.time() - written > _UNTOUCHED_SECONDS and not processes_with(part)


def _times(part: Path) -> Iterator[float]:
    for file in side_files.with_database(part):
        with suppress(FileNotFoundError):
            yield file.stat().st_mtime
