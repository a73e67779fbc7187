"""The files that SQLite keeps beside a database, left there after that one is gone.

SQLite plays a log or a journal back over whatever lies beside it, and deletes one beside an empty
file, even where it only reads. Both lose what may have been acknowledged. So a leftover is kept:
``memory.db-wal`` as ``memory.db-wal.backup-20261123T091500Z-replaced``, for the time (UTC) at which
it was last written. Nothing removes such a file again.
"""

import errno
import logging
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from extended_memory import output
from extended_memory.domain import MovedFile
from extended_memory.storage.sqlite.file import permissions, side_files
from extended_memory.storage.sqlite.file.open_files import require_unused

_NO_LINKS: Final = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK}
"""The errors of file systems that have no hard links, or no more of them."""

_KEPT: Final = re.compile(rf"(?:{'|'.join(side_files.ENDINGS)})\.backup-\d{{8}}T\d{{6}}Z-replaced")

logger = logging.getLogger(__name__)


def kept_files(path: Path) -> list[Path]:
    """Return the leftovers that were moved aside beside a database, or kept by another name."""
    return [
        other
        for other in sorted(path.parent.iterdir())
        if other.name.startswith(path.name) and _KEPT.fullmatch(other.name[len(path.name) :])
    ]


def set_aside(path: Path) -> tuple[MovedFile, ...]:
    """Move out of the way what lies beside a database that is not there, or is to be replaced.

    Raises:
        StoreBusyError: another process uses it.
    """
    if not any(side.exists() for side in side_files.beside(path)):
        return ()
    require_unused(path)
    return _move_aside(path)


def keep(side: Path) -> MovedFile:
    """Give one of those files the name that it is kept by."""
    to = _kept_name(side)
    side.replace(to)
    return MovedFile(found=side, kept=to)


def put_back(moved: Iterable[MovedFile]) -> None:
    """Undo that, where nothing has come to lie there since."""
    for one in moved:
        if not one.found.exists():
            one.kept.replace(one.found)


def make_file(path: Path) -> None:
    """Make an empty database where it is missing, and move aside first what lies there from before.

    Servers that start at once do it one after another: the second finds the file of the first,
    whose log is none of those.
    """
    if not path.exists() and any(side.exists() for side in side_files.beside(path)):
        with _folder_lock(path.parent):
            if not path.exists():
                for one in _move_aside(path):
                    logger.warning(
                        "%s lay there without its file: it is kept as %s.", one.found, one.kept.name
                    )
                permissions.make_file(path)
    permissions.make_file(path)


def keep_log(path: Path) -> None:
    """Keep the log beside an empty database, which SQLite is about to delete.

    It gets a second name and stays what it is, as another server may be doing the same.
    """
    log = side_files.wal(path)
    try:
        is_at_stake = not path.stat().st_size and log.stat().st_size > 0
    except OSError:
        return  # nothing is there, or SQLite cannot reach it either
    if not is_at_stake:
        return
    with suppress(FileNotFoundError, FileExistsError):  # another server has done it
        to = _kept_name(log)
        if to.exists():
            return
        try:
            os.link(log, to)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            with output.written(to, is_new=True) as part:
                shutil.copyfile(log, part)
        output.sync(to.parent)
        logger.warning("%s lay beside an empty file: it is kept as %s.", log, to.name)


def _move_aside(path: Path) -> tuple[MovedFile, ...]:
    moved: list[MovedFile] = []
    try:
        for side in side_files.beside(path):
            if side.exists():
                moved.append(keep(side))  # noqa: PERF401 - what was moved is put back
    except OSError:
        put_back(moved)
        raise
    output.sync(path.parent)
    return tuple(moved)


@contextmanager
def _folder_lock(folder: Path) -> Iterator[None]:
    """Wait for a turn in a folder, where the system has locks for one."""
    try:
        import fcntl
    except ImportError:  # Windows, which lets nobody move a file that is open
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a network file system without such locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _kept_name(side: Path) -> Path:
    """Return the name that a leftover is kept by; it is free, or is this very file's already."""
    moment = datetime.fromtimestamp(side.stat().st_mtime, timezone.utc)
    while True:
        name = side.with_name(f"{side.name}.backup-{moment.strftime(output.MOMENT)}-replaced")
        if not name.exists() or name.samefile(side):
            return name
        moment += timedelta(seconds=1)
