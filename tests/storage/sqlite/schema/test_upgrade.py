"""What state a file is in, what an upgrade keeps of it, and Alembic's commands in a checkout."""

import ast
import logging
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from extended_memory.errors import StoreError
from extended_memory.storage.sqlite.repository import SqliteRepository
from extended_memory.storage.sqlite.schema import upgrade
from extended_memory.version import __version__
from tests.support.sqlite_stores import (
    CHECKOUT,
    OURS,
    ROW,
    SCHEMA,
    backups,
    contents,
    context,
    damage,
    dump,
    everything,
    execute,
    faults_within,
    rows,
    save,
    tables,
)

NEWER = (
    "memory.db was written by a newer release 7.0.0, and it was left as it is: install "
    "extended-memory-mcp 7.0.0 or newer (with uv: `uvx extended-memory-mcp@latest`)."
)
FOREIGN = (
    "memory.db is the database of another program, and it was left as it is: set "
    "STORAGE_CONNECTION_STRING to a file of its own."
)
NO_DATABASE = (
    "memory.db is not a SQLite database, and it was left as it is: move it away or set "
    "STORAGE_CONNECTION_STRING to another file, and try again."
)
DAMAGED = (
    "memory.db is damaged, and it was left as it is: quit every client, choose a copy "
    "that `extended-memory-mcp backups` lists and does not call damaged, put it back with "
    "`extended-memory-mcp restore-backup`, and try again."
)


def alembic(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Alembic's command in the checkout; its file is the test's own."""
    return subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=CHECKOUT,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_program_knows_the_revisions_of_the_scripts() -> None:
    scripts = ScriptDirectory.from_config(upgrade.alembic_configuration())
    revisions = tuple(script.revision for script in scripts.walk_revisions())[::-1]
    assert (revisions, scripts.get_heads()) == (upgrade.REVISIONS, [upgrade.HEAD])


def test_a_migrations_file_begins_with_its_number() -> None:
    scripts = ScriptDirectory.from_config(upgrade.alembic_configuration())
    for script in scripts.walk_revisions():
        assert re.fullmatch(rf"{script.revision}_[a-z0-9_]+\.py", Path(script.path).name)


def test_no_migration_imports_the_models() -> None:
    migrations = sorted((CHECKOUT / "migrations" / "versions").glob("*.py"))
    imported = set()
    for path in (*migrations, CHECKOUT / "extended_memory/storage/sqlite/schema/adopt.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported |= {f"{node.module}.{alias.name}" for alias in node.names}
    assert (
        "extended_memory.storage.sqlite.schema.adopt" in imported
    )  # else this reads the wrong files
    assert {name for name in imported if re.search(r"\bmodels\b|repository", name)} == set()


def test_alembic_makes_a_store_that_the_server_takes_as_it_is(place: Path) -> None:
    made = alembic("upgrade", "head")
    assert made.returncode == 0, made.stderr
    before = dump(place)
    assert everything(place) == {}
    assert dump(place) == before
    assert backups(place) == []


def test_alembic_makes_the_same_tables_as_the_server(place: Path) -> None:
    alembic("upgrade", "head")
    by_hand = dump(place)
    place.unlink()
    everything(place)
    assert dump(place) == by_hand


def test_alembic_finds_the_models_and_the_migrations_agree(place: Path) -> None:
    everything(place)
    checked = alembic("check")
    assert (checked.returncode, checked.stdout) == (0, "No new upgrade operations detected.\n")


def test_alembic_finds_them_agree_beside_tables_that_are_not_ours(place: Path) -> None:
    execute(place, SCHEMA + ROW + "CREATE TABLE decisions (decision TEXT)")
    everything(place)
    checked = alembic("check")
    assert (checked.returncode, checked.stdout) == (0, "No new upgrade operations detected.\n")


def test_alembic_says_the_revision(place: Path) -> None:
    everything(place)
    said = alembic("current")
    assert (said.returncode, said.stdout) == (0, f"{upgrade.HEAD} (head)\n")


def test_alembic_says_no_revision_of_an_earlier_file_and_leaves_it_as_it_is(place: Path) -> None:
    execute(place, SCHEMA + ROW)
    before = place.read_bytes()
    said = alembic("current")
    assert (said.returncode, said.stdout, place.read_bytes()) == (0, "", before)


def test_alembic_adopts_the_file_that_0_9_0_wrote_with_a_backup(written: Path) -> None:
    before = dump(written)
    by_server = written.with_name("by_server.db")
    shutil.copy(written, by_server)
    adopted = alembic("upgrade", "head")
    assert adopted.returncode == 0, adopted.stderr
    assert [dump(backup) for backup in backups(written)] == [before]
    assert tables(written) == OURS
    assert everything(written) == everything(by_server)
    assert faults_within(written) == []


@pytest.mark.parametrize(("is_damaged", "kept"), [(True, 7), (False, 5)])
def test_alembic_thins_out_the_backups_only_after_it_has_upgraded(
    written: Path, is_damaged: bool, kept: int
) -> None:
    for day in range(1, 8):
        backup = written.with_name(f"memory.db.backup-2025010{day}T000000Z-0.9.0")
        shutil.copy(written, backup)
        execute(backup, f"UPDATE contexts SET content = 'Of day {day}' WHERE id = 1")
    if is_damaged:
        damage(written, "context_tags")
    assert bool(alembic("upgrade", "head").returncode) is is_damaged
    assert len(backups(written)) == kept


@pytest.mark.parametrize("target", ["base", "-1"])
def test_a_downgrade_is_refused_and_changes_nothing(place: Path, target: str) -> None:
    with closing(SqliteRepository(place)) as repository:
        save(repository, "Kept")
    before = dump(place)
    refused = alembic("downgrade", target)
    assert refused.returncode != 0
    assert "use the backup beside the file" in refused.stderr
    assert dump(place) == before


@pytest.mark.parametrize("command", [("upgrade", "head"), ("current",)])
def test_alembic_leaves_the_file_of_a_newer_release_as_it_is(
    place: Path, command: tuple[str, ...]
) -> None:
    make_newer(place)
    before = place.read_bytes()
    assert alembic(*command).returncode != 0
    assert place.read_bytes() == before


def make_newer(path: Path) -> None:
    """Make a store of release 7.0.0, whose revision nobody here knows."""
    with closing(SqliteRepository(path)) as repository:
        save(repository, "Of the future")
    execute(
        path,
        "UPDATE alembic_version SET version_num = '9999';"
        "UPDATE store_facts SET value = '7.0.0' WHERE name = 'release';",
    )


def make_newer_with_more(path: Path) -> None:
    make_newer(path)
    execute(path, "CREATE TABLE embeddings (vector BLOB); ALTER TABLE contexts ADD COLUMN more;")


def make_foreign(path: Path) -> None:
    execute(path, "CREATE TABLE shopping (item); INSERT INTO shopping VALUES ('tea');")


def make_foreign_with_contexts(path: Path) -> None:
    execute(path, "CREATE TABLE contexts (name TEXT); INSERT INTO contexts VALUES ('tea');")


def make_foreign_with_alembic(path: Path) -> None:
    execute(
        path,
        "CREATE TABLE alembic_version (version_num TEXT); CREATE TABLE contexts (id, content);"
        f"INSERT INTO alembic_version VALUES ('{upgrade.HEAD}');",
    )


def make_text(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("Список покупок: чай\n" * 100, encoding="utf-8")


def make_damaged(path: Path) -> None:
    """Make a store whose pages beyond the first are noise."""
    with closing(SqliteRepository(path)) as repository:
        for number in range(50):
            save(repository, f"{number} " * 500)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))


REFUSED = [
    (make_newer, NEWER),
    (make_newer_with_more, NEWER),
    (make_foreign, FOREIGN),
    (make_foreign_with_contexts, FOREIGN),
    (make_foreign_with_alembic, FOREIGN),
    (make_text, NO_DATABASE),
    (make_damaged, DAMAGED),
]


@pytest.mark.parametrize(("make", "sentence"), REFUSED)
def test_a_file_that_cannot_be_used_is_left_as_it_is_with_a_sentence(
    place: Path, make: object, sentence: str
) -> None:
    assert callable(make)
    make(place)
    before = place.read_bytes()
    repository = SqliteRepository(place)
    for call in (contents, lambda store: save(store, "Refused")):
        with pytest.raises(StoreError) as refused:
            call(repository)
        assert str(refused.value) == sentence
    repository.close()
    assert [(path.name, path.read_bytes()) for path in place.parent.iterdir()] == [
        ("memory.db", before)
    ]


@pytest.mark.parametrize(("make", "sentence"), REFUSED)
def test_a_fault_is_logged_once_until_it_is_gone(
    place: Path, make: object, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert callable(make)
    make(place)
    aside = place.with_name("aside")
    with closing(SqliteRepository(place)) as repository:
        for _ in range(3):
            with pytest.raises(StoreError):
                contents(repository)
        place.rename(aside)
        assert contents(repository) == []  # the cause is gone: a fresh store
        repository.close()
        aside.rename(place)
        with pytest.raises(StoreError):
            contents(repository)
    said = [record.message for record in caplog.records if record.levelno >= logging.ERROR]
    assert [sentence in line for line in said] == [True, True]


def test_a_folder_in_the_place_of_the_file_is_a_sentence(place: Path) -> None:
    place.mkdir(parents=True)
    with pytest.raises(StoreError, match=r"^memory\.db cannot be opened"):
        SqliteRepository(place).prepare()


def test_a_file_in_the_place_of_the_folder_is_a_sentence(place: Path) -> None:
    place.parent.write_text("in the way")
    with pytest.raises(StoreError, match=r"^memory\.db cannot be opened"):
        SqliteRepository(place).prepare()
    assert place.parent.read_text() == "in the way"


def test_a_store_names_the_release_and_revision_that_made_it(place: Path) -> None:
    everything(place)
    assert rows(place, "SELECT version_num FROM alembic_version") == [(upgrade.HEAD,)]
    assert rows(place, "SELECT * FROM store_facts") == [("release", __version__)]


def test_stores_that_are_upgraded_at_once_in_one_process_do_not_mix(place: Path) -> None:
    paths = [place.with_name(f"{number}.db") for number in range(8)]
    for number, path in enumerate(paths):
        execute(path, SCHEMA + ROW.replace("kept", f"kept {number}"))
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(everything, paths))
    assert found == [{1: context(1, f"kept {number}")} for number in range(8)]


def test_a_fresh_store_needs_no_backup(place: Path) -> None:
    everything(place)
    assert [path.name for path in place.parent.iterdir()] == ["memory.db"]


def earlier_backups(path: Path, count: int) -> list[str]:
    """Put backups of other days beside the file; return their names, oldest first."""
    names = [f"{path.name}.backup-2025010{day}T000000Z-0.9.0" for day in range(1, count + 1)]
    for name in names:
        path.with_name(name).touch()
    return names


@pytest.mark.parametrize("name", ["memory.db", "memory[1].db", "what?*.db"])
def test_the_newest_five_backups_are_kept(place: Path, name: str) -> None:
    path = place.with_name(name)
    execute(path, SCHEMA + ROW)
    earlier = earlier_backups(path, 7)
    everything(path)
    kept = [backup.name for backup in backups(path)]
    assert kept[:-1] == earlier[-4:]
    assert kept[-1] > earlier[-1]


def test_a_copy_that_a_person_made_is_neither_removed_nor_counted(place: Path) -> None:
    execute(place, SCHEMA + ROW)
    by_hand = [f"memory.db.backup-before-trip-{number}" for number in range(6)]
    for name in by_hand:
        place.with_name(name).touch()
    everything(place)
    made = [backup for backup in backups(place) if backup.name not in by_hand]
    assert [rows(backup, "SELECT content FROM contexts") for backup in made] == [[("kept",)]]
    assert all(place.with_name(name).exists() for name in by_hand)


def test_the_backups_of_another_file_in_the_folder_are_not_touched(place: Path) -> None:
    execute(place, SCHEMA + ROW)
    others = earlier_backups(place.with_name("other.db"), 7)
    everything(place)
    assert [path.name for path in backups(place) if path.name.startswith("other")] == others


def test_a_backup_is_a_whole_database_while_another_program_reads_the_file(place: Path) -> None:
    execute(place, SCHEMA + ROW)
    with closing(sqlite3.connect(place, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("BEGIN")
        other.execute("SELECT * FROM contexts").fetchall()
        assert everything(place) == {1: context()}
    (backup,) = backups(place)
    assert rows(backup, "PRAGMA integrity_check") == [("ok",)]
    assert rows(backup, "SELECT content FROM contexts") == [("kept",)]


def test_a_program_that_has_the_earlier_file_open_meets_the_new_tables(place: Path) -> None:
    execute(place, SCHEMA + ROW)
    before = dump(place)
    with closing(sqlite3.connect(place, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM contexts").fetchone()
        other.execute("COMMIT")
        assert everything(place) == {1: context()}
        with pytest.raises(sqlite3.OperationalError, match="no column named"):
            other.execute("INSERT INTO contexts (importance_level) VALUES (5)")
    assert [dump(backup) for backup in backups(place)] == [before]
