"""Other tools' values as ours: importance, tags, times, and texts of any length."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone

from pydantic import TypeAdapter, ValidationError

from extended_memory.domain import (
    DEFAULT_IMPORTANCE,
    MAXIMUM_CONTENT_BYTES,
    MAXIMUM_IMPORTANCE,
    MAXIMUM_TAGS,
    MINIMUM_IMPORTANCE,
    Note,
    PortableContext,
    can_be_stored,
    from_milliseconds,
    to_milliseconds,
)
from extended_memory.names import (
    MAXIMUM_TAG_CHARACTERS,
    adopted_project,
    control_character,
    is_unicode,
    normalise_tags,
)
from extended_memory.transfer.formats.item import Damaged, Found, Item, LeftOut
from extended_memory.transfer.formats.record import BEYOND_BOUNDS
from extended_memory.transfer.origins import digest

_WORDS = {"low": 3, "normal": 5, "medium": 5, "high": 8, "critical": 10}
_TIME: TypeAdapter[datetime] = TypeAdapter(datetime)


def adapted(
    *,
    tool: str,
    key: str,
    place: str,
    project: object,
    content: object,
    importance: object = None,
    tags: Iterable[object] = (),
    created_at: object = None,
    updated_at: object = None,
) -> Iterator[Item]:
    """Give a memory of another tool as a context, or several where it is too long for one.

    ``key`` is what the tool knows it by. What has changed there since an import comes as
    another context: the text is part of its origin.
    """
    if not isinstance(content, str):
        yield Damaged(place=place, why="it has no text")
        return
    if not content.strip():
        yield LeftOut(kind="empty")
        return
    if not is_unicode(content):
        yield Damaged(place=place, why="its text is not Unicode")
        return
    created, updated = time(created_at), time(updated_at)
    for name, read in (("created_at", created), ("updated_at", updated)):
        if read is not None and not can_be_stored(read):
            yield Damaged(place=place, why=f"{name}: {BEYOND_BOUNDS}")
            return
    is_undated = created is None and created_at not in (None, "")
    if created is None:
        created = from_milliseconds(to_milliseconds(datetime.now(timezone.utc)))
    kept, lost = _tags(tags)
    origin = f"{tool}:{digest(key)}:{digest(content)}"
    for part, text in enumerate(_parts(content), start=1):
        yield Found(
            place=place,
            context=PortableContext(
                origin=origin if part == 1 else f"{origin}:{part}",
                project=_project(project),
                note=Note(content=text, importance=_importance(importance), tags=kept),
                created_at=created,
                updated_at=updated if updated is not None and updated > created else None,
            ),
            lost_tags=lost if part == 1 else 0,
            is_undated=is_undated and part == 1,
            part=part,
        )


def time(value: object) -> datetime | None:
    """Read a time: ISO 8601, or seconds since 1970; without a zone it is UTC.

    None where there is none; one out of bounds is returned as it is.
    """
    if value is None or isinstance(value, bool):
        return None
    try:
        read = _TIME.validate_python(value)
    except ValidationError:
        return None
    aware = read if read.tzinfo else read.replace(tzinfo=timezone.utc)
    return from_milliseconds(to_milliseconds(aware)) if can_be_stored(aware) else aware


def texts(value: object) -> list[str]:
    """Return the texts of a list, or of words between commas."""
    if isinstance(value, str):
        return [word for word in value.split(",") if word.strip()]
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def mapping(value: object) -> Mapping[str, object]:
    """Return a JSON object, an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def _project(name: object) -> str:
    return adopted_project(name if isinstance(name, str) and is_unicode(name) else "")


def _importance(value: object) -> int:
    """Read 1 to 10, a share of 1 as a decimal fraction, or a word for it."""
    if isinstance(value, str):
        return _WORDS.get(value.strip().lower(), DEFAULT_IMPORTANCE)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        return DEFAULT_IMPORTANCE
    number = value * MAXIMUM_IMPORTANCE if isinstance(value, float) and value <= 1 else value
    return round(min(max(number, MINIMUM_IMPORTANCE), MAXIMUM_IMPORTANCE))


def _tags(tags: Iterable[object]) -> tuple[tuple[str, ...], int]:
    """Return the tags that we can keep, and how many we cannot."""
    names = normalise_tags(tag for tag in tags if isinstance(tag, str))
    kept = [
        name
        for name in names
        if len(name) <= MAXIMUM_TAG_CHARACTERS
        and control_character(name) is None
        and is_unicode(name)
    ][:MAXIMUM_TAGS]
    return tuple(kept), len(names) - len(kept)


def _parts(content: str) -> Iterator[str]:
    """Cut a text where it is too long: at the end of a paragraph, a line, a word, or anywhere.

    The parts together are the text.
    """
    data = content.encode()
    while len(data) > MAXIMUM_CONTENT_BYTES:
        # What is cut off a character at the end is left to the next part.
        piece = data[:MAXIMUM_CONTENT_BYTES].decode(errors="ignore")
        half = len(piece) // 2
        end = next(
            (at + len(gap) for gap in ("\n\n", "\n", " ") if (at := piece.rfind(gap, half)) > 0),
            len(piece),
        )
        part = piece[:end]
        if part.strip():
            yield part
        data = data[len(part.encode()) :]
    if data.strip():
        yield data.decode()
