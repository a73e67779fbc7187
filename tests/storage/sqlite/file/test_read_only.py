"""A file that cannot be written serves loads, refuses saves, and works again when it can be."""

import os
from pathlib import Path

import pytest

from tests.support.sqlite_servers import (
    load_a_wal_without_rights,
    prepare_without_rights,
    read_and_save_without_rights,
    read_while_another_begins_to_write,
    refusal_without_rights,
)
from tests.support.sqlite_stores import ROW, SCHEMA, dump, execute, in_another_process

READ_ONLY = (
    "memory.db is read-only, so nothing can be saved or changed: make the file and its folder "
    "writable and try again."
)
TO_UPGRADE = (
    "memory.db is read-only and has to be upgraded before it can be read: make the file and its "
    "folder writable and try again."
)
NO_PERMISSION = (
    "memory.db cannot be opened, permission is denied: make the file and its folder readable and "
    "writable for you, or set STORAGE_CONNECTION_STRING to another place, and try again."
)

RIGHTS = [
    pytest.param({"memory.db": 0o400}, id="file"),
    pytest.param({".": 0o500}, id="folder"),
    pytest.param({"memory.db": 0o400, ".": 0o500}, id="both"),
]


@pytest.mark.long(but=1)
@pytest.mark.parametrize("given", RIGHTS)
def test_a_read_only_store_is_read_and_its_next_save_works_when_it_is_writable(
    reachable: Path, given: dict[str, int]
) -> None:
    assert in_another_process(read_and_save_without_rights, reachable, given) == [
        ["before"],
        READ_ONLY,
        ["before"],
        "",
        ["after", "before"],
    ]


@pytest.mark.long(but=1)
@pytest.mark.parametrize(
    ("given", "sentences"),
    [
        pytest.param({"memory.db": 0o400}, {TO_UPGRADE}, id="file"),
        # The file itself could be written, but nothing can be put beside it: no backup.
        pytest.param({".": 0o500}, {TO_UPGRADE, NO_PERMISSION}, id="folder"),
        pytest.param({"memory.db": 0o400, ".": 0o500}, {TO_UPGRADE}, id="both"),
    ],
)
def test_an_earlier_file_that_is_read_only_says_so_and_is_adopted_when_it_is_writable(
    reachable: Path, given: dict[str, int], sentences: set[str]
) -> None:
    path = reachable / "memory.db"
    execute(path, SCHEMA + ROW)
    _give_away(path)
    refused, then = in_another_process(prepare_without_rights, reachable, given)
    assert refused in sentences
    assert then == ""


@pytest.mark.parametrize("given", RIGHTS)
def test_an_earlier_file_that_is_read_only_is_left_as_it_is(
    reachable: Path, given: dict[str, int]
) -> None:
    path = reachable / "memory.db"
    execute(path, SCHEMA + ROW)
    _give_away(path)
    before = path.read_bytes()
    in_another_process(refusal_without_rights, reachable, given)
    assert path.read_bytes() == before
    assert {other.name for other in reachable.iterdir()} - {"warm.db"} == {"memory.db"}


def _give_away(path: Path) -> None:
    os.chown(path, path.parent.stat().st_uid, path.parent.stat().st_gid)


def test_an_unreadable_file_is_refused_with_the_remedy(reachable: Path) -> None:
    path = reachable / "memory.db"
    execute(path, SCHEMA + ROW)
    _give_away(path)
    before = dump(path)
    refused, then = in_another_process(prepare_without_rights, reachable, {"memory.db": 0o000})
    assert refused == (
        "memory.db cannot be opened: check that its folder exists and that you may read and write "
        "both, and try again."
    )
    assert then == ""
    (backup,) = reachable.glob("memory.db.backup-*")
    assert dump(backup) == before


def test_what_is_saved_later_is_seen_by_a_repository_that_began_read_only(reachable: Path) -> None:
    assert in_another_process(read_while_another_begins_to_write, reachable) == [
        ["before"],
        ["after", "before"],
        ["after", "before"],
    ]


def test_a_wal_that_cannot_be_read_is_never_passed_over(reachable: Path) -> None:
    loaded, refused = in_another_process(load_a_wal_without_rights, reachable)
    assert (loaded, refused.partition(":")[0]) in [
        (["in the WAL", "in the file"], ""),
        ([], "copy.db cannot be opened"),
    ]
