"""The one codec of SQLite: rows of the tables become values of the domain, and values become rows.

Rows are read by the names of their columns. Times are the whole milliseconds that are stored.
"""

import json
import sqlite3
from typing import Any

from sqlalchemy import ColumnElement, Integer, RowMapping, type_coerce

from extended_memory.domain import (
    Context,
    ForgottenContext,
    Note,
    Project,
    Revision,
    from_milliseconds,
    to_milliseconds,
)
from extended_memory.storage.sqlite.content_hash import content_digest
from extended_memory.storage.sqlite.models import Base, UtcDateTime

Row = RowMapping | sqlite3.Row
"""A row of SQLAlchemy's connection or of the driver's own."""


def names(table: type[Base]) -> list[str]:
    """Return the names of a table's columns."""
    return list(table.__table__.columns.keys())


def stored(table: type[Base], *only: str) -> list[ColumnElement[Any]]:
    """Return the columns of a table, or some of them, with times as the numbers stored."""
    return [
        type_coerce(column, Integer).label(column.key)
        if isinstance(column.type, UtcDateTime)
        else column
        for column in table.__table__.columns
        if not only or column.key in only
    ]


def by_name(database: sqlite3.Connection) -> sqlite3.Cursor:
    """Return a cursor of the driver's connection whose rows are read by the names of columns."""
    cursor = database.cursor()
    cursor.row_factory = sqlite3.Row
    return cursor


def context(row: Row, *, project: str, tags: tuple[str, ...]) -> Context:
    """Return the context of a row; its project and its tags are in other tables."""
    updated_at = row["updated_at"]
    return Context(
        id=row["id"],
        project=project,
        note=_note(row, tags),
        created_at=from_milliseconds(row["created_at"]),
        updated_at=None if updated_at is None else from_milliseconds(updated_at),
    )


def forgotten(row: Row) -> ForgottenContext:
    """Return what a row of the trash holds; the name of its project comes along."""
    return ForgottenContext(
        context=context(row, project=row["project"], tags=_tags(row)),
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
    """Return the note of a row that has the tags as a JSON array."""
    return _note(row, _tags(row))


def project(row: Row) -> Project:
    """Return the project of a row, with the count of its contexts."""
    return Project(
        name=row["name"],
        context_count=row["context_count"],
        created_at=from_milliseconds(row["created_at"]),
        last_saved_at=from_milliseconds(row["last_saved_at"]),
    )


def of_note(note: Note) -> dict[str, Any]:
    """Return what a row of a context has of its note; the tags are in other tables."""
    return {
        "content": note.content,
        "importance": note.importance,
        "digest": content_digest(note.content),
    }


def of_revision(context_id: int, note: Note, *, replaced_at: int) -> dict[str, Any]:
    """Return the row of a revision; the store counts its number."""
    return {"context_id": context_id, "replaced_at": replaced_at, **_kept(note)}


def of_forgotten(context: Context, *, project_id: int, forgotten_at: int) -> dict[str, Any]:
    """Return the row of the trash for a context."""
    updated_at = context.updated_at
    return {
        "id": context.id,
        "project_id": project_id,
        "created_at": to_milliseconds(context.created_at),
        "updated_at": None if updated_at is None else to_milliseconds(updated_at),
        "forgotten_at": forgotten_at,
        **_kept(context.note),
    }


def _kept(note: Note) -> dict[str, Any]:
    """Return what revisions and the trash keep of a note."""
    return {
        "content": note.content,
        "importance": note.importance,
        "tags": json.dumps(note.tags, ensure_ascii=False),
    }


def _note(row: Row, tags: tuple[str, ...]) -> Note:
    return Note(content=row["content"], importance=row["importance"], tags=tags)


def _tags(row: Row) -> tuple[str, ...]:
    return tuple(json.loads(row["tags"]))
