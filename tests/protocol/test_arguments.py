"""The grammar of arguments on their types: what each accepts, and the rule that the rest breaks."""

import time
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from extended_memory.domain import MAXIMUM_INTEGER, TimeSpan
from extended_memory.protocol import arguments
from extended_memory.protocol.refusals import broken_rule


def read(argument: str, given: object) -> Any:
    """Return the value of an argument, as a tool gets it."""
    return TypeAdapter(getattr(arguments, argument)).validate_python(given)


def moment(text: str) -> TimeSpan:
    span = read("Moment", text)
    assert isinstance(span, TimeSpan)
    return span


ACCEPTED: list[tuple[str, object, object]] = [
    ("Content", "я" * 25_000, "я" * 25_000),
    ("Content", " a\n", " a\n"),
    ("Importance", "8", 8),
    ("Importance", " 8.0 ", 8),
    ("Importance", 8.0, 8),
    ("Importance", None, 5),
    ("MinimumImportance", "1", 1),
    ("MinimumImportance", None, 7),
    ("SearchImportance", None, 1),
    ("NewImportance", "5", 5),
    ("NewImportance", None, None),
    ("Tags", ["Web", "api", "web "], ("api", "web")),
    ("Tags", '["B", "a"]', ("a", "b")),
    ("Tags", "b, A,,", ("a", "b")),
    ("Tags", "one", ("one",)),
    ("Tags", "", ()),
    ("Tags", None, ()),
    ("Tags", [], ()),
    ("Tags", ["e\u0301", "\u00c9"], ("\u00e9",)),
    ("Tags", ["ы" * 100], ("ы" * 100,)),
    ("TagsFilter", '["a"]', ("a",)),
    ("TagsFilter", "A, c", ("a", "c")),
    ("TagsFilter", None, ()),
    ("NewTags", "x, Y", ("x", "y")),
    ("NewTags", [], ()),
    ("NewTags", None, None),
    ("SomeTags", "a", ("a",)),
    ("NewContent", "a", "a"),
    ("NewContent", None, None),
    ("ProjectId", "My_Proj", "my proj"),
    ("ProjectId", "my-proj", "my proj"),
    ("ProjectId", "MY  PROJ", "my proj"),
    ("ProjectId", " my proj ", "my proj"),
    ("ProjectId", "My\u2003Proj", "my proj"),
    ("ProjectId", "my--_proj", "my proj"),
    ("ProjectId", "п" * 200, "п" * 200),
    *(("ProjectId", blank, "") for blank in (None, "", "  ", "_", "---")),
    *(("InitLoad", yes, True) for yes in (True, "true", "1", "YES", "on", None)),
    *(("InitLoad", no, False) for no in (False, "false", "False", "0", "no", "off")),
    ("Permanently", "true", True),
    ("Permanently", None, False),
    ("Limit", "2", 2),
    ("Limit", None, 30),
    ("Offset", "1", 1),
    ("Offset", None, 0),
    ("SearchLimit", None, 10),
    ("TagLimit", None, 20),
    ("MinimumUsage", None, 1),
    ("ContextId", "7", 7),
    ("ContextIds", [2, 9, 1], (2, 9, 1)),
    ("ContextIds", "[1, 2]", (1, 2)),
    ("ContextIds", "1,2", (1, 2)),
    ("RevisionNumber", None, None),
    ("Query", "", ""),
    ("Query", "x" * 1_000, "x" * 1_000),
    ("Moment", None, None),
    ("Moment", "", None),
]


@pytest.mark.parametrize(("argument", "given", "value"), ACCEPTED, ids=lambda x: repr(x)[:30])
def test_an_argument_is_read_leniently_where_clients_err(
    argument: str, given: object, value: object
) -> None:
    found = read(argument, given)
    assert (found, type(found)) == (value, type(value))


BOUNDS = [
    ("Importance", 1, 10),
    ("MinimumImportance", 1, 10),
    ("SearchImportance", 1, 10),
    ("NewImportance", 1, 10),
    ("Limit", 1, 100),
    ("SearchLimit", 1, 50),
    ("TagLimit", 1, 1000),
    ("MinimumUsage", 1, MAXIMUM_INTEGER),
    ("Offset", 0, MAXIMUM_INTEGER),
    ("ContextId", 1, MAXIMUM_INTEGER),
    ("RevisionNumber", 1, MAXIMUM_INTEGER),
]


def rule_broken_by(argument: str, given: object) -> str:
    """Return the sentence on a value that is refused."""
    with pytest.raises(ValidationError) as refused:
        read(argument, given)
    return broken_rule(refused.value)


@pytest.mark.parametrize(("argument", "least", "most"), BOUNDS)
def test_a_number_may_be_its_bounds_and_nothing_beyond(
    argument: str, least: int, most: int
) -> None:
    assert (read(argument, least), read(argument, most)) == (least, most)
    for given, rule in ((least - 1, f"at least {least}"), (most + 1, f"at most {most}")):
        assert rule_broken_by(argument, given) == f"must be {rule}; given: {given}."


NO_INTEGERS: list[object] = [5.5, "5.5", "high", True, [], {}, "", "1e400"]

REFUSED: list[tuple[str, object, str]] = [
    *(("Content", given, "be text") for given in (None, 7, ["a"])),
    *(("Content", given, "not be blank") for given in ("", " \n\t\u2003")),
    ("Content", "\ud800", "be Unicode text, without lone surrogates"),
    (
        "Content",
        "я" * 25_001,
        "be at most 50,000 bytes of UTF-8: split it into several contexts (this one has 50,002 "
        "bytes)",
    ),
    ("NewContent", " ", "not be blank"),
    ("NewContent", 7, "be text"),
    ("NewContent", "я" * 25_001, "be at most 50,000 bytes of UTF-8"),
    *(
        (argument, given, "be a whole number")
        for argument in ("Importance", "NewImportance", "Limit", "ContextId")
        for given in NO_INTEGERS
    ),
    ("ContextId", None, "be a whole number"),
    ("ContextId", "1; DROP TABLE contexts", "be a whole number"),
    ("Offset", 10**30, f"be at most {MAXIMUM_INTEGER}"),
    ("Tags", ["a", " "], "not be blank"),
    ("Tags", ["x" * 101], "be at most 100 characters"),
    ("Tags", [1], "be text"),
    *(("Tags", given, "be a list of texts") for given in ("[1", 5, {"a": 1})),
    ("Tags", ["a\tb"], "have no control characters"),
    ("Tags", ["\udc00"], "be Unicode text, without lone surrogates"),
    ("NewTags", ["x" * 101], "be at most 100 characters"),
    ("TagsFilter", [""], "not be blank"),
    ("ProjectId", "x" * 201, "be at most 200 characters"),
    ("ProjectId", "a\nb", "have no control characters"),
    ("ProjectId", 5, "be text"),
    *(("InitLoad", given, "be true or false") for given in ("perhaps", 2)),
    ("ContextIds", [0], "be at least 1"),
    ("Query", 7, "be text"),
    ("Query", None, "be text"),
    ("Query", "x" * 1_001, "be at most 1,000 characters"),
    *(
        (argument, given, "be a date or a time, such as 2026-11-23 or 2026-11-23T09:15:00Z")
        for argument in ("Moment", "ExpectedUpdate")
        for given in ("tomorrow", "now", 5)
    ),
    ("ExpectedUpdate", "2026-02-30", "be a date or a time that there is"),
]


@pytest.mark.parametrize(("argument", "given", "rule"), REFUSED, ids=lambda x: repr(x)[:30])
def test_what_breaks_a_rule_is_refused_with_it(argument: str, given: object, rule: str) -> None:
    assert rule_broken_by(argument, given).startswith(f"must {rule}")


@pytest.mark.parametrize(
    ("argument", "most"), [("Tags", 32), ("NewTags", 32), ("SomeTags", 32), ("TagsFilter", 10)]
)
def test_tags_beyond_their_most_are_refused(argument: str, most: int) -> None:
    tags = [f"tag {number:02}" for number in range(most + 1)]
    assert read(argument, tags[:most]) == tuple(tags[:most])
    assert rule_broken_by(argument, tags).startswith(f"must be at most {most} tags; given: [")


def test_more_than_a_hundred_ids_are_refused() -> None:
    ids = tuple(range(1, 102))
    assert read("ContextIds", ids[:100]) == ids[:100]
    assert rule_broken_by("ContextIds", ids).startswith("must ")


@pytest.fixture
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the local time be that of a zone."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("zone", "day", "first", "end"),
    [
        ("America/Los_Angeles", "2026-11-01", "2026-11-01T07:00", "2026-11-02T08:00"),
        ("America/Los_Angeles", "2026-03-08", "2026-03-08T08:00", "2026-03-09T07:00"),
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00", "2026-03-29T22:00"),
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00", "2026-10-25T23:00"),
        ("Asia/Kolkata", "2026-10-25", "2026-10-24T18:30", "2026-10-25T18:30"),
        ("UTC", "2026-10-25", "2026-10-25T00:00", "2026-10-26T00:00"),
    ],
    indirect=["zone"],
)
@pytest.mark.usefixtures("zone")
def test_a_local_day_ends_where_the_next_one_begins(day: str, first: str, end: str) -> None:
    since, until = (datetime.fromisoformat(f"{each}:00+00:00") for each in (first, end))
    assert moment(day) == TimeSpan(since=since, until=until)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2026-11-23", 86_400), ("2026-11-23T09:15Z", 60), ("2026-11-23 09:15:07+01:00", 1)],
)
def test_a_moment_is_as_long_as_it_is_written(text: str, seconds: int) -> None:
    span = moment(text)
    assert span.since is not None
    assert span.until is not None
    assert (span.until - span.since).total_seconds() in (seconds, 82_800, 90_000)


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(arguments.EmptySpanError, match="until is earlier than since"):
        arguments.span(moment("2026-11-23"), moment("2026-11-22"))
    day = moment("2026-11-23T00:00Z")
    assert arguments.span(day, day).since == datetime(2026, 11, 23, tzinfo=timezone.utc)
