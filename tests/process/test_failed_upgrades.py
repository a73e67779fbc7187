"""A server that cannot upgrade its file: what it answers, and what it leaves beside the file."""

import json
import math
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.commands import run
from tests.support.server import COMMAND, Start
from tests.support.sqlite_stores import damage, write_rows

GOOD = "memory.db.backup-20250101T000000Z-0.9.0"
CALLS = 7


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.long
def test_seven_loads_of_a_damaged_file_leave_its_good_backup_and_one_copy(
    start: Start, place: Path
) -> None:
    write_rows(place, 500)
    shutil.copy(place, place.with_name(GOOD))
    damage(place, "context_tags")
    server = start()
    server.handshake()
    answers = {server.refused("load_contexts") for _ in range(CALLS)}
    assert server.end() == 0
    (answer,) = answers
    assert "lists and does not call damaged" in answer
    first, good, made = names(place.parent)
    assert (first, good) == ("memory.db", GOOD)

    listed = json.loads(run("backups", "--json", env={}).stdout)
    assert [(Path(one["path"]).name, one["damaged"]) for one in listed] == [
        (made, True),
        (GOOD, False),
    ]
    refused = run("restore-backup", made, "--yes", env={})
    assert (refused.returncode, "is damaged" in refused.stderr) == (1, True)
    assert run("restore-backup", GOOD, "--yes", env={}).returncode == 0

    server = start()
    server.handshake()
    assert server.ok("load_contexts", project_id="project 1", importance_level=1)["total"]
    assert server.end() == 0
    assert {GOOD, made} <= set(names(place.parent))


@pytest.mark.long
@pytest.mark.parametrize("files", [1.05, 1.9, 2.02, 3.0, 3.5])
def test_an_upgrade_on_a_full_disk_leaves_the_file_alone_and_says_what_it_takes(
    start: Start, tmp_path: Path, files: float
) -> None:
    old, folder = tmp_path / "old.db", tmp_path / "disk"
    write_rows(old, 100_000)  # more than SQLite keeps in memory while it copies
    size = old.stat().st_size
    folder.mkdir()
    mounted = on_a_disk_of(int(size * files), folder, old)
    server = start(
        [*mounted, *COMMAND], env={"STORAGE_CONNECTION_STRING": str(folder / "memory.db")}
    )
    server.handshake()
    answers = {server.refused("load_contexts") for _ in range(3)}
    megabytes = math.ceil(3 * size / 1_000_000)
    assert answers == {
        f"memory.db cannot be upgraded, which takes about {megabytes} MB beside it, and the disk "
        "is full: free some space and try again."
    }
    seen = Path(f"/proc/{server.process.pid}/root{folder}")
    assert names(seen) == ["memory.db"]
    assert (seen / "memory.db").read_bytes() == old.read_bytes()


def on_a_disk_of(size: int, folder: Path, old: Path) -> list[str]:
    """Return the words before a command that give it a small disk at a folder, and a file there."""
    script = (
        f'mount -t tmpfs -o size={size},mode=0700 memory "{folder}" '
        f'&& cp "{old}" "{folder}/memory.db" && exec "$@"'
    )
    for unshare in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]):
        words = [*unshare, "sh", "-c", script, "sh"]
        if shutil.which("unshare") and subprocess.run([*words, "true"]).returncode == 0:
            return words
    pytest.skip("this machine lets nobody mount a small disk")
