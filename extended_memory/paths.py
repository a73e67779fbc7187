"""A path as a setting writes it: expanded, or refused where it names no file for good.

What is refused here would be a file all the same, and in each working directory another one: a
memory that looks lost from the next one. What may not be looked at counts as not there: opening it
says why, and ``Path.exists`` would raise that here.
"""

import re
import shlex
from os.path import exists, expanduser, expandvars, isdir
from pathlib import Path

from extended_memory import placeholders
from extended_memory.errors import (
    PlaceholderError,
    UnusableSettingError,
)
from extended_memory.placeholders import Placeholder

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_QUOTED = re.compile(r"""["'`“„«].*["'`”“»]""", re.DOTALL)
_UNKNOWN_HOME = re.compile(r"(~[^\\/]*)[\\/]")
_LONGEST_SHOWN = 200

_IN_MEMORY = re.compile(r"(?:.*[\\/])?(?:file:)?:memory:[\\/]*", re.DOTALL | re.IGNORECASE)
_URI = re.compile("file:", re.IGNORECASE)


def path_of(text: str, *, setting: str, given: str, as_written: bool = False) -> Path:
    """Expand ``~`` and ``$NAME`` and resolve links, so that SQLite's own files lie beside it.

    Args:
        text: The path.
        setting: The name that the person knows it by.
        given: What the setting holds as a whole.
        as_written: A name that would be refused is taken where there is such a file.

    Raises:
        UnusableSettingError: it names no file, or not the same in each working directory.
    """
    partly = expandvars(text)
    home = _unknown_home(partly)
    if home is not None and home.text == "~":
        raise UnusableSettingError(
            f'The home directory in "{shown(text)}" is not known.', remedy="set HOME."
        )
    try:
        path = Path(expanduser(partly)).resolve()
    except FileNotFoundError:
        raise UnusableSettingError(
            f'"{shown(text)}" begins in the working directory, which was deleted.',
            remedy="write an absolute path.",
        ) from None
    if as_written and exists(path):
        return path
    if is_quoted(text):
        raise quoted(setting, path)
    if _IN_MEMORY.fullmatch(text.partition("?")[0]):
        raise UnusableSettingError(
            f'{setting} holds "{shown(given)}" and names no file, and a memory that is not in a '
            "file would be lost at exit.",
            remedy="write sqlite:////absolute/path/memory.db.",
        )
    if _URI.match(text):
        raise UnusableSettingError(
            f"{setting} begins with 'file:', a form that this server does not read.",
            remedy=f"write sqlite:////absolute/path/memory.db.{_what_is_there(path)}",
        )
    is_fixed = Path(expanduser(partly)).is_absolute()
    looked_for = placeholders.in_path if is_fixed else placeholders.in_relative_path
    found = looked_for(partly) or home
    if found is None or (found.may_be_a_name and Path(partly).is_absolute() and exists(path)):
        return path
    raise unreplaced(setting, given, found, path)


def sqlite_path(after_scheme: str, *, setting: str, given: str, as_written: bool = False) -> Path:
    """Read what follows ``sqlite://``: as SQLAlchemy does, and as 0.9.0 did where it differs.

    Raises:
        UnusableSettingError: as ``path_of`` does.
    """
    location = after_scheme.partition("?")[0]  # 0.9.0 took options such as ?timeout=30
    if not location.startswith("/"):
        raise UnusableSettingError(
            f"{setting} has two slashes after 'sqlite:'.",
            remedy=(
                "write three for a path from the working directory or four for an absolute one."
            ),
        )
    location = location[1:]
    if not location.strip("/"):
        raise UnusableSettingError(
            f"{setting} names no file, and a memory that is not in a file would be lost at exit.",
            remedy="write sqlite:////absolute/path/memory.db.",
        )
    path = path_of(location, setting=setting, given=given, as_written=as_written)
    # 0.9.0 read three slashes from the root, and its README taught that spelling: a file or a
    # folder that is there only when read so is what its user means.
    from_root = Path("/" + location)
    if Path(location).is_absolute() or location.startswith(("~", "$")) or _DRIVE.match(location):
        return path
    if exists(path) or not (exists(from_root) or _only_parent(from_root, path)):
        return path
    return from_root.resolve()


def is_quoted(text: str) -> bool:
    """Say whether a text is in quotation marks, as a file of variables leaves them."""
    return _QUOTED.fullmatch(text) is not None


def quoted(setting: str, path: Path | None = None) -> UnusableSettingError:
    """Return the sentence for a value in quotation marks."""
    return UnusableSettingError(
        f"{setting} begins and ends with quotation marks, which are part of its value here.",
        remedy=f"leave them out.{_what_is_there(path)}",
    )


def unreplaced(
    setting: str, value: str, found: Placeholder, path: Path | None = None
) -> PlaceholderError:
    """Return the sentence for a placeholder in a value; what may be a password is not shown."""
    whole = "" if found.text == value or "@" in value else f' in "{shown(value)}"'
    return PlaceholderError(
        f'{setting} holds "{shown(found.text)}"{whole}, which nothing has replaced by its value.',
        remedy=f"write the value itself, or set what it names.{_what_is_there(path)}",
    )


def shown(text: str) -> str:
    """Return a value as a sentence may quote it."""
    line = "".join(sign if sign.isprintable() else "?" for sign in text)
    return line if len(line) <= _LONGEST_SHOWN else f"{line[:_LONGEST_SHOWN]}…"


def _unknown_home(path: str) -> Placeholder | None:
    """Return the home that a path begins with and that this system does not know."""
    found = _UNKNOWN_HOME.match(expanduser(path))
    return Placeholder(text=found[1], may_be_a_name=False) if found else None


def _what_is_there(path: Path | None) -> str:
    """Say that something lies where a refused name leads, if it is taken as it is written."""
    if path is None or not exists(path):
        return ""
    what = "A folder" if isdir(path) else "A file"
    return (
        f" {what} of that very name is there: `extended-memory-mcp copy {shlex.quote(str(path))} "
        "TARGET` takes what it holds to another place."
    )


def _only_parent(candidate: Path, other: Path) -> bool:
    root = Path(candidate.anchor)
    return candidate.parent != root and isdir(candidate.parent) and not isdir(other.parent)
