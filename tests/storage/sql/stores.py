"""What the tests of this folder build, read and run: files, their contents, other processes."""

import json
import multiprocessing
import sqlite3
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import ParamSpec, TypeVar

from extended_memory.domain import Context
from extended_memory.storage.sql.repository import SqlRepository

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

CHECKOUT = Path(__file__).parents[3]

SPAWN = multiprocessing.get_context("spawn")

CONTEXTS = """
    CREATE TABLE contexts (
        id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT, content TEXT NOT NULL,
        importance_level INTEGER NOT NULL, status TEXT DEFAULT 'active',
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, expires_at TIMESTAMP,
        access_count INTEGER DEFAULT 0, last_accessed TIMESTAMP DEFAULT CURRENT_TIMESTAMP
    );
"""
TAGS = """
    CREATE TABLE tags (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL);
    CREATE TABLE context_tags (
        context_id INTEGER, tag_id INTEGER, PRIMARY KEY (context_id, tag_id),
        FOREIGN KEY (context_id) REFERENCES contexts(id) ON DELETE CASCADE,
        FOREIGN KEY (tag_id) REFERENCES tags(id) ON DELETE CASCADE
    );
"""
PROJECTS = """
    CREATE TABLE projects (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT,
        last_accessed TIMESTAMP DEFAULT CURRENT_TIMESTAMP, status TEXT DEFAULT 'active'
    );
"""
SCHEMA = CONTEXTS + TAGS + PROJECTS
"""The tables of 0.9.0."""

OURS = {
    "alembic_version",
    "context_counts",
    "context_tags",
    "contexts",
    "legacy_values",
    "origins",
    "postings",
    "projects",
    "revisions",
    "store_facts",
    "tags",
    "terms",
    "trash",
}
"""The tables of a current store."""

NOON = datetime(2025, 7, 2, 12, 0, tzinfo=timezone.utc)
"""The time of a row made by ``ROW``."""

ROW = """
    INSERT INTO contexts (id, project_id, content, importance_level, created_at)
    VALUES (1, 'general', 'kept', 5, '2025-07-02 12:00:00');
"""


def execute(path: Path, script: str) -> None:
    """Run SQL on a file with SQLite alone, as another program would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(script)


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    """Read a file with SQLite alone, as another program would."""
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def tables(path: Path) -> set[object]:
    """Return the names of a file's tables, SQLite's own left out."""
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    return {name for (name,) in rows(path, query)}


def dump(path: Path) -> list[str]:
    """Return all that a file holds, as SQL."""
    with closing(sqlite3.connect(path)) as database:
        return list(database.iterdump())


def context(
    number: int = 1,
    content: str = "kept",
    *,
    project: str = "general",
    importance: int = 5,
    tags: tuple[str, ...] = (),
    created_at: datetime = NOON,
) -> Context:
    """Return what ``ROW`` becomes, but for what is given."""
    return Context(
        id=number,
        project=project,
        content=content,
        importance=importance,
        tags=tags,
        created_at=created_at,
    )


def everything(path: Path) -> dict[int, Context]:
    """Open a store, upgrading it where needed, and load every context of every project."""
    with closing(SqlRepository(path)) as repository:
        return {
            found.id: found
            for project in repository.projects()
            for found in repository.load(
                project.name, minimum_importance=1, tags=(), limit=100_000, offset=0
            ).contexts
        }


def save(repository: SqlRepository, content: str, *, tags: tuple[str, ...] = ()) -> int:
    """Save a context and return its id."""
    saved = repository.save(
        "general", content, importance=5, tags=tags, repeat_within=timedelta(minutes=10)
    )
    return saved.id


def contents(repository: SqlRepository) -> list[str]:
    """Return the contents of the project ``general``, newest first."""
    page = repository.load("general", minimum_importance=1, tags=(), limit=100_000, offset=0)
    return [found.content for found in page.contexts]


def legacy_values(path: Path) -> dict[tuple[object, object], object]:
    """Return what was kept of values without a place, by their table and row."""
    query = "SELECT source, source_id, value FROM legacy_values"
    return {(source, key): json.loads(str(value)) for source, key, value in rows(path, query)}


def faults_within(path: Path) -> list[tuple[object, ...]]:
    """Return what SQLite finds wrong with a file, and every kept count that is not true."""
    checks = (
        "SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
        "SELECT * FROM pragma_foreign_key_check",
        """
        SELECT 'context_counts', * FROM (
            SELECT project_id, importance, context_count FROM context_counts WHERE context_count > 0
            EXCEPT SELECT project_id, importance, count(*) FROM contexts GROUP BY 1, 2
        )
        """,
        """
        SELECT 'contexts', * FROM (
            SELECT project_id, importance, count(*) FROM contexts GROUP BY 1, 2
            EXCEPT SELECT project_id, importance, context_count FROM context_counts
        )
        """,
        """
        SELECT 'tags', t.id, t.name FROM tags t WHERE t.context_count = 0 OR t.context_count <>
            (SELECT count(*) FROM context_tags WHERE tag_id = t.id)
        """,
        """
        SELECT 'context_tags', l.* FROM context_tags l
        JOIN contexts c ON c.id = l.context_id JOIN tags t ON t.id = l.tag_id
        WHERE (l.importance, l.created_at, c.project_id)
            <> (c.importance, c.created_at, t.project_id)
        """,
    )
    return [row for check in checks for row in rows(path, check)]


def backups(path: Path) -> list[Path]:
    """Return the backups beside a file, oldest first."""
    return sorted(other for other in path.parent.iterdir() if ".backup-" in other.name)


def mode(path: Path) -> int:
    """Return the permissions of a file or folder."""
    return path.stat().st_mode & 0o777


def in_another_process(
    function: Callable[_Arguments, _Result],
    *arguments: _Arguments.args,
    **named: _Arguments.kwargs,
) -> _Result:
    """Call a function in a new Python; return what it returns, raise what it raises."""
    with ProcessPoolExecutor(1, mp_context=SPAWN) as process:
        return process.submit(function, *arguments, **named).result(timeout=60)
