"""Files of installs from source, older than 0.9.0: whatever they carry is adopted or kept."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import pytest

from extended_memory.domain import Context
from extended_memory.storage.sqlite.repository import SqliteRepository
from tests.support.sqlite_stores import (
    CONTEXTS,
    NOON,
    OURS,
    PROJECTS,
    ROW,
    SCHEMA,
    TAGS,
    backups,
    context,
    everything,
    execute,
    faults_within,
    legacy_values,
    rows,
    save,
    tables,
)

FULL_TEXT = """
    CREATE VIRTUAL TABLE contexts_fts USING fts5(content, content='contexts', content_rowid='id');
    CREATE TRIGGER contexts_ai AFTER INSERT ON contexts BEGIN
        INSERT INTO contexts_fts(rowid, content) VALUES (new.id, new.content);
    END;
    CREATE TRIGGER contexts_ad AFTER DELETE ON contexts BEGIN
        INSERT INTO contexts_fts(contexts_fts, rowid, content)
        VALUES ('delete', old.id, old.content);
    END;
    CREATE TRIGGER contexts_au AFTER UPDATE ON contexts BEGIN
        INSERT INTO contexts_fts(contexts_fts, rowid, content)
        VALUES ('delete', old.id, old.content);
        INSERT INTO contexts_fts(rowid, content) VALUES (new.id, new.content);
    END;
"""

FULL_TEXT_OF_ITS_OWN = """
    CREATE VIRTUAL TABLE contexts_fts USING fts5(content);
    CREATE TRIGGER contexts_ai AFTER INSERT ON contexts BEGIN
        INSERT INTO contexts_fts(rowid, content) VALUES (new.id, new.content);
    END;
"""


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


@pytest.mark.parametrize("index", [FULL_TEXT, FULL_TEXT_OF_ITS_OWN], ids=["external", "own"])
def test_a_full_text_index_with_triggers_is_dropped_and_its_contexts_stay(
    place: Path, index: str
) -> None:
    execute(place, SCHEMA + index + ROW)
    assert everything(place) == {1: context()}
    assert tables(place) == OURS


def test_saving_and_forgetting_work_where_a_full_text_index_was(place: Path) -> None:
    execute(place, SCHEMA + FULL_TEXT + ROW)
    with closing(SqliteRepository(place)) as repository:
        assert save(repository, "New") == 2
        assert repository.forget(1, project=None) == "general"
    assert faults_within(place) == []


@pytest.mark.parametrize(
    ("columns", "values", "expected"),
    [
        pytest.param(
            "id INTEGER PRIMARY KEY, decision TEXT, reasoning TEXT, alternatives TEXT, "
            "project_id TEXT, created_at TEXT, importance_level INTEGER, tags TEXT",
            (
                *(7, "Use SQLite", "No server needed", "Postgres, files", "My_Proj"),
                *("2025-07-02 12:00:00", 9, '["DB", "Storage"]'),
            ),
            context(
                2,
                "decision: Use SQLite\nreasoning: No server needed\nalternatives: Postgres, files",
                project="my proj",
                importance=9,
                tags=("db", "decision", "storage"),
            ),
            id="all",
        ),
        pytest.param(
            "id INTEGER PRIMARY KEY, title TEXT, rationale TEXT, project TEXT, importance INTEGER, "
            "created_at TEXT",
            (1, "Решение 🧭", "Строка 1\nСтрока 2", "Заметки", 99, "2025-07-02T12:00:00Z"),
            context(
                2,
                "title: Решение 🧭\nrationale: Строка 1\nСтрока 2",
                project="заметки",
                importance=10,
                tags=("decision",),
            ),
            id="other names",
        ),
        pytest.param(
            "decision_text TEXT, context_id INTEGER, outcome TEXT, created_at INTEGER",
            ("Ship it", 1, None, int(NOON.timestamp())),
            context(
                2,
                "decision text: Ship it\ncontext id: 1",
                importance=7,
                tags=("decision",),
            ),
            id="no id, project or importance",
        ),
        pytest.param(
            'id INTEGER PRIMARY KEY, "the ""decision""" TEXT, "order" TEXT, created_at TEXT, '
            "tags TEXT",
            (1, "Quoted", "first", "2025-07-02 12:00:00", "Alpha, beta ,,Decision"),
            context(
                2,
                'the "decision": Quoted\norder: first',
                importance=7,
                tags=("alpha", "beta", "decision"),
            ),
            id="names to quote",
        ),
    ],
)
def test_a_decision_becomes_a_context(
    place: Path, columns: str, values: tuple[object, ...], expected: Context
) -> None:
    literals = ", ".join(
        "NULL" if value is None else repr(value) if isinstance(value, int) else f"'{value}'"
        for value in values
    )
    execute(
        place,
        f"{SCHEMA}{ROW} CREATE TABLE decisions ({columns});"
        f"INSERT INTO decisions VALUES ({literals});",
    )
    assert everything(place) == {1: context(), 2: expected}
    assert faults_within(place) == []


def test_a_decision_without_project_and_time_is_in_general_and_as_old_as_the_oldest(
    place: Path,
) -> None:
    execute(
        place,
        f"{SCHEMA}{ROW} CREATE TABLE decisions (decision TEXT);"
        "INSERT INTO decisions VALUES ('Timeless');",
    )
    adopted = everything(place)
    assert adopted[2] == context(
        2,
        "decision: Timeless",
        importance=7,
        tags=("decision",),
        created_at=adopted[1].created_at,
    )


def test_decisions_get_ids_above_every_one_that_was_given(place: Path) -> None:
    execute(
        place,
        f"{SCHEMA}{ROW} UPDATE sqlite_sequence SET seq = 40;"
        "CREATE TABLE decisions (id INTEGER PRIMARY KEY, decision TEXT);"
        "INSERT INTO decisions VALUES (1, 'One'), (2, 'Two');",
    )
    assert set(everything(place)) == {1, 41, 42}


def test_the_table_of_decisions_itself_stays_as_it_was(place: Path) -> None:
    execute(
        place,
        f"{SCHEMA}{ROW} CREATE TABLE decisions (id INTEGER PRIMARY KEY, decision TEXT, odd BLOB);"
        "INSERT INTO decisions VALUES (3, 'One', x'00ff'), (4, NULL, NULL);",
    )
    everything(place)
    assert rows(place, "SELECT * FROM decisions") == [(3, "One", b"\x00\xff"), (4, None, None)]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('["API Design", "db"]', ("api design", "db")),
        ('["DB", " db ", "", null, 7]', ("7", "db")),
        ('["Архитектура", "\\ud83d\\ude80"]', ("архитектура", "🚀")),
        ("Alpha, beta ,, BETA", ("alpha", "beta")),
        ("one", ("one",)),
        ('["never closed", "db"', None),
        ("[]", ()),
        ("", ()),
        (None, ()),
    ],
)
def test_tags_in_a_column_of_the_contexts_are_read(
    place: Path, written: str | None, expected: tuple[str, ...] | None
) -> None:
    literal = "NULL" if written is None else f"'{written}'"
    execute(
        place, f"{SCHEMA} ALTER TABLE contexts ADD COLUMN tags TEXT; {ROW}"
        f"UPDATE contexts SET tags = {literal};",
    )  # fmt: skip
    if expected is None:  # malformed: read as words between commas, whatever is around them
        expected = ('"db"', '["never closed"')
    assert everything(place) == {1: context(tags=expected)}
    assert faults_within(place) == []


def test_tags_in_a_column_and_in_links_are_merged(place: Path) -> None:
    execute(
        place,
        f"{SCHEMA} ALTER TABLE contexts ADD COLUMN tags TEXT; {ROW}"
        """
        UPDATE contexts SET tags = '["DB", "column"]';
        INSERT INTO tags VALUES (1, 'db'), (2, 'link'), (3, 'LINK ');
        INSERT INTO context_tags VALUES (1, 1), (1, 2), (1, 3);
        """,
    )
    assert everything(place) == {1: context(tags=("column", "db", "link"))}
    assert faults_within(place) == []


def test_links_to_rows_that_are_gone_are_left_behind(place: Path) -> None:
    execute(
        place,
        SCHEMA + ROW + "INSERT INTO tags VALUES (1, 'db');"
        "INSERT INTO context_tags VALUES (1, 1), (1, 99), (99, 1);",
    )
    assert everything(place) == {1: context(tags=("db",))}
    assert faults_within(place) == []


def test_values_without_a_place_are_kept_as_json(place: Path) -> None:
    execute(
        place,
        f"""
        {SCHEMA}
        ALTER TABLE contexts ADD COLUMN context_type TEXT;
        ALTER TABLE contexts ADD COLUMN metadata BLOB;
        {ROW}
        INSERT INTO contexts (id, content, importance_level, context_type, created_at)
            VALUES (2, 'Typed', 5, 'заметка', '2025-07-02 12:00:00');
        INSERT INTO contexts (id, content, importance_level, metadata, expires_at, status)
            VALUES (3, 'Blob', 5, x'00ff', '2030-01-01', 'archived');
        INSERT INTO contexts (id, content, importance_level, access_count) VALUES (4, 'Read', 5, 3);
        UPDATE contexts SET last_accessed = '2025-07-03 00:00:00';
        INSERT INTO projects (id, name, description, last_accessed)
            VALUES ('My_Proj', 'My project', 'Words of its owner', '2025-07-03 00:00:00');
        """,
    )
    everything(place)
    common = {"status": "active", "access_count": 0, "last_accessed": "2025-07-03 00:00:00"}
    assert legacy_values(place) == {
        ("contexts", "2"): common | {"context_type": "заметка"},
        ("contexts", "3"): common
        | {"metadata": "00ff", "expires_at": "2030-01-01", "status": "archived"},
        ("contexts", "4"): common | {"access_count": 3},
        ("projects", "My_Proj"): {
            "name": "My project",
            "description": "Words of its owner",
            "last_accessed": "2025-07-03 00:00:00",
            "status": "active",
        },
    }


@pytest.mark.parametrize(
    "projects",
    [
        "CREATE TABLE projects (name TEXT PRIMARY KEY, description TEXT)",
        "CREATE TABLE projects (project_id TEXT PRIMARY KEY, description TEXT) WITHOUT ROWID",
    ],
    ids=["name", "project_id"],
)
def test_a_table_of_projects_without_an_id_is_kept_as_json(place: Path, projects: str) -> None:
    execute(
        place, f"{CONTEXTS}{TAGS}{ROW}{projects}; INSERT INTO projects VALUES ('Mine', 'Words');"
    )
    assert everything(place) == {1: context()}
    assert [list(value.values()) for value in _kept(place)] == [["Mine", "Words"]]


def _kept(path: Path) -> list[dict[str, object]]:
    return [json.loads(str(value)) for (value,) in rows(path, "SELECT value FROM legacy_values")]


def test_tables_that_nobody_knows_are_left_untouched(place: Path) -> None:
    execute(
        place,
        SCHEMA + ROW + "CREATE TABLE shopping (item TEXT UNIQUE, price REAL);"
        "INSERT INTO shopping VALUES ('tea', 4.5), ('чай', NULL);",
    )
    everything(place)
    assert tables(place) == OURS | {"shopping"}
    assert rows(place, "SELECT * FROM shopping") == [("tea", 4.5), ("чай", None)]


@pytest.mark.parametrize("rule", ["", "ON DELETE CASCADE", "ON DELETE SET NULL"])
def test_rows_of_an_unknown_table_that_refer_to_contexts_are_left_untouched(
    place: Path, rule: str
) -> None:
    execute(
        place,
        f"{SCHEMA}{ROW} CREATE TABLE attachments (id INTEGER PRIMARY KEY, path TEXT, "
        f"context_id INTEGER REFERENCES contexts(id) {rule});"
        "INSERT INTO attachments VALUES (1, 'a.png', 1);",
    )
    assert everything(place) == {1: context()}
    assert rows(place, "SELECT * FROM attachments") == [(1, "a.png", 1)]
    assert faults_within(place) == []


def test_decisions_that_refer_to_contexts_are_adopted_and_stay(place: Path) -> None:
    execute(
        place,
        f"{SCHEMA}{ROW} CREATE TABLE decisions (id INTEGER PRIMARY KEY, decision TEXT, "
        "created_at TEXT, context_id INTEGER REFERENCES contexts(id) ON DELETE CASCADE);"
        "INSERT INTO decisions VALUES (1, 'Use it', '2025-07-02 12:00:00', 1);",
    )
    assert everything(place) == {
        1: context(),
        2: context(2, "decision: Use it\ncontext id: 1", importance=7, tags=("decision",)),
    }
    assert rows(place, "SELECT * FROM decisions") == [(1, "Use it", "2025-07-02 12:00:00", 1)]
    assert faults_within(place) == []


def test_views_of_the_earlier_tables_do_not_stand_in_the_way(place: Path) -> None:
    execute(
        place,
        SCHEMA + ROW + "CREATE VIEW important AS SELECT c.*, t.name FROM contexts c "
        "LEFT JOIN context_tags l ON l.context_id = c.id LEFT JOIN tags t ON t.id = l.tag_id;",
    )
    assert everything(place) == {1: context()}


def test_indexes_with_the_names_of_0_9_0_do_not_stand_in_the_way(place: Path) -> None:
    execute(
        place,
        SCHEMA + ROW + "CREATE INDEX idx_contexts_project_created ON contexts(project_id, "
        "created_at DESC); CREATE INDEX idx_tags_name ON tags(name);",
    )
    assert everything(place) == {1: context()}
    assert rows(place, "SELECT count(*) FROM sqlite_master WHERE name LIKE 'idx%'") == [(0,)]


def test_a_file_without_autoincrement_is_adopted(place: Path) -> None:
    execute(place, (SCHEMA + ROW).replace("AUTOINCREMENT", ""))
    assert everything(place) == {1: context()}
    with closing(SqliteRepository(place)) as repository:
        assert save(repository, "New") == 2
        assert repository.forget(2, project=None) == "general"
        assert save(repository, "Newer") == 3


@pytest.mark.parametrize(
    "others", ["", PROJECTS, TAGS.partition(";")[0] + ";"], ids=["none", "projects", "tags"]
)
def test_a_file_without_tables_for_tags_is_adopted(place: Path, others: str) -> None:
    execute(place, CONTEXTS + others + ROW)
    assert everything(place) == {1: context()}
    assert tables(place) == OURS


def test_a_file_with_contents_and_nothing_else_is_adopted(place: Path) -> None:
    execute(
        place,
        "CREATE TABLE contexts (id INTEGER PRIMARY KEY, content TEXT, project_id TEXT);"
        "INSERT INTO contexts VALUES (5, 'Bare', 'My_Proj'), (6, NULL, NULL);",
    )
    earliest = datetime.now(timezone.utc)
    adopted = everything(place)
    moment = adopted[5].created_at
    assert abs(moment - earliest).total_seconds() < 30
    assert adopted == {
        5: context(5, "Bare", project="my proj", created_at=moment),
        6: context(6, "", created_at=moment),
    }


def test_a_file_without_project_names_is_adopted_to_general(place: Path) -> None:
    execute(
        place,
        "CREATE TABLE contexts (id INTEGER PRIMARY KEY, content TEXT, importance_level INTEGER,"
        "created_at TEXT); INSERT INTO contexts VALUES (1, 'kept', 5, '2025-07-02 12:00:00');",
    )
    assert everything(place) == {1: context()}


def test_a_file_without_contexts_in_its_tables_is_adopted(place: Path) -> None:
    execute(place, SCHEMA)
    assert everything(place) == {}
    assert tables(place) == OURS
    assert len(backups(place)) == 1


@pytest.mark.parametrize(
    ("written", "project"),
    [
        (None, "general"),
        ("", "general"),
        (" \t ", "general"),
        ("---", "general"),
        ("_-_ ", "general"),
        ("\u00a0", "general"),
        ("\x00", "general"),
        ("My_Proj", "my proj"),
        ("MY  PROJ", "my proj"),
        ("a\x1bb\x00c\x85d", "a b c d"),
        ("tab\there\nand there", "tab here and there"),
        ("x" * 201, "x" * 200),
        ("y" * 199 + " " + "z" * 5, "y" * 199),
        ("caf\u0065\u0301", "caf\u00e9"),
        ("İstanbul", "i̇stanbul"),
        ("🧪_Lab", "🧪 lab"),
        (42, "42"),
    ],
)
def test_every_project_name_that_was_written_becomes_one_that_can_be_named(
    place: Path, written: object, project: str
) -> None:
    execute(place, SCHEMA + ROW)
    with closing(SqliteRepository(place)) as repository:
        _set(place, "project_id", written)
        repository.prepare()
    assert everything(place) == {1: context(project=project)}


def test_two_spellings_of_a_project_merge(place: Path) -> None:
    execute(
        place,
        SCHEMA + ROW + "INSERT INTO contexts (id, project_id, content, importance_level,"
        "created_at) VALUES (2, 'My_Proj', 'a', 5, '2025-07-02 12:00:00'),"
        "(3, ' my-proj', 'b', 5, '2025-07-02 12:00:00');"
        "INSERT INTO tags VALUES (1, 'db'), (2, 'DB');"
        "INSERT INTO context_tags VALUES (2, 1), (3, 2);",
    )
    assert everything(place) == {
        1: context(),
        2: context(2, "a", project="my proj", tags=("db",)),
        3: context(3, "b", project="my proj", tags=("db",)),
    }
    assert faults_within(place) == []


def _set(path: Path, column: str, value: object) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"UPDATE contexts SET {column} = ? WHERE id = 1", (value,))
        database.commit()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2025-07-02 12:00:00", "2025-07-02T12:00:00"),
        ("2025-07-02T12:00:00", "2025-07-02T03:00:00"),
        ("2025-07-02T12:00:00.123456", "2025-07-02T03:00:00.123"),
        ("2025-07-02T12:00:00.999999", "2025-07-02T03:00:00.999"),
        ("2025-07-02T12:00:00Z", "2025-07-02T12:00:00"),
        ("2025-07-02T12:00:00.500Z", "2025-07-02T12:00:00.500"),
        ("2025-07-02T12:00:00+05:30", "2025-07-02T06:30:00"),
        ("2025-07-02 12:00:00-04:00", "2025-07-02T16:00:00"),
        ("2025-07-02 12:00:00.123", "2025-07-02T12:00:00.123"),
        ("  2025-07-02 12:00:00\n", "2025-07-02T12:00:00"),
        ("2025-07-02", "2025-07-02T00:00:00"),
        (1751457600, "2025-07-02T12:00:00"),
        (1751457600.25, "2025-07-02T12:00:00.250"),
        (1751457600123, "2025-07-02T12:00:00.123"),
        ("1970-01-01 00:00:00", "1970-01-01T00:00:00"),
    ],
)
def test_times_are_read_however_they_were_written(
    place: Path, local_zone: Callable[[str], None], written: object, expected: str
) -> None:
    local_zone("JST-9")
    execute(place, SCHEMA.replace("TIMESTAMP", "BLOB") + ROW)  # BLOB keeps what it is given
    _set(place, "created_at", written)
    assert everything(place)[1].created_at == utc(expected)


def test_every_millisecond_is_read_exactly(place: Path, local_zone: Callable[[str], None]) -> None:
    local_zone("UTC0")
    execute(
        place,
        SCHEMA + "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000) "
        "INSERT INTO contexts (id, content, importance_level, created_at) SELECT i, 'kept', 5, "
        "strftime('%Y-%m-%dT%H:%M:%S', 1000000000 + i * 150001, 'unixepoch') || "
        "printf('.%03d000', i % 1000) FROM n;",
    )
    read = {number: found.created_at.microsecond for number, found in everything(place).items()}
    assert read == {number: number % 1000 * 1000 for number in range(1, 6001)}


@pytest.mark.parametrize(
    "written",
    [None, "", "yesterday", "2025-13-45T99:00:00", "0000-00-00 00:00:00", 9e30, b"\x00", "now"],
)
def test_a_time_that_cannot_be_read_counts_as_old_as_the_oldest(
    place: Path, written: object
) -> None:
    execute(
        place,
        SCHEMA + ROW + "INSERT INTO contexts (id, content, importance_level, created_at) VALUES "
        "(2, 'older', 5, '2025-01-01 00:00:00'), (3, 'newer', 5, '2025-12-01 00:00:00');",
    )
    _set(place, "created_at", written)
    assert everything(place)[1] == context(created_at=utc("2025-01-01T00:00:00"))


@pytest.mark.parametrize(
    "written",
    [
        *(float("inf"), float("-inf"), -2e11, 2e11),
        *("9999-12-31T23:59:59.999999", "0001-01-01T00:00:00"),
        *("1969-12-31 23:59:59", "2248-01-01 00:00:00"),
    ],
)
def test_the_ends_of_time_break_nothing(
    place: Path, local_zone: Callable[[str], None], written: object
) -> None:
    local_zone("EST5EDT,M3.2.0,M11.1.0")
    execute(place, SCHEMA + ROW)
    _set(place, "created_at", written)
    assert everything(place)[1].note.content == "kept"


@pytest.mark.parametrize(
    ("written", "importance"),
    [
        (1, 1),
        (10, 10),
        (0, 1),
        (-3, 1),
        (11, 10),
        (99, 10),
        (2**63 - 1, 10),
        (7.9, 7),
        ("8", 8),
        ("high", 5),
        (b"\x09", 5),
    ],
)
def test_importance_is_clamped(place: Path, written: object, importance: int) -> None:
    execute(place, SCHEMA + ROW)
    _set(place, "importance_level", written)
    assert everything(place) == {1: context(importance=importance)}


@pytest.mark.parametrize(
    ("written", "content"),
    [
        (b"bytes \xd0\xb8 text", "bytes и text"),
        (12, "12"),
        ("", ""),
        ("\ufeffmark\u2028\u0000end ", "\ufeffmark\u2028\u0000end "),
    ],
)
def test_content_of_another_type_becomes_text(place: Path, written: object, content: str) -> None:
    execute(place, SCHEMA + ROW)
    _set(place, "content", written)
    assert everything(place) == {1: context(content=content)}


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE contexts SET content = CAST(x'6f6bff' AS TEXT) WHERE id = 2",
        "UPDATE contexts SET project_id = CAST(x'6f6bff' AS TEXT) WHERE id = 2",
        "UPDATE tags SET name = CAST(x'6f6bff' AS TEXT)",
    ],
    ids=["content", "project", "tag"],
)
def test_a_text_that_is_not_utf_8_does_not_keep_the_rest_from_being_adopted(
    place: Path, damage: str
) -> None:
    execute(
        place,
        SCHEMA + ROW + "INSERT INTO contexts (id, content, importance_level, created_at) "
        "VALUES (2, 'other', 5, '2025-07-02 12:00:00'); INSERT INTO tags VALUES (1, 'db');"
        f"INSERT INTO context_tags VALUES (2, 1); {damage};",
    )
    adopted = everything(place)
    assert set(adopted) == {1, 2}
    assert adopted[1] == context()


def test_a_file_in_wal_mode_is_adopted_with_what_lies_in_its_wal(place: Path) -> None:
    execute(place, SCHEMA)
    with closing(sqlite3.connect(place)) as crashed:
        crashed.execute("PRAGMA journal_mode=WAL")
        crashed.execute("PRAGMA wal_autocheckpoint=0")
        crashed.executescript(ROW)
        copy = place.with_name("copy.db")
        for suffix in ("", "-wal"):
            copy.with_name(f"copy.db{suffix}").write_bytes(
                place.with_name(f"memory.db{suffix}").read_bytes()
            )
    assert everything(copy) == {1: context()}


def test_a_thousand_tags_of_one_context_are_adopted(place: Path) -> None:
    tags = tuple(f"tag {number:04}" for number in range(1000))
    execute(place, f"{SCHEMA} ALTER TABLE contexts ADD COLUMN tags TEXT; {ROW}")
    _set(place, "tags", json.dumps(tags))
    assert everything(place) == {1: context(tags=tags)}
