"""A source is recognised, and what is no export is refused in a sentence."""

import sqlite3
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import get_args

import pytest

from extended_memory.cli.commands.import_ import Form
from extended_memory.transfer.formats import catalogue, jsonl, markdown
from extended_memory.transfer.formats.item import TransferError
from tests.support.exports import DATA
from tests.support.portable_contexts import EXAMPLE


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "empty.txt"),
        (b"just words\n", "words.txt"),
        (b"# A note\n\n- with a list\n", "note.md"),
        (b"{}", "a.json"),
        (b"[]", "a.json"),
        (b'{"memories": []}', "a.json"),
        (b'[{"a": 1}]', "a.json"),
        (b'{"a": 1', "a.json"),
        (b"\x89PNG\r\n\x1a\n\0\0", "a.png"),
        (b"PK is a brand\n", "a.zip"),
        (b"SQLite format 3\0 broken", "a.db"),
        ("привет".encode("utf-16"), "a.txt"),
    ],
)
def test_what_is_no_export_is_refused(data: bytes, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(TransferError, match=r"is no export|is a database, no export"):
        catalogue.format_of(path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TransferError, match="is no export that is known here"):
        catalogue.format_of(tmp_path)


def test_a_database_of_another_product_is_refused_with_the_way_for_ours(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "memory.db")) as database:
        database.execute("CREATE TABLE contexts (id INTEGER)")
    with pytest.raises(TransferError, match="`copy` brings a store of this product in"):
        catalogue.format_of(tmp_path / "memory.db")


def test_what_a_person_says_counts_where_there_is_no_sign(tmp_path: Path) -> None:
    path = tmp_path / "note.md"
    path.write_text("# A note\n")
    assert catalogue.format_of(path, "basic-memory") == catalogue.BASIC_MEMORY
    assert catalogue.format_of(path, "claude") == catalogue.CLAUDE
    with pytest.raises(TransferError, match=r"note\.md is no export of mcp-memory-keeper"):
        catalogue.format_of(path, "mcp-memory-keeper")


def test_a_form_is_told_by_its_second_line_where_the_first_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "memory.jsonl"
    path.write_bytes(b'{"type":"enti\n' + (DATA / "server-memory.jsonl").read_bytes())
    assert catalogue.format_of(path) == catalogue.SERVER_MEMORY


def test_our_own_forms_are_recognised(tmp_path: Path) -> None:
    lines = tmp_path / "a.bin"
    lines.write_bytes(jsonl.header(datetime.now(timezone.utc)))
    assert catalogue.format_of(lines) == catalogue.JSONL
    note = tmp_path / "notes" / "general" / "1.md"
    note.parent.mkdir(parents=True)
    note.write_bytes(markdown.text_of(7, EXAMPLE))
    assert catalogue.format_of(tmp_path / "notes") == catalogue.MARKDOWN
    assert catalogue.format_of(note) == catalogue.MARKDOWN


def test_a_line_that_never_ends_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("extended_memory.transfer.formats.item.MAXIMUM_LINE_BYTES", 1000)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"x" * 1001)
    with pytest.raises(TransferError, match=r"Line 1 of a\.jsonl is longer than any context"):
        catalogue.format_of(path)


def test_every_name_that_can_be_said_is_a_form() -> None:
    assert get_args(Form) == catalogue.NAMES
