"""An export as it is written: beside its place first, so that an old one there stays whole."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from extended_memory.transfer.reading import TransferError

_OWN_FILE = 0o600
_OWN_FOLDER = 0o700


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """Give a file to write to, which is at its place once all of it is on the disk.

    Only its owner can read it. Where anything fails, what was there before is untouched.
    """
    if path.is_dir():
        raise TransferError(
            f"{path.name} is a folder: name a file, or say --format markdown to fill it."
        )
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _settle(path.parent)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a folder to fill, which is at its place once everything is in it.

    Raises:
        TransferError: something is there already.
    """
    if path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise TransferError(f"{path.name} is there and not empty: name a new folder.")
    beside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    try:
        beside.chmod(_OWN_FOLDER)
        yield beside
        if path.is_dir():
            path.rmdir()  # it is empty; Windows renames onto none
        beside.rename(path)
        _settle(path.parent)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def put(path: Path, data: bytes) -> None:
    """Write one file of a folder, which only its owner can read."""
    path.parent.mkdir(mode=_OWN_FOLDER, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWN_FILE), "wb") as file:
        file.write(data)


def _settle(folder: Path) -> None:
    """Make a new name in a folder last through a loss of power, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
