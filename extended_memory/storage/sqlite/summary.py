"""What a store holds in numbers: what is counted already is looked up, the rest read once."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, text

from extended_memory.domain import Summary, from_milliseconds

_WEEK = timedelta(weeks=1) // timedelta(milliseconds=1)
_FIRST_MONDAY = date(1969, 12, 29)
_AFTER_MONDAY = timedelta(days=3) // timedelta(milliseconds=1)
"""1970 began on a Thursday."""
_WEEKS_BEFORE = 200_000
"""More than there are dates: SQLite divides towards zero, so nothing is to be below it."""

_IMPORTANCES = """
    SELECT importance, sum(context_count) FROM context_counts WHERE context_count > 0 {of_project}
    GROUP BY importance ORDER BY importance
"""
_WEEKS = f"""
    SELECT (created_at + {_WEEKS_BEFORE * _WEEK + _AFTER_MONDAY}) / {_WEEK} - {_WEEKS_BEFORE} week,
        count(*), min(created_at), max(created_at)
    FROM contexts WHERE true {{of_project}} GROUP BY week ORDER BY week
"""
_BYTES = """
    SELECT coalesce(sum(length(CAST(content AS BLOB))), 0) FROM contexts WHERE true {of_project}
"""
_TRASH = "SELECT count(*) FROM trash WHERE true {of_project}"
_REVISIONS = "SELECT count(*) FROM revisions"
_REVISIONS_OF_PROJECT = """
    SELECT count(*) FROM revisions WHERE context_id IN (
        SELECT id FROM contexts WHERE true {of_project}
        UNION ALL SELECT id FROM trash WHERE true {of_project}
    )
"""


def summary(connection: Connection, project: str | None) -> Summary:
    """Return how much a project holds, or the whole store, in one state of it."""
    of_project = (
        ""
        if project is None
        else "AND project_id = (SELECT id FROM projects WHERE name = :project)"
    )

    def ask(query: str) -> list[Any]:
        asked = text(query.format(of_project=of_project))
        values = {} if project is None else {"project": project}
        return [tuple(row) for row in connection.execute(asked, values)]

    connection.begin()
    importances = ask(_IMPORTANCES)
    weeks = ask(_WEEKS)
    ((content_bytes,),) = ask(_BYTES)
    ((trash_count,),) = ask(_TRASH)
    ((revision_count,),) = ask(_REVISIONS if project is None else _REVISIONS_OF_PROJECT)
    return Summary(
        context_count=sum(count for _, count in importances),
        trash_count=trash_count,
        revision_count=revision_count,
        content_bytes=content_bytes,
        by_importance=dict(importances),
        by_week=tuple((_FIRST_MONDAY + week * timedelta(weeks=1), n) for week, n, *_ in weeks),
        oldest=from_milliseconds(weeks[0][2]) if weeks else None,
        newest=from_milliseconds(weeks[-1][3]) if weeks else None,
    )
