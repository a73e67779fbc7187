"""The one codec of SQLite: rows of the tables become values of the domain, and values become rows.

Rows are read by the names of their columns; the columns that a value needs stand beside it. Times
are the whole milliseconds that are stored.
"""

import json
import sqlite3
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, RowMapping, func, select, type_coerce

from extended_memory.domain import (
    Context,
    ForgottenContext,
    Note,
    Project,
    Revision,
    Standing,
    TagCount,
    from_milliseconds,
    to_milliseconds,
)
from extended_memory.storage.sqlite.content_hash import content_hash
from extended_memory.storage.sqlite.models import (
    Base,
    ContextRow,
    ContextTagRow,
    ProjectRow,
    RevisionRow,
    TagRow,
    TrashRow,
    UtcDateTime,
)

Row = RowMapping | sqlite3.Row
"""A row of SQLAlchemy's connection or of the driver's own."""


def column_names(table: type[Base]) -> list[str]:
    """Return the names of a table's columns."""
    return list(table.__table__.columns.keys())


def _stored(table: type[Base], *only: str) -> tuple[ColumnElement[Any], ...]:
    """Return the columns of a table, or some of them, with times as the numbers stored."""
    return tuple(
        type_coerce(column, Integer).label(column.key)
        if isinstance(column.type, UtcDateTime)
        else column
        for column in table.__table__.columns
        if not only or column.key in only
    )


_PROJECT_NAME = ProjectRow.name.label("project")

NOTE_COLUMNS = (
    *_stored(ContextRow),
    select(func.json_group_array(TagRow.name))
    .join(ContextTagRow, ContextTagRow.tag_id == TagRow.id)
    .where(ContextTagRow.context_id == ContextRow.id)
    .correlate(ContextRow)
    .scalar_subquery()
    .label("tags"),
)
"""All of a context but the name of its project; the tags are in the order of their links."""

CONTEXT_COLUMNS = (*NOTE_COLUMNS, _PROJECT_NAME)
FORGOTTEN_COLUMNS = (*_stored(TrashRow), _PROJECT_NAME)
REVISION_COLUMNS = _stored(RevisionRow)
PROJECT_COLUMNS = _stored(ProjectRow, "name", "created_at", "last_saved_at")
"""All of a project but the count of its contexts."""


def named(database: sqlite3.Connection) -> sqlite3.Cursor:
    """Return a cursor of the driver's connection whose rows are read by the names of columns."""
    cursor = database.cursor()
    cursor.row_factory = sqlite3.Row
    return cursor


def scalar(cursor: sqlite3.Cursor) -> Any:
    """Return the first value of the first row, None where there is no row."""
    row = cursor.fetchone()
    return None if row is None else row[0]


def context(row: Row) -> Context:
    """Return the context of a row; its tags come in the order of their code points."""
    return _context(row, tags=tuple(sorted(_tags(row))))


def forgotten_context(row: Row) -> ForgottenContext:
    """Return the context of a row of the trash, with its tags as they were put there."""
    return ForgottenContext(
        context=_context(row, tags=_tags(row)),
        forgotten_at=from_milliseconds(row["forgotten_at"]),
    )


def revision(row: Row) -> Revision:
    """Return the revision of a row."""
    return Revision(
        number=row["number"],
        note=note(row),
        replaced_at=from_milliseconds(row["replaced_at"]),
    )


def note(row: Row) -> Note:
    """Return the note of a row of any of these."""
    return _note(row, _tags(row))


def project(row: Row) -> Project:
    """Return the project of a row, with the count of its contexts."""
    return Project(
        name=row["name"],
        context_count=row["context_count"],
        created_at=from_milliseconds(row["created_at"]),
        last_saved_at=from_milliseconds(row["last_saved_at"]),
    )


def tag_count(row: tuple[str, int]) -> TagCount:
    """Return a tag with the number of contexts that carry it."""
    name, context_count = row
    return TagCount(tag=name, count=context_count)


def standing(row: Row) -> Standing:
    """Return where an imported context is now."""
    return Standing(place=row["place"], project=row["project"])


def note_values(note: Note) -> dict[str, Any]:
    """Return what a row of a context has of its note; the tags are in other tables."""
    return {
        "content": note.content,
        "importance": note.importance,
        "content_hash": content_hash(note.content),
    }


def revision_values(context_id: int, note: Note, *, replaced_at: int) -> dict[str, Any]:
    """Return the row of a revision; the store counts its number."""
    return {"context_id": context_id, "replaced_at": replaced_at, **_kept_values(note)}


def trash_values(context: Context, *, project_id: int, forgotten_at: int) -> dict[str, Any]:
    """Return the row of the trash for a context."""
    return {
        "id": context.id,
        "project_id": project_id,
        "created_at": to_milliseconds(context.created_at),
        "updated_at": milliseconds(context.updated_at),
        "forgotten_at": forgotten_at,
        **_kept_values(context.note),
    }


def milliseconds(moment: datetime | None) -> int | None:
    """Return the number that is stored of a time, None where there is none."""
    return None if moment is None else to_milliseconds(moment)


def _kept_values(note: Note) -> dict[str, Any]:
    """Return what revisions and the trash keep of a note."""
    return {
        "content": note.content,
        "importance": note.importance,
        "tags": json.dumps(note.tags, ensure_ascii=False),
    }


def _context(row: Row, *, tags: tuple[str, ...]) -> Context:
    updated_at = row["updated_at"]
    return Context(
        id=row["id"],
        project=row["project"],
        note=_note(row, tags),
        created_at=from_milliseconds(row["created_at"]),
        updated_at=None if updated_at is None else from_milliseconds(updated_at),
    )


def _note(row: Row, tags: tuple[str, ...]) -> Note:
    return Note(content=row["content"], importance=row["importance"], tags=tags)


def _tags(row: Row) -> tuple[str, ...]:
    return tuple(json.loads(row["tags"]))
