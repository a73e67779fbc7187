"""The numbers of a store: kept counts are looked up, the rest is read once."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    LargeBinary,
    Result,
    Select,
    cast,
    func,
    select,
    type_coerce,
    union_all,
)
from typing_extensions import Unpack

from extended_memory.domain import Summary, from_milliseconds
from extended_memory.storage.sqlite.models import ContextCountRow, ContextRow, RevisionRow, TrashRow
from extended_memory.storage.sqlite.queries import PROJECT_ID

_WEEK = timedelta(weeks=1) // timedelta(milliseconds=1)
_FIRST_MONDAY = date(1969, 12, 29)
_AFTER_MONDAY = timedelta(days=3) // timedelta(milliseconds=1)
"""1970 began on a Thursday."""
_WEEKS_BEFORE = 200_000
"""More than there are dates: SQLite divides towards zero, so nothing is to be below it."""

_CREATED_AT = type_coerce(ContextRow.created_at, Integer)

_IMPORTANCES = (
    select(ContextCountRow.importance, func.sum(ContextCountRow.context_count).label("count"))
    .where(ContextCountRow.context_count > 0)
    .group_by(ContextCountRow.importance)
    .order_by(ContextCountRow.importance)
)
_WEEKS = (
    select(
        ((_CREATED_AT + (_WEEKS_BEFORE * _WEEK + _AFTER_MONDAY)) // _WEEK - _WEEKS_BEFORE).label(
            "week"
        ),
        func.count().label("count"),
        func.min(_CREATED_AT).label("first"),
        func.max(_CREATED_AT).label("last"),
    )
    .select_from(ContextRow)
    .group_by("week")
    .order_by("week")
)
_BYTES = select(func.coalesce(func.sum(func.length(cast(ContextRow.content, LargeBinary))), 0))
_TRASH_COUNT = select(func.count()).select_from(TrashRow)
_REVISION_COUNT = select(func.count()).select_from(RevisionRow)

_PROJECT_ID = PROJECT_ID.scalar_subquery()
_REVISION_COUNT_OF_PROJECT = _REVISION_COUNT.where(
    RevisionRow.context_id.in_(
        union_all(
            *(
                select(table.id).where(table.project_id == _PROJECT_ID)
                for table in (ContextRow, TrashRow)
            )
        )
    )
)

_Query = Select[Unpack[tuple[Any, ...]]]
_Owned = ContextCountRow | ContextRow | TrashRow
"""The tables whose rows belong to a project."""


def summary(connection: Connection, project: str | None) -> Summary:
    """Return how much a project holds, or the whole store, in one state of it."""

    def ask(query: _Query, table: type[_Owned] | None = None) -> Result[Unpack[tuple[Any, ...]]]:
        if project is None:
            return connection.execute(query)
        if table is not None:
            query = query.where(table.project_id == _PROJECT_ID)
        return connection.execute(query, {"project": project})

    connection.begin()
    importances = ask(_IMPORTANCES, ContextCountRow).mappings().all()
    weeks = ask(_WEEKS, ContextRow).mappings().all()
    revisions = _REVISION_COUNT if project is None else _REVISION_COUNT_OF_PROJECT
    return Summary(
        context_count=sum(row["count"] for row in importances),
        trash_count=ask(_TRASH_COUNT, TrashRow).scalar_one(),
        revision_count=ask(revisions).scalar_one(),
        content_bytes=ask(_BYTES, ContextRow).scalar_one(),
        by_importance={row["importance"]: row["count"] for row in importances},
        by_week=tuple(
            (_FIRST_MONDAY + row["week"] * timedelta(weeks=1), row["count"]) for row in weeks
        ),
        oldest=from_milliseconds(weeks[0]["first"]) if weeks else None,
        newest=from_milliseconds(weeks[-1]["last"]) if weeks else None,
    )
