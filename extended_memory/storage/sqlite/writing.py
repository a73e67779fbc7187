"""The steps that changes of a store are made of, on a connection within its transaction.

A change of a context is to take it out and to put it in again: so links, counts and indexes have
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


def project_id(database: sqlite3.Connection, name: str, moment: int) -> int:
    """Return the id of a project, which begins to exist if it does not."""
    row = database.execute(statements.SAVE_PROJECT_ID, {"project": name}).fetchone()
    if row is not None:
        return int(row[0])
    times = {"name": name, "created_at": moment, "last_saved_at": moment}
    made = database.execute(statements.SAVE_NEW_PROJECT, times).lastrowid
    assert made is not None
    return made


def put_in(
    database: sqlite3.Connection,
    note: Note,
    *,
    of_project: int,
    created_at: int,
    updated_at: int | None = None,
    context_id: int | None = None,
) -> int:
    """Insert a context with its links and words, and count it; return its id.

    ``context_id`` is the id that it had before, None for a new one.
    """
    from extended_memory.storage.sqlite.search import (
        writes,
    )  # here: a start need not load the analyzer

    unindexed_below = writes.begin(database)
    row = rows.of_note(note) | {
        "id": context_id,
        "project_id": of_project,
        "created_at": created_at,
        "updated_at": updated_at,
        "last_changed_at": created_at if updated_at is None else updated_at,
        "context_count": 1,
    }
    stored_id = database.execute(statements.SAVE_CONTEXT, row).lastrowid
    assert stored_id is not None
    if note.tags:
        tag_rows = [{**row, "context_id": stored_id, "name": tag} for tag in note.tags]
        database.executemany(statements.SAVE_TAG, tag_rows)
        database.executemany(statements.SAVE_LINK, tag_rows)
    database.execute(statements.SAVE_COUNT, row)
    database.execute(statements.SAVE_PROJECT_TIMES, row)
    if stored_id >= unindexed_below:
        writes.add(database, stored_id, note, of_project=of_project, created_at=created_at)
    return stored_id


def take_out(database: sqlite3.Connection, context: Context) -> int:
    """Delete a context with its links and words, and what counts it; return its project's id."""
    from extended_memory.storage.sqlite.search import writes

    owner = database.execute(statements.FORGET_OWNER, {"id": context.id}).fetchone()
    values = {"id": context.id, "project_id": owner[0], "level": owner[1]}
    writes.begin(database)
    writes.remove(
        database,
        context.id,
        context.note,
        of_project=owner[0],
        created_at=to_milliseconds(context.created_at),
    )
    for statement in (
        statements.FORGET_TAGS,
        statements.FORGET_CONTEXT,  # and its links, by cascade
        statements.FORGET_UNUSED_TAGS,
        statements.FORGET_COUNT,
    ):
        database.execute(statement, values)
    return int(owner[0])


def to_trash(database: sqlite3.Connection, context: Context, *, forgotten_at: int) -> None:
    """Move a context to the trash."""
    project_id = take_out(database, context)
    row = rows.of_forgotten(context, project_id=project_id, forgotten_at=forgotten_at)
    database.execute(statements.TRASH_PUT, row)


def remove(database: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Remove what is in the trash for good; only its origin stays, with the project it was in."""
    if not ids:
        return
    database.execute(statements.TRASH_FORGET_ORIGINS, {"ids": json.dumps(ids)})
    each = [{"id": context_id} for context_id in ids]
    for statement in (statements.TRASH_TAKE, statements.TRASH_REVISIONS):
        database.executemany(statement, each)


def add_imported(database: sqlite3.Connection, portable: PortableContext) -> int:
    """Store a context as it was elsewhere, with what it was before; return its id."""
    created_at, updated_at = to_milliseconds(portable.created_at), portable.updated_at
    context_id = put_in(
        database,
        portable.note,
        of_project=project_id(database, portable.project, created_at),
        created_at=created_at,
        updated_at=None if updated_at is None else to_milliseconds(updated_at),
    )
    for revision in portable.revisions:
        replaced_at = to_milliseconds(revision.replaced_at)
        was = rows.of_revision(context_id, revision.note, replaced_at=replaced_at)
        database.execute(statements.CHANGE_KEEP_REVISION, was)
    if portable.forgotten_at is not None:
        context = read(database, context_id, project=None)
        assert context is not None
        to_trash(database, context, forgotten_at=to_milliseconds(portable.forgotten_at))
    return context_id


def read(database: sqlite3.Connection, context_id: int, *, project: str | None) -> Context | None:
    """Return a context, or None where it is not there or of another project."""
    row = rows.by_name(database).execute(statements.CHANGE_READ, {"id": context_id}).fetchone()
    if row is None or project not in (None, row["project"]):
        return None
    names = database.execute(statements.SAVE_TAGS_OF, {"id": context_id})
    return rows.context(row, project=row["project"], tags=tuple(name for (name,) in names))


def read_trash(
    database: sqlite3.Connection, context_id: int, *, project: str | None
) -> Context | None:
    """Return a context in the trash, or None where it is not there or of another project."""
    row = rows.by_name(database).execute(statements.TRASH_READ, {"id": context_id}).fetchone()
    if row is None or project not in (None, row["project"]):
        return None
    return rows.forgotten(row).context


def read_revision(database: sqlite3.Connection, context_id: int, number: int) -> Note | None:
    """Return the note of a context before one change, None where there is no such revision."""
    values = {"id": context_id, "number": number}
    row = rows.by_name(database).execute(statements.CHANGE_REVISION, values).fetchone()
    return None if row is None else rows.revision(row).note


def change(database: sqlite3.Connection, old: Context, note: Note) -> Context:
    """Give a context another note, and keep what it was; return it with its time."""
    # Later than any change before, also where the clock was set back.
    moment = max(now(), to_milliseconds(old.last_changed_at) + 1)
    was = rows.of_revision(old.id, old.note, replaced_at=moment)
    database.execute(statements.CHANGE_KEEP_REVISION, was)
    take_out(database, old)
    new = replace(old, note=note, updated_at=from_milliseconds(moment))
    put_back(database, new)
    return new


def put_back(database: sqlite3.Connection, context: Context) -> None:
    """Put a context in again under its id."""
    created_at, updated_at = to_milliseconds(context.created_at), context.updated_at
    put_in(
        database,
        context.note,
        of_project=project_id(database, context.project, created_at),
        created_at=created_at,
        updated_at=None if updated_at is None else to_milliseconds(updated_at),
        context_id=context.id,
    )
