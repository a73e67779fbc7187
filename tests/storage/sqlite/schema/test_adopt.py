"""A file that the published 0.9.0 wrote becomes a store, in place, with nothing lost."""

import re
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from extended_memory.domain import Context, Note
from extended_memory.storage.sqlite.repository import SqliteRepository
from tests.data.write_with_0_9_0 import LONG, SAVED
from tests.support.sqlite_stores import (
    OURS,
    backups,
    contents,
    dump,
    everything,
    execute,
    faults_within,
    legacy_values,
    mode,
    rows,
    save,
    tables,
)

TOKYO = "JST-9"
NEW_YORK = "EST5EDT,M3.2.0,M11.1.0"

ADOPTED: dict[int, tuple[str, int, tuple[str, ...]]] = {
    1: ("general", 7, ()),
    2: ("my proj", 9, ()),
    3: ("my proj", 5, ("api design", "db")),
    4: ("my proj", 10, ()),
    5: ("заметки", 1, ()),
    6: ("general", 8, ("café", "next steps", "архитектура", "🚀 launch")),
    7: ("general", 5, ("verbatim",)),
    8: ("заметки", 10, ("long",)),
    10: ("🧪 lab", 5, ("db",)),
    101: ("my proj", 6, ("db",)),
    102: ("my proj", 6, ("db",)),
    103: ("general", 5, ()),
    104: ("general", 5, ()),
    105: ("general", 1, ()),
    106: ("general", 10, ()),
    107: ("мой проект", 7, ()),
    108: ("general", 5, ()),
}
"""Project, importance and tags of every row of the file, by id."""


def in_tokyo(written: str) -> datetime:
    """Read a time as 0.9.0 meant it on a machine in Tokyo, nine hours ahead all year."""
    zone = timezone(timedelta(hours=9)) if "T" in written else timezone.utc
    moment = datetime.fromisoformat(written).replace(tzinfo=zone)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def test_every_row_id_content_tag_project_and_time_is_adopted(
    written: Path, local_zone: Callable[[str], None]
) -> None:
    local_zone(TOKYO)
    before = rows(written, "SELECT id, content, created_at FROM contexts")
    expected = {}
    for number, content, created_at in before:
        assert isinstance(number, int)
        project, importance, tags = ADOPTED[number]
        expected[number] = Context(
            id=number,
            project=project,
            note=Note(content=str(content), importance=importance, tags=tags),
            created_at=in_tokyo(str(created_at)).astimezone(timezone.utc),
        )
    assert set(expected) == set(ADOPTED)
    assert everything(written) == expected


def test_what_was_saved_through_0_9_0_is_adopted_byte_for_byte(written: Path) -> None:
    saved = {number: str(call["content"]) for number, call in enumerate(SAVED, 1)}
    adopted = everything(written)
    assert {n: adopted[n].note.content for n in saved if n in adopted} == {
        n: content for n, content in saved.items() if n not in (9, 11)
    }


def test_content_over_sixty_thousand_bytes_stays_whole(written: Path) -> None:
    everything(written)
    assert len(LONG.encode()) > 60_000
    assert rows(written, "SELECT CAST(content AS BLOB) FROM contexts WHERE id = 8") == [
        (LONG.encode(),)
    ]


@pytest.mark.parametrize(
    ("zone", "number", "expected"),
    [
        ("UTC0", 102, "2025-07-01T23:59:59.000Z"),
        (TOKYO, 102, "2025-07-01T14:59:59.000Z"),
        (NEW_YORK, 102, "2025-07-02T03:59:59.000Z"),
        (NEW_YORK, 104, "2025-01-31T17:00:00.500Z"),
        (TOKYO, 105, "2024-02-28T15:00:00.123Z"),
        # The hour that New York has twice: the first one, as Python reads it.
        (NEW_YORK, 101, "2025-11-02T05:30:00.999Z"),
        # The hour that New York never has.
        (NEW_YORK, 103, "2025-03-09T07:30:00.000Z"),
        # SQLite's CURRENT_TIMESTAMP is in UTC wherever the machine is.
        (TOKYO, 106, "2025-07-02T10:00:00.000Z"),
        (NEW_YORK, 106, "2025-07-02T10:00:00.000Z"),
        (TOKYO, 107, "1999-12-31T23:59:59.000Z"),
    ],
)
def test_local_times_are_read_in_the_zone_of_the_machine_and_sqlites_in_utc(
    written: Path, local_zone: Callable[[str], None], zone: str, number: int, expected: str
) -> None:
    local_zone(zone)
    adopted = everything(written)[number].created_at
    assert adopted == datetime.fromisoformat(expected.replace("Z", "+00:00"))


def test_projects_begin_and_end_with_their_contexts(
    written: Path, local_zone: Callable[[str], None]
) -> None:
    local_zone("UTC0")
    adopted = everything(written).values()
    with closing(SqliteRepository(written)) as repository:
        projects = {
            project.name: (project.context_count, project.created_at, project.last_saved_at)
            for project in repository.projects()
        }
    times = {
        name: sorted(found.created_at for found in adopted if found.project == name)
        for name in {found.project for found in adopted}
    }
    assert projects == {name: (len(all_), all_[0], all_[-1]) for name, all_ in times.items()}


@pytest.mark.parametrize(
    ("project", "expected"),
    [
        ("my proj", [("db", 3), ("api design", 1)]),
        (
            "general",
            [("café", 1), ("next steps", 1), ("verbatim", 1), ("архитектура", 1), ("🚀 launch", 1)],
        ),
        ("🧪 lab", [("db", 1)]),
        ("мой проект", []),
    ],
)
def test_shared_tags_are_counted_anew_in_each_project(
    written: Path, project: str, expected: list[tuple[str, int]]
) -> None:
    with closing(SqliteRepository(written)) as repository:
        page = repository.popular_tags(project, minimum_count=1, limit=100)
    assert [(tag.tag, tag.count) for tag in page.tags] == expected


def test_counts_links_and_pages_are_sound_after_adoption(written: Path) -> None:
    everything(written)
    assert faults_within(written) == []


def test_a_forgotten_last_id_is_not_given_again(written: Path) -> None:
    with closing(SqliteRepository(written)) as repository:
        assert save(repository, "The first save after adoption") == 121


def test_the_last_id_is_the_highest_one_where_sqlite_noted_none(written: Path) -> None:
    execute(written, "DELETE FROM sqlite_sequence")
    with closing(SqliteRepository(written)) as repository:
        assert save(repository, "The first save after adoption") == 109


def test_the_tables_of_0_9_0_are_gone(written: Path) -> None:
    everything(written)
    assert tables(written) == OURS


def test_what_0_9_0_filled_in_by_itself_leaves_no_trace(written: Path) -> None:
    everything(written)
    assert legacy_values(written) == {}


def test_a_backup_named_for_its_time_and_release_is_made_beside_the_file(written: Path) -> None:
    earliest = datetime.now(timezone.utc).replace(microsecond=0)
    everything(written)
    (backup,) = backups(written)
    named = re.fullmatch(r"memory\.db\.backup-(\d{8}T\d{6})Z-0\.9\.0", backup.name)
    assert named is not None
    made = datetime.strptime(named[1], "%Y%m%dT%H%M%S").replace(tzinfo=timezone.utc)
    assert earliest <= made <= datetime.now(timezone.utc)


def test_the_backup_holds_what_the_file_held(written: Path) -> None:
    before = dump(written)
    everything(written)
    (backup,) = backups(written)
    assert dump(backup) == before


@pytest.mark.usefixtures("open_umask")
def test_the_adopted_file_and_its_backup_are_for_their_owner_alone(written: Path) -> None:
    written.chmod(0o644)
    everything(written)
    (backup,) = backups(written)
    assert (mode(written), mode(backup)) == (0o600, 0o600)


def test_nothing_but_the_file_and_its_backup_is_left_in_the_folder(written: Path) -> None:
    everything(written)
    assert {path.name for path in written.parent.iterdir()} == {
        "memory.db",
        *(backup.name for backup in backups(written)),
    }


def test_a_backup_can_be_adopted_again(written: Path) -> None:
    adopted = everything(written)
    (backup,) = backups(written)
    backup.rename(written)
    assert everything(written) == adopted


def test_a_second_opening_changes_nothing_more(written: Path) -> None:
    adopted = everything(written)
    before = dump(written)
    assert everything(written) == adopted
    assert dump(written) == before
    assert len(backups(written)) == 1


def test_a_save_that_repeats_an_adopted_context_finds_it(written: Path) -> None:
    execute(
        written,
        "INSERT INTO contexts (project_id, content, importance_level) "
        "VALUES ('General', 'Saved a moment ago', 5)",
    )
    with closing(SqliteRepository(written)) as repository:
        assert save(repository, "Saved a moment ago") == 121
        assert contents(repository).count("Saved a moment ago") == 1


def test_an_adopted_context_can_be_forgotten(written: Path) -> None:
    with closing(SqliteRepository(written)) as repository:
        assert repository.forget(101, project="my proj") == "my proj"
    assert 101 not in everything(written)
    assert faults_within(written) == []
