"""The queries of the repository, for SQLAlchemy's connection, which has their SQL in its cache."""

from collections.abc import Collection

from sqlalchemy import (
    ColumnElement,
    bindparam,
    case,
    func,
    select,
    text,
    union_all,
)

from extended_memory.storage.sqlite.compilation import ZERO
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
from extended_memory.storage.sqlite.rows import stored

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


def is_in(row: type[ContextRow] | type[TrashRow], projects: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a row is of one of some projects, for a walk by rising id."""
    ids = select(ProjectRow.id).where(ProjectRow.name.in_(projects))
    # +0, or SQLite would sort all that the projects hold for each piece of a walk.
    return (row.project_id + ZERO).in_(ids)
