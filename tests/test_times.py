"""Times at both ends of the calendar, in any zone: as an argument, and as they are shown."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
from pydantic import TypeAdapter

from extended_memory.domain import TimeSpan
from extended_memory.protocol.arguments import Moment
from extended_memory.protocol.replies import local_time

MOMENT: TypeAdapter[TimeSpan | None] = TypeAdapter(Moment)
FIRST = datetime.min.replace(tzinfo=timezone.utc)
LAST = datetime.max.replace(tzinfo=timezone.utc)


@pytest.fixture(params=["Pacific/Kiritimati", "UTC", "Etc/GMT+12"])
def _zone(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_zone")
@pytest.mark.parametrize(
    "written",
    [
        "9999-12-31",
        "9999-12-31T23:59",
        "9999-12-31T23:59:59.999Z",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01",
        "0001-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00Z",
    ],
)
def test_a_moment_at_the_end_of_the_calendar_is_one_in_every_zone(written: str) -> None:
    read = MOMENT.validate_python(written)
    assert read is not None
    assert read.since is not None
    assert read.until is not None
    assert read.since <= read.until
    assert abs(read.since.year - int(written[:4])) <= 1
    local_time(read.since)
    local_time(read.until)


@pytest.mark.usefixtures("_zone")
@pytest.mark.parametrize("moment", [LAST, LAST - timedelta(hours=11), FIRST])
def test_a_time_that_a_zone_does_not_have_is_shown_all_the_same(moment: datetime) -> None:
    assert local_time(moment)
