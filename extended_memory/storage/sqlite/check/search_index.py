"""The search index of a file against the texts of its contexts.

Postings lie by term and not by context, so SQLite sorts them once. It spills to a file what memory
does not hold. Then contexts and postings are read side by side, by rising id.
"""

import sqlite3
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Final

from extended_memory.domain import from_milliseconds
from extended_memory.flaws import Finding, Flaw
from extended_memory.search.analyzer import VERSION
from extended_memory.search.ranking import impacts
from extended_memory.storage.contract import Tell
from extended_memory.storage.sqlite import rows
from extended_memory.storage.sqlite.search import statements, writes

_TOLD_EVERY: Final = 500

_CONTEXTS = """
    SELECT id, project_id, importance, content, created_at, (
        SELECT json_group_array(t.name) FROM context_tags l JOIN tags t ON t.id = l.tag_id
        WHERE l.context_id = contexts.id
    ) AS tags FROM contexts WHERE id >= ? ORDER BY id
"""
_POSTINGS = """
    SELECT p.context_id, t.project_id, t.term, p.impact
    FROM (SELECT * FROM postings UNION ALL SELECT * FROM recent_postings) p
    LEFT JOIN terms t ON t.id = p.term_id ORDER BY p.context_id
"""
_MISCOUNTED = """
    SELECT count(*) FROM terms t
    WHERE df <> (SELECT count(*) FROM postings WHERE term_id = t.id)
        OR df = 0 AND NOT EXISTS (SELECT * FROM recent_postings WHERE term_id = t.id)
"""

Postings = list[tuple[int, str, int]]
"""The postings of one context: the project, the term, the impact; sorted."""

_END: Final[tuple[int, Postings]] = (2**63, [])
"""The end of the postings: the id is above every one."""


def findings(database: sqlite3.Connection, tell: Tell) -> Iterator[Finding]:
    """Give what is wrong with the search index, on a connection within a transaction.

    An index that another version of the analyzer wrote is not wrong: it is made anew anyway.
    """
    facts = dict(database.execute(statements.FACTS).fetchall())
    if facts.get("analyzer") != str(VERSION):
        return
    below = facts.get("unindexed_below", "")
    if not below.isdecimal():
        yield Finding(flaw=Flaw.SEARCH_PROGRESS, count=1)
        return
    tell("the search index", 0, 0)
    miscounted = rows.scalar(database.execute(_MISCOUNTED))
    if miscounted:
        yield Finding(flaw=Flaw.SEARCH_COUNTS, count=miscounted)
    wrong = _wrong_contexts(database, int(below), tell)
    if wrong:
        yield Finding(flaw=Flaw.SEARCH_WORDS, count=wrong)


def give_up(database: sqlite3.Connection) -> None:
    """Let the index be made anew, on a connection within a writing transaction."""
    database.execute("DELETE FROM store_facts WHERE name IN ('analyzer', 'unindexed_below')")
    writes.take_over(database)


def _wrong_contexts(database: sqlite3.Connection, below: int, tell: Tell) -> int:
    """Count the contexts whose postings are not those of their texts, or that are not there."""
    total = rows.scalar(database.execute("SELECT count(*) FROM contexts WHERE id >= ?", (below,)))
    postings = _postings(database)
    holder, held = next(postings, _END)
    wrong = 0
    for number, row in enumerate(rows.named(database).execute(_CONTEXTS, (below,))):
        if number % _TOLD_EVERY == 0:
            tell("the search index", number, total)
        while holder < row["id"]:
            wrong += 1  # of a context that is not there, or not yet in the index
            holder, held = next(postings, _END)
        found: Postings = []
        if holder == row["id"]:
            found = held
            holder, held = next(postings, _END)
        wrong += found != _expected(row)
    tell("the search index", total, total)
    while (holder, held) != _END:
        wrong += 1
        holder, held = next(postings, _END)
    return wrong


def _postings(database: sqlite3.Connection) -> Iterator[tuple[int, Postings]]:
    """Give the ids of contexts, the lowest first, with their postings."""
    for context_id, group in groupby(database.execute(_POSTINGS), key=itemgetter(0)):
        # None where the term itself is not there: no such posting is expected.
        yield (
            context_id,
            sorted((project_id or 0, term or "", impact) for _, project_id, term, impact in group),
        )


def _expected(row: sqlite3.Row) -> Postings:
    note = rows.note(row)
    words = impacts(note.content, note.tags, from_milliseconds(row["created_at"]))
    return sorted((row["project_id"], term, impact) for term, impact in words.items())
