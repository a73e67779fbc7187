"""The statements that write, as SQL for the driver's own connection."""

from sqlalchemy import (
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from extended_memory.storage.sqlite.compilation import ONE, compiled
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
from extended_memory.storage.sqlite.queries import PROJECT_ID
from extended_memory.storage.sqlite.rows import names, stored


def _one_more(row: type[TagRow] | type[ContextCountRow], *key: str) -> str:
    """Return the SQL that counts one more context, in a new row or in the one of this key."""
    counting = upsert(row).on_conflict_do_update(
        index_elements=key, set_={"context_count": row.context_count + ONE}
    )
    return compiled(counting, *key, "context_count")


SAVE_PROJECT_ID = compiled(PROJECT_ID)
SAVE_NEW_PROJECT = compiled(insert(ProjectRow), "name", "created_at", "last_saved_at")
SAVE_RECENT_EQUALS = compiled(
    select(ContextRow.id)
    .where(
        ContextRow.digest == bindparam("digest"),
        ContextRow.created_at >= bindparam("since"),
        ContextRow.project_id == bindparam("project_id"),
        ContextRow.importance == bindparam("importance"),
        ContextRow.content == bindparam("content"),
    )
    .order_by(ContextRow.id.desc())
)
SAVE_CONTEXT = compiled(insert(ContextRow), *names(ContextRow))
SAVE_TAG = _one_more(TagRow, "project_id", "name")
SAVE_LINK = compiled(
    insert(ContextTagRow).from_select(
        ["tag_id", "importance", "created_at", "context_id"],
        select(
            TagRow.id, bindparam("importance"), bindparam("created_at"), bindparam("context_id")
        ).where(TagRow.project_id == bindparam("project_id"), TagRow.name == bindparam("name")),
    )
)
SAVE_COUNT = _one_more(ContextCountRow, "project_id", "importance")
SAVE_PROJECT_TIMES = compiled(
    update(ProjectRow)
    .where(ProjectRow.id == bindparam("project_id"))
    .values(
        created_at=func.min(ProjectRow.created_at, bindparam("created_at")),
        last_saved_at=func.max(ProjectRow.last_saved_at, bindparam("last_changed_at")),
    )
)
SAVE_ORIGIN = compiled(insert(OriginRow).prefix_with("OR IGNORE"), "origin", "context_id")
SAVE_ORIGIN_ID = compiled(
    select(OriginRow.context_id).where(OriginRow.origin == bindparam("origin"))
)
SAVE_TAGS_OF = compiled(
    select(TagRow.name)
    .join(ContextTagRow, ContextTagRow.tag_id == TagRow.id)
    .where(ContextTagRow.context_id == bindparam("id"))
    .order_by(TagRow.name)
)

CHANGE_READ = compiled(
    select(*stored(ContextRow), ProjectRow.name.label("project"))
    .join(ProjectRow, ProjectRow.id == ContextRow.project_id)
    .where(ContextRow.id == bindparam("id"))
)
_NUMBER = func.coalesce(func.max(RevisionRow.number), literal_column("0")) + ONE
_REVISION = [name for name in names(RevisionRow) if name != "id"]
CHANGE_KEEP_REVISION = compiled(
    insert(RevisionRow).from_select(
        _REVISION,
        select(*(_NUMBER if name == "number" else bindparam(name) for name in _REVISION)).where(
            RevisionRow.context_id == bindparam("context_id")
        ),
    )
)
CHANGE_LAST_REVISION = compiled(
    select(func.max(RevisionRow.number)).where(RevisionRow.context_id == bindparam("id"))
)
CHANGE_REVISION = compiled(
    select(*stored(RevisionRow)).where(
        RevisionRow.context_id == bindparam("id"), RevisionRow.number == bindparam("number")
    )
)

TRASH_PUT = compiled(insert(TrashRow), *names(TrashRow))
TRASH_READ = compiled(
    select(*stored(TrashRow), ProjectRow.name.label("project"))
    .join(ProjectRow, ProjectRow.id == TrashRow.project_id)
    .where(TrashRow.id == bindparam("id"))
)
TRASH_FORGET_ORIGINS = compiled(
    update(OriginRow)
    .where(
        OriginRow.context_id.in_(
            select(func.json_each(bindparam("ids")).table_valued("value").c.value)
        )
    )
    .values(
        context_id=-select(TrashRow.project_id)
        .where(TrashRow.id == OriginRow.context_id)
        .scalar_subquery()
    )
)
TRASH_TAKE = compiled(delete(TrashRow).where(TrashRow.id == bindparam("id")))
TRASH_REVISIONS = compiled(delete(RevisionRow).where(RevisionRow.context_id == bindparam("id")))
TRASH_OLD = compiled(
    select(TrashRow.id)
    .where(TrashRow.forgotten_at < bindparam("before"))
    .order_by(TrashRow.forgotten_at)
)

FORGET_OWNER = compiled(
    select(ContextRow.project_id, ContextRow.importance).where(ContextRow.id == bindparam("id"))
)
FORGET_COUNT = compiled(
    update(ContextCountRow)
    .where(
        ContextCountRow.project_id == bindparam("project_id"),
        ContextCountRow.importance == bindparam("level"),
    )
    .values(context_count=ContextCountRow.context_count - ONE)
)
FORGET_TAGS = compiled(
    update(TagRow)
    .where(
        TagRow.id.in_(
            select(ContextTagRow.tag_id).where(ContextTagRow.context_id == bindparam("id"))
        )
    )
    .values(context_count=TagRow.context_count - ONE)
)
FORGET_CONTEXT = compiled(delete(ContextRow).where(ContextRow.id == bindparam("id")))
FORGET_UNUSED_TAGS = compiled(
    delete(TagRow).where(
        TagRow.project_id == bindparam("project_id"), TagRow.context_count == literal_column("0")
    )
)
