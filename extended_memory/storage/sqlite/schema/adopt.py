"""Adoption of a database that 0.9.0, or an older install from source, wrote.

Belongs to migration 0001 and, like it, is history: it writes the tables of that revision in
SQL and imports no models. Content is copied inside SQLite, byte for byte.

What 0.9.0 wrote: ``contexts(id, project_id TEXT NULL, content, importance_level, status,
created_at, expires_at, access_count, last_accessed)``, ``tags(id, name)`` shared by all
projects, ``context_tags(context_id, tag_id)``, and a ``projects`` table it never filled. Older
installs add a ``contexts_fts`` index with triggers (derived, so it is dropped), a JSON column
``tags`` in ``contexts`` (merged with the links) and a ``decisions`` table (each row becomes a
context with the tag ``decision``; the table itself stays). Every value that finds no place in
the new tables goes to ``legacy_values`` as JSON.
"""

import json
import logging
import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import Connection

from extended_memory.domain import (
    MAXIMUM_IMPORTANCE,
    MINIMUM_IMPORTANCE,
    NEWEST_TIME,
    OLDEST_TIME,
    to_milliseconds,
)
from extended_memory.names import adopted_project, normalise_tags
from extended_memory.storage.sqlite.content_hash import content_hash
from extended_memory.storage.sqlite.file.engine import driver_connection

_TABLES = ("context_tags", "tags", "projects", "contexts")
_PREFIX = "adopted_"
_DECISION_TAG = "decision"
_DECISION_IMPORTANCE = 7  # high enough for a load that names no importance

# Columns that have a place in the new tables, or that 0.9.0 wrote without meaning anything.
_MAPPED = {
    "contexts": {"id", "project_id", "content", "importance_level", "created_at", "tags"},
    "projects": {"id"},
}
_NOISE: dict[str, dict[str, Any]] = {
    "contexts": {"status": "active", "access_count": 0, "last_accessed": None},
    "projects": {"name": None, "status": "active", "last_accessed": None},
}

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND = timedelta(milliseconds=1)
_NUMBER = re.compile(r"-?\d+(\.\d*)?")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierTables:
    """The tables that were set aside, and the highest id that was ever given."""

    tables: frozenset[str]
    last_id: int


def set_aside(connection: Connection) -> EarlierTables | None:
    """Rename the earlier tables out of the way; return None where there are none."""
    database = driver_connection(connection)
    found = {name for name in _TABLES if _columns(database, name)}
    if "contexts" not in found:
        return None
    last_id = database.execute("SELECT coalesce(max(id), 0) FROM contexts").fetchone()[0]
    if _columns(database, "sqlite_sequence"):
        given = database.execute(
            "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'contexts'"
        ).fetchone()[0]
        last_id = max(last_id, given)
    # Other tables of an older install may refer to these ones: they go on doing so by name.
    database.execute("PRAGMA legacy_alter_table=ON")
    # Triggers and views would stand in the way of renaming; they hold no data.
    for kind, name in database.execute(
        "SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'view')"
    ).fetchall():
        database.execute(f"DROP {kind} {_quoted(name)}")
    _drop_full_text_index(database)
    for name in found:
        database.execute(f"ALTER TABLE {name} RENAME TO {_PREFIX}{name}")
    database.execute("PRAGMA legacy_alter_table=OFF")
    return EarlierTables(tables=frozenset(found), last_id=last_id)


def carry_over(connection: Connection, earlier: EarlierTables) -> None:
    """Fill the new tables from the ones set aside, and drop those."""
    database = driver_connection(connection)
    # Functions are given bytes: the driver refuses to hand over a text that is not UTF-8.
    database.create_function("utc_ms", 1, _milliseconds, deterministic=True)
    database.create_function("content_hash", 1, _content_hash, deterministic=True)
    _map_project_names(database)
    _copy_contexts(database, earlier)
    _write_links(database, earlier)
    _keep_leftovers(database, earlier)
    _write_counts(database)
    # Children first, or a DROP would cascade into them row by row.
    for name in _TABLES:
        if name in earlier.tables:
            database.execute(f"DROP TABLE {_PREFIX}{name}")
    for name in ("project_names", "context_tag_names"):
        database.execute(f"DROP TABLE temp.{name}")
    count = database.execute("SELECT count(*) FROM contexts").fetchone()[0]
    logger.info("Adopted %d contexts of an earlier release.", count)


def _map_project_names(database: sqlite3.Connection) -> None:
    """Map every project name as it was written, in bytes, to the one spelling of it."""
    column = "project_id" if "project_id" in _columns(database, f"{_PREFIX}contexts") else "NULL"
    written = database.execute(
        f"SELECT DISTINCT CAST({column} AS BLOB) FROM {_PREFIX}contexts"
    ).fetchall()
    database.execute("CREATE TEMP TABLE project_names (written BLOB, name TEXT NOT NULL)")
    database.executemany(
        "INSERT INTO project_names VALUES (?, ?)",
        [(name, _project(name)) for (name,) in written],
    )
    database.execute("CREATE INDEX temp.project_names_written ON project_names (written)")


def _copy_contexts(database: sqlite3.Connection, earlier: EarlierTables) -> None:
    columns = _columns(database, f"{_PREFIX}contexts")
    importance = "c.importance_level" if "importance_level" in columns else "NULL"
    created = "utc_ms(CAST(c.created_at AS BLOB))" if "created_at" in columns else "NULL"
    project = "c.project_id" if "project_id" in columns else "NULL"
    database.execute(
        f"""
        CREATE TEMP TABLE adopted_times AS
        SELECT c.id AS id, p.name AS project, {created} AS created_at
        FROM {_PREFIX}contexts c JOIN project_names p ON p.written IS CAST({project} AS BLOB)
        """
    )
    # A time that cannot be read: as old as the oldest that can, so that nothing passes for new.
    database.execute(
        """
        UPDATE adopted_times SET created_at =
            (SELECT coalesce(min(created_at), ?) FROM adopted_times)
        WHERE created_at IS NULL
        """,
        (_now(),),
    )
    database.execute("CREATE INDEX temp.adopted_times_id ON adopted_times (id)")
    database.execute(
        """
        INSERT INTO projects (name, created_at, last_saved_at)
        SELECT project, min(created_at), max(created_at) FROM adopted_times
        GROUP BY project ORDER BY min(created_at), project
        """
    )
    database.execute(
        f"""
        INSERT INTO contexts (id, project_id, importance, created_at, digest, content)
        SELECT c.id, p.id, {_clamped(importance)}, t.created_at,
            content_hash(CAST(c.content AS BLOB)), coalesce(CAST(c.content AS TEXT), '')
        FROM {_PREFIX}contexts c
        JOIN adopted_times t ON t.id = c.id
        JOIN projects p ON p.name = t.project
        ORDER BY c.id
        """
    )
    database.execute("DROP TABLE temp.adopted_times")
    # An id above every one that was ever given, also to contexts that are gone, comes next.
    database.execute("DELETE FROM sqlite_sequence WHERE name = 'contexts'")
    database.execute(
        "INSERT INTO sqlite_sequence (name, seq) VALUES ('contexts', ?)",
        (earlier.last_id,),
    )


def _write_links(database: sqlite3.Connection, earlier: EarlierTables) -> None:
    """Collect the tags from the links, the JSON column and the decisions; make them anew."""
    database.execute("CREATE TEMP TABLE context_tag_names (context_id INTEGER, tag TEXT)")
    if {"tags", "context_tags"} <= earlier.tables:
        names = {
            tag_id: normalise_tags([str(name)])
            for tag_id, name in database.execute(f"SELECT id, name FROM {_PREFIX}tags")
            if name is not None
        }
        database.executemany(
            f"INSERT INTO context_tag_names SELECT context_id, ? FROM {_PREFIX}context_tags "
            "WHERE tag_id = ?",
            [(tag, tag_id) for tag_id, tags in names.items() for tag in tags],
        )
    if "tags" in _columns(database, f"{_PREFIX}contexts"):
        rows = database.execute(
            f"SELECT id, tags FROM {_PREFIX}contexts WHERE tags IS NOT NULL"
        ).fetchall()
        _name_tags(database, ((row_id, _tag_list(tags)) for row_id, tags in rows))
    if columns := _columns(database, "decisions"):
        _add_decisions(database, columns)
    database.execute(
        """
        INSERT INTO tags (project_id, name, context_count)
        SELECT c.project_id, n.tag, count(DISTINCT c.id)
        FROM context_tag_names n JOIN contexts c ON c.id = n.context_id
        GROUP BY c.project_id, n.tag
        """
    )
    database.execute(
        """
        INSERT OR IGNORE INTO context_tags (tag_id, importance, created_at, context_id)
        SELECT t.id, c.importance, c.created_at, c.id
        FROM context_tag_names n
        JOIN contexts c ON c.id = n.context_id
        JOIN tags t ON t.project_id = c.project_id AND t.name = n.tag
        """
    )


def _add_decisions(database: sqlite3.Connection, columns: list[str]) -> None:
    """Save each decision as a context: its columns as lines, in the order of the table."""
    project_column = _first_present(columns, "project_id", "project")
    importance_column = _first_present(columns, "importance_level", "importance")
    own = {"id", "created_at", "tags", project_column, importance_column}
    # As for a context: a time that cannot be read is as old as the oldest that can.
    oldest = database.execute("SELECT min(created_at) FROM contexts").fetchone()[0] or _now()
    cursor = database.execute(f"SELECT {', '.join(map(_quoted, columns))} FROM decisions")
    for values in cursor.fetchall():
        row = dict(zip(columns, values, strict=True))
        content = "\n".join(
            f"{name.replace('_', ' ')}: {value}"
            for name, value in row.items()
            if name not in own and value not in (None, "")
        )
        if not content:
            continue
        project = _project(row.get(project_column) if project_column else None)
        created_at = _milliseconds(row.get("created_at")) or oldest
        database.execute(
            """
            INSERT INTO projects (name, created_at, last_saved_at) VALUES (:name, :at, :at)
            ON CONFLICT (name) DO UPDATE SET created_at = min(created_at, :at),
                last_saved_at = max(last_saved_at, :at)
            """,
            {"name": project, "at": created_at},
        )
        context_id = database.execute(
            f"""
            INSERT INTO contexts (project_id, importance, created_at, digest, content)
            SELECT id, {_clamped("coalesce(:importance, :default)")}, :at,
                content_hash(CAST(:content AS BLOB)), :content
            FROM projects WHERE name = :project
            """,
            {
                "importance": row.get(importance_column) if importance_column else None,
                "default": _DECISION_IMPORTANCE,
                "at": created_at,
                "content": content,
                "project": project,
            },
        ).lastrowid
        assert context_id is not None
        _name_tags(database, [(context_id, (_DECISION_TAG, *_tag_list(row.get("tags"))))])


def _keep_leftovers(database: sqlite3.Connection, earlier: EarlierTables) -> None:
    """Keep, as JSON, the values of columns that have no place in the new tables."""
    for table in sorted(earlier.tables & set(_MAPPED)):
        columns = [c for c in _columns(database, _PREFIX + table) if c not in _MAPPED[table]]
        if not columns:
            continue
        names = _columns(database, _PREFIX + table)
        key = names.index("id") if "id" in names else 0
        cursor = database.execute(f"SELECT * FROM {_PREFIX}{table}")
        kept = []
        for values in cursor:
            source_id = values[key]
            row = {
                name: value.hex() if isinstance(value, bytes) else value
                for name, value in zip(names, values, strict=True)
                if name in columns and value is not None
            }
            noise = _NOISE[table]
            if any(name not in noise or noise[name] not in (None, row[name]) for name in row):
                kept.append((table, str(source_id), json.dumps(row, ensure_ascii=False)))
        database.executemany(
            "INSERT INTO legacy_values (source, source_id, value) VALUES (?, ?, ?)", kept
        )


def _write_counts(database: sqlite3.Connection) -> None:
    database.execute(
        """
        INSERT INTO context_counts (project_id, importance, context_count)
        SELECT project_id, importance, count(*) FROM contexts GROUP BY project_id, importance
        """
    )


def _name_tags(database: sqlite3.Connection, named: Iterable[tuple[int, Iterable[str]]]) -> None:
    rows: Iterator[tuple[int, str]] = (
        (context_id, tag) for context_id, tags in named for tag in normalise_tags(tags)
    )
    database.executemany("INSERT INTO context_tag_names VALUES (?, ?)", rows)


def _project(written: object) -> str:
    """Return the project a written name belongs to, whatever it looks like."""
    return adopted_project("" if written is None else _text(written))


def _tag_list(written: object) -> tuple[str, ...]:
    """Read tags that were written as a JSON list, or as words between commas."""
    if not isinstance(written, str) or not written.strip():
        return ()
    try:
        value = json.loads(written)
    except ValueError:
        value = written.split(",")
    if isinstance(value, list):
        return tuple(str(tag) for tag in value if tag is not None)
    return (str(value),)


def _milliseconds(written: object) -> int | None:
    """Read a time as 0.9.0 wrote it; return milliseconds since 1970 in UTC, None if unreadable.

    ``2026-11-22T06:01:55.123456`` is Python's local time without a zone; ``2025-07-02 10:00:00``
    is SQLite's CURRENT_TIMESTAMP, in UTC; a zone that is given counts, and so does a number of
    seconds or milliseconds since 1970.
    """
    text = "" if written is None else _text(written).strip()
    try:
        if _NUMBER.fullmatch(text):
            number = float(text)
            moment = _EPOCH + timedelta(seconds=number / 1000 if number > 1e11 else number)
        else:
            moment = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text))
            if moment.tzinfo is None and "T" not in text:
                moment = moment.replace(tzinfo=timezone.utc)
        seconds = int(moment.replace(microsecond=0).timestamp())  # exact, and local if naive
    except (ValueError, OverflowError, OSError):
        return None
    milliseconds = seconds * 1000 + moment.microsecond // 1000
    # Beyond them none was meant.
    within = to_milliseconds(OLDEST_TIME) <= milliseconds <= to_milliseconds(NEWEST_TIME)
    return milliseconds if within else None


def _now() -> int:
    return (datetime.now(timezone.utc) - _EPOCH) // _MILLISECOND


def _content_hash(content: bytes | None) -> int:
    return content_hash("" if content is None else _text(content))


def _text(written: object) -> str:
    """Return what was written as text, with a replacement for bytes that are not UTF-8."""
    return written.decode(errors="replace") if isinstance(written, bytes) else str(written)


def _clamped(expression: str) -> str:
    """Return SQL for an importance within its bounds; what is no number counts as 5."""
    number = f"CASE WHEN typeof({expression}) IN ('integer', 'real') THEN {expression} ELSE 5 END"
    return f"max({MINIMUM_IMPORTANCE}, min({MAXIMUM_IMPORTANCE}, CAST({number} AS INTEGER)))"


def _columns(database: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in database.execute(f"PRAGMA table_info({_quoted(table)})")]


def _first_present(columns: list[str], *names: str) -> str | None:
    return next((name for name in names if name in columns), None)


def _drop_full_text_index(database: sqlite3.Connection) -> None:
    if not database.execute(
        "SELECT 1 FROM sqlite_master WHERE name = 'contexts_fts' AND type = 'table'"
    ).fetchone():
        return
    try:
        database.execute("DROP TABLE contexts_fts")
    except sqlite3.OperationalError as error:
        # An SQLite built without FTS5 cannot drop it; without its triggers it does no harm.
        if "no such module" not in str(error):
            raise


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
