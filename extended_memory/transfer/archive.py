"""A source as plain files: what is compressed, or can be read but once, is unpacked beside first.

What something is, its first bytes say, never its name. All of it goes to the disk in pieces, so
that no source fills the memory, and up to a bound, so that none fills the disk.
"""

import gzip
import os
import stat
import struct
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from extended_memory.transfer.formats import item
from extended_memory.transfer.formats.item import TransferError

MAXIMUM_UNPACKED_BYTES = 2 * 2**30
"""Of all that is unpacked of one source; an export of a million contexts is half of it."""

_LEVELS = 2
"""A gz in a zip is what OpenMemory writes; nothing is packed more often."""

_PIECE = 2**20
_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_SQLITE = b"SQLite format 3\0"
_UNREAD = {
    b"BZh": "with bzip2",
    b"\xfd7zXZ\0": "with xz",
    b"\x28\xb5\x2f\xfd": "with zstd",
    b"7z\xbc\xaf\x27\x1c": "as a 7z archive",
    b"Rar!\x1a\x07": "as a RAR archive",
}
_TAR_AT, _TAR = 257, b"ustar"
_LOCKED = 0x1
"""The bit of a zip's entry that has a password (APPNOTE.TXT, 4.4.4)."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """A plain file, or a folder; ``flaw`` says what of it could not be unpacked, if anything."""

    path: Path
    flaw: str = ""


class Unpacker:
    """Unpacks one source into a folder that is there until a stack is left, where it needs one."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._folder: Path | None = None
        self._left = MAXIMUM_UNPACKED_BYTES
        self._count = 0

    def spooled(self, stream: IO[bytes], name: str) -> Path:
        """Keep what a stream gives in a file.

        Raises:
            TransferError: it has a line that is longer than any context.
        """
        path = self._place(name)
        with path.open("xb") as file:
            for piece in _with_lines(iter(lambda: stream.read(_PIECE), b""), name):
                file.write(piece)
        return path

    def plain(self, path: Path, *, levels: int = _LEVELS) -> list[Plain]:
        """Return what a file or a folder holds, each thing as something to be recognised.

        A zip with several Markdown files holds them as one folder.

        Raises:
            TransferError: it is damaged, too large, or compressed in a way that is not read here.
        """
        if path.is_dir():
            return [Plain(path=path)]
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe gives everything once
            with path.open("rb") as stream:
                path = self.spooled(stream, path.name)
        with path.open("rb") as file:
            beginning = file.read(_TAR_AT + len(_TAR))
        _refuse_unread(path, beginning)
        is_gzip, is_zip = beginning.startswith(_GZIP), beginning.startswith(_ZIP)
        if not is_gzip and not is_zip:
            return [Plain(path=path)]
        if not levels:
            raise TransferError(
                f"{path.name} is packed in too many layers.", remedy="unpack it first."
            )
        if is_zip:
            folder, files = self._of_zip(path)
            return self._of_files(folder, files, levels=levels - 1)
        unpacked = self._of_gzip(path)
        if not unpacked.flaw:
            return self.plain(unpacked.path, levels=levels - 1)
        if not unpacked.path.stat().st_size:
            raise TransferError(f"{path.name} is damaged: {unpacked.flaw}.")
        return [unpacked]

    def _of_files(self, folder: Path, files: list[Path], *, levels: int) -> list[Plain]:
        notes = [file for file in files if file.suffix == ".md"]
        if len(notes) < 2:
            return [one for file in files for one in self.plain(file, levels=levels)]
        others = [file for file in files if file not in notes]
        tops = {note.relative_to(folder).parts[0] for note in notes}
        while len(tops) == 1 and (folder / (top := tops.pop())).is_dir():
            folder = folder / top
            tops = {note.relative_to(folder).parts[0] for note in notes}
        return [
            Plain(path=folder),
            *(one for file in others for one in self.plain(file, levels=levels)),
        ]

    def _of_gzip(self, path: Path) -> Plain:
        name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
        place, flaw = self._place(name or path.name), ""
        try:
            with gzip.open(path) as packed, place.open("xb") as file:
                # read1: what comes before a flaw is not lost with it.
                for piece in _with_lines(iter(lambda: packed.read1(_PIECE), b""), path.name):
                    self._take(len(piece), path)
                    file.write(piece)
        except EOFError:
            flaw = "it is cut off, and what follows is missing"
        except (gzip.BadGzipFile, zlib.error) as error:
            # What was read may be wrong as well: its checksum stands at the end.
            raise TransferError(
                f"{path.name} is damaged, and nothing of it was imported.",
                remedy="take another copy of it.",
            ) from error
        return Plain(path=place, flaw=flaw)

    def _of_zip(self, path: Path) -> tuple[Path, list[Path]]:
        """Unpack a zip; return the folder and the files in it, in the order of their names."""
        folder = self._place(path.stem)
        folder.mkdir()
        try:
            with zipfile.ZipFile(path) as archive:
                entries = [entry for entry in archive.infolist() if _is_content(entry)]
                self._take(sum(entry.file_size for entry in entries), path)
                files = [self._extracted(archive, entry, folder, path) for entry in entries]
        except (
            zipfile.BadZipFile,
            zlib.error,
            struct.error,
            EOFError,
            ValueError,
            OverflowError,
            RuntimeError,
        ) as error:
            raise TransferError(
                f"{path.name} is damaged or cut off, and nothing of it was imported.",
                remedy="take another copy of it.",
            ) from error
        return folder, sorted(files)

    def _extracted(
        self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, path: Path
    ) -> Path:
        if entry.flag_bits & _LOCKED or entry.compress_type not in _METHODS:
            raise TransferError(
                f"{path.name} has a password, or is compressed in a way that is not read here.",
                remedy="unpack it first.",
            )
        parts = _parts(entry)
        if ".." in parts or ":" in parts[0]:
            raise TransferError(f"{path.name} names a file outside of itself: it is no export.")
        place = folder.joinpath(*parts)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            raise TransferError(f"{path.name} holds a file twice.", remedy="unpack it first.")
        with archive.open(entry) as packed, place.open("xb") as file:
            while piece := packed.read(_PIECE):
                file.write(piece)
        with suppress(ValueError, OverflowError, OSError):  # some tools write no time
            changed = time.mktime((*entry.date_time, 0, 0, -1))
            os.utime(place, (changed, changed))
        return place

    def _place(self, name: str) -> Path:
        """Return where something of this name can lie, beside others of the same name."""
        if self._folder is None:
            self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        return folder / name

    def _take(self, count: int, path: Path) -> None:
        self._left -= count
        if self._left < 0:
            raise TransferError(
                f"{path.name} is more than {MAXIMUM_UNPACKED_BYTES:,} bytes when it is unpacked.",
                remedy="if that is right, unpack it first.",
            )


def _refuse_unread(path: Path, beginning: bytes) -> None:
    for magic, how in _UNREAD.items():
        if beginning.startswith(magic):
            raise TransferError(
                f"{path.name} is compressed {how}, which is not read here.",
                remedy="unpack it first.",
            )
    if beginning[_TAR_AT:] == _TAR:
        raise TransferError(
            f"{path.name} is a tar archive, which is not read here.", remedy="unpack it first."
        )


def _with_lines(pieces: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Pass on the pieces of a file as long as its lines may be those of an export."""
    length, is_binary = 0, None
    for piece in pieces:
        if is_binary is None:
            is_binary = piece.startswith((_GZIP, *_ZIP, _SQLITE))
        first = piece.find(b"\n")
        length += len(piece) if first < 0 else first
        if length > item.MAXIMUM_LINE_BYTES and not is_binary:
            raise TransferError(
                f"A line of {name} is longer than any context: it is no export of a memory.",
            )
        if first >= 0:
            length = len(piece) - piece.rfind(b"\n") - 1
        yield piece


def _is_content(entry: zipfile.ZipInfo) -> bool:
    """Say whether an entry is a file that a person put there, not the system's own."""
    parts = _parts(entry)
    return (
        not entry.is_dir()
        and bool(parts)
        and "__MACOSX" not in parts
        and not any(part.startswith(".") and part != ".." for part in parts)
    )


def _parts(entry: zipfile.ZipInfo) -> tuple[str, ...]:
    parts = PurePosixPath(entry.filename.replace("\\", "/")).parts
    return parts[1:] if parts[:1] == ("/",) else parts
