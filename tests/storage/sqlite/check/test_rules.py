"""Each way in which a file can be wrong is found, and mended where that can be."""

from contextlib import closing
from pathlib import Path

import pytest

from extended_memory.flaws import Finding, Flaw
from extended_memory.storage.sqlite.repository import SqliteRepository
from tests.support.contract import tell
from tests.support.sqlite_stores import execute, faults_within, index_flaws, rows, save

DERIVED = {
    "a count by importance": (
        "UPDATE context_counts SET context_count = context_count + 3",
        (Flaw.IMPORTANCE_COUNTS, 2),
    ),
    "a count of nothing": (
        "INSERT INTO context_counts VALUES (1, 9, 4)",
        (Flaw.IMPORTANCE_COUNTS, 1),
    ),
    "a missing count": ("DELETE FROM context_counts", (Flaw.IMPORTANCE_COUNTS, 1)),
    "a count of a tag": (
        "UPDATE tags SET context_count = 7 WHERE name = 'all'",
        (Flaw.TAG_COUNT, 1),
    ),
    "an orphan tag": (
        "INSERT INTO tags (project_id, name, context_count) VALUES (1, 'orphan', 0)",
        (Flaw.TAG_COUNT, 1),
    ),
    "a link's importance": (
        "UPDATE context_tags SET importance = 9 WHERE context_id = 2",
        (Flaw.LINK_OUTDATED, 2),
    ),
    "a link to nothing": (
        "PRAGMA foreign_keys=OFF; INSERT INTO context_tags VALUES (1, 5, 0, 999)",
        (Flaw.LINK_GONE, 1),
    ),
    "a digest": ("UPDATE contexts SET digest = 0 WHERE id < 4", (Flaw.CONTENT_HASH, 3)),
    "times of a project": ("UPDATE projects SET last_saved_at = 0", (Flaw.PROJECT_TIMES, 1)),
    "an id to be given again": ("UPDATE sqlite_sequence SET seq = 3", (Flaw.ID_REUSABLE, 1)),
    "no sequence": ("DELETE FROM sqlite_sequence", (Flaw.ID_REUSABLE, 1)),
    "a posting too little": (
        "DELETE FROM postings WHERE context_id = 5; UPDATE terms SET df = "
        "(SELECT count(*) FROM postings WHERE term_id = terms.id)",
        (Flaw.SEARCH_WORDS, 1),
    ),
    "a posting of nothing": (
        "INSERT INTO recent_postings SELECT min(id), 5000, 7 FROM terms",
        (Flaw.SEARCH_WORDS, 1),
    ),
    "an impact": (
        "UPDATE postings SET impact = impact + 1 WHERE context_id = 6",
        (Flaw.SEARCH_WORDS, 1),
    ),
    "a df": ("UPDATE terms SET df = df + 1 WHERE id = 1", (Flaw.SEARCH_COUNTS, 1)),
    "a bound": (
        "UPDATE store_facts SET value = 'x' WHERE name = 'unindexed_below'",
        (Flaw.SEARCH_PROGRESS, 1),
    ),
    "a text that was changed behind the index": (
        "UPDATE contexts SET content = 'other words' WHERE id = 5",
        (Flaw.CONTENT_HASH, 1),
    ),
}
"""SQL that makes something wrong that can be rebuilt, and what is found."""

LOST = {
    "a context of no project": (
        "PRAGMA foreign_keys=OFF; UPDATE contexts SET project_id = 77 WHERE id = 3",
        Flaw.PROJECT_GONE,
    ),
    "earlier texts of nothing": (
        "INSERT INTO revisions VALUES (1, 888, 1, 5, 0, '[]', 'gone')",
        Flaw.REVISION_ORPHANED,
    ),
    "earlier tags that are no JSON": (
        "INSERT INTO revisions VALUES (1, 2, 1, 5, 0, '[', 'x')",
        Flaw.REVISION_UNREADABLE,
    ),
    "in the trash and not": (
        "INSERT INTO trash VALUES (2, 1, 5, 0, NULL, 0, '[]', 'x')",
        Flaw.TRASH_DUPLICATE,
    ),
    "in the trash of nothing": (
        "PRAGMA foreign_keys=OFF; INSERT INTO trash VALUES (900, 44, 5, 0, NULL, 0, '[]', 'x')",
        Flaw.TRASH_UNREADABLE,
    ),
}


@pytest.fixture
def stored(place: Path) -> Path:
    """Give a file with contexts of one project, none of them a recent posting."""
    with closing(SqliteRepository(place)) as repository:
        for number in range(1, 65):
            save(repository, f"note {number} of the trees", tags=("all", f"t{number % 3}"))
    return place


def found(path: Path) -> tuple[Finding, ...]:
    with closing(SqliteRepository(path)) as repository:
        return repository.check(tell)


def repaired(path: Path) -> None:
    with closing(SqliteRepository(path)) as repository:
        repository.repair(repository.check(tell))
        while repository.index_newest(10):
            pass


@pytest.mark.parametrize("name", DERIVED)
def test_what_is_derived_is_found_and_rebuilt(stored: Path, name: str) -> None:
    harm, (flaw, count) = DERIVED[name]
    kept = rows(stored, "SELECT id, content, importance, created_at FROM contexts")
    execute(stored, harm)
    assert Finding(flaw=flaw, count=count) in found(stored)
    assert flaw.can_be_rebuilt
    if "behind" in name:
        kept = rows(stored, "SELECT id, content, importance, created_at FROM contexts")
    repaired(stored)
    assert found(stored) == ()
    assert [*faults_within(stored), *index_flaws(stored)] == []
    assert rows(stored, "SELECT id, content, importance, created_at FROM contexts") == kept


@pytest.mark.parametrize("name", LOST)
def test_what_cannot_be_rebuilt_is_said_and_left_as_it_is(stored: Path, name: str) -> None:
    harm, flaw = LOST[name]
    execute(stored, harm)
    tables = [f"SELECT * FROM {table} ORDER BY id" for table in ("contexts", "trash", "revisions")]
    kept = [rows(stored, query) for query in tables]
    assert flaw in {one.flaw for one in found(stored)}
    assert not flaw.can_be_rebuilt
    repaired(stored)
    assert {one.flaw for one in found(stored)} == {flaw}
    assert [rows(stored, query) for query in tables] == kept


def test_a_link_to_a_tag_of_another_project_becomes_one_to_its_own(stored: Path) -> None:
    execute(
        stored,
        """
        INSERT INTO projects VALUES (2, 'other', 0, 0);
        INSERT INTO tags VALUES (50, 2, 'foreign', 1);
        INSERT INTO context_tags SELECT 50, importance, created_at, id FROM contexts WHERE id = 7;
        """,
    )
    assert {finding.flaw.part for finding in found(stored)} == {"tags", "search"}
    repaired(stored)
    assert found(stored) == ()
    with closing(SqliteRepository(stored)) as repository:
        (context,) = repository.get([7], project=None)
    assert context.note.tags == ("all", "foreign", "t1")


def test_an_index_of_the_file_that_lost_rows_is_made_anew(stored: Path) -> None:
    execute(
        stored,
        """
        PRAGMA writable_schema=ON;
        CREATE TABLE hidden AS SELECT rootpage FROM sqlite_master WHERE name = 'ix_contexts_digest';
        UPDATE sqlite_master SET sql = sql || ' WHERE id < 10' WHERE name = 'ix_contexts_digest';
        """,
    )
    execute(stored, "REINDEX ix_contexts_digest")
    execute(
        stored,
        """
        PRAGMA writable_schema=ON;
        UPDATE sqlite_master SET sql = replace(sql, ' WHERE id < 10', '')
        WHERE name = 'ix_contexts_digest';
        DROP TABLE hidden;
        """,
    )
    (finding,) = found(stored)
    assert finding.flaw is Flaw.INDEX_ROWS
    repaired(stored)
    assert found(stored) == ()
    assert faults_within(stored) == []


def test_damaged_pages_are_found(stored: Path) -> None:
    (root,) = rows(stored, "SELECT rootpage FROM sqlite_master WHERE name = 'postings'")[0]
    assert isinstance(root, int)
    with stored.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)
    (finding,) = found(stored)
    assert finding.flaw is Flaw.STRUCTURE


def test_a_store_that_is_only_partly_indexed_fits_together(stored: Path) -> None:
    execute(stored, "DELETE FROM store_facts WHERE name = 'analyzer'")
    with closing(SqliteRepository(stored)) as repository:
        repository.index_newest(20)
        assert repository.check(tell) == ()
