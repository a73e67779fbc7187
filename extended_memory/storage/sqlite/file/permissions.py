"""Files that only their owner may read: the database, its WAL, its backups, their folder."""

import errno
import logging
import os
import stat
from pathlib import Path

from extended_memory.errors import StoreError
from extended_memory.storage.sqlite.file import side_files

FOLDER_MODE = 0o700
FILE_MODE = 0o600

logger = logging.getLogger(__name__)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, where they are missing."""
    for missing in reversed([f for f in (folder, *folder.parents) if not f.exists()]):
        missing.mkdir(mode=FOLDER_MODE, exist_ok=True)
        _give_back(missing, FOLDER_MODE)


def make_file(path: Path) -> None:
    """Make an empty file where it is missing.

    Before SQLite does: its own would be readable for everyone, and a WAL takes over the mode.

    Raises:
        StoreError: what is there is neither a file nor a folder.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, FILE_MODE))
        _give_back(path, FILE_MODE)
    except FileExistsError:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)) from None
        if not path.is_file():
            raise StoreError(
                f"{path.name} is a device or a pipe, which keeps nothing.",
                remedy="set STORAGE_CONNECTION_STRING to a file.",
            ) from None


def _give_back(path: Path, mode: int) -> None:
    """Give the owner what the umask took away from a file or folder that we have made."""
    if mode & ~path.stat().st_mode:
        path.chmod(mode)


def restrict(path: Path, mode: int) -> None:
    """Take away what others may do with a file or folder of ours, where there is one."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return
    if stat.S_IMODE(status.st_mode) & ~mode and _is_ours(status):
        try:
            path.chmod(mode)
        except OSError as error:  # a read-only file system, or one without modes
            logger.debug("The mode of %s stays as it is: %s", path, error)


def allow_writing(path: Path) -> None:
    """Let the owner write a file of ours again, where there is one."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return
    if not status.st_mode & stat.S_IWUSR and _is_ours(status):
        path.chmod(FILE_MODE)


def may_be_written(path: Path) -> bool:
    """Say whether the mode of a file lets its owner write it."""
    return bool(path.stat().st_mode & stat.S_IWUSR)


def identity(path: Path) -> tuple[int, int] | None:
    """Return what tells one file from another of the same name, None where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def size(path: Path) -> int:
    """Return a file's bytes, 0 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def holds_something(path: Path) -> bool:
    """Say whether there is a file that is not empty; of one that may not be seen, that it is."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # opening it says why
    is_empty = stat.S_ISREG(status.st_mode) and not status.st_size
    return not is_empty or bool(size(side_files.wal(path)))


def _is_ours(status: os.stat_result) -> bool:
    return not hasattr(os, "getuid") or status.st_uid == os.getuid()
