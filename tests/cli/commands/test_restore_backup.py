"""``restore-backup``: a copy in place of the file, as a person puts it there."""

import json
import os
import resource
import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from extended_memory.domain import Note
from tests.support.commands import opened, run
from tests.support.redis_servers import RedisServer
from tests.support.server import COMMAND, Server
from tests.support.sqlite_stores import damage as damage_page
from tests.support.sqlite_stores import execute, faults_within, make_0003, mode, rows


def fill(path: Path, *texts: str) -> None:
    with closing(opened(str(path))) as repository:
        for text in texts:
            repository.save(
                "general", Note(content=text, importance=5, tags=("a",)), repeat_within=timedelta(0)
            )


def held(path: Path) -> list[str]:
    with closing(opened(str(path))) as repository:
        return [context.note.content for context in repository.contexts_after(after=0, limit=1000)]


def loaded(server: Server) -> list[str]:
    return [note["content"] for note in server.ok("load_contexts", importance_level=1)["contexts"]]


def beside(path: Path) -> list[str]:
    return sorted(other.name for other in path.parent.iterdir() if other != path)


def older(place: Path, kind: str, *days: int) -> list[str]:
    """Put copies beside the file that were made in January; return their names."""
    names = [f"memory.db.backup-202501{day:02}T000000Z-0004{kind}" for day in days]
    for name in names:
        shutil.copy(place, place.with_name(name))
    return names


def test_whoever_tries_one_backup_after_another_can_go_back_to_the_first(place: Path) -> None:
    fill(place, "the good one")
    copies = []
    for number in range(8):
        copy = place.with_name(f"wrong-{number}.db")
        fill(copy, f"wrong {number}")
        copies.append(copy)
    asides = [
        json.loads(restore(str(copy), "--yes", "--json").stdout)["replaced"] for copy in copies
    ]
    assert [held(Path(aside)) for aside in asides] == [
        ["the good one"],
        *([f"wrong {number}"] for number in range(7)),
    ]


def test_of_what_was_replaced_long_ago_the_newest_five_whole_ones_stay(
    place: Path, tmp_path: Path
) -> None:
    fill(place, "one")
    before = older(place, "-replaced", 1, 2, 3, 4, 5, 6)
    damage_page(place.with_name(before[5]), "contexts")
    copy = tmp_path / "copy.db"
    run("backup", str(copy), env={})
    aside = json.loads(restore(str(copy), "--yes", "--json").stdout)["replaced"]
    assert beside(place) == sorted([*before[1:], Path(aside).name])


def damage(place: Path) -> None:
    fill(place, *(f"note {number} " + "x" * 500 for number in range(50)))
    damage_page(place, "contexts")


def on_a_full_disk(*arguments: str, limit: int) -> subprocess.CompletedProcess[str]:
    """Run a command where no file may become larger than this."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=os.environ,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.long(but=1)
@pytest.mark.parametrize("share", [0.5, 1.5, 2.5])
def test_a_disk_that_fills_while_a_backup_is_restored_leaves_the_file_as_it_was(
    place: Path, tmp_path: Path, share: float
) -> None:
    fill(place, "small", "x" * 30_000)
    large = tmp_path / "large.db"
    fill(large, *(f"note {number} " + "x" * 9000 for number in range(200)))
    limit = int(place.stat().st_size * share)
    assert limit < large.stat().st_size
    ended = on_a_full_disk("restore-backup", str(large), "--yes", limit=limit)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "cannot be" in ended.stderr
    assert held(place) == ["small", "x" * 30_000]
    assert faults_within(place) == []
    assert beside(place) == []


@pytest.mark.long(but=1)
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_disk_that_fills_while_a_damaged_file_is_replaced_leaves_it_in_its_place(
    place: Path, tmp_path: Path, share: float
) -> None:
    large = tmp_path / "large.db"
    fill(large, *(f"note {number} " + "x" * 9000 for number in range(200)))
    place.parent.mkdir()
    place.write_bytes(b"\xff" * 5000)
    limit = int(large.stat().st_size * share)
    for _ in range(3):
        ended = on_a_full_disk("restore-backup", str(large), "--yes", limit=limit)
        assert (ended.returncode, ended.stdout) == (1, "")
    assert (place.read_bytes(), beside(place)) == (b"\xff" * 5000, [])


def restore(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run("restore-backup", *arguments, env={})


def test_a_backup_takes_the_place_of_the_file_and_that_one_is_kept(place: Path) -> None:
    fill(place, "one")
    copy = Path(json.loads(run("backup", "--json", env={}).stdout)["path"])
    fill(place, "two")
    ended = restore(copy.name, "--yes")  # a name that `backups` lists is enough
    (aside,) = (place.with_name(name) for name in beside(place) if "replaced" in name)
    assert ended.stdout == f"Restored 1 context.\nWhat was there is kept in {aside}\n"
    assert (held(place), held(copy), held(aside)) == (["one"], ["one"], ["one", "two"])
    assert faults_within(place) == []
    assert mode(place) == mode(aside) == 0o600


def test_what_the_write_ahead_log_of_the_old_file_holds_is_kept_aside_and_not_played_back(
    place: Path, tmp_path: Path
) -> None:
    fill(place, "old")
    copy = tmp_path / "copy.db"
    run("backup", str(copy), env={})
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    with closing(opened(str(place))) as repository:
        repository.save("general", Note(content="new", importance=5), repeat_within=timedelta(0))
        for file in place.parent.iterdir():  # as a crash would leave them
            shutil.copy(file, crashed / file.name)
    shutil.rmtree(place.parent)
    crashed.rename(place.parent)
    assert place.with_name("memory.db-wal").stat().st_size > 0
    assert restore(str(copy), "--yes").returncode == 0
    (aside,) = (place.with_name(name) for name in beside(place) if "replaced" in name)
    assert (held(place), held(aside)) == (["old"], ["old", "new"])


def test_nothing_is_restored_while_a_server_has_the_file_open(place: Path, tmp_path: Path) -> None:
    fill(place, "one")
    copy = tmp_path / "copy.db"
    run("backup", str(copy), env={})
    with Server(stderr=tmp_path / "log") as server:
        server.handshake()
        server.ok("save_context", content="two")
        ended = restore(str(copy), "--yes")
        assert ended.returncode == 1
        assert "memory.db was left as it is" in ended.stderr
        assert "quit every client" in ended.stderr
        assert loaded(server) == ["two", "one"]
        server.ok("save_context", content="three")
        assert server.end() == 0
    assert held(place) == ["one", "two", "three"]
    assert beside(place) == []


def test_a_server_that_starts_afterwards_finds_the_backup(place: Path, tmp_path: Path) -> None:
    fill(place, "one")
    copy = tmp_path / "copy.db"
    run("backup", str(copy), env={})
    fill(place, "two")
    restore(str(copy), "--yes")
    with Server(stderr=tmp_path / "log") as server:
        server.handshake()
        assert loaded(server) == ["one"]
        server.ok("save_context", content="three")
        assert server.end() == 0
    assert held(place) == ["one", "three"]


@pytest.mark.parametrize("harm", ["no database", "cut", "malformed"])
def test_a_damaged_file_is_moved_aside_and_replaced(place: Path, tmp_path: Path, harm: str) -> None:
    fill(place, *(f"note {number} " + "x" * 500 for number in range(50)))
    copy = tmp_path / "copy.db"
    run("backup", str(copy), env={})
    if harm == "malformed":
        damage(place)
    else:
        whole = place.read_bytes()
        place.write_bytes(b"\xff" * 100 + whole[100:] if harm == "no database" else whole[:20_000])
    damaged = place.read_bytes()
    ended = restore(str(copy), "--yes")
    assert ended.returncode == 0, ended.stderr
    (aside,) = (place.with_name(name) for name in beside(place) if "replaced" in name)
    assert f"What was there is kept in {aside}\n" in ended.stdout
    assert aside.read_bytes()[200:] == damaged[200:]
    assert len(held(place)) == 50
    assert faults_within(place) == []


def test_a_memory_that_is_gone_comes_back(place: Path, tmp_path: Path) -> None:
    fill(place, "one")
    copy = tmp_path / "copy.db"
    run("backup", str(copy), env={})
    shutil.rmtree(place.parent)
    ended = restore(str(copy), "--yes")
    assert ended.stdout == "Restored 1 context.\n"
    assert (held(place), mode(place)) == (["one"], 0o600)


def test_a_backup_of_an_earlier_revision_is_upgraded_by_the_next_start(
    place: Path, tmp_path: Path
) -> None:
    fill(place, "new")
    copy = tmp_path / "copy.db"
    make_0003(copy, [])
    assert restore(str(copy), "--yes").returncode == 0
    assert held(place) == []
    assert rows(place, "SELECT version_num FROM alembic_version") == [("0004",)]


def other_program(path: Path) -> None:
    execute(path, "CREATE TABLE recipes (id INTEGER)")


def newer(path: Path) -> None:
    fill(path, "x")
    execute(path, "UPDATE alembic_version SET version_num = '9999'")


REFUSED = {
    "no memory of ours": (other_program, "is the database of another program"),
    "of a newer release": (newer, "was written by a newer release"),
    "damaged": (damage, "is damaged, so it was not restored"),
    "no database": (lambda path: path.write_text("text " * 99), "is not a SQLite database"),
    "empty": (lambda path: path.touch(), "holds no memory of this product"),
    "not there": (lambda path: None, "There is no file other.db: check its name"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_backup_is_refused(place: Path, tmp_path: Path, name: str) -> None:
    make, sentence = REFUSED[name]
    fill(place, "one")
    other = tmp_path / "other.db"
    make(other)
    ended = restore(str(other), "--yes")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert sentence in ended.stderr
    assert (held(place), beside(place)) == (["one"], [])


def test_the_present_file_is_no_backup_of_itself(place: Path) -> None:
    fill(place, "one")
    ended = restore(str(place), "--yes")
    assert ended.returncode == 1
    assert "memory.db is the present file itself" in ended.stderr


def test_nothing_is_restored_where_nobody_can_be_asked(place: Path, tmp_path: Path) -> None:
    fill(place, "one")
    copy = tmp_path / "copy.db"
    run("backup", str(copy), env={})
    fill(place, "two")
    ended = restore(str(copy))
    assert ended.returncode == 1
    assert "Replace the memory by 1 context of" in ended.stderr
    assert "--yes" in ended.stderr
    assert held(place) == ["one", "two"]


@pytest.mark.parametrize("command", [["backup"], ["backups"], ["restore-backup", "x.db", "--yes"]])
def test_redis_is_backed_up_in_its_own_way(
    servers: tuple[RedisServer, RedisServer], command: list[str]
) -> None:
    ended = run(*command, env={"STORAGE_CONNECTION_STRING": servers[0].url})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "BGSAVE" in ended.stderr
    assert "`extended-memory-mcp export`" in ended.stderr
    assert servers[0].url not in ended.stderr


def test_a_reader_of_the_file_is_another_user_of_it(place: Path, tmp_path: Path) -> None:
    fill(place, "one")
    copy = tmp_path / "copy.db"
    run("backup", str(copy), env={})
    with closing(sqlite3.connect(place)) as reader:
        reader.execute("SELECT count(*) FROM contexts").fetchone()
        ended = restore(str(copy), "--yes")
    assert ended.returncode == 1
    assert "another process uses it" in ended.stderr
    assert held(place) == ["one"]
