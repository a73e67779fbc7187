"""The search index is written in the transaction that changes a context.

Two facts of the store say what the index is: which version of the analyzer wrote it, and below
which id contexts are not in it yet. A store that was upgraded, or that another version of the
analyzer wrote, has all of its contexts below. ``index_newest`` takes them from the newest to the
oldest, and the bound sinks. Whatever is below is left alone until then: it is read as it is when
its turn comes. So an upgrade is as quick for a large store as for an empty one.
"""

import json
import sqlite3
from typing import Final

from extended_memory.domain import Note, from_milliseconds
from extended_memory.search.analyzer import VERSION
from extended_memory.search.ranking import impacts
from extended_memory.storage.sqlite import rows
from extended_memory.storage.sqlite.search import statements

ABOVE_EVERY_ID: Final = 2**63 - 1
"""The bound of a store that has no index, or none that this analyzer wrote: above every id."""

_MOVED_AT_ONCE: Final = 64
"""About how many contexts are recent ones (see ``models.RecentPostingRow``)."""


def unindexed_below(database: sqlite3.Connection) -> int:
    """Return the id below which contexts are not indexed."""
    facts = dict(database.execute(statements.FACTS).fetchall())
    return (
        int(facts["unindexed_below"]) if facts.get("analyzer") == str(VERSION) else ABOVE_EVERY_ID
    )


def count_below(database: sqlite3.Connection, below: int, project: str) -> int:
    """Return how many contexts of a project have a lower id."""
    if not below:
        return 0
    values = {"below": below, "project": project}
    return int(rows.scalar(database.execute(statements.COUNT_BELOW_IN_PROJECT, values)))


def is_complete(database: sqlite3.Connection) -> bool:
    """Say whether every context is indexed, and the store says so where it holds any."""
    below = unindexed_below(database)
    return not below or (below == ABOVE_EVERY_ID and _first_free_id(database) == 0)


def take_over(database: sqlite3.Connection) -> int:
    """Return the id below which contexts are not indexed, of an index that is ours now.

    One of another version, also a newer one, is dropped: its terms are not those that we look
    for. Ask before a context is inserted, so that it is not among those below.
    """
    below = unindexed_below(database)
    if below == ABOVE_EVERY_ID:
        # They are numbers: to overwrite them with zeros would write the whole of a large index.
        database.execute("PRAGMA secure_delete=OFF")
        for statement in statements.DROP_POSTINGS:
            database.execute(statement)
        database.execute("PRAGMA secure_delete=ON")
        database.execute(statements.DROP_TERMS)
        database.execute(statements.SET_FACT, {"name": "analyzer", "value": str(VERSION)})
        below = _first_free_id(database)
        _set_bound(database, below)
    return below


def add(
    database: sqlite3.Connection,
    context_id: int,
    note: Note,
    *,
    project_id: int,
    created_at: int,
) -> None:
    """Write the terms that a new context is found by."""
    words = impacts(note.content, note.tags, from_milliseconds(created_at))
    values = {
        "project_id": project_id,
        "context_id": context_id,
        "impacts": json.dumps(words, ensure_ascii=False),
    }
    database.execute(statements.ADD_TERMS, values)
    database.execute(statements.ADD_POSTINGS, values)
    if context_id % _MOVED_AT_ONCE == 0:  # as good as a count, and nothing to keep
        for statement in statements.MOVE_RECENT:
            database.execute(statement)


def remove(
    database: sqlite3.Connection,
    context_id: int,
    note: Note,
    *,
    project_id: int,
    created_at: int,
) -> None:
    """Remove what ``add`` wrote, if it did: the text tells, an index by context would double it."""
    words = impacts(note.content, note.tags, from_milliseconds(created_at))
    values = {
        "project_id": project_id,
        "context_id": context_id,
        "terms": json.dumps(list(words), ensure_ascii=False),
    }
    for statement in statements.REMOVE_CONTEXT:
        database.execute(statement, values)


def index_newest(database: sqlite3.Connection, limit: int) -> int:
    """Index the newest contexts below the bound, at most ``limit``; return how many are left."""
    below = take_over(database)
    values = {"below": below, "limit": limit}
    found = rows.named(database).execute(statements.UNINDEXED, values).fetchall()
    for row in found:
        add(
            database,
            row["id"],
            rows.note(row),
            project_id=row["project_id"],
            created_at=row["created_at"],
        )
    below = found[-1]["id"] if len(found) == limit else 0
    _set_bound(database, below)
    return int(rows.scalar(database.execute(statements.COUNT_BELOW, {"below": below})))


def _first_free_id(database: sqlite3.Connection) -> int:
    """Return an id above all, 0 where there is none."""
    highest: int | None = rows.scalar(database.execute(statements.HIGHEST_ID))
    return 0 if highest is None else highest + 1


def _set_bound(database: sqlite3.Connection, below: int) -> None:
    database.execute(statements.SET_FACT, {"name": "unindexed_below", "value": str(below)})
