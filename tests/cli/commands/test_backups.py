"""``backups``, as a person runs it."""

import json
import shutil
import subprocess
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

from extended_memory.domain import Note
from tests.support.commands import make, opened, run
from tests.support.sqlite_stores import damage as damage_page
from tests.support.sqlite_stores import execute


def fill(path: Path, *texts: str) -> None:
    with closing(opened(str(path))) as repository:
        for text in texts:
            repository.save(
                "general", Note(content=text, importance=5, tags=("a",)), repeat_within=timedelta(0)
            )


def beside(path: Path) -> list[str]:
    return sorted(other.name for other in path.parent.iterdir() if other != path)


def older(place: Path, kind: str, *days: int) -> list[str]:
    """Put copies beside the file that were made in January; return their names."""
    names = [f"memory.db.backup-202501{day:02}T000000Z-0004{kind}" for day in days]
    for name in names:
        shutil.copy(place, place.with_name(name))
    return names


def test_backups_are_listed_with_what_they_hold_the_newest_first(place: Path) -> None:
    fill(place, "one", "two")
    run("backup", env={})
    execute(place.with_name("memory.db.backup-20250102T030405Z-0.9.0"), "SELECT 1")
    place.with_name("memory.db.backup-20250102T030406Z-0003").write_text("no database at all")
    place.with_name("memory.db.backup-mine").write_text("none of ours")
    found = json.loads(run("backups", "--json", env={}).stdout)
    made, damaged, empty = found
    assert made | {"path": "", "written_at": "", "bytes": 0} == {
        "path": "",
        "written_at": "",
        "reason": "manual",
        "revision": "0004",
        "bytes": 0,
        "contexts": 2,
        "damaged": False,
    }
    age = datetime.now(timezone.utc) - datetime.fromisoformat(made["written_at"])
    assert timedelta(0) <= age < timedelta(minutes=1)
    assert damaged["written_at"] == "2025-01-02T03:04:06+00:00"
    assert (damaged["revision"], damaged["contexts"]) == ("0003", None)
    assert (empty["reason"], empty["revision"]) == ("upgrade", "0.9.0")
    text = run("backups", env={}).stdout
    assert f"{Path(made['path']).name}\n  " in text
    assert "2 contexts" in text
    assert "unreadable, 18 bytes, revision 0003, made before an upgrade" in text


def test_listing_leaves_no_trace_beside_the_copies(place: Path) -> None:
    fill(place, "one")
    run("backup", env={})
    before = beside(place)
    run("backups", env={})
    assert beside(place) == before


def test_no_backup_is_said(place: Path) -> None:
    make(str(place))
    ended = run("backups", env={})
    assert (ended.returncode, ended.stdout) == (
        0,
        "There are no backups yet: `extended-memory-mcp backup` makes one.\n",
    )
    assert ended.stderr == f"The memory is {place}.\n"


def test_a_damaged_copy_is_listed_as_damaged(place: Path) -> None:
    fill(place, *(f"note {number} " + "x" * 500 for number in range(50)))
    (whole, damaged) = older(place, "-manual", 1, 2)
    damage_page(place.with_name(damaged), "tags")
    found = json.loads(run("backups", "--json", env={}).stdout)
    assert [(one["contexts"], one["damaged"]) for one in found] == [(50, True), (50, False)]
    facts = [line for line in run("backups", env={}).stdout.splitlines() if " UTC, " in line]
    assert ["50 contexts, damaged, " in line for line in facts] == [True, False]
    assert restore(whole, "--yes").returncode == 0


def restore(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run("restore-backup", *arguments, env={})
