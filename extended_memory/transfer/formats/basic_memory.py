"""basic-memory: a folder of Markdown notes with front matter, observations and relations.

A note becomes one context with its text as it is: observations and relations are lines of it
that a person reads. The folder is the project, as it is there.
"""

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from extended_memory.domain import can_be_stored
from extended_memory.transfer.formats import front_matter
from extended_memory.transfer.formats.adapt import adapted, texts, time
from extended_memory.transfer.formats.item import Damaged, Item, LeftOut
from extended_memory.transfer.formats.markdown import data_of, files, is_ours, place_of

TOOL = "basic-memory"

_DEFAULT_FOLDER = "basic-memory"
"""The name of the folder that nobody chose: that of the project "main"."""


def is_note(values: dict[str, object]) -> bool:
    """Say whether front matter is that of such a note."""
    return "permalink" in values


def read(path: Path) -> Iterator[Item]:
    """Give the notes of a folder, or the one of a file."""
    folder = (path if path.is_dir() else path.parent).resolve().name
    for file in files(path):
        place = place_of(file, path)
        try:
            values, text = front_matter.split(data_of(file))
            content = text.decode().strip("\r\n")
        except UnicodeDecodeError:
            yield Damaged(place=place, why="it is not UTF-8")
        except ValueError as error:
            yield Damaged(place=place, why=str(error))
        else:
            if is_ours(values):  # its project, tags and importance are read as another form
                yield LeftOut(kind="notes of an export of this program")
                continue
            yield from _note(
                place, file, values, content, None if folder == _DEFAULT_FOLDER else folder
            )


def _changed(file: Path) -> datetime | None:
    """Return when a file was written to last, None where no store takes that time."""
    try:
        changed = datetime.fromtimestamp(file.stat().st_mtime, timezone.utc)
    except (ValueError, OverflowError):
        return None
    return changed if can_be_stored(changed) else None


def _note(
    place: str, file: Path, values: dict[str, object], content: str, project: str | None
) -> Iterator[Item]:
    title = values.get("title")
    if isinstance(title, str) and title.strip() and title.strip() not in content:
        content = f"# {title.strip()}\n\n{content}" if content.strip() else title.strip()
    changed = _changed(file)
    yield from adapted(
        tool=TOOL,
        key=str(values.get("permalink") or place),
        place=place,
        project=project,
        content=content,
        importance=values.get("importance"),
        tags=[*texts(values.get("tags")), values.get("type")],
        created_at=time(values.get("created")) or time(values.get("date")) or changed,
        updated_at=time(values.get("modified")) or changed,
    )
