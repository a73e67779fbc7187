"""The steps that changes of a store are made of, on a connection within its transaction.

A change of a context is to delete it and to insert it again: so links, counts and indexes have
one place where they are written and one where they are removed.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone

from extended_memory.domain import (
    Context,
    Note,
    PortableContext,
    from_milliseconds,
    require_clock,
    to_milliseconds,
)
from extended_memory.storage.sqlite import rows, statements


def now() -> int:
    """Return the time in UTC as the milliseconds that are stored."""
    return to_milliseconds(require_clock(datetime.now(timezone.utc)))


def make_project(database: sqlite3.Connection, name: str, moment: int) -> int:
    """Return the id of a project, which begins to exist if it does not."""
    known: int | None = rows.scalar(database.execute(statements.PROJECT_ID, {"project": name}))
    if known is not None:
        return known
    times = {"name": name, "created_at": moment, "last_saved_at": moment}
    made = database.execute(statements.INSERT_PROJECT, times).lastrowid
    assert made is not None
    return made


def insert(
    database: sqlite3.Connection,
    note: Note,
    *,
    project_id: int,
    created_at: int,
    updated_at: int | None = None,
    context_id: int | None = None,
) -> int:
    """Insert a context with its links and words, and count it; return its id.

    ``context_id`` is the id that it had before, None for a new one.
    """
    # Here, because a start need not load the analyzer.
    from extended_memory.storage.sqlite.search import writes

    unindexed_below = writes.take_over(database)
    row = rows.note_values(note) | {
        "id": context_id,
        "project_id": project_id,
        "created_at": created_at,
        "updated_at": updated_at,
        "last_changed_at": created_at if updated_at is None else updated_at,
        "context_count": 1,
    }
    stored_id = database.execute(statements.INSERT_CONTEXT, row).lastrowid
    assert stored_id is not None
    if note.tags:
        tag_rows = [{**row, "context_id": stored_id, "name": tag} for tag in note.tags]
        database.executemany(statements.COUNT_TAG, tag_rows)
        database.executemany(statements.INSERT_LINK, tag_rows)
    database.execute(statements.COUNT_IMPORTANCE, row)
    database.execute(statements.WIDEN_PROJECT_TIMES, row)
    if stored_id >= unindexed_below:
        writes.add(database, stored_id, note, project_id=project_id, created_at=created_at)
    return stored_id


def insert_again(database: sqlite3.Connection, context: Context) -> None:
    """Insert a context under the id that it had."""
    created_at = to_milliseconds(context.created_at)
    insert(
        database,
        context.note,
        project_id=make_project(database, context.project, created_at),
        created_at=created_at,
        updated_at=rows.milliseconds(context.updated_at),
        context_id=context.id,
    )


def delete(database: sqlite3.Connection, context: Context) -> int:
    """Delete a context with its links and words, and what counts it; return its project's id."""
    from extended_memory.storage.sqlite.search import writes

    project = {"project": context.project}
    project_id: int = rows.scalar(database.execute(statements.PROJECT_ID, project))
    writes.take_over(database)
    writes.remove(
        database,
        context.id,
        context.note,
        project_id=project_id,
        created_at=to_milliseconds(context.created_at),
    )
    values = {"id": context.id, "project_id": project_id, "level": context.note.importance}
    for statement in (
        statements.DISCOUNT_TAGS,
        statements.DELETE_CONTEXT,  # and its links, by cascade
        statements.DELETE_UNUSED_TAGS,
        statements.DISCOUNT_IMPORTANCE,
    ):
        database.execute(statement, values)
    return project_id


def move_to_trash(database: sqlite3.Connection, context: Context, *, forgotten_at: int) -> None:
    """Move a context to the trash."""
    project_id = delete(database, context)
    row = rows.trash_values(context, project_id=project_id, forgotten_at=forgotten_at)
    database.execute(statements.INSERT_FORGOTTEN, row)


def purge(database: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Remove what is in the trash for good; only its origin stays, with the project it was in."""
    if not ids:
        return
    database.execute(statements.LEAVE_ORIGINS_TO_PROJECT, {"ids": json.dumps(ids)})
    each = [{"id": context_id} for context_id in ids]
    for statement in (statements.DELETE_FORGOTTEN, statements.DELETE_REVISIONS):
        database.executemany(statement, each)


def add_imported(database: sqlite3.Connection, portable: PortableContext) -> int:
    """Store a context as it was elsewhere, with what it was before; return its id."""
    created_at = to_milliseconds(portable.created_at)
    context_id = insert(
        database,
        portable.note,
        project_id=make_project(database, portable.project, created_at),
        created_at=created_at,
        updated_at=rows.milliseconds(portable.updated_at),
    )
    for revision in portable.revisions:
        replaced_at = to_milliseconds(revision.replaced_at)
        keep_revision(database, context_id, revision.note, replaced_at=replaced_at)
    if portable.forgotten_at is not None:
        context = read(database, context_id, project=None)
        assert context is not None
        move_to_trash(database, context, forgotten_at=to_milliseconds(portable.forgotten_at))
    return context_id


def revise(database: sqlite3.Connection, old: Context, note: Note) -> Context:
    """Give a context another note, and keep the old one; return it with its time."""
    # Later than any change before, also where the clock was set back.
    moment = max(now(), to_milliseconds(old.last_changed_at) + 1)
    keep_revision(database, old.id, old.note, replaced_at=moment)
    delete(database, old)
    new = replace(old, note=note, updated_at=from_milliseconds(moment))
    insert_again(database, new)
    return new


def keep_revision(
    database: sqlite3.Connection, context_id: int, note: Note, *, replaced_at: int
) -> None:
    """Keep a note that a context had as the newest of its revisions."""
    row = rows.revision_values(context_id, note, replaced_at=replaced_at)
    database.execute(statements.INSERT_REVISION, row)


def read(database: sqlite3.Connection, context_id: int, *, project: str | None) -> Context | None:
    """Return a context, or None where it is not there or of another project."""
    row = rows.named(database).execute(statements.CONTEXT, {"id": context_id}).fetchone()
    if row is None or project not in (None, row["project"]):
        return None
    return rows.context(row)


def read_trash(
    database: sqlite3.Connection, context_id: int, *, project: str | None
) -> Context | None:
    """Return a context in the trash, or None where it is not there or of another project."""
    row = rows.named(database).execute(statements.FORGOTTEN_CONTEXT, {"id": context_id}).fetchone()
    if row is None or project not in (None, row["project"]):
        return None
    return rows.forgotten_context(row).context


def read_revision(database: sqlite3.Connection, context_id: int, number: int) -> Note | None:
    """Return the note of a context before one change, None where there is no such revision."""
    values = {"id": context_id, "number": number}
    row = rows.named(database).execute(statements.REVISION, values).fetchone()
    return None if row is None else rows.revision(row).note
