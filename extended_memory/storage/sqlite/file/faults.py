"""SQLite's faults as sentences with a remedy; nothing here shows SQL, values or directories."""

import errno
from collections.abc import Sequence

from extended_memory.errors import StoreError

_READ_ONLY = (
    "{name} is read-only, so nothing can be saved or changed.",
    "make the file and its folder writable and try again.",
)

_DISK_FULL = ("{name} cannot be written, the disk is full.", "free some space and try again.")

# SQLite's own wording (sqlite3_errstr and the messages of its result codes), which has been
# stable for decades; the numeric codes reach Python only from 3.11 on.
_SENTENCES = (
    ("readonly database", *_READ_ONLY),
    (
        "not a database",
        "{name} is not a SQLite database, and it was left as it is.",
        "move it away or set STORAGE_CONNECTION_STRING to another file, and try again.",
    ),
    (
        "malformed",
        "{name} is damaged, and it was left as it is.",
        (
            "quit every client, choose a copy that `extended-memory-mcp backups` lists and does "
            "not call damaged, put it back with `extended-memory-mcp restore-backup`, and try "
            "again."
        ),
    ),
    (
        "unable to open",
        "{name} cannot be opened.",
        "check that its folder exists and that you may read and write both, and try again.",
    ),
    (
        "locked",
        "{name} is being written by another program.",
        "wait for it or close it, and try again.",
    ),
    (
        "disk i/o error",
        "{name} cannot be read or written, the disk reports an error.",
        "check the disk and its free space, and try again.",
    ),
)
_NO_PERMISSION = (
    "{name} cannot be opened, permission is denied.",
    (
        "make the file and its folder readable and writable for you, or set "
        "STORAGE_CONNECTION_STRING to another place, and try again."
    ),
)
_OTHER = (
    "{name} cannot serve this call.",
    "the server's log names the fault; remove it and try again.",
)


def fault(error: Exception, *, name: str) -> StoreError:
    """Return the sentence for an error of SQLite or of the file system.

    ``name`` is the name of the file, without its directory.
    """
    if isinstance(error, PermissionError):
        return _error(_NO_PERMISSION, name)
    if is_disk_full(error):
        return _error(_DISK_FULL, name)
    if isinstance(error, OSError):
        return StoreError(
            f"{name} cannot be opened ({error.strerror or 'input/output error'}).",
            remedy="check its folder and the disk, and try again.",
        )
    message = cause(error).lower()
    for words, *sentence in _SENTENCES:
        if words in message:
            return _error(sentence, name)
    return _error(_OTHER, name)


def is_disk_full(error: BaseException) -> bool:
    """Say whether an error of SQLite or of the file system tells that no room is left."""
    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT}
    return isinstance(error, Exception) and "disk is full" in cause(error)


def is_locked(error: Exception) -> bool:
    """Say whether an error of SQLite tells that another connection has the lock.

    An error of the file system names the path, which may hold any word.
    """
    return not isinstance(error, OSError) and "locked" in cause(error)


def read_only_error(name: str) -> StoreError:
    """Return the sentence for a change to a file that can only be read."""
    return _error(_READ_ONLY, name)


def cause(error: Exception) -> str:
    """Return SQLite's own words for an error, without the statement SQLAlchemy would add."""
    return str(getattr(error, "orig", None) or error)


def _error(sentence: Sequence[str], name: str) -> StoreError:
    fact, remedy = sentence
    return StoreError(fact.format(name=name), remedy=remedy)
