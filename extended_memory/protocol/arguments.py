"""The arguments of the tools: one type for each, with its bounds and words for the model.

The published schema stays plain (``integer``, ``array``, ``boolean``), because a union makes
clients choose worse; the validators in front are lenient where clients are known to err: a
number or a boolean as a string, a list as a JSON string or as words between commas, null for an
argument that may be left out. All else is refused by ``refusals``.
"""

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from extended_memory.domain import (
    DEFAULT_IMPORTANCE,
    MAXIMUM_CONTENT_BYTES,
    MAXIMUM_IMPORTANCE,
    MAXIMUM_INTEGER,
    MAXIMUM_TAGS,
    MINIMUM_IMPORTANCE,
    OLDEST_TIME,
    TimeSpan,
)
from extended_memory.errors import ExtendedMemoryError
from extended_memory.names import (
    NameRefusedError,
    checked_project,
    checked_tag,
    is_unicode,
    read_switch,
)
from extended_memory.protocol.nesting import is_too_deep
from extended_memory.protocol.transport import SURROGATE_KEY

MAXIMUM_FILTER_TAGS = 10
MAXIMUM_LIMIT = 100
MAXIMUM_TAG_LIMIT = 1000
MAXIMUM_IDS = 100
MAXIMUM_SEARCH_LIMIT = 50
MAXIMUM_QUERY_CHARACTERS = 1_000

DEFAULT_MINIMUM_IMPORTANCE = 7
DEFAULT_LIMIT = 30
DEFAULT_OFFSET = 0
DEFAULT_SEARCH_IMPORTANCE = 1
DEFAULT_SEARCH_LIMIT = 10
DEFAULT_TAG_LIMIT = 20
DEFAULT_MINIMUM_USAGE = 1

_MILLISECOND = timedelta(milliseconds=1)
_FIRST = datetime.min.replace(tzinfo=timezone.utc)
_LAST = datetime.max.replace(tzinfo=timezone.utc)
_MOMENT = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"(?:[T ](?P<minute>\d\d:\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?)?",
    re.IGNORECASE | re.ASCII,
)


class EmptySpanError(ExtendedMemoryError):
    """A span of time that ends before it begins."""


def refusal(rule: str) -> PydanticCustomError:
    """Return the error for a value that breaks a rule; the rule completes "content must ..."."""
    return PydanticCustomError("rule", "{rule}", {"rule": rule})


def _text(value: Any) -> Any:
    """Refuse what is not Unicode text, which pydantic would call by other names."""
    lone = isinstance(value, str) and not is_unicode(value)
    if lone or (isinstance(value, dict) and set(value) == {SURROGATE_KEY}):
        raise refusal("be Unicode text, without lone surrogates")
    if not isinstance(value, str):
        raise refusal("be text")
    return value


def _content(value: str) -> str:
    if not value.strip():
        raise refusal("not be blank")
    size = len(value.encode())
    if size > MAXIMUM_CONTENT_BYTES:
        raise refusal(
            f"be at most {MAXIMUM_CONTENT_BYTES:,} bytes of UTF-8: split it into several "
            f"contexts (this one has {size:,} bytes)"
        )
    return value


def _query(value: str) -> str:
    if len(value) > MAXIMUM_QUERY_CHARACTERS:
        raise refusal(f"be at most {MAXIMUM_QUERY_CHARACTERS:,} characters")
    return value


def _name(checked: Callable[[str], str]) -> Callable[[str], str]:
    def name(value: str) -> str:
        try:
            return checked(value)
        except NameRefusedError as error:
            raise refusal(error.rule) from None

    return name


_project = _name(checked_project)
_tag = _name(checked_tag)


def _at_most(count: int) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    def unique(tags: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(sorted(set(tags)))
        if len(names) > count:
            raise refusal(f"be at most {count} tags")
        return names

    return unique


def _parsed(text: str, rule: str) -> Any:
    """Return what a text of JSON says; one that is none, or nested too deeply, breaks a rule."""
    if is_too_deep(text.encode(errors="replace")):
        raise refusal(rule)
    try:
        return json.loads(text)
    except ValueError:
        raise refusal(rule) from None


def _list(value: Any) -> Any:
    """Accept a list as a JSON string or as words between commas, and null as no list."""
    if value is None:
        return ()
    if not isinstance(value, str):
        if not isinstance(value, (list, tuple)):
            raise refusal("be a list of texts")
        return value
    if value.lstrip().startswith("["):
        return _parsed(value, "be a list of texts")
    return [tag for tag in value.split(",") if tag.strip()]


def _integer(default: int | None = None) -> Callable[[Any], Any]:
    """Accept a whole number as a string; with a default, null means it."""

    def whole(value: Any) -> Any:
        if value is None and default is not None:
            return default
        if isinstance(value, str):
            value = _parsed(value.strip(), "be a whole number")
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise refusal("be a whole number")
        return value

    return whole


def _boolean(default: bool) -> Callable[[Any], Any]:
    def boolean(value: Any) -> Any:
        if value is None:
            return default
        if isinstance(value, str):
            value = read_switch(value.strip())
        if not isinstance(value, bool):
            raise refusal("be true or false")
        return value

    return boolean


def _or_empty(value: Any) -> Any:
    return "" if value is None else value


def _optional(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Let null, or an argument that was left out, stand for nothing to change or to ask."""

    def optional(value: Any) -> Any:
        return None if value is None else check(value)

    return optional


def _moment(value: Any) -> TimeSpan | None:
    """Read a date or a time, as the whole day, minute, second or millisecond that it names.

    ISO 8601 (RFC 3339), with a blank in place of the T; without a zone it is local time.
    """
    if value is None or value == "":
        return None
    found = _MOMENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise refusal("be a date or a time, such as 2026-11-23 or 2026-11-23T09:15:00Z")
    fraction = found["fraction"] or ""
    units = (timedelta(days=1), timedelta(minutes=1), timedelta(seconds=1), _MILLISECOND)
    unit = units[sum(found[part] is not None for part in ("minute", "second", "fraction"))]
    zone = (found["zone"] or "").upper().replace("Z", "+00:00")
    text = (
        f"{found['day']}T{found['minute'] or '00:00'}:{found['second'] or '00'}"
        f".{(fraction + '000')[:3]}{zone}"
    )
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise refusal("be a date or a time that there is") from None
    return TimeSpan(since=_in_utc(moment), until=_end_in_utc(moment, unit))


def _end_in_utc(moment: datetime, unit: timedelta) -> datetime:
    """Return the end of a unit of time: a local day ends where the next one begins.

    It has 23 or 25 hours where the clocks change.
    """
    try:
        return _in_utc(moment + unit)
    except OverflowError:
        return _LAST


def _in_utc(moment: datetime) -> datetime:
    """Return a time in UTC, or the first or the last that there is where that lies beyond."""
    try:
        return (moment if moment.tzinfo else moment.astimezone()).astimezone(timezone.utc)
    except (OverflowError, ValueError, OSError):
        return _FIRST if moment.year < OLDEST_TIME.year else _LAST


def _between(least: int, most: int) -> Callable[[Any], int]:
    """Accept a whole number within bounds, also as a string."""

    def between(value: Any) -> int:
        number = int(_integer()(value))
        if number < least:
            raise refusal(f"be at least {least}")
        if number > most:
            raise refusal(f"be at most {most}")
        return number

    return between


def _tags(value: Any) -> tuple[str, ...]:
    return _at_most(MAXIMUM_TAGS)(tuple(_tag(_text(tag)) for tag in _list(value)))


def span(since: TimeSpan | None, until: TimeSpan | None) -> TimeSpan:
    """Return the time from the beginning of one moment to the end of another.

    Raises:
        EmptySpanError: the end comes before the beginning.
    """
    start = None if since is None else since.since
    end = None if until is None else until.until
    if start is not None and end is not None and end <= start:
        raise EmptySpanError("until is earlier than since.", remedy="swap them, or leave one out.")
    return TimeSpan(since=start, until=end)


def _schema(kind: str, description: str = "", **more: Any) -> WithJsonSchema:
    """Return the plain schema of an argument that may be left out."""
    return WithJsonSchema(
        {"type": kind} | ({"description": description} if description else {}) | more
    )


_Tag = Annotated[str, BeforeValidator(_text), AfterValidator(_tag)]

Content = Annotated[
    str,
    BeforeValidator(_text),
    AfterValidator(_content),
    Field(description=f"what to remember, complete in itself, up to {MAXIMUM_CONTENT_BYTES} bytes"),
]
ProjectId = Annotated[
    str,
    AfterValidator(_project),
    BeforeValidator(_text),
    BeforeValidator(_or_empty),
    Field(description="the project; always name it if known"),
]
ContextId = Annotated[
    int, Field(ge=1, le=MAXIMUM_INTEGER, description="the id"), BeforeValidator(_integer())
]
Importance = Annotated[
    int,
    Field(ge=MINIMUM_IMPORTANCE, le=MAXIMUM_IMPORTANCE, description="10 = must never be lost"),
    BeforeValidator(_integer(DEFAULT_IMPORTANCE)),
]
MinimumImportance = Annotated[
    int,
    Field(ge=MINIMUM_IMPORTANCE, le=MAXIMUM_IMPORTANCE, description="the least importance"),
    BeforeValidator(_integer(DEFAULT_MINIMUM_IMPORTANCE)),
]
Tags = Annotated[
    tuple[_Tag, ...],
    AfterValidator(_at_most(MAXIMUM_TAGS)),
    BeforeValidator(_list),
    Field(description="topics to find it by"),
]
TagsFilter = Annotated[
    tuple[_Tag, ...],
    AfterValidator(_at_most(MAXIMUM_FILTER_TAGS)),
    BeforeValidator(_list),
    Field(description="only contexts with any of these tags"),
]
NewContent = Annotated[
    str | None, PlainValidator(_optional(lambda value: _content(_text(value)))), _schema("string")
]
NewImportance = Annotated[
    int | None,
    PlainValidator(_optional(_between(MINIMUM_IMPORTANCE, MAXIMUM_IMPORTANCE))),
    _schema("integer", minimum=MINIMUM_IMPORTANCE, maximum=MAXIMUM_IMPORTANCE),
]
NewTags = Annotated[
    tuple[str, ...] | None,
    PlainValidator(_optional(_tags)),
    _schema("array", "all of them", items={"type": "string"}),
]
SomeTags = Annotated[
    tuple[_Tag, ...], AfterValidator(_at_most(MAXIMUM_TAGS)), BeforeValidator(_list)
]
Moment = Annotated[TimeSpan | None, PlainValidator(_moment), _schema("string", "date or time")]
ExpectedUpdate = Annotated[
    TimeSpan | None,
    PlainValidator(_moment),
    _schema("string", "refuse if it was changed at another time"),
]
ContextIds = Annotated[
    tuple[Annotated[int, Field(ge=1, le=MAXIMUM_INTEGER), BeforeValidator(_integer())], ...],
    Field(max_length=MAXIMUM_IDS, description="only these contexts, whole"),
    BeforeValidator(_list),
]
RevisionNumber = Annotated[
    int | None,
    PlainValidator(_optional(_between(1, MAXIMUM_INTEGER))),
    _schema("integer", "an earlier text", minimum=1),
]
Permanently = Annotated[
    bool,
    Field(description="cannot be undone"),
    BeforeValidator(_boolean(False)),
]
Query = Annotated[
    str,
    AfterValidator(_query),
    BeforeValidator(_text),
    Field(description="words or a question, no syntax"),
]
SearchImportance = Annotated[
    int,
    Field(ge=MINIMUM_IMPORTANCE, le=MAXIMUM_IMPORTANCE, description="the least importance"),
    BeforeValidator(_integer(DEFAULT_SEARCH_IMPORTANCE)),
]
SearchLimit = Annotated[
    int, Field(ge=1, le=MAXIMUM_SEARCH_LIMIT), BeforeValidator(_integer(DEFAULT_SEARCH_LIMIT))
]
Limit = Annotated[int, Field(ge=1, le=MAXIMUM_LIMIT), BeforeValidator(_integer(DEFAULT_LIMIT))]
Offset = Annotated[
    int,
    Field(ge=0, le=MAXIMUM_INTEGER, description="how many to skip"),
    BeforeValidator(_integer(DEFAULT_OFFSET)),
]
InitLoad = Annotated[
    bool,
    Field(description="false after the first load of a conversation"),
    BeforeValidator(_boolean(True)),
]
TagLimit = Annotated[
    int, Field(ge=1, le=MAXIMUM_TAG_LIMIT), BeforeValidator(_integer(DEFAULT_TAG_LIMIT))
]
MinimumUsage = Annotated[
    int,
    Field(ge=1, le=MAXIMUM_INTEGER, description="the least number of uses"),
    BeforeValidator(_integer(DEFAULT_MINIMUM_USAGE)),
]
