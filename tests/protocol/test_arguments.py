"""The grammar of arguments on their types: dates, and the spans that they make."""

import time
from collections.abc import Iterator
from datetime import datetime, timezone

import pytest
from pydantic import TypeAdapter

from extended_memory.domain import TimeSpan
from extended_memory.protocol import arguments


def moment(text: str) -> TimeSpan:
    span = TypeAdapter(arguments.Moment).validate_python(text)
    assert span is not None
    return span


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
