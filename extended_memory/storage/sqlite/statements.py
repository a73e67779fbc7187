"""The statements of changes, as SQL for the driver's own connection."""

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from extended_memory.storage.sqlite import queries, rows
from extended_memory.storage.sqlite.compilation import ONE, ZERO, compiled, json_values
from extended_memory.storage.sqlite.models import (
    ContextCountRow,
    ContextRow,
    ContextTagRow,
    OriginRow,
    ProjectRow,
    RevisionRow,
    TagRow,
    TrashRow,
)

# --- Projects.

PROJECT_ID = compiled(queries.PROJECT_ID)
INSERT_PROJECT = compiled(insert(ProjectRow), "name", "created_at", "last_saved_at")
WIDEN_PROJECT_TIMES = compiled(
    update(ProjectRow)
    .where(ProjectRow.id == bindparam("project_id"))
    .values(
        created_at=func.min(ProjectRow.created_at, bindparam("created_at")),
        last_saved_at=func.max(ProjectRow.last_saved_at, bindparam("last_changed_at")),
    )
)

# --- Contexts, their links and what counts them.

CONTEXT = compiled(queries.CONTEXTS.where(ContextRow.id == bindparam("id")))
RECENT_EQUALS = compiled(
    select(ContextRow.id)
    .where(
        ContextRow.content_hash == bindparam("content_hash"),
        ContextRow.created_at >= bindparam("since"),
        ContextRow.project_id == bindparam("project_id"),
        ContextRow.importance == bindparam("importance"),
        ContextRow.content == bindparam("content"),
    )
    .order_by(ContextRow.id.desc())
)
INSERT_CONTEXT = compiled(insert(ContextRow), *rows.column_names(ContextRow))
DELETE_CONTEXT = compiled(delete(ContextRow).where(ContextRow.id == bindparam("id")))


def _count_one_more(table: type[TagRow] | type[ContextCountRow], *key: str) -> str:
    """Return the SQL that counts one more context, in a new row or in the one of this key."""
    count = upsert(table).on_conflict_do_update(
        index_elements=key, set_={"context_count": table.context_count + ONE}
    )
    return compiled(count, *key, "context_count")


COUNT_TAG = _count_one_more(TagRow, "project_id", "name")
COUNT_IMPORTANCE = _count_one_more(ContextCountRow, "project_id", "importance")
INSERT_LINK = compiled(
    insert(ContextTagRow).from_select(
        ["tag_id", "importance", "created_at", "context_id"],
        select(
            TagRow.id, bindparam("importance"), bindparam("created_at"), bindparam("context_id")
        ).where(TagRow.project_id == bindparam("project_id"), TagRow.name == bindparam("name")),
    )
)
DISCOUNT_TAGS = compiled(
    update(TagRow)
    .where(
        TagRow.id.in_(
            select(ContextTagRow.tag_id).where(ContextTagRow.context_id == bindparam("id"))
        )
    )
    .values(context_count=TagRow.context_count - ONE)
)
DELETE_UNUSED_TAGS = compiled(
    delete(TagRow).where(TagRow.project_id == bindparam("project_id"), TagRow.context_count == ZERO)
)
DISCOUNT_IMPORTANCE = compiled(
    update(ContextCountRow)
    .where(
        ContextCountRow.project_id == bindparam("project_id"),
        ContextCountRow.importance == bindparam("level"),
    )
    .values(context_count=ContextCountRow.context_count - ONE)
)

# --- Origins of imported contexts.

IMPORTED_ID = compiled(select(OriginRow.context_id).where(OriginRow.origin == bindparam("origin")))
INSERT_ORIGIN = compiled(insert(OriginRow).prefix_with("OR IGNORE"), "origin", "context_id")
LEAVE_ORIGINS_TO_PROJECT = compiled(
    update(OriginRow)
    .where(OriginRow.context_id.in_(json_values("ids")))
    .values(
        context_id=-select(TrashRow.project_id)
        .where(TrashRow.id == OriginRow.context_id)
        .scalar_subquery()
    )
)

# --- Revisions.

_NEXT_NUMBER = func.coalesce(func.max(RevisionRow.number), ZERO) + ONE
_GIVEN = [name for name in rows.column_names(RevisionRow) if name != "id"]
INSERT_REVISION = compiled(
    insert(RevisionRow).from_select(
        _GIVEN,
        select(*(_NEXT_NUMBER if name == "number" else bindparam(name) for name in _GIVEN)).where(
            RevisionRow.context_id == bindparam("context_id")
        ),
    )
)
REVISION = compiled(
    select(*rows.REVISION_COLUMNS).where(
        RevisionRow.context_id == bindparam("id"), RevisionRow.number == bindparam("number")
    )
)
LAST_REVISION_NUMBER = compiled(
    select(func.max(RevisionRow.number)).where(RevisionRow.context_id == bindparam("id"))
)
DELETE_REVISIONS = compiled(delete(RevisionRow).where(RevisionRow.context_id == bindparam("id")))

# --- The trash.

FORGOTTEN_CONTEXT = compiled(queries.TRASH.where(TrashRow.id == bindparam("id")))
FORGOTTEN_BEFORE = compiled(
    select(TrashRow.id)
    .where(TrashRow.forgotten_at < bindparam("before"))
    .order_by(TrashRow.forgotten_at)
)
INSERT_FORGOTTEN = compiled(insert(TrashRow), *rows.column_names(TrashRow))
DELETE_FORGOTTEN = compiled(delete(TrashRow).where(TrashRow.id == bindparam("id")))
