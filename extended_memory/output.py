"""The files that commands write: what they may take the place of, and how they are written.

One place decides for every command. A file of the memory itself is never written over, whatever
the command line says. Another file that is there gives way where it is of the kind that is
written, or where ``--overwrite`` says so. A new file is written beside its name, goes to the disk
and takes the name then, so that a name never stands for half a file. What is no regular file, such
as a pipe, is written to as it is.
"""

import errno
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final
from unicodedata import normalize

from extended_memory.errors import (
    ExtendedMemoryError,
)

OWN_FILE: Final = 0o600
OWN_FOLDER: Final = 0o700

MOMENT: Final = "%Y%m%dT%H%M%SZ"
"""How a time in UTC stands in the name of a file."""

_STANDARD_OUTPUT: Final = 1
_DESCRIPTORS: Final = re.compile(r"/dev/fd|/proc/(?P<process>\d+)(?:/task/\d+)?/fd")
_LINKS_FOLLOWED: Final = 40  # as many as Linux follows
_NAME_BYTES: Final = 200  # of a name, in that of the file beside it: file systems take 255


class OutputError(ExtendedMemoryError):
    """A file cannot be written there; what is there was left as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A place to write to, as ``target`` found it.

    ``path`` has no links any more where it is that of a file; ``descriptor`` is one of this
    process that a name such as ``/dev/stdout`` stands for; ``status`` is None where nothing is.
    """

    name: str
    path: Path
    status: os.stat_result | None
    descriptor: int | None = None
    is_stream: bool = False

    @property
    def is_standard_output(self) -> bool:
        """Whether what is written goes where answers go."""
        return self.descriptor == _STANDARD_OUTPUT

    @property
    def is_taken(self) -> bool:
        """Whether a file with something in it is there."""
        return self.status is not None and not self.is_stream and self.status.st_size > 0


def target(path: Path, *, store: Iterable[Path] = ()) -> Target:
    """Look at a place that something is to be written to; ``store`` is never written over.

    Raises:
        OutputError: it is one of the store's files, a folder or a disk.
        OSError: it cannot be looked at.
    """
    given = path.absolute()
    descriptor, followed = _followed(given)
    try:
        status = given.stat() if descriptor is None else os.fstat(descriptor)
    except FileNotFoundError:
        status = None
    real = _real(given, status)
    _require_outside(path.name, real, status, store)
    if status is None:
        return Target(name=path.name, path=real, status=None)
    if stat.S_ISDIR(status.st_mode):
        raise OutputError(f"{path.name} is a folder.", remedy="name a file.")
    if stat.S_ISBLK(status.st_mode):
        raise OutputError(f"{path.name} is a disk, and was left as it is.", remedy="name a file.")
    is_stream = not stat.S_ISREG(status.st_mode) or followed is not None
    return Target(
        name=path.name,
        path=given if is_stream else real,
        status=status,
        descriptor=descriptor,
        is_stream=is_stream,
    )


def standard_output(store: Iterable[Path] = ()) -> Target:
    """Look at where the standard output goes to.

    Raises:
        OutputError: it is one of the store's files.
        OSError: it is closed.
    """
    status = os.fstat(_STANDARD_OUTPUT)
    _require_outside("Standard output", Path(), status, store)
    return Target(
        name="Standard output",
        path=Path(),
        status=status,
        descriptor=_STANDARD_OUTPUT,
        is_stream=True,
    )


def require_free(to: Target, *, what: str, is_one: Callable[[Path], bool], overwrite: bool) -> None:
    """Refuse to take the place of a file that is something else, unless that was asked for.

    Raises:
        OutputError: it is.
    """
    if to.is_taken and not overwrite and not is_one(to.path):
        raise OutputError(
            f"{to.name} is there and is no {what}, so it was left as it is.",
            remedy="name another file, or say --overwrite.",
        )


def is_same(one: Path, other: Path) -> bool:
    """Say whether two paths lead to one file, or will once there is one."""
    real = Path(os.path.realpath(one))
    return _is_one(real, _status(real), other)


@contextmanager
def opened(to: Target) -> Iterator[IO[bytes]]:
    """Give a file to write to: a new one that gets its name at the end, or what is no file."""
    if not to.is_stream:
        with written(to.path) as part, part.open("wb") as file:
            yield file
        return
    if to.descriptor is None:
        # Only that of another process can be a regular file here: nothing of it is cut off.
        handle = os.open(to.path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOCTTY", 0))
    else:
        handle = os.dup(to.descriptor)  # to go on where it is, at the end of a file perhaps
    with os.fdopen(handle, "wb") as stream:
        yield stream


@contextmanager
def written(
    path: Path,
    *,
    mode: int = OWN_FILE,
    beginning: str = ".",
    ending: str = ".part",
    is_new: bool = False,
) -> Iterator[Path]:
    """Give an empty file beside a path to write to; it takes the path's name at the end.

    It is on the disk then. Where anything fails, what was there before is untouched, and the
    new file is gone with all that was made beside it. ``beginning`` and ``ending`` are of its name
    until then; ``is_new``: nothing may be there.

    Raises:
        FileExistsError: something came to be there meanwhile.
        OutputError: under its name lies something else at the end.
    """
    handle, name = tempfile.mkstemp(
        prefix=f"{beginning}{_shortened(path.name)}.", suffix=ending, dir=path.parent
    )
    os.close(handle)
    part = Path(name)
    try:
        yield part
        if mode != OWN_FILE:
            part.chmod(mode)
        sync(part)
        status = part.stat()
        if is_new:
            _take_free_name(part, path)
        else:
            part.replace(path)
    except BaseException:
        for left in [file for file in path.parent.iterdir() if file.name.startswith(part.name)]:
            left.unlink(missing_ok=True)
        raise
    sync(path.parent)
    there = path.stat()
    if (there.st_dev, there.st_ino, there.st_size) != (
        status.st_dev,
        status.st_ino,
        status.st_size,
    ):
        raise OutputError(
            f"Another program wrote {path.name} at the same time.",
            remedy="name another file, and try again.",
        )


@contextmanager
def filled_folder(path: Path, *, store: Iterable[Path] = ()) -> Iterator[Path]:
    """Give a folder to fill, which takes a path's name once everything is in it.

    Raises:
        OutputError: something is there already, or it is the place of one of the store's files.
    """
    status = _status(path)
    real = _real(path, status)
    _require_outside(real.name, real, status, store)
    if status is not None and not stat.S_ISDIR(status.st_mode):
        raise OutputError(f"{real.name} is there and is no folder.", remedy="name a new folder.")
    if status is not None and any(real.iterdir()):
        raise OutputError(f"{real.name} is there and not empty.", remedy="name a new folder.")
    part = Path(
        tempfile.mkdtemp(prefix=f".{_shortened(real.name)}.", suffix=".part", dir=real.parent)
    )
    try:
        part.chmod(OWN_FOLDER)
        yield part
        if real.is_dir():
            real.rmdir()  # it is empty; Windows renames onto none
        part.rename(real)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    sync(real.parent)


def sync(path: Path) -> None:
    """Make a file, or the names in a folder, last through a loss of power."""
    if path.is_dir():
        if os.name == "nt":  # where a folder cannot be opened
            return
        flags = os.O_RDONLY
    else:
        flags = os.O_RDWR  # Windows syncs no other descriptor
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _take_free_name(part: Path, path: Path) -> None:
    """Give a file a name that nothing has, in one step where the file system can."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if path.exists():
            raise FileExistsError(path) from None
        part.rename(path)
    else:
        part.unlink()


def _followed(path: Path) -> tuple[int | None, Path | None]:
    """Follow links to a descriptor: return its number where it is ours, and its path."""
    for _ in range(_LINKS_FOLLOWED):
        folder = os.path.realpath(path.parent)
        of = _DESCRIPTORS.fullmatch(folder)
        if of and path.name.isdecimal():
            is_ours = of["process"] in (None, str(os.getpid()))
            return (int(path.name) if is_ours else None), path
        if not path.is_symlink():
            break
        path = Path(folder, path.readlink())
    return None, None


def _real(path: Path, status: os.stat_result | None) -> Path:
    """Return where a path leads to, without links.

    Raises:
        FileNotFoundError: to something, by a detour that the system does not know: ``realpath``
            takes ``nosuch/../memory.db`` for ``memory.db``, where the system finds no ``nosuch``.
    """
    real = Path(os.path.realpath(path))
    if status is None and os.path.lexists(real):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    return real


def _require_outside(
    name: str, real: Path, status: os.stat_result | None, store: Iterable[Path]
) -> None:
    if any(_is_one(real, status, file) for file in store):
        raise OutputError(
            f"{name} is a file of the memory itself, and was left as it is.",
            remedy="name another file.",
        )


def _shortened(name: str) -> str:
    return os.fsencode(name)[:_NAME_BYTES].decode(errors="ignore")


def _is_one(real: Path, status: os.stat_result | None, file: Path) -> bool:
    there = _status(file)
    if status is not None or there is not None:
        return status is not None and there is not None and os.path.samestat(status, there)
    return _place(real) == _place(Path(os.path.realpath(file)))


def _status(path: Path) -> os.stat_result | None:
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        return path.stat()
    return None


def _place(path: Path) -> tuple[int, int, tuple[str, ...]]:
    """Return what tells one path without a file from another, in whatever spelling.

    Some file systems take upper and lower case for one name, and some two ways of an accent.
    """
    above, status = next(
        (folder, status) for folder in path.parents if (status := _status(folder)) is not None
    )
    names = path.relative_to(above).parts
    folded = tuple(normalize("NFC", name).casefold() for name in names)
    return status.st_dev, status.st_ino, folded
