"""How a project gets another name, or becomes one with the project that has it.

A project that has the name alone takes it in one row. Two become one in a few statements, however
much they hold: of a tag or a term that both have, what hangs on it goes from one row to the other;
all other rows change their project. Postings take the time, so the smaller project, whichever of
both it is, goes to the larger.
"""

import sqlite3
from collections.abc import Iterator
from typing import Final

_PROJECTS: Final = """
    SELECT name, id, (
        SELECT coalesce(sum(context_count), 0) FROM context_counts WHERE project_id = projects.id
    )
    FROM projects WHERE name IN (:old, :new)
"""
_RENAME: Final = "UPDATE projects SET name = :new WHERE id = :target"


def _joining(rows: str, name: str, count: str, links: dict[str, str]) -> Iterator[str]:
    """Give the statements that move rows with names to a project that may have some of them.

    ``links`` are the tables that refer to such a row first of all, and their other columns.
    """
    shared = f"""
        {rows} here JOIN {rows} there ON there.project_id = :target AND there.{name} = here.{name}
    """
    for table, others in links.items():
        reference = f"{rows[:-1]}_id"
        yield f"""
            INSERT INTO {table} ({reference}, {others})
            SELECT there.id, {others} FROM {shared} JOIN {table} ON {reference} = here.id
            WHERE here.project_id = :source ORDER BY there.id
        """
        yield f"""
            DELETE FROM {table} WHERE {reference} IN (
                SELECT here.id FROM {shared} WHERE here.project_id = :source
            )
        """
    of_both = f"SELECT {name} FROM {rows} WHERE project_id"
    yield f"""
        UPDATE {rows} SET {count} = {count} + (
            SELECT here.{count} FROM {rows} here
            WHERE here.project_id = :source AND here.{name} = {rows}.{name}
        )
        WHERE project_id = :target AND {name} IN ({of_both} = :source)
    """
    yield f"DELETE FROM {rows} WHERE project_id = :source AND {name} IN ({of_both} = :target)"
    yield f"UPDATE {rows} SET project_id = :target WHERE project_id = :source"


_MERGE: Final = (
    "UPDATE contexts SET project_id = :target WHERE project_id = :source",
    "UPDATE trash SET project_id = :target WHERE project_id = :source",
    "UPDATE origins SET context_id = -:target WHERE context_id = -:source",  # of what is gone
    """
    INSERT INTO context_counts (project_id, importance, context_count)
    SELECT :target, importance, context_count FROM context_counts WHERE project_id = :source
    ON CONFLICT (project_id, importance) DO UPDATE SET
        context_count = context_count + excluded.context_count
    """,
    "DELETE FROM context_counts WHERE project_id = :source",
    *_joining(
        "tags", "name", "context_count", {"context_tags": "importance, created_at, context_id"}
    ),
    *_joining(
        "terms",
        "term",
        "df",
        {"postings": "context_id, impact", "recent_postings": "context_id, impact"},
    ),
    """
    UPDATE projects SET
        created_at = min(created_at, (SELECT created_at FROM projects WHERE id = :source)),
        last_saved_at = max(last_saved_at, (SELECT last_saved_at FROM projects WHERE id = :source))
    WHERE id = :target
    """,
    "DELETE FROM projects WHERE id = :source",
)


def rename(database: sqlite3.Connection, old: str, new: str) -> int:
    """Let a project have another name; return how many contexts it held."""
    rows = database.execute(_PROJECTS, {"old": old, "new": new}).fetchall()
    found = {name: (project_id, count) for name, project_id, count in rows}
    if old not in found or old == new:
        return 0
    target, moved = found[old]
    if new in found:
        source, others = found[new]
        if moved <= others:
            source, target = target, source
        for statement in _MERGE:
            database.execute(statement, {"source": source, "target": target})
    database.execute(_RENAME, {"new": new, "target": target})
    return int(moved)
