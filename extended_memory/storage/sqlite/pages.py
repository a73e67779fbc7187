"""Which contexts a selection means: the ids of one page of them, and how many there are."""

from collections.abc import Sequence
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Connection,
    Executable,
    bindparam,
    desc,
    func,
    select,
    union,
    union_all,
)

from extended_memory.domain import ALWAYS, MAXIMUM_IMPORTANCE, Selection, TimeSpan
from extended_memory.storage.contract import MAXIMUM_COUNTED
from extended_memory.storage.sqlite.models import ContextCountRow, ContextRow, ContextTagRow, TagRow
from extended_memory.storage.sqlite.queries import PROJECT_ID

_TAG_IDS = select(TagRow.id).where(
    TagRow.project_id == bindparam("project_id"),
    TagRow.name.in_(bindparam("names", expanding=True)),
)
_USES = select(func.count().label("count")).group_by(ContextTagRow.tag_id)
_CARRYING_ANY = select(func.count(ContextTagRow.context_id.distinct()))
_TOTAL = select(func.coalesce(func.sum(ContextCountRow.context_count), 0))
_TOTAL_IN_SPAN = (
    select(func.count())
    .select_from(ContextRow)
    .where(ContextRow.created_at >= bindparam("since"), ContextRow.created_at < bindparam("until"))
)

_FIRST = datetime.min.replace(tzinfo=timezone.utc)
_LAST = datetime.max.replace(tzinfo=timezone.utc)


def page(
    connection: Connection, project: str, selection: Selection, *, limit: int, offset: int
) -> tuple[Sequence[int], int, bool]:
    """Return the ids of one page, newest first, how many match, and whether that is exact."""
    span, tags = selection.span, selection.tags
    levels = range(selection.minimum_importance, MAXIMUM_IMPORTANCE + 1)
    project_id = connection.execute(PROJECT_ID, {"project": project}).scalar()
    owners: Sequence[int]
    is_exact = True
    if tags:
        names = {"project_id": project_id, "names": tags}
        owners = connection.execute(_TAG_IDS, names).scalars().all()
        total, is_exact = _total_with_tags(connection, owners, selection)
    else:
        owners = [] if project_id is None else [project_id]
        total = _total(connection, owners, selection)
    if is_exact and total <= offset:
        return (), total, True
    query = _merged_ranges(len(levels), len(owners), tagged=bool(tags), in_span=span != ALWAYS)
    values: dict[str, Any] = {"limit": limit, "offset": offset}
    values |= {} if span == ALWAYS else _bounds(span)
    values |= {f"owner_{index}": owner for index, owner in enumerate(owners)}
    values |= {f"level_{index}": level for index, level in enumerate(levels)}
    return connection.execute(query, values).scalars("id").all(), total, is_exact


def _bounds(span: TimeSpan) -> dict[str, datetime]:
    return {"since": span.since or _FIRST, "until": span.until or _LAST}


def _total(connection: Connection, project_ids: Sequence[int], selection: Selection) -> int:
    """Count the contexts of a project, or of none; the kept counts answer where they can."""
    minimum_importance, span = selection.minimum_importance, selection.span
    query: Executable
    if span == ALWAYS:
        query = _TOTAL.where(
            ContextCountRow.project_id.in_(project_ids),
            ContextCountRow.importance >= minimum_importance,
        )
    else:
        # An importance at a time, or the index could not be used for the times.
        query = _TOTAL_IN_SPAN.where(
            ContextRow.project_id.in_(project_ids),
            ContextRow.importance.in_(range(minimum_importance, MAXIMUM_IMPORTANCE + 1)),
        )
    return connection.execute(query, _bounds(span)).scalar_one()


def _total_with_tags(
    connection: Connection, tag_ids: Sequence[int], selection: Selection
) -> tuple[int, bool]:
    """Count what carries any of the tags; say whether the count is exact (see the contract)."""
    minimum_importance, span = selection.minimum_importance, selection.span
    conditions = [ContextTagRow.tag_id.in_(tag_ids), ContextTagRow.importance >= minimum_importance]
    if span != ALWAYS:
        # An importance at a time, or the index could not be used for the times.
        levels, bounds = range(minimum_importance, MAXIMUM_IMPORTANCE + 1), _bounds(span)
        conditions += [
            ContextTagRow.importance.in_(levels),
            ContextTagRow.created_at >= bounds["since"],
            ContextTagRow.created_at < bounds["until"],
        ]
    uses = connection.execute(_USES.where(*conditions)).scalars("count").all()
    if len(uses) <= 1 or sum(uses) > MAXIMUM_COUNTED:
        return max(uses, default=0), len(uses) <= 1
    return connection.execute(_CARRYING_ANY.where(*conditions)).scalar_one(), True


@lru_cache(maxsize=256)
def _merged_ranges(
    levels: int, owners: int, *, tagged: bool, in_span: bool
) -> CompoundSelect[datetime, int]:
    """Return the statement for the ids of one page, newest first.

    One ordered range of an index for each importance (and each tag): SQLite merges them lazily,
    so it reads ``offset + limit`` entries, however many match. With tags, UNION also makes a
    context that carries several of them come once.
    """
    table: type[ContextRow | ContextTagRow]
    if tagged:
        table, owner_id, context_id = ContextTagRow, ContextTagRow.tag_id, ContextTagRow.context_id
    else:
        table, owner_id, context_id = ContextRow, ContextRow.project_id, ContextRow.id
    span = (table.created_at >= bindparam("since"), table.created_at < bindparam("until"))
    ranges = [
        select(table.created_at, context_id.label("id")).where(
            owner_id == bindparam(f"owner_{owner}"),
            table.importance == bindparam(f"level_{level}"),
            *(span if in_span else ()),
        )
        for owner in range(owners)
        for level in range(levels)
    ]
    return (
        (union if tagged else union_all)(*ranges)
        .order_by(desc("created_at"), desc("id"))
        .limit(bindparam("limit"))
        .offset(bindparam("offset"))
    )
