"""The steps that changes of a store are made of, on a connection within its transaction.

A change of a context is to take it out and to put it in again: so links, counts and indexes have
one place where they are written and one where they are removed.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from extended_memory.domain import (
    Context,
    ForeignContext,
    from_milliseconds,
    require_clock,
    to_milliseconds,
)
from extended_memory.storage.sqlite import statements
from extended_memory.storage.sqlite.content_hash import content_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class NewContext:
    """A context that is to be put in, with the id it had before or None for a new one."""

    project: str
    content: str
    importance: int
    tags: tuple[str, ...]
    created_at: int
    id: int | None = None
    updated_at: int | None = None


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


def put_in(database: sqlite3.Connection, context: NewContext, of_project: int) -> int:
    """Insert a context with its links and words, and count it; return its id."""
    from extended_memory.storage.sqlite.search import (
        writes,
    )  # here: a start need not load the analyzer

    unindexed_below = writes.begin(database)
    last_changed_at = context.created_at if context.updated_at is None else context.updated_at
    row: dict[str, Any] = {
        "id": context.id,
        "project_id": of_project,
        "content": context.content,
        "importance": context.importance,
        "digest": content_digest(context.content),
        "created_at": context.created_at,
        "updated_at": context.updated_at,
        "last_changed_at": last_changed_at,
        "context_count": 1,
    }
    context_id = database.execute(statements.SAVE_CONTEXT, row).lastrowid
    assert context_id is not None
    if context.tags:
        tag_rows = [{**row, "context_id": context_id, "name": tag} for tag in context.tags]
        database.executemany(statements.SAVE_TAG, tag_rows)
        database.executemany(statements.SAVE_LINK, tag_rows)
    database.execute(statements.SAVE_COUNT, row)
    database.execute(statements.SAVE_PROJECT_TIMES, row)
    if context_id >= unindexed_below:
        writes.add(
            database,
            context_id,
            context.content,
            of_project=of_project,
            tags=context.tags,
            created_at=context.created_at,
        )
    return context_id


def take_out(database: sqlite3.Connection, context: Context) -> int:
    """Delete a context with its links and words, and what counts it; return its project's id."""
    from extended_memory.storage.sqlite.search import writes

    owner = database.execute(statements.FORGET_OWNER, {"id": context.id}).fetchone()
    values = {"id": context.id, "project_id": owner[0], "level": owner[1]}
    writes.begin(database)
    writes.remove(
        database,
        context.id,
        context.content,
        of_project=owner[0],
        tags=context.tags,
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
    row = as_row(context) | {"project_id": take_out(database, context)}
    database.execute(statements.TRASH_PUT, row | {"forgotten_at": forgotten_at})


def remove(database: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Remove what is in the trash for good; only its origin stays, with the project it was in."""
    if not ids:
        return
    database.execute(statements.TRASH_FORGET_ORIGINS, {"ids": json.dumps(ids)})
    each = [{"id": context_id} for context_id in ids]
    for statement in (statements.TRASH_TAKE, statements.TRASH_REVISIONS):
        database.executemany(statement, each)


def bring(database: sqlite3.Connection, foreign: ForeignContext) -> int:
    """Store a context as it was elsewhere, with what it was before; return its id."""
    created_at, updated_at = to_milliseconds(foreign.created_at), foreign.updated_at
    new = NewContext(
        project=foreign.project,
        content=foreign.content,
        importance=foreign.importance,
        tags=foreign.tags,
        created_at=created_at,
        updated_at=None if updated_at is None else to_milliseconds(updated_at),
    )
    context_id = put_in(database, new, project_id(database, new.project, created_at))
    for revision in foreign.revisions:
        was = {
            "id": context_id,
            "content": revision.content,
            "importance": revision.importance,
            "tags": json.dumps(revision.tags, ensure_ascii=False),
            "replaced_at": to_milliseconds(revision.replaced_at),
        }
        database.execute(statements.CHANGE_KEEP_REVISION, was)
    if foreign.forgotten_at is not None:
        context = read(database, context_id, project=None)
        assert context is not None
        to_trash(database, context, forgotten_at=to_milliseconds(foreign.forgotten_at))
    return context_id


def read(database: sqlite3.Connection, context_id: int, *, project: str | None) -> Context | None:
    """Return a context, or None where it is not there or of another project."""
    row = database.execute(statements.CHANGE_READ, {"id": context_id}).fetchone()
    if row is None or project not in (None, row[0]):
        return None
    names = database.execute(statements.SAVE_TAGS_OF, {"id": context_id})
    return _context(context_id, row, tuple(name for (name,) in names))


def read_trash(
    database: sqlite3.Connection, context_id: int, *, project: str | None
) -> Context | None:
    """Return a context in the trash, or None where it is not there or of another project."""
    row = database.execute(statements.TRASH_READ, {"id": context_id}).fetchone()
    if row is None or project not in (None, row[0]):
        return None
    return _context(context_id, row, tuple(json.loads(row[5])))


def replace(database: sqlite3.Connection, old: Context, new: Context) -> Context:
    """Let a context become another one, and keep what it was; return it with its time."""
    # Later than any change before, also where the clock was set back.
    moment = max(now(), to_milliseconds(old.last_changed_at) + 1)
    database.execute(statements.CHANGE_KEEP_REVISION, as_row(old) | {"replaced_at": moment})
    take_out(database, old)
    return put_back(database, new, updated_at=moment)


def put_back(database: sqlite3.Connection, context: Context, *, updated_at: int | None) -> Context:
    """Put a context in again under its id."""
    again = NewContext(
        id=context.id,
        project=context.project,
        content=context.content,
        importance=context.importance,
        tags=context.tags,
        created_at=to_milliseconds(context.created_at),
        updated_at=updated_at,
    )
    put_in(database, again, project_id(database, context.project, again.created_at))
    return Context(
        id=context.id,
        project=context.project,
        content=context.content,
        importance=context.importance,
        tags=context.tags,
        created_at=context.created_at,
        updated_at=None if updated_at is None else from_milliseconds(updated_at),
    )


def as_row(context: Context) -> dict[str, Any]:
    """Return the values of a context as revisions and the trash keep them."""
    updated_at = context.updated_at
    return {
        "id": context.id,
        "content": context.content,
        "importance": context.importance,
        "tags": json.dumps(context.tags, ensure_ascii=False),
        "created_at": to_milliseconds(context.created_at),
        "updated_at": None if updated_at is None else to_milliseconds(updated_at),
    }


def _context(context_id: int, row: tuple[Any, ...], tags: tuple[str, ...]) -> Context:
    project, content, importance, created_at, updated_at = row[:5]
    return Context(
        id=context_id,
        project=project,
        content=content,
        importance=importance,
        tags=tags,
        created_at=from_milliseconds(created_at),
        updated_at=None if updated_at is None else from_milliseconds(updated_at),
    )
