"""The statements of the repository, built once.

SQLAlchemy finds the SQL of those that read in its cache; those that write, ``SAVE_*`` and
``FORGET_*``, are SQL already, for the driver's own connection.
"""

from collections.abc import Collection

from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    Integer,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

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
from extended_memory.storage.sqlite.rows import names, stored

_ZERO = literal_column("0", Integer)

PROJECT_ID = select(ProjectRow.id).where(ProjectRow.name == bindparam("project"))
TAGS_OF = (
    select(ContextTagRow.context_id, TagRow.name)
    .join(TagRow, TagRow.id == ContextTagRow.tag_id)
    .where(ContextTagRow.context_id.in_(bindparam("ids", expanding=True)))
    .order_by(ContextTagRow.context_id, TagRow.name)
)
CONTEXTS = select(*stored(ContextRow)).where(ContextRow.id.in_(bindparam("ids", expanding=True)))
OWNERS = (
    select(ContextRow.id, ProjectRow.name)
    .join(ProjectRow, ProjectRow.id == ContextRow.project_id)
    .where(ContextRow.id.in_(bindparam("ids", expanding=True)))
)
CONTEXTS_AFTER = (
    select(ContextRow.id, ProjectRow.name)
    .join(ProjectRow, ProjectRow.id == ContextRow.project_id)
    .where(ContextRow.id > bindparam("after"))
    .order_by(ContextRow.id)
    .limit(bindparam("limit"))
)
TRASH_AFTER = (
    select(*stored(TrashRow), ProjectRow.name.label("project"))
    .join(ProjectRow, ProjectRow.id == TrashRow.project_id)
    .where(TrashRow.id > bindparam("after"))
    .order_by(TrashRow.id)
    .limit(bindparam("limit"))
)
REVISIONS_OF = (
    select(*stored(RevisionRow))
    .where(RevisionRow.context_id.in_(bindparam("ids", expanding=True)))
    .order_by(RevisionRow.context_id, RevisionRow.number)
)
REVISIONS = (
    select(*stored(RevisionRow))
    .where(RevisionRow.context_id == bindparam("id"))
    .order_by(RevisionRow.number.desc())
    .limit(bindparam("limit"))
)
OWNER = union_all(
    select(ProjectRow.name.label("name"))
    .join(ContextRow, ContextRow.project_id == ProjectRow.id)
    .where(ContextRow.id == bindparam("id")),
    select(ProjectRow.name)
    .join(TrashRow, TrashRow.project_id == ProjectRow.id)
    .where(TrashRow.id == bindparam("id")),
)
WITHIN = union_all(
    *(
        select(row.id)
        .join(ProjectRow, ProjectRow.id == row.project_id)
        .where(
            row.id.in_(bindparam("ids", expanding=True)),
            ProjectRow.name.in_(bindparam("projects", expanding=True)),
        )
        for row in (ContextRow, TrashRow)
    )
)
TRASH = (
    select(*stored(TrashRow), ProjectRow.name.label("project"))
    .join(ProjectRow, ProjectRow.id == TrashRow.project_id)
    .order_by(TrashRow.forgotten_at.desc(), TrashRow.id.desc())
    .limit(bindparam("limit"))
)
PROJECTS = (
    select(
        *stored(ProjectRow, "name", "created_at", "last_saved_at"),
        func.sum(ContextCountRow.context_count).label("context_count"),
    )
    .join(ContextCountRow, ContextCountRow.project_id == ProjectRow.id)
    .group_by(ProjectRow.id)
    .having(func.sum(ContextCountRow.context_count) > 0)
    .order_by(ProjectRow.last_saved_at.desc(), ProjectRow.name)
)
PROJECT = PROJECTS.where(ProjectRow.name == bindparam("project"))
POPULAR = (
    select(TagRow.name, TagRow.context_count)
    .join(ProjectRow, ProjectRow.id == TagRow.project_id)
    .where(ProjectRow.name == bindparam("project"), TagRow.context_count >= bindparam("minimum"))
    .order_by(text("context_count DESC"), TagRow.name)
    .limit(bindparam("limit"))
)
POPULAR_TOTAL = (
    select(func.count())
    .select_from(TagRow)
    .join(ProjectRow, ProjectRow.id == TagRow.project_id)
    .where(ProjectRow.name == bindparam("project"), TagRow.context_count >= bindparam("minimum"))
)


def is_in(row: type[ContextRow] | type[TrashRow], projects: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a row is of one of some projects, for a walk by rising id."""
    ids = select(ProjectRow.id).where(ProjectRow.name.in_(projects))
    # +0, or SQLite would sort all that the projects hold for each piece of a walk.
    return (row.project_id + _ZERO).in_(ids)


def prepared(statement: ClauseElement, *columns: str) -> str:
    """Return a statement's SQL for the driver's own connection.

    SQLAlchemy takes longer to run a short statement than SQLite does, and a save runs seven.
    Values are the driver's: a time is whole milliseconds.
    """
    dialect = SQLiteDialect_pysqlite(paramstyle="named")
    return str(statement.compile(dialect=dialect, column_keys=columns or None))


_ONE = literal_column("1", Integer)


def _one_more(row: type[TagRow] | type[ContextCountRow], *key: str) -> str:
    """Return the SQL that counts one more context, in a new row or in the one of this key."""
    counting = upsert(row).on_conflict_do_update(
        index_elements=key, set_={"context_count": row.context_count + _ONE}
    )
    return prepared(counting, *key, "context_count")


SAVE_PROJECT_ID = prepared(PROJECT_ID)
SAVE_NEW_PROJECT = prepared(insert(ProjectRow), "name", "created_at", "last_saved_at")
SAVE_RECENT_EQUALS = prepared(
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
SAVE_CONTEXT = prepared(insert(ContextRow), *names(ContextRow))
SAVE_TAG = _one_more(TagRow, "project_id", "name")
SAVE_LINK = prepared(
    insert(ContextTagRow).from_select(
        ["tag_id", "importance", "created_at", "context_id"],
        select(
            TagRow.id, bindparam("importance"), bindparam("created_at"), bindparam("context_id")
        ).where(TagRow.project_id == bindparam("project_id"), TagRow.name == bindparam("name")),
    )
)
SAVE_COUNT = _one_more(ContextCountRow, "project_id", "importance")
SAVE_PROJECT_TIMES = prepared(
    update(ProjectRow)
    .where(ProjectRow.id == bindparam("project_id"))
    .values(
        created_at=func.min(ProjectRow.created_at, bindparam("created_at")),
        last_saved_at=func.max(ProjectRow.last_saved_at, bindparam("last_changed_at")),
    )
)
ORIGINS = (
    select(
        OriginRow.origin,
        ProjectRow.name,
        case(
            (ContextRow.id.is_not(None), "contexts"),
            (TrashRow.id.is_not(None), "trash"),
            else_="gone",
        ).label("place"),
    )
    .join(ContextRow, ContextRow.id == OriginRow.context_id, isouter=True)
    .join(TrashRow, TrashRow.id == OriginRow.context_id, isouter=True)
    .join(
        ProjectRow,
        ProjectRow.id
        == func.coalesce(ContextRow.project_id, TrashRow.project_id, -OriginRow.context_id),
        isouter=True,
    )
    .where(OriginRow.origin.in_(bindparam("origins", expanding=True)))
)
SAVE_ORIGIN = prepared(insert(OriginRow).prefix_with("OR IGNORE"), "origin", "context_id")
SAVE_ORIGIN_ID = prepared(
    select(OriginRow.context_id).where(OriginRow.origin == bindparam("origin"))
)
SAVE_TAGS_OF = prepared(
    select(TagRow.name)
    .join(ContextTagRow, ContextTagRow.tag_id == TagRow.id)
    .where(ContextTagRow.context_id == bindparam("id"))
    .order_by(TagRow.name)
)

CHANGE_READ = prepared(
    select(*stored(ContextRow), ProjectRow.name.label("project"))
    .join(ProjectRow, ProjectRow.id == ContextRow.project_id)
    .where(ContextRow.id == bindparam("id"))
)
_NUMBER = func.coalesce(func.max(RevisionRow.number), literal_column("0")) + _ONE
_REVISION = [name for name in names(RevisionRow) if name != "id"]
CHANGE_KEEP_REVISION = prepared(
    insert(RevisionRow).from_select(
        _REVISION,
        select(*(_NUMBER if name == "number" else bindparam(name) for name in _REVISION)).where(
            RevisionRow.context_id == bindparam("context_id")
        ),
    )
)
CHANGE_LAST_REVISION = prepared(
    select(func.max(RevisionRow.number)).where(RevisionRow.context_id == bindparam("id"))
)
CHANGE_REVISION = prepared(
    select(*stored(RevisionRow)).where(
        RevisionRow.context_id == bindparam("id"), RevisionRow.number == bindparam("number")
    )
)

TRASH_PUT = prepared(insert(TrashRow), *names(TrashRow))
TRASH_READ = prepared(
    select(*stored(TrashRow), ProjectRow.name.label("project"))
    .join(ProjectRow, ProjectRow.id == TrashRow.project_id)
    .where(TrashRow.id == bindparam("id"))
)
TRASH_FORGET_ORIGINS = prepared(
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
TRASH_TAKE = prepared(delete(TrashRow).where(TrashRow.id == bindparam("id")))
TRASH_REVISIONS = prepared(delete(RevisionRow).where(RevisionRow.context_id == bindparam("id")))
TRASH_OLD = prepared(
    select(TrashRow.id)
    .where(TrashRow.forgotten_at < bindparam("before"))
    .order_by(TrashRow.forgotten_at)
)

FORGET_OWNER = prepared(
    select(ContextRow.project_id, ContextRow.importance).where(ContextRow.id == bindparam("id"))
)
FORGET_COUNT = prepared(
    update(ContextCountRow)
    .where(
        ContextCountRow.project_id == bindparam("project_id"),
        ContextCountRow.importance == bindparam("level"),
    )
    .values(context_count=ContextCountRow.context_count - _ONE)
)
FORGET_TAGS = prepared(
    update(TagRow)
    .where(
        TagRow.id.in_(
            select(ContextTagRow.tag_id).where(ContextTagRow.context_id == bindparam("id"))
        )
    )
    .values(context_count=TagRow.context_count - _ONE)
)
FORGET_CONTEXT = prepared(delete(ContextRow).where(ContextRow.id == bindparam("id")))
FORGET_UNUSED_TAGS = prepared(
    delete(TagRow).where(
        TagRow.project_id == bindparam("project_id"), TagRow.context_count == literal_column("0")
    )
)
