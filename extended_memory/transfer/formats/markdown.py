"""Our own readable form: a folder of Markdown files with front matter, one for each context.

The text of a file is the content, byte for byte. What was before the last changes, and what is
in the trash, is not in it: that is what JSON lines are for.
"""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from extended_memory.domain import PortableContext
from extended_memory.transfer.formats import front_matter
from extended_memory.transfer.formats.adapt import texts
from extended_memory.transfer.formats.item import MAXIMUM_LINE_BYTES, Damaged, Item
from extended_memory.transfer.formats.record import Record, reason, values_of
from extended_memory.transfer.origins import digest

SUFFIX = ".md"

_MARKS = {"id", "importance", "created_at", "origin"}
"""The keys that our front matter has, and that of no other tool."""

_NAME_CHARACTERS = 40
_NAME_BYTES = 120  # file systems take 255 of a whole name
_NO_WORD = re.compile(r"[\W_]+")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)


def file_of(context_id: int, context: PortableContext) -> PurePosixPath:
    """Return where a context lies in the folder: its project, its id and its first words.

    Safe on every file system, Windows' too, and for each context another one.
    """
    words = _plain(context.note.content[:1000])
    stem = f"{context_id}-{words}" if words else str(context_id)
    return PurePosixPath(_folder(context.project), stem + SUFFIX)


def text_of(context_id: int, context: PortableContext) -> bytes:
    """Return the file of a context that has this id in its store."""
    values = values_of(context_id, context) | {"origin": context.origin}
    content = values.pop("content").encode()
    left_out = {"revisions", "forgotten_at"} | ({"updated_at"} if not context.updated_at else set())
    return front_matter.join({k: v for k, v in values.items() if k not in left_out}, content)


def is_ours(values: dict[str, object]) -> bool:
    """Say whether front matter is that of an export."""
    return values.keys() >= _MARKS


def files(path: Path) -> Iterator[Path]:
    """Give the Markdown files of a folder in the order of their paths, or the one file.

    Hidden folders are passed over: they hold what editors and version control keep.
    """
    if path.is_file():
        yield path
        return
    for file in sorted(path.rglob("*" + SUFFIX)):
        if file.is_file() and not any(
            part.startswith(".") for part in file.relative_to(path).parts
        ):
            yield file


def data_of(file: Path) -> bytes:
    """Return what a file holds.

    Raises:
        ValueError: it is larger than any note.
    """
    if file.stat().st_size > MAXIMUM_LINE_BYTES:
        raise ValueError("it is larger than any note")
    return file.read_bytes()


def place_of(file: Path, path: Path) -> str:
    """Return how a file of a source is named to a person."""
    return file.relative_to(path).as_posix() if file != path else file.name


def count(path: Path) -> int:
    """Return how many files there are."""
    return sum(1 for _ in files(path))


def read(path: Path) -> Iterator[Item]:
    """Give the contexts of a folder, or of one file."""
    for file in files(path):
        place = place_of(file, path)
        try:
            values, content = front_matter.split(data_of(file))
            if not isinstance(values.get("tags"), list):
                values["tags"] = texts(values.get("tags"))  # as editors write one, or none
            record = Record.model_validate(values | {"content": content.decode()})
        except ValidationError as error:
            yield Damaged(place=place, why=reason(error))
        except UnicodeDecodeError:
            yield Damaged(place=place, why="it is not UTF-8")
        except ValueError as error:
            yield Damaged(place=place, why=str(error))
        else:
            yield record.found(place)


def _folder(project: str) -> str:
    name = _plain(project)
    # What cannot be told from its plain name gets a few digits that only this project has.
    if name != project.replace(" ", "-") or _RESERVED.fullmatch(name):
        name = f"{name}-{digest(project)[:8]}".lstrip("-")
    return name


def _plain(text: str) -> str:
    """Return the first words of a text with hyphens between them, letters and digits only."""
    words = _NO_WORD.sub("-", text).strip("-")[:_NAME_CHARACTERS]
    while len(words.encode()) > _NAME_BYTES:
        words = words[:-1]
    return words.strip("-")
