"""What the tests of this folder build, read and run: files, their contents, other processes."""

import json
import multiprocessing
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import ParamSpec, TypeVar

from extended_memory.domain import EVERY_CONTEXT, Context, Note, SearchPage, to_milliseconds
from extended_memory.search.analyzer import VERSION
from extended_memory.search.ranking import impacts
from extended_memory.storage.sqlite.content_hash import content_hash
from extended_memory.storage.sqlite.file import permissions
from extended_memory.storage.sqlite.file.engine import new_engine, structure_change
from extended_memory.storage.sqlite.repository import SqliteRepository
from extended_memory.storage.sqlite.schema import upgrade

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

CHECKOUT = Path(__file__).parents[2]

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
    "recent_postings",
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
        note=Note(content=content, importance=importance, tags=tags),
        created_at=created_at,
    )


def everything(path: Path) -> dict[int, Context]:
    """Open a store, upgrading it where needed, and load every context of every project."""
    with closing(SqliteRepository(path)) as repository:
        return {
            found.id: found
            for project in repository.projects()
            for found in repository.load(
                project.name, EVERY_CONTEXT, limit=100_000, offset=0
            ).contexts
        }


def save(repository: SqliteRepository, content: str, *, tags: tuple[str, ...] = ()) -> int:
    """Save a context and return its id."""
    saved = repository.save(
        "general",
        Note(content=content, importance=5, tags=tags),
        repeat_within=timedelta(minutes=10),
    )
    return saved.id


def search(
    repository: SqliteRepository, text: str, *, project: str = "general", limit: int = 50
) -> SearchPage:
    """Search a whole project."""
    return repository.search(project, text, EVERY_CONTEXT, limit=limit, offset=0)


def found_contents(repository: SqliteRepository, text: str) -> list[str]:
    """Return the contents that a search finds, the best first."""
    return [one.context.note.content for one in search(repository, text).found]


def contents(repository: SqliteRepository) -> list[str]:
    """Return the contents of the project ``general``, newest first."""
    page = repository.load("general", EVERY_CONTEXT, limit=100_000, offset=0)
    return [found.note.content for found in page.contexts]


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


def index_flaws(path: Path) -> list[object]:
    """Return all that the search index of a file holds too much or too little, or counts wrong."""
    with closing(SqliteRepository(path)) as repository:
        stored = repository.contexts_after(after=0, limit=1_000_000)
    ((version, below),) = rows(
        path,
        """
        SELECT a.value, CAST(b.value AS INTEGER) FROM store_facts a, store_facts b
        WHERE a.name = 'analyzer' AND b.name = 'unindexed_below'
        """,
    )
    assert isinstance(below, int)
    expected = {
        (one.project, term, one.id, impact)
        for one in stored
        if one.id >= below
        for term, impact in impacts(one.note.content, one.note.tags, one.created_at).items()
    }
    held = rows(
        path,
        """
        SELECT projects.name, t.term, p.context_id, p.impact
        FROM (SELECT * FROM postings UNION ALL SELECT * FROM recent_postings) p
        LEFT JOIN terms t ON t.id = p.term_id LEFT JOIN projects ON projects.id = t.project_id
        """,
    )
    miscounted = rows(
        path,
        """
        SELECT id, term, df FROM terms t
        WHERE df <> (SELECT count(*) FROM postings WHERE term_id = t.id)
            OR df = 0 AND NOT EXISTS (SELECT * FROM recent_postings WHERE term_id = t.id)
        """,
    )
    twice = rows(
        path,
        "SELECT context_id FROM postings INTERSECT SELECT context_id FROM recent_postings",
    )
    return [
        *([] if version == str(VERSION) else [version]),
        *expected ^ set(held),
        *(posting for posting, count in Counter(held).items() if count > 1),
        *miscounted,
        *twice,
    ]


def make_0003(path: Path, contexts: Sequence[Context]) -> None:
    """Make a store of the revision before the search, with these contexts."""
    permissions.make_folder(path.parent)
    permissions.make_file(path)
    engine = new_engine(path)
    with structure_change(engine) as connection:
        upgrade.migrate(connection, "0003")
    engine.dispose()
    with closing(sqlite3.connect(path)) as database, database:
        for one in contexts:
            moment = to_milliseconds(one.created_at)
            database.execute(
                "INSERT OR IGNORE INTO projects (name, created_at, last_saved_at) VALUES (?, ?, ?)",
                (one.project, moment, moment),
            )
            (of_project,) = database.execute(
                "SELECT id FROM projects WHERE name = ?", (one.project,)
            ).fetchone()
            database.execute(
                "INSERT INTO contexts (id, project_id, importance, created_at, digest, content) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (
                    one.id,
                    of_project,
                    one.note.importance,
                    moment,
                    content_hash(one.note.content),
                    one.note.content,
                ),
            )
            for tag in one.note.tags:
                database.execute(
                    "INSERT INTO tags (project_id, name, context_count) VALUES (?, ?, 1) "
                    "ON CONFLICT DO UPDATE SET context_count = context_count + 1",
                    (of_project, tag),
                )
                database.execute(
                    "INSERT INTO context_tags SELECT id, ?, ?, ? FROM tags "
                    "WHERE project_id = ? AND name = ?",
                    (one.note.importance, moment, one.id, of_project, tag),
                )
            database.execute(
                "INSERT INTO context_counts VALUES (?, ?, 1) "
                "ON CONFLICT DO UPDATE SET context_count = context_count + 1",
                (of_project, one.note.importance),
            )


def damage(path: Path, table: str) -> None:
    """Make noise of the first page of a table."""
    with closing(sqlite3.connect(path)) as database:
        (size,) = database.execute("PRAGMA page_size").fetchone()
        (root,) = database.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)
        ).fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)


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


def write_rows(path: Path, count: int) -> None:
    execute(
        path,
        f"""
        {SCHEMA}
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
        INSERT INTO contexts (id, project_id, content, importance_level, created_at)
            SELECT i, 'Project_' || (i % 7), 'Content ' || i, i % 12, '2025-07-02 12:00:00' FROM n;
        INSERT INTO tags VALUES (1, 'Even'), (2, 'all');
        INSERT INTO context_tags SELECT id, 2 FROM contexts;
        INSERT INTO context_tags SELECT id, 1 FROM contexts WHERE id % 2 = 0;
        """,
    )
