"""The queries of the repository, for SQLAlchemy's connection, which has their SQL in its cache."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    bindparam,
    case,
    func,
    select,
    union_all,
)

from extended_memory.storage.sqlite import rows
from extended_memory.storage.sqlite.compilation import ZERO
from extended_memory.storage.sqlite.models import (
    ContextCountRow,
    ContextRow,
    OriginRow,
    ProjectRow,
    RevisionRow,
    TagRow,
    TrashRow,
)

_IDS: BindParameter[list[int]] = bindparam("ids", expanding=True)

PROJECT_ID = select(ProjectRow.id).where(ProjectRow.name == bindparam("project"))

CONTEXTS = select(*rows.CONTEXT_COLUMNS).join(ProjectRow, ProjectRow.id == ContextRow.project_id)
CONTEXTS_BY_ID = CONTEXTS.where(ContextRow.id.in_(_IDS))

TRASH = select(*rows.FORGOTTEN_COLUMNS).join(ProjectRow, ProjectRow.id == TrashRow.project_id)
TRASH_BY_TIME = TRASH.order_by(TrashRow.forgotten_at.desc(), TrashRow.id.desc()).limit(
    bindparam("limit")
)

OWNERS = union_all(
    *(
        select(table.id, ProjectRow.name.label("project"))
        .join(ProjectRow, ProjectRow.id == table.project_id)
        .where(table.id.in_(_IDS))
        for table in (ContextRow, TrashRow)
    )
)
"""The projects of contexts, in the trash or not."""

REVISIONS_OF_ONE = (
    select(*rows.REVISION_COLUMNS)
    .where(RevisionRow.context_id == bindparam("id"))
    .order_by(RevisionRow.number.desc())
    .limit(bindparam("limit"))
)
REVISIONS_OF_SEVERAL = (
    select(*rows.REVISION_COLUMNS)
    .where(RevisionRow.context_id.in_(_IDS))
    .order_by(RevisionRow.context_id, RevisionRow.number)
)

PROJECTS = (
    select(*rows.PROJECT_COLUMNS, func.sum(ContextCountRow.context_count).label("context_count"))
    .join(ContextCountRow, ContextCountRow.project_id == ProjectRow.id)
    .group_by(ProjectRow.id)
    .having(func.sum(ContextCountRow.context_count) > 0)
    .order_by(ProjectRow.last_saved_at.desc(), ProjectRow.name)
)
PROJECT = PROJECTS.where(ProjectRow.name == bindparam("project"))

_IS_POPULAR = (
    ProjectRow.name == bindparam("project"),
    TagRow.context_count >= bindparam("minimum"),
)
POPULAR_TAGS = (
    select(TagRow.name, TagRow.context_count)
    .join(ProjectRow, ProjectRow.id == TagRow.project_id)
    .where(*_IS_POPULAR)
    .order_by(TagRow.context_count.desc(), TagRow.name)
    .limit(bindparam("limit"))
)
POPULAR_TAG_COUNT = (
    select(func.count())
    .select_from(TagRow)
    .join(ProjectRow, ProjectRow.id == TagRow.project_id)
    .where(*_IS_POPULAR)
)

STANDINGS = (
    select(
        OriginRow.origin,
        ProjectRow.name.label("project"),
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


def contexts_after(projects: Collection[str] | None) -> Select[Any]:
    """Return the query for contexts by rising id, of all projects or of some."""
    return _after(CONTEXTS, ContextRow, projects)


def trash_after(projects: Collection[str] | None) -> Select[Any]:
    """Return the query for the trash by rising id, of all projects or of some."""
    return _after(TRASH, TrashRow, projects)


def _after(
    query: Select[Any], table: type[ContextRow] | type[TrashRow], projects: Collection[str] | None
) -> Select[Any]:
    query = query.where(table.id > bindparam("after"))
    if projects is not None:
        query = query.where(_is_in(table, projects))
    return query.order_by(table.id).limit(bindparam("limit"))


def _is_in(
    table: type[ContextRow] | type[TrashRow], projects: Collection[str]
) -> ColumnElement[bool]:
    ids = select(ProjectRow.id).where(ProjectRow.name.in_(projects))
    # +0, or SQLite would sort all that the projects hold for each piece of a walk.
    return (table.project_id + ZERO).in_(ids)
