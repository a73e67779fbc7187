"""What other tools keep becomes contexts; the files are theirs (see data/README.md)."""

import gzip
import json
import os
import shutil
import sqlite3
import zipfile
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import pytest

from extended_memory.domain import MAXIMUM_CONTENT_BYTES, PortableContext
from extended_memory.transfer.formats import catalogue
from extended_memory.transfer.formats.item import Damaged, Found, Item, LeftOut
from tests.support.exports import DATA

Seen = tuple[str, str, int, tuple[str, ...], str]


def read(path: Path, name: str = "") -> list[Item]:
    with catalogue.opened(path, name) as source:
        return list(source.items())


def contexts(items: list[Item]) -> list[PortableContext]:
    return [item.context for item in items if isinstance(item, Found)]


def seen(items: list[Item]) -> list[Seen]:
    """Return what matters of each context; a time of this import as "now"."""
    now = datetime.now(timezone.utc)
    return [
        (
            context.project,
            context.note.content,
            context.note.importance,
            context.note.tags,
            "now"
            if abs((now - context.created_at).total_seconds()) < 60
            else context.created_at.isoformat(timespec="milliseconds")[:-6],
        )
        for context in contexts(items)
    ]


def left_out(items: list[Item]) -> list[str]:
    return [item.kind for item in items if isinstance(item, LeftOut)]


KEEPER: list[Seen] = [
    (
        "general",
        "db_choice: We chose PostgreSQL for the orders",
        8,
        ("checkout", "decision"),
        "2026-11-25T14:29:46.000",
    ),
    ("general", "next: Написать миграцию 🧭", 5, ("task",), "2026-11-25T14:29:46.000"),
    ("general", "plain: Two\nlines", 5, ("checkout",), "2026-11-25T14:29:46.000"),
    ("general", "minor: The icon is blue", 3, ("checkout",), "2026-11-25T14:29:46.000"),
]
OPENMEMORY: list[Seen] = [
    ("claude", "Drinks tea without milk", 7, ("preferences",), "2026-02-01T08:00:00.123"),
    (
        "general",
        "Счета хранятся семь лет 🧾",
        5,
        ("archived", "finance", "work"),
        "2026-02-02T08:00:00.123",
    ),
]


@pytest.fixture
def keeper(tmp_path: Path) -> Path:
    path = tmp_path / "keeper" / "context.db"
    path.parent.mkdir()
    path.write_bytes(gzip.decompress((DATA / "mcp-memory-keeper.db.gz").read_bytes()))
    return path


def test_server_memory() -> None:
    assert seen(read(DATA / "server-memory.jsonl")) == [
        (
            "general",
            "Ada Lovelace (person):\n- Prefers tea to coffee\n- Works from London\n"
            '- Said "never on Fridays" about deployments\n- Ada Lovelace maintains web shop',
            5,
            ("person",),
            "now",
        ),
        (
            "general",
            "web shop (project):\n- Orders are stored in PostgreSQL\n"
            "- Цены храним в копейках 🧮\n- Line one\nline two\n"
            "- web shop is reviewed by Nothing known",
            5,
            ("project",),
            "now",
        ),
        ("general", "Nothing known (person)", 5, ("person",), "now"),
    ]


def test_a_relation_without_its_entity_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    path.write_text('{"type":"relation","from":"A","to":"B","relationType":"knows"}')
    assert seen(read(path)) == [("general", "A:\n- A knows B", 5, (), "now")]


def test_memory_keeper() -> None:
    items = read(DATA / "mcp-memory-keeper.json")
    assert seen(items) == KEEPER
    assert left_out(items) == ["cached files", "checkpoints"]


def test_memory_keepers_database_gives_the_same_and_is_only_read(keeper: Path) -> None:
    before = keeper.read_bytes()
    keeper.chmod(0o400)
    keeper.parent.chmod(0o500)
    items = read(keeper)
    assert sorted(seen(items)) == sorted(KEEPER)
    exported = contexts(read(DATA / "mcp-memory-keeper.json"))
    assert {c.origin for c in contexts(items)} == {c.origin for c in exported}
    assert [path.name for path in keeper.parent.iterdir()] == ["context.db"]
    assert keeper.read_bytes() == before
    keeper.parent.chmod(0o700)


def test_memory_keepers_database_is_read_while_it_is_written_to(keeper: Path) -> None:
    with closing(sqlite3.connect(keeper)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("UPDATE sessions SET working_directory = '/srv/Web_Shop/'")
        writer.execute("UPDATE context_items SET value = 'Just now' WHERE key = 'plain'")
        writer.commit()
        projects = {(c.project, c.note.content) for c in contexts(read(keeper))}
    assert ("web shop", "plain: Just now") in projects
    assert {project for project, _ in projects} == {"web shop"}


def test_basic_memory(tmp_path: Path) -> None:
    folder = shutil.copytree(DATA / "basic-memory", tmp_path / "basic-memory")
    for file in folder.rglob("*.md"):
        os.utime(file, (1_767_258_000, 1_767_258_000))
    notes = [
        (
            "# Database choice\n\nOrders need transactions.\n\n## Observations\n"
            "- [decision] Use PostgreSQL for orders #database (after the outage)\n"
            "- [fact] Redis holds sessions only\n\n## Relations\n"
            "- relates_to [[Outage: March 2026]]",
            5,
            ("architecture", "database", "note"),
            "2026-01-01T09:00:00.000",
        ),
        (
            "# Outage: March 2026\n\nПисьма не уходили два часа 📨.\n\n"
            "- [cause] The queue was full #mail",
            5,
            ("incident", "note"),
            "2026-01-01T09:00:00.000",
        ),
    ]
    assert seen(read(folder)) == [("general", *note) for note in notes]
    renamed = folder.rename(tmp_path / "Web_Shop")
    assert seen(read(renamed)) == [("web shop", *note) for note in notes]
    assert seen(read(renamed / "decisions" / "Database choice.md")) == [("decisions", *notes[0])]


def test_memory_service() -> None:
    assert seen(read(DATA / "mcp-memory-service.json")) == [
        (
            "general",
            "A note without a tag\nand with two lines",
            5,
            ("note",),
            "2026-01-03T09:00:00.000",
        ),
        (
            "general",
            "Решили: сессии живут 30 минут 🕐",
            5,
            ("auth", "observation"),
            "2026-01-02T09:00:00.250",
        ),
        (
            "general",
            "We deploy on Tuesdays, never on Fridays.",
            9,
            ("decision", "deployment", "team rules"),
            "2026-01-01T09:00:00.500",
        ),
    ]


def test_mem0() -> None:
    items = read(DATA / "mem0.json")
    assert [(c.project, c.note.content, c.note.tags) for c in contexts(items)] == [
        ("travel", "Prefers dark mode in every editor but one", ()),
        ("web shop", "Prefers dark mode in every editor", ("preferences",)),
    ]
    assert [c.updated_at is not None for c in contexts(items)] == [True, False]


@pytest.mark.parametrize("name", ["openmemory.zip", "openmemory.json"])
def test_openmemory(name: str) -> None:
    items = read(DATA / name)
    assert seen(items) == OPENMEMORY
    assert left_out(items) == ["deleted memories"]


def test_openmemorys_lines_and_its_backup_have_the_same_origins(tmp_path: Path) -> None:
    with zipfile.ZipFile(DATA / "openmemory.zip") as archive:
        packed = archive.read("memories.jsonl.gz")
    (zipped := tmp_path / "memories.jsonl.gz").write_bytes(packed)
    (plain := tmp_path / "memories.jsonl").write_bytes(gzip.decompress(packed))
    places = [zipped, plain, DATA / "openmemory.zip", DATA / "openmemory.json"]
    origins = [[c.origin for c in contexts(read(place))] for place in places]
    assert origins == [origins[0]] * 4


def test_claudes_answer() -> None:
    items = read(DATA / "claude-answer.txt")
    assert seen(items) == [
        (
            "general",
            "Always answer in British English, without emoji",
            5,
            (),
            "2026-01-05T00:00:00.000",
        ),
        (
            "general",
            "Works as a data engineer at a logistics company in Gdańsk",
            5,
            (),
            "2026-02-17T00:00:00.000",
        ),
        (
            "general",
            "Prefers PostgreSQL to MySQL,\nand says so at every occasion",
            5,
            (),
            "now",
        ),
        ("general", "Learning to play the nyckelharpa 🎻", 5, (), "2026-03-02T00:00:00.000"),
    ]
    assert left_out(items) == ["text around the memories"] * 2


def test_claudes_settings_are_read_where_a_person_says_what_they_are() -> None:
    maria = "Maria leads the platform team of a logistics company."
    assert seen(read(DATA / "claude-settings.md", "claude")) == [
        (
            "general",
            f"{maria} She is moving its order service from MySQL to PostgreSQL.",
            5,
            ("work context",),
            "now",
        ),
        (
            "general",
            "Maria lives in Gdańsk and plays the nyckelharpa.",
            5,
            ("personal context",),
            "now",
        ),
        (
            "general",
            "The cut-over of the order service is planned for April.",
            5,
            ("top of mind",),
            "now",
        ),
        ("general", "Backups have to be tested\nbefore that.", 5, ("top of mind",), "now"),
    ]


def test_claudes_data_export() -> None:
    assert seen(read(DATA / "claude-memories.json")) == [
        ("general", "Maria leads the platform team.", 5, ("work context",), "now"),
        ("general", "She plays the nyckelharpa.", 5, ("personal context",), "now"),
        (
            "claude 0198a7c4",
            "Moves the order service to PostgreSQL.",
            5,
            ("purpose & context",),
            "now",
        ),
    ]


@pytest.mark.parametrize(
    "name",
    [path.name for path in sorted(DATA.iterdir()) if path.suffix not in {".gz", ".md", ".txt"}],
)
def test_a_second_reading_has_the_same_origins_and_no_two_are_the_same(name: str) -> None:
    first, second = ([c.origin for c in contexts(read(DATA / name))] for _ in range(2))
    assert first == second
    assert len(set(first)) == len(first) > 1


def service_export(path: Path, *memories: object) -> Path:
    path.write_text(json.dumps({"export_metadata": {}, "memories": memories}))
    return path


def test_tags_that_we_cannot_keep_are_counted(tmp_path: Path) -> None:
    tags = [*(f"t{number:02}" for number in range(33)), "x" * 101, "a\0b", "", 7, "T00"]
    path = service_export(tmp_path / "a.json", {"content": "x", "tags": tags})
    (found,) = read(path)
    assert isinstance(found, Found)
    assert found.context.note.tags == tuple(f"t{number:02}" for number in range(32))
    assert found.lost_tags == 3


@pytest.mark.parametrize("gap", ["\n\n", "\n", " ", ""])
def test_a_text_that_is_too_long_is_cut_at_a_gap_and_nothing_is_lost(
    gap: str, tmp_path: Path
) -> None:
    text = gap.join(["Жужелица" * 100] * 100)
    path = service_export(tmp_path / "a.json", {"content": text, "content_hash": "h"})
    items = read(path)
    parts = [context.note.content for context in contexts(items)]
    assert "".join(parts) == text
    assert len(parts) > 1
    assert all(len(part.encode()) <= MAXIMUM_CONTENT_BYTES for part in parts)
    assert all(part.endswith("Жужелица" + gap) for part in parts[:-1] if gap)
    assert [item.part for item in items if isinstance(item, Found)] == list(
        range(1, len(parts) + 1)
    )
    assert len({context.origin for context in contexts(items)}) == len(parts)


@pytest.mark.parametrize(
    ("importance", "ours"),
    [
        *[(None, 5), (7, 7), (0.7, 7), (1.0, 10), (0.0, 1), (99, 10), (-3, 1)],
        *[("high", 8), ("HIGH ", 8), ("odd", 5), (True, 5), ([], 5)],
    ],
)
def test_importance_is_taken_over_where_there_is_one(
    importance: object, ours: int, tmp_path: Path
) -> None:
    memory = {"content": "x", "metadata": {"importance": importance}}
    assert seen(read(service_export(tmp_path / "a.json", memory)))[0][2] == ours


def test_what_has_no_text_is_named_and_what_is_empty_is_left_out(tmp_path: Path) -> None:
    path = service_export(tmp_path / "a.json", {"tags": []}, {"content": " "}, None)
    assert read(path) == [
        Damaged(place="memory 1", why="it has no text"),
        LeftOut(kind="empty"),
        Damaged(place="memory 3", why="it has no text"),
    ]


def test_a_damaged_line_of_server_memory_is_named(tmp_path: Path) -> None:
    path = tmp_path / "memory.jsonl"
    lines = (DATA / "server-memory.jsonl").read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1][:40], '{"type":"other"}', lines[2]]))
    damaged = [item for item in read(path) if isinstance(item, Damaged)]
    assert [one.place for one in damaged] == ["line 2", "line 3"]
    assert len(contexts(read(path))) == 2
