"""The search index of a file against the texts of its contexts.

Postings lie by term and not by context, so they are sorted once, in SQLite, which spills what does
not fit into memory to a file; then contexts and postings are read side by side, by rising id.
"""

import json
import sqlite3
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from extended_memory.domain import (
    from_milliseconds,
)
from extended_memory.flaws import Finding, Flaw
from extended_memory.search.analyzer import VERSION
from extended_memory.search.ranking import impacts
from extended_memory.storage.contract import Tell
from extended_memory.storage.sqlite.search import writes

_TOLD_EVERY: Final = 500

_FACTS = "SELECT name, value FROM store_facts WHERE name IN ('analyzer', 'unindexed_below')"
_CONTEXTS = """
    SELECT id, project_id, content, created_at, (
        SELECT json_group_array(t.name) FROM context_tags l JOIN tags t ON t.id = l.tag_id
        WHERE l.context_id = contexts.id
    ) FROM contexts WHERE id >= ? ORDER BY id
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
"""Of one context: the project, the term, what it weighs; sorted."""


def findings(database: sqlite3.Connection, tell: Tell) -> Iterator[Finding]:
    """Give what is wrong with the search index, on a connection within a transaction.

    An index that another version of the analyzer wrote is not wrong: it is made anew anyway.
    """
    facts = dict(database.execute(_FACTS).fetchall())
    if facts.get("analyzer") != str(VERSION):
        return
    below = facts.get("unindexed_below", "")
    if not below.isdecimal():
        yield Finding(flaw=Flaw.SEARCH_PROGRESS, count=1)
        return
    tell("the search index", 0, 0)
    (miscounted,) = database.execute(_MISCOUNTED).fetchone()
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
    (total,) = database.execute("SELECT count(*) FROM contexts WHERE id >= ?", (below,)).fetchone()
    by_context = groupby(database.execute(_POSTINGS), key=itemgetter(0))
    held = next(by_context, None)
    wrong = 0
    for number, row in enumerate(database.execute(_CONTEXTS, (below,))):
        if number % _TOLD_EVERY == 0:
            tell("the search index", number, total)
        while held is not None and held[0] < row[0]:
            wrong += 1  # of a context that is not there, or not yet in the index
            held = next(by_context, None)
        found: Postings = []
        if held is not None and held[0] == row[0]:
            # None where the term itself is not there: no such posting is expected.
            found = sorted((of or 0, term or "", impact) for _, of, term, impact in held[1])
            held = next(by_context, None)
        wrong += found != _expected(row)
    tell("the search index", total, total)
    while held is not None:
        wrong, held = wrong + 1, next(by_context, None)
    return wrong


def _expected(row: tuple[Any, ...]) -> Postings:
    _, of_project, content, created_at, tags = row
    words = impacts(content, json.loads(tags), from_milliseconds(created_at))
    return sorted((of_project, term, impact) for term, impact in words.items())
