"""Markdown files keep every byte of a content, and are safe in any file system."""

import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given

from extended_memory.domain import PortableContext
from extended_memory.transfer.formats import markdown
from extended_memory.transfer.formats.item import Damaged, Found
from tests.support.portable_contexts import EXAMPLE, exported


def put(folder: Path, context_id: int = 7, context: PortableContext = EXAMPLE) -> Path:
    file = folder / markdown.file_of(context_id, context)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(markdown.text_of(context_id, context))
    return file


def folder_of(project: str) -> str:
    return markdown.file_of(7, replace(EXAMPLE, project=project)).parts[0]


@given(exported())
def test_every_byte_comes_back(one: tuple[int, PortableContext]) -> None:
    context_id, context = one
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = put(folder, context_id, context)
        assert list(markdown.read(folder)) == [
            Found(
                place=file.relative_to(folder).as_posix(),
                own_id=context_id,
                context=replace(context, revisions=(), forgotten_at=None),
            )
        ]


def test_a_file_is_as_obsidian_reads_it() -> None:
    assert markdown.text_of(7, EXAMPLE).decode() == (
        "---\nid: 7\nproject: web shop\nimportance: 9\ntags:\n- database\n- decision\n"
        "created_at: '2026-11-23T09:15:00.250Z'\n"
        f"origin: {EXAMPLE.origin}\n---\nOrders are stored in PostgreSQL."
    )


@pytest.mark.parametrize(
    ("project", "content", "name"),
    [
        ("web shop", "Orders: stored in PostgreSQL?", "web-shop/7-Orders-stored-in-PostgreSQL.md"),
        ("заметки", "Ёлка — 🎄 дерево", "заметки/7-Ёлка-дерево.md"),
        ("general", '🎄\n\0/..\\:*?"<>|', "general/7.md"),
        ("general", "con", "general/7-con.md"),
        ("general", "x" * 500, f"general/7-{'x' * 40}.md"),
        ("general", "中" * 500, f"general/7-{'中' * 40}.md"),
    ],
)
def test_a_file_is_called_by_its_id_and_first_words(project: str, content: str, name: str) -> None:
    context = replace(EXAMPLE, project=project, note=replace(EXAMPLE.note, content=content))
    assert str(markdown.file_of(7, context)) == name


@pytest.mark.parametrize(
    "project", ["a/b", "a:b", "con", "nul", "..", "🎄", "a.", "com1", "x" * 200]
)
def test_a_project_with_a_name_that_no_folder_can_have_gets_a_safe_one(project: str) -> None:
    folder = folder_of(project)
    assert folder.replace("-", "").isalnum()
    assert len(folder) < 60
    assert folder not in {project, "a-b", "a"}


def test_projects_that_would_share_a_folder_do_not() -> None:
    names = ["a/b", "a:b", "a b", "a.b", "a", "a.", ".a", "🎄", "🎅"]
    assert len({folder_of(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"No front matter\n", "id: Field required"),
        (b"---\nid: [\n---\nx", "its front matter is not YAML in line"),
        (b"---\nid: " + b"[" * 9_999 + b"\n---\nx", "its front matter is not YAML"),
        (b"---\nid: 2026-99-99\n---\nx", "id: Input should be a valid integer"),
        (
            b"---\nid: 1\nproject: x\ntags: []\nimportance: 5\ncreated_at: 2026-99-99\n---\nx",
            "created_at:",
        ),
        (b"---\na: &a [x, x]\nb: &b [*a, *a]\nid: [*b, *b]\n---\nx", "has an alias"),
        (b"---\n- a\n---\nx", "its front matter is no list of names and values"),
        (b"---\nid: 1\n---\n\xff", "it is not UTF-8"),
        (b"---\nid: 1\nproject: x\nimportance: high\ntags: []\n---\nx", "importance: Input"),
    ],
)
def test_a_damaged_file_is_named(data: bytes, why: str, tmp_path: Path) -> None:
    put(tmp_path)
    (tmp_path / "zzz.md").write_bytes(data)
    found, damaged = markdown.read(tmp_path)
    assert isinstance(found, Found)
    assert isinstance(damaged, Damaged)
    assert damaged.place == "zzz.md"
    assert why in damaged.why


def test_what_an_editor_did_to_the_front_matter_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(
        b"\xef\xbb\xbf--- \r\nid: 7\r\nproject: My_Proj\r\nimportance: 9\r\ntags: [B, a, A]\r\n"
        b"created_at: 2026-11-23T09:15:00Z\r\naliases: []\r\n---\r\nText\r\n"
    )
    (found,) = markdown.read(tmp_path)
    assert isinstance(found, Found)
    context = found.context
    assert (context.project, context.note.tags, context.note.content) == (
        "my proj",
        ("a", "b"),
        "Text\r\n",
    )
    assert context.created_at == datetime.fromisoformat("2026-11-23T09:15:00+00:00")


@pytest.mark.parametrize(
    ("tags", "read"), [("tags: B", ("b",)), ("tags: a, b", ("a", "b")), ("tags:", ()), ("x: 1", ())]
)
def test_tags_are_read_as_editors_write_them(
    tags: str, read: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "a.md").write_text(
        f"---\nid: 7\nproject: p\nimportance: 9\n{tags}\n"
        "created_at: 2026-11-23T09:15:00Z\n---\nText"
    )
    (found,) = markdown.read(tmp_path)
    assert isinstance(found, Found)
    assert found.context.note.tags == read


def test_hidden_folders_are_passed_over(tmp_path: Path) -> None:
    put(tmp_path)
    put(tmp_path / ".trash", 8)
    assert [found.place for found in markdown.read(tmp_path) if isinstance(found, Found)] == [
        "web-shop/7-Orders-are-stored-in-PostgreSQL.md"
    ]
