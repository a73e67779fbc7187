"""The rules that hold in a file, checked within one transaction, and the repair of each.

Every statement counts what breaks a rule; the one that mends it stands beside it. The contexts,
the trash and the revisions are the truth: they are never changed, all else is derived of them.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from extended_memory.domain import NEWEST_TIME, OLDEST_TIME, to_milliseconds
from extended_memory.flaws import Finding, Flaw
from extended_memory.storage.contract import Tell
from extended_memory.storage.sqlite.check import search_index
from extended_memory.storage.sqlite.content_hash import content_hash

_LINES: Final = 100
"""At most this many faults of the structure are asked of SQLite."""

_OF_AN_INDEX: Final = ("missing from index", "wrong # of entries in index", "non-unique entry in")
"""SQLite's words for what it can make anew from a table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of the store: a query for the rows that break it, and statements that mend them."""

    flaw: Flaw
    broken: str
    mend: tuple[str, ...] = ()


_COUNTED = """
    SELECT project_id, importance, count(*) AS context_count FROM contexts
    WHERE project_id IN (SELECT id FROM projects) GROUP BY 1, 2
"""
_KEPT = "SELECT project_id, importance, context_count FROM context_counts WHERE context_count <> 0"
_TAGGED = "(SELECT count(*) FROM context_tags WHERE tag_id = tags.id)"
_STRANGE_LINKS = """
    context_tags l JOIN contexts c ON c.id = l.context_id JOIN tags t ON t.id = l.tag_id
    WHERE t.project_id <> c.project_id AND c.project_id IN (SELECT id FROM projects)
"""
_LAST_ID = """
    (SELECT max(id) FROM (
        SELECT max(id) AS id FROM contexts UNION ALL SELECT max(id) FROM trash
        UNION ALL SELECT max(context_id) FROM revisions
        UNION ALL SELECT max(context_id) FROM origins
    ))
"""
_TIMES = """
    SELECT project_id, min(created_at) AS first, max(coalesce(updated_at, created_at)) AS last
    FROM contexts GROUP BY project_id
"""

RULES: Final = (
    Rule(
        flaw=Flaw.PROJECT_GONE,
        broken="SELECT 1 FROM contexts WHERE project_id NOT IN (SELECT id FROM projects)",
    ),
    Rule(
        flaw=Flaw.PROJECT_TIMES,
        broken=f"""
            SELECT 1 FROM projects p JOIN ({_TIMES}) t ON t.project_id = p.id
            WHERE p.created_at > t.first OR p.last_saved_at < t.last
        """,
        mend=(
            f"""
            UPDATE projects SET (created_at, last_saved_at) = (
                SELECT min(projects.created_at, t.first), max(projects.last_saved_at, t.last)
                FROM ({_TIMES}) t WHERE t.project_id = projects.id
            ) WHERE id IN (SELECT project_id FROM contexts)
            """,
        ),
    ),
    Rule(
        flaw=Flaw.LINK_GONE,
        broken="""
            SELECT 1 FROM context_tags
            WHERE context_id NOT IN (SELECT id FROM contexts)
                OR tag_id NOT IN (SELECT id FROM tags)
        """,
        mend=(
            "DELETE FROM context_tags WHERE context_id NOT IN (SELECT id FROM contexts)",
            "DELETE FROM context_tags WHERE tag_id NOT IN (SELECT id FROM tags)",
        ),
    ),
    Rule(
        flaw=Flaw.LINK_OUTDATED,
        broken="""
            SELECT 1 FROM context_tags l JOIN contexts c ON c.id = l.context_id
            WHERE (l.importance, l.created_at) <> (c.importance, c.created_at)
        """,
        mend=(
            """
            UPDATE context_tags SET (importance, created_at) = (
                SELECT importance, created_at FROM contexts WHERE id = context_id
            ) WHERE (importance, created_at) <> (
                SELECT importance, created_at FROM contexts WHERE id = context_id
            )
            """,
        ),
    ),
    Rule(
        flaw=Flaw.LINK_ELSEWHERE,
        broken=f"SELECT 1 FROM {_STRANGE_LINKS}",
        mend=(
            f"""
            INSERT OR IGNORE INTO tags (project_id, name, context_count)
            SELECT c.project_id, t.name, 0 FROM {_STRANGE_LINKS}
            """,
            f"""
            INSERT OR IGNORE INTO context_tags (tag_id, importance, created_at, context_id)
            SELECT own.id, l.importance, l.created_at, l.context_id
            FROM tags own, {_STRANGE_LINKS}
                AND own.project_id = c.project_id AND own.name = t.name
            """,
            f"""
            DELETE FROM context_tags WHERE (tag_id, context_id) IN (
                SELECT l.tag_id, l.context_id FROM {_STRANGE_LINKS}
            )
            """,
        ),
    ),
    # After the links, which it counts.
    Rule(
        flaw=Flaw.TAG_COUNT,
        broken=f"SELECT 1 FROM tags WHERE context_count = 0 OR context_count <> {_TAGGED}",
        mend=(
            f"UPDATE tags SET context_count = {_TAGGED} WHERE context_count <> {_TAGGED}",
            "DELETE FROM tags WHERE context_count = 0",
        ),
    ),
    Rule(
        flaw=Flaw.IMPORTANCE_COUNTS,
        broken=f"""
            SELECT 1 FROM (SELECT * FROM ({_COUNTED}) EXCEPT {_KEPT})
            UNION ALL SELECT 1 FROM ({_KEPT} EXCEPT SELECT * FROM ({_COUNTED}))
        """,
        mend=("DELETE FROM context_counts", f"INSERT INTO context_counts {_COUNTED}"),
    ),
    Rule(
        flaw=Flaw.CONTENT_HASH,
        broken="SELECT 1 FROM contexts WHERE digest <> content_hash_of(CAST(content AS BLOB))",
        mend=(
            """
            UPDATE contexts SET digest = content_hash_of(CAST(content AS BLOB))
            WHERE digest <> content_hash_of(CAST(content AS BLOB))
            """,
        ),
    ),
    Rule(
        flaw=Flaw.TIME_OUT_OF_BOUNDS,
        broken=f"""
            SELECT 1 FROM contexts WHERE created_at NOT BETWEEN
                {to_milliseconds(OLDEST_TIME)} AND {to_milliseconds(NEWEST_TIME)}
        """,
    ),
    Rule(
        flaw=Flaw.ID_REUSABLE,
        broken=f"""
            SELECT 1 WHERE {_LAST_ID} >
                coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'contexts'), 0)
        """,
        mend=(
            # Made before the other is gone, and the sequence has no key to replace it by.
            f"INSERT INTO sqlite_sequence (name, seq) SELECT 'contexts', {_LAST_ID}",
            """
            DELETE FROM sqlite_sequence WHERE name = 'contexts'
                AND rowid <> (SELECT max(rowid) FROM sqlite_sequence WHERE name = 'contexts')
            """,
        ),
    ),
    Rule(
        flaw=Flaw.TRASH_DUPLICATE,
        broken="SELECT 1 FROM trash JOIN contexts USING (id)",
    ),
    Rule(
        flaw=Flaw.TRASH_UNREADABLE,
        broken="""
            SELECT 1 FROM trash WHERE project_id NOT IN (SELECT id FROM projects)
                OR NOT json_valid(tags)
        """,
    ),
    Rule(
        flaw=Flaw.REVISION_ORPHANED,
        broken="""
            SELECT 1 FROM revisions WHERE context_id NOT IN (SELECT id FROM contexts)
                AND context_id NOT IN (SELECT id FROM trash)
        """,
    ),
    Rule(
        flaw=Flaw.REVISION_UNREADABLE,
        broken="SELECT 1 FROM revisions WHERE NOT json_valid(tags)",
    ),
    Rule(
        flaw=Flaw.REFERENCES,
        broken="""
            SELECT 1 FROM pragma_foreign_key_check
            WHERE "table" NOT IN ('contexts', 'context_tags', 'context_counts', 'trash')
        """,
    ),
)


def findings(database: sqlite3.Connection, tell: Tell) -> Iterator[Finding]:
    """Give what does not fit together, on a connection within a transaction."""
    tell("the file", 0, 0)
    if lines := [line for (line,) in _integrity(database) if line != "ok"]:
        # What else the tables say cannot be trusted.
        yield _file_finding(lines)
        return
    _give_functions(database)
    for number, rule in enumerate(RULES):
        tell("counts, tags, trash", number, len(RULES))
        (count,) = database.execute(f"SELECT count(*) FROM ({rule.broken})").fetchone()
        if count:
            yield Finding(flaw=rule.flaw, count=count)
    yield from search_index.findings(database, tell)


def repair(database: sqlite3.Connection, found: Sequence[Finding]) -> None:
    """Make hold again what does not, on a connection within a writing transaction."""
    flaws = {finding.flaw for finding in found}
    if Flaw.INDEX_ROWS in flaws:
        database.execute("REINDEX")
    _give_functions(database)
    for rule in RULES:  # all of them: one may be broken where another is mended
        for statement in rule.mend:
            database.execute(statement)
    if any(flaw.part == Flaw.SEARCH_WORDS.part for flaw in flaws):
        search_index.give_up(database)


def _give_functions(database: sqlite3.Connection) -> None:
    # Bytes: the driver refuses to hand over a text that is not UTF-8.
    database.create_function(
        "content_hash_of",
        1,
        lambda content: content_hash(content.decode(errors="replace")),
        deterministic=True,
    )


def _integrity(database: sqlite3.Connection) -> list[tuple[str]]:
    try:
        return database.execute(f"PRAGMA integrity_check({_LINES})").fetchall()
    except sqlite3.DatabaseError as error:
        return [(str(error),)]  # it does not get far enough to say more


def _file_finding(lines: Sequence[str]) -> Finding:
    others = [line for line in lines if not any(words in line for words in _OF_AN_INDEX)]
    if others:
        return Finding(flaw=Flaw.STRUCTURE, count=len(others))
    return Finding(flaw=Flaw.INDEX_ROWS, count=len(lines))
