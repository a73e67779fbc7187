"""What lies beside a file whose upgrade fails, is killed, or succeeds at last."""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from extended_memory.storage.sqlite.file import permissions
from extended_memory.storage.sqlite.schema import upgrade
from tests.support.sqlite_servers import prepare, prepare_with_limit, refusal_of_prepare
from tests.support.sqlite_stores import (
    ROW,
    SCHEMA,
    SPAWN,
    backups,
    damage,
    dump,
    everything,
    execute,
    in_another_process,
    make_0003,
    rows,
    write_rows,
)

OLDER = "memory.db.backup-2025010{}T000000Z-0.9.0"


def names(path: Path) -> list[str]:
    return sorted(other.name for other in path.parent.iterdir() if other != path)


def earlier(path: Path, days: range, *, damaged: bool = False) -> list[str]:
    """Put copies of the file, made on these days, beside it; return their names."""
    found = [OLDER.format(day) for day in days]
    for name in found:
        shutil.copy(path, path.with_name(name))
        if damaged:
            damage(path.with_name(name), "context_tags")
    return found


def a_damaged_page(path: Path) -> None:
    damage(path, "context_tags")


def a_name_that_is_taken(path: Path) -> None:
    """Let a view stand where the upgrade makes a table."""
    execute(path, "CREATE TABLE store_facts (other TEXT)")


def a_damaged_page_in_a_file_with_a_wal(path: Path) -> None:
    execute(path, "PRAGMA journal_mode=WAL")
    damage(path, "context_tags")


FAILURES = [a_damaged_page, a_name_that_is_taken, a_damaged_page_in_a_file_with_a_wal]


def refusal(path: Path) -> str:
    return in_another_process(refusal_of_prepare, path)


@pytest.mark.long
@pytest.mark.parametrize("harm", FAILURES)
def test_seven_failing_upgrades_leave_one_copy_and_every_earlier_one(
    written: Path, harm: Callable[[Path], None]
) -> None:
    good = earlier(written, range(1, 5))
    before = {name: written.with_name(name).read_bytes() for name in good}
    harm(written)
    state = written.read_bytes()
    assert all(refusal(written) for _ in range(7))
    (made,) = set(names(written)) - set(good)
    assert {name: written.with_name(name).read_bytes() for name in good} == before
    assert written.with_name(made).read_bytes()[100:] == state[100:]
    assert written.read_bytes()[100:] == state[100:]


@pytest.mark.long
def test_a_file_that_changes_between_two_failing_upgrades_is_copied_again(written: Path) -> None:
    damage(written, "context_tags")
    refused = [refusal(written)]
    execute(written, "UPDATE contexts SET content = 'Changed by 0.9.0' WHERE id = 1")
    refused += [refusal(written), refusal(written)]
    assert all(refused)
    copied = [rows(path, "SELECT content FROM contexts WHERE id = 1") for path in backups(written)]
    assert len(copied) == 2
    assert copied[0] != copied[1] == [("Changed by 0.9.0",)]


@pytest.mark.long
def test_a_change_that_is_only_in_the_wal_is_copied_again(written: Path) -> None:
    damage(written, "context_tags")
    with closing(sqlite3.connect(written, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        assert refusal(written)
        other.execute("UPDATE contexts SET content = 'Changed by 0.9.0' WHERE id = 1")
        assert permissions.size(written.with_name("memory.db-wal"))
        assert refusal(written)
        assert refusal(written)
    assert len(backups(written)) == 2


@pytest.mark.long
def test_copies_of_failing_upgrades_are_at_most_five_and_push_out_nothing(written: Path) -> None:
    good = earlier(written, range(1, 3))
    damage(written, "context_tags")
    for number in range(5):
        execute(written, f"UPDATE contexts SET content = 'Change {number}' WHERE id = 1")
        assert refusal(written)
    assert len(names(written)) == 5
    assert set(good) < set(names(written))


def test_five_copies_that_were_there_all_stay_when_upgrades_fail(written: Path) -> None:
    good = earlier(written, range(1, 9))
    damage(written, "context_tags")
    assert all(refusal(written) for _ in range(3))
    assert names(written) == good


def test_copies_of_damage_push_out_no_whole_one(written: Path) -> None:
    good = earlier(written, range(1, 4))
    execute(written, "UPDATE contexts SET content = 'Of today' WHERE id = 1")
    damaged = earlier(written, range(4, 10), damaged=True)
    everything(written)
    (made,) = set(names(written)) - {*good, *damaged}
    assert names(written) == sorted([*good, *damaged, made])


def test_copies_older_than_five_whole_ones_go_once_an_upgrade_has_succeeded(written: Path) -> None:
    state = written.read_bytes()
    damaged = earlier(written, range(1, 3), damaged=True)
    for day in range(3, 9):
        execute(written, f"UPDATE contexts SET content = 'Of day {day}' WHERE id = 1")
        earlier(written, range(day, day + 1))
    written.write_bytes(state)
    everything(written)
    kept = names(written)
    assert kept[:4] == [OLDER.format(day) for day in range(5, 9)]
    assert len(kept) == 5
    assert not set(damaged) & set(kept)


def test_a_restored_backup_that_is_upgraded_again_is_its_own_copy(written: Path) -> None:
    state = written.read_bytes()
    earlier(written, range(1, 2))
    for day in range(2, 7):
        execute(written, f"UPDATE contexts SET content = 'Of day {day}' WHERE id = 1")
        earlier(written, range(day, day + 1))
    written.write_bytes(state)
    everything(written)
    assert names(written) == [OLDER.format(day) for day in range(1, 7)]


@pytest.mark.long
def test_eight_servers_that_fail_at_once_leave_one_copy(written: Path) -> None:
    damage(written, "context_tags")
    with ProcessPoolExecutor(8, mp_context=SPAWN) as processes:
        refused = list(processes.map(refusal_of_prepare, [written] * 8))
    assert all(refused)
    assert len(names(written)) == 1


@pytest.mark.long
def test_ten_servers_killed_while_they_upgrade_leave_one_copy(place: Path) -> None:
    write_rows(place, 20_000)
    before = dump(place)
    for _ in range(10):
        kill_while_it_upgrades(place)
    assert [dump(copy) for copy in backups(place)] == [before]
    assert len(everything(place)) == 20_000
    assert [dump(copy) for copy in backups(place)] == [before]


def kill_while_it_upgrades(path: Path) -> None:
    server = SPAWN.Process(target=prepare, args=(path,))
    server.start()
    journal = path.with_name("memory.db-journal")
    # A large one is that of the upgrade: probing whether the file can be written makes one too.
    while not (backups(path) and permissions.size(journal) > 100_000):
        assert server.is_alive()
        time.sleep(0.001)
    server.kill()
    server.join()


@pytest.mark.long
def test_what_servers_leave_that_are_killed_while_they_copy_goes_at_the_next_start(
    place: Path,
) -> None:
    write_rows(place, 50_000)
    for _ in range(3):
        server = SPAWN.Process(target=prepare, args=(place,))
        server.start()
        while not any(".unfinished" in name for name in names(place)):
            assert server.is_alive()
            time.sleep(0.0005)
        server.kill()
        server.join()
    in_another_process(prepare, place)
    assert [name for name in names(place) if ".unfinished" in name] == []
    assert len(backups(place)) == 1


PART = "memory.db.backup-20250101T000000Z-0.9.0.x7_k2abc.unfinished"
REPLACED = "memory.db.backup-20250101T000000Z-0004-replaced.x7_k2abc.unfinished"
MANUAL = "memory.db.backup-20250101T000000Z-0004-manual.x7_k2abc.unfinished"
RESTORED = "memory.db.x7_k2abc.unfinished"
OF_ANOTHER = "other.db.backup-20250101T000000Z-0004.x7_k2abc.unfinished"


@pytest.mark.parametrize(
    ("name", "hours", "stays"),
    [
        # The upgrade has the lock under which these are made.
        (PART, 0, False),
        (f"{PART}-journal", 0, False),
        (REPLACED, 0, False),
        # Somebody may be writing these just now.
        (MANUAL, 0, True),
        (RESTORED, 0, True),
        (MANUAL, 23, True),
        (MANUAL, 25, False),
        (f"{MANUAL}-journal", 25, False),
        (RESTORED, 25, False),
        (OF_ANOTHER, 25, True),
        ("memory.db.backup-mine", 25, True),
        ("memory.db.mine", 25, True),
    ],
)
def test_an_upgrade_removes_the_parts_that_nobody_can_be_writing(
    place: Path, name: str, hours: int, stays: bool
) -> None:
    execute(place, SCHEMA + ROW)
    aged(place.with_name(name), hours)
    everything(place)
    assert place.with_name(name).exists() is stays


@pytest.mark.parametrize(
    ("name", "hours", "stays"), [(PART, 0, True), (PART, 25, False), (MANUAL, 25, False)]
)
def test_a_start_removes_the_parts_that_were_left_long_ago(
    place: Path, name: str, hours: int, stays: bool
) -> None:
    everything(place)
    aged(place.with_name(name), hours)
    everything(place)
    assert place.with_name(name).exists() is stays


def test_a_part_that_a_process_has_open_stays(place: Path) -> None:
    everything(place)
    part = aged(place.with_name(MANUAL), 25)
    with part.open("rb"):
        in_another_process(prepare, place)
        assert part.exists() or not Path("/proc/self/fd").is_dir()


def aged(path: Path, hours: int) -> Path:
    path.write_bytes(b"part")
    moment = time.time() - hours * 3600
    os.utime(path, (moment, moment))
    return path


@pytest.mark.long(but=1)
@pytest.mark.parametrize("failures", [1, 3])
def test_an_upgrade_whose_copy_does_not_fit_leaves_nothing(place: Path, failures: int) -> None:
    write_rows(place, 100_000)  # more than SQLite keeps in memory while it copies
    before = place.read_bytes()
    for _ in range(failures):
        assert in_another_process(prepare_with_limit, place, len(before) // 2)
    assert (names(place), place.read_bytes() == before) == ([], True)


@pytest.mark.long
def test_upgrades_that_do_not_fit_leave_one_copy(place: Path) -> None:
    write_rows(place, 500)
    before = dump(place)
    for _ in range(3):
        assert in_another_process(prepare_with_limit, place, place.stat().st_size)
    assert [dump(copy) for copy in backups(place)] == [before]


def test_a_folder_and_a_link_with_the_name_of_a_copy_are_none(place: Path) -> None:
    execute(place, SCHEMA + ROW)
    place.with_name(OLDER.format(1)).mkdir()
    os.link(place, place.with_name(OLDER.format(2)))
    place.with_name(OLDER.format(3)).symlink_to("memory.db")
    place.with_name(OLDER.format(4)).symlink_to("nowhere")
    before = dump(place)
    everything(place)
    (made,) = (path for path in backups(place) if path.name > OLDER.format(9))
    assert dump(made) == before
    assert len(names(place)) == 5


def test_an_upgrade_succeeds_although_an_older_copy_cannot_be_removed(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier(written, range(1, 2))
    for day in range(2, 8):
        execute(written, f"UPDATE contexts SET content = 'Of day {day}' WHERE id = 1")
        earlier(written, range(day, day + 1))
    aside = written.with_name(f"{OLDER.format(1)}-journal")
    aside.mkdir()  # what no system removes as a file
    everything(written)
    assert rows(written, "SELECT version_num FROM alembic_version") == [(upgrade.HEAD,)]


def test_a_file_of_a_later_revision_is_copied_once_too(place: Path) -> None:
    make_0003(place, [])
    execute(place, "CREATE TABLE postings (other TEXT)")
    for _ in range(3):
        assert refusal(place)
    assert len(names(place)) == 1
