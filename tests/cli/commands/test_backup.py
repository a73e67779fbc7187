"""``backup``: copies of the memory's file, as a person makes them."""

import json
import os
import re
import resource
import shutil
import subprocess
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from extended_memory.domain import Note
from tests.support.commands import opened, run
from tests.support.server import COMMAND, Server
from tests.support.sqlite_stores import damage as damage_page
from tests.support.sqlite_stores import dump, faults_within, make_0003, mode

NAME = re.compile(r"memory\.db\.backup-\d{8}T\d{6}Z-(0004|0003|0\.9\.0|unknown)(-\w+)?")


def fill(path: Path, *texts: str) -> None:
    with closing(opened(str(path))) as repository:
        for text in texts:
            repository.save(
                "general", Note(content=text, importance=5, tags=("a",)), repeat_within=timedelta(0)
            )


def held(path: Path) -> list[str]:
    with closing(opened(str(path))) as repository:
        return [context.note.content for context in repository.contexts_after(after=0, limit=1000)]


def beside(path: Path) -> list[str]:
    return sorted(other.name for other in path.parent.iterdir() if other != path)


def test_a_backup_lies_beside_the_file_and_is_whole(place: Path) -> None:
    fill(place, "one", "two")
    ended = run("backup", env={})
    (name,) = beside(place)
    copy = place.with_name(name)
    assert NAME.fullmatch(name)
    assert name.endswith("-0004-manual")
    assert ended.stdout == f"Copied 2 contexts ({shown(copy)}) to {copy}\n"
    assert (mode(copy), faults_within(copy), held(copy)) == (0o600, [], ["one", "two"])


def shown(path: Path) -> str:
    return f"{path.stat().st_size / 1000:.1f} kB"


def test_a_backup_is_made_while_a_server_writes(place: Path, tmp_path: Path) -> None:
    with Server(stderr=tmp_path / "log") as server:
        server.handshake()
        server.ok("save_context", content="in the write-ahead log")
        copy = tmp_path / "copy.db"
        assert run("backup", str(copy), env={}).returncode == 0
        server.ok("save_context", content="later")
        assert server.end() == 0
    assert held(copy) == ["in the write-ahead log"]
    assert beside(place) == []


def test_a_file_that_is_there_is_not_overwritten(place: Path, tmp_path: Path) -> None:
    fill(place, "one")
    mine = tmp_path / "mine.db"
    mine.write_text("precious")
    ended = run("backup", str(mine), env={})
    assert ended.returncode == 1
    assert (
        "There is a file mine.db already: choose another name, or say --overwrite." in ended.stderr
    )
    assert mine.read_text() == "precious"


def test_a_folder_gets_a_copy_with_a_name_of_its_own(place: Path, tmp_path: Path) -> None:
    fill(place, "one")
    folder = tmp_path / "copies"
    folder.mkdir()
    assert run("backup", str(folder), env={}).returncode == 0
    (copy,) = folder.iterdir()
    assert NAME.fullmatch(copy.name)
    assert held(copy) == ["one"]


def test_five_of_each_kind_stay_and_none_pushes_out_another(place: Path) -> None:
    fill(place, "one")
    older = [f"memory.db.backup-2025010{day}T000000Z-0.9.0" for day in range(1, 6)]
    for name in older:
        shutil.copy(place, place.with_name(name))
    made = [json.loads(run("backup", "--json", env={}).stdout) for _ in range(6)]
    kept = [Path(one["path"]).name for one in made[1:]]
    assert beside(place) == sorted([*older, *kept])
    assert [one["removed"] for one in made] == [[]] * 5 + [[made[0]["path"]]]


def older(place: Path, kind: str, *days: int) -> list[str]:
    """Put copies beside the file that were made in January; return their names."""
    names = [f"memory.db.backup-202501{day:02}T000000Z-0004{kind}" for day in days]
    for name in names:
        shutil.copy(place, place.with_name(name))
    return names


def test_a_backup_stays_where_the_clock_was_set_back(place: Path) -> None:
    fill(place, "one")
    for year in range(2090, 2096):
        shutil.copy(place, place.with_name(f"memory.db.backup-{year}0101T000000Z-0004-manual"))
    made = json.loads(run("backup", "--json", env={}).stdout)
    assert Path(made["path"]).exists()
    assert made["path"] not in made["removed"]


def test_a_damaged_copy_pushes_out_no_whole_one(place: Path) -> None:
    fill(place, "one")
    whole = older(place, "-manual", 1, 2, 3, 4)
    damaged = older(place, "-manual", 5, 6, 7)
    for name in damaged:
        damage_page(place.with_name(name), "contexts")
    made = json.loads(run("backup", "--json", env={}).stdout)
    assert made["removed"] == []
    assert beside(place) == sorted([*whole, *damaged, Path(made["path"]).name])
    made = json.loads(run("backup", "--json", env={}).stdout)
    assert made["removed"] == [str(place.with_name(whole[0]))]


def test_a_file_of_an_earlier_revision_is_copied_as_it_is(place: Path) -> None:
    make_0003(place, [])
    before = dump(place)
    assert run("backup", env={}).returncode == 0
    (name,) = beside(place)
    assert name.endswith("-0003-manual")
    assert dump(place.with_name(name)) == before == dump(place)


def test_a_memory_that_is_not_there_is_said_and_not_made(place: Path) -> None:
    ended = run("backup", env={})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"There is no memory at {place}, which STORAGE_CONNECTION_STRING names" in ended.stderr
    assert not place.exists()


def test_a_damaged_memory_is_not_taken_for_a_backup(place: Path) -> None:
    damage(place)
    ended = run("backup", env={})
    assert ended.returncode == 1
    assert "what was copied is damaged" in ended.stderr
    assert beside(place) == []


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


def test_a_full_disk_is_said_and_leaves_nothing_behind(place: Path) -> None:
    fill(place, *(f"note {number} " + "x" * 2000 for number in range(100)))
    ended = on_a_full_disk("backup", limit=place.stat().st_size // 2)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.search(r"memory\.db\.backup-\S+ cannot be (read or )?written", ended.stderr)
    assert beside(place) == []
