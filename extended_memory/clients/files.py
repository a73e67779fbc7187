"""Configuration files on the disk: read as text, and replaced whole or not at all."""

from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

from extended_memory.clients.errors import ConfigurationError
from extended_memory.output import MOMENT, OWN_FILE, written

_MARK = "\N{BYTE ORDER MARK}"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file as it was read; ``text`` is None where there is none."""

    path: Path
    text: str | None
    has_mark: bool = False

    def bytes_of(self, text: str) -> bytes:
        """Return a text encoded as this file, with its byte order mark if it has one."""
        return ((_MARK if self.has_mark else "") + text).encode()


def read(path: Path) -> File:
    """Read a file.

    Raises:
        ConfigurationError: it cannot be read, or is no text.
    """
    try:
        # The file that is written to: the system finds none at `nosuch/../mcp.json`, resolve does.
        real = path.resolve()
        if real.exists() and not real.is_file() and not real.is_dir():  # it might never end
            raise ConfigurationError(
                f"{path} is no regular file.", remedy="name the client's configuration."
            )
        text = real.read_bytes().decode()
    except (FileNotFoundError, NotADirectoryError):
        return File(path=path, text=None)
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path} is not in UTF-8 (byte {error.start + 1:,}).",
            remedy="save it in that encoding.",
        ) from error
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
    return File(path=path, text=text.removeprefix(_MARK), has_mark=text.startswith(_MARK))


def replace(file: File, text: str, *, now: datetime) -> Path | None:
    """Replace a file by a new text; return the path of the copy of the old one, if any.

    A link goes on pointing to its file, and the file keeps its mode.

    Raises:
        ConfigurationError: it was changed meanwhile, or cannot be written.
    """
    if read(file.path) != file:
        raise ConfigurationError(
            f"{file.path} was changed meanwhile, so it was left alone.",
            remedy="run the command again.",
        )
    path = file.path.resolve()
    try:
        if file.text is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, file.bytes_of(text))
            return None
        mode = path.stat().st_mode & 0o777
        backup = _free_path(path.with_name(f"{path.name}.backup-{now.strftime(MOMENT)}"))
        _write(backup, file.bytes_of(file.text), mode)
        try:
            _write(path, file.bytes_of(text), mode)
        except OSError:
            backup.unlink()  # it would be the copy of what is there
            raise
    except OSError as error:
        raise ConfigurationError(
            f"{file.path} cannot be written: {error.strerror}. Nothing was changed."
        ) from error
    return backup


def _free_path(path: Path) -> Path:
    """Return a path that is free: the one given, or with a number after it."""
    numbered = (path.with_name(f"{path.name}-{number}") for number in count(2))
    return path if not path.exists() else next(p for p in numbered if not p.exists())


def _write(path: Path, content: bytes, mode: int = OWN_FILE) -> None:
    with written(path, mode=mode) as part:
        part.write_bytes(content)
