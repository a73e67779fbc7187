"""Which other processes have a file open, as far as the system tells."""

import errno
import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from extended_memory.errors import StoreBusyError
from extended_memory.storage.sqlite.file import side_files

_PROCESSES = Path("/proc")

_USER_LOCK_BYTE = 128
"""The byte of a log's index (``-shm``) that each of its users has locked: SQLite's UNIX_SHM_DMS."""


def processes_with(path: Path) -> tuple[int, ...] | None:
    """Return the ids of other processes that have a file open, None where nobody can say.

    Linux alone says it in files, and of another user's processes to root alone.
    """
    descriptors = _PROCESSES / "self" / "fd"
    if not descriptors.is_dir():
        return None
    wanted = str(path.resolve())
    found = []
    for process in _PROCESSES.iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid():
            with suppress(OSError):  # it has ended, or is somebody else's
                if any(str(file.readlink()) == wanted for file in (process / "fd").iterdir()):
                    found.append(int(process.name))
    return tuple(sorted(found))


def require_unused(path: Path) -> None:
    """Refuse where another process has a database open, or a file beside it.

    Raises:
        StoreBusyError: one has.
    """
    files = side_files.with_database(path)
    users = {user for file in files for user in processes_with(file) or ()}
    if users or _is_index_locked(side_files.shm(path)):
        raise in_use_error(path.name, users)


def in_use_error(name: str, users: Collection[int] = ()) -> StoreBusyError:
    """Return the refusal to touch a file that others use."""
    others = f"{len(users)} other processes use" if len(users) > 1 else "another process uses"
    return StoreBusyError(
        f"{name} was left as it is, {others} it.",
        remedy=(
            "quit every client of this memory, and try again "
            "(`extended-memory-mcp doctor` says which processes they are, where the system tells)."
        ),
    )


def _is_index_locked(index: Path) -> bool:
    """Say whether SQLite has a log's index in use, in whatever process of this machine."""
    try:
        import fcntl
    except ImportError:  # Windows, which lets nobody move a file that is open
        return False
    try:
        descriptor = os.open(index, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _USER_LOCK_BYTE)
    except OSError as error:
        return error.errno in {errno.EACCES, errno.EAGAIN}
    else:
        return False
    finally:
        os.close(descriptor)
