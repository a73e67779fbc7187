"""Looks into a store from outside, with plain SQL."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

_RECOUNTED_TAGS = """
    SELECT tags.id, tags.context_count, count(context_tags.context_id) AS recounted
    FROM tags LEFT JOIN context_tags ON context_tags.tag_id = tags.id
    GROUP BY tags.id HAVING context_count <> recounted
"""
_KEPT_COUNTS = "SELECT project_id, importance, context_count FROM context_counts ORDER BY 1, 2"
_RECOUNTED = "SELECT project_id, importance, count(*) FROM contexts GROUP BY 1, 2 ORDER BY 1, 2"
_TAGS = """
    SELECT context_id, tags.name FROM context_tags JOIN tags ON tags.id = context_tags.tag_id
    ORDER BY context_id, tags.name
"""


@contextmanager
def connected(path: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection in autocommit to a database that exists."""
    with closing(
        sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, isolation_level=None)
    ) as connection:
        yield connection


def stored(path: Path) -> dict[int, tuple[str, tuple[str, ...]]]:
    """Return the content and the tags of every context, by id."""
    with connected(path) as connection:
        contents = dict(connection.execute("SELECT id, content FROM contexts"))
        tags: dict[int, list[str]] = {context_id: [] for context_id in contents}
        for context_id, name in connection.execute(_TAGS):
            tags[context_id].append(name)
    return {number: (content, tuple(tags[number])) for number, content in contents.items()}


def contents(path: Path) -> list[str]:
    """Return every content, sorted; of a store that was never made, none."""
    return sorted(content for content, _ in stored(path).values()) if path.exists() else []


def flaws(path: Path) -> dict[str, list[Any]]:
    """Return what SQLite and a recount find wrong with a store: nothing, if it is sound."""
    with connected(path) as connection:
        integrity = connection.execute("PRAGMA integrity_check").fetchall()
        kept = connection.execute(_KEPT_COUNTS).fetchall()
        recounted = connection.execute(_RECOUNTED).fetchall()
        found = {
            "integrity": [row for row in integrity if row != ("ok",)],
            "foreign keys": connection.execute("PRAGMA foreign_key_check").fetchall(),
            "counts by tag": connection.execute(_RECOUNTED_TAGS).fetchall(),
            "counts by importance": sorted(set(kept) ^ set(recounted)),
        }
    return {kind: rows for kind, rows in found.items() if rows}
