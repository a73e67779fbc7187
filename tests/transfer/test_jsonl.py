"""JSON lines hold everything, and say which line they cannot read."""

import json
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extended_memory.domain import Context, ForeignContext, Revision
from extended_memory.transfer import jsonl
from extended_memory.transfer.origins import origin_of
from extended_memory.transfer.reading import Damaged, Found, TransferError
from tests.transfer.values import example, histories

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=timezone.utc)


def written(path: Path, *lines: bytes) -> Path:
    path.write_bytes(jsonl.header(NOW) + b"".join(lines))
    return path


@given(st.lists(histories(), max_size=4))
def test_everything_comes_back(
    all_of: list[tuple[Context, tuple[Revision, ...], datetime | None]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder, "a.jsonl"), *(jsonl.line(*one) for one in all_of))
        assert jsonl.count(path) == len(all_of)
        assert list(jsonl.read(path)) == [
            Found(
                place=f"line {number:,}",
                own=context,
                context=ForeignContext(
                    origin=origin_of(context, revisions),
                    project=context.project,
                    content=context.content,
                    importance=context.importance,
                    tags=context.tags,
                    created_at=context.created_at,
                    updated_at=context.updated_at,
                    revisions=revisions,
                    forgotten_at=forgotten_at,
                ),
            )
            for number, (context, revisions, forgotten_at) in enumerate(all_of, start=2)
        ]


def test_a_line_is_as_it_is_documented() -> None:
    first = Revision(
        number=1, content="Ordered.", importance=5, tags=(), replaced_at=NOW - timedelta(days=1)
    )
    context = example(updated_at=first.replaced_at, content="Заказы 🧾\n")
    assert jsonl.line(context, [first], NOW).decode() == (
        '{"id":7,"project":"web shop","content":"Заказы 🧾\\n","importance":9,'
        '"tags":["database","decision"],"created_at":"2026-11-23T09:15:00.250Z",'
        '"updated_at":"2026-11-24T12:00:00.000Z","revisions":[{"number":1,"content":"Ordered.",'
        '"importance":5,"tags":[],"replaced_at":"2026-11-24T12:00:00.000Z"}],'
        '"forgotten_at":"2026-11-25T12:00:00.000Z"}\n'
    )


GOOD = json.loads(jsonl.line(example()))
REVISION = {
    "number": 1,
    "content": "x",
    "importance": 5,
    "tags": [],
    "replaced_at": "2026-11-24T12:00:00.000Z",
}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "Invalid JSON"),
        (b"[1]", "Input should be an object"),
        (b'"\xff"', "Invalid JSON"),
        (json.dumps(GOOD | {"content": "\ud800"}).encode(), "Invalid JSON"),
        (json.dumps(GOOD | {"importance": 11}).encode(), "importance: Input should be less than"),
        (json.dumps(GOOD | {"importance": "9"}).encode(), "importance: Input should be a valid"),
        (json.dumps({k: v for k, v in GOOD.items() if k != "content"}).encode(), "content: Field"),
        (json.dumps(GOOD | {"created_at": "soon"}).encode(), "created_at: Input should be"),
        (json.dumps(GOOD | {"created_at": "2026-01-01T00:00:00"}).encode(), "timezone info"),
        (json.dumps(GOOD | {"created_at": "1969-01-01T00:00:00Z"}).encode(), "before 1970"),
        (json.dumps(GOOD | {"id": 0}).encode(), "id: Input should be greater"),
        (json.dumps(GOOD | {"revisions": [REVISION]}).encode(), "it was not updated when"),
        (json.dumps(GOOD | {"revisions": [REVISION] * 2}).encode(), "in the order of their times"),
    ],
)
def test_a_damaged_line_is_named_and_the_rest_is_read(
    line: bytes, why: str, tmp_path: Path
) -> None:
    good = jsonl.line(example())
    first, damaged, last = jsonl.read(written(tmp_path / "a.jsonl", good, line + b"\n", good))
    assert isinstance(first, Found)
    assert isinstance(damaged, Damaged)
    assert isinstance(last, Found)
    assert (first.place, first.own, last.place, last.own) == (
        "line 2",
        example(),
        "line 4",
        example(),
    )
    assert damaged.place == "line 3"
    assert why in damaged.why


def test_blank_lines_windows_ends_and_a_byte_order_mark_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    text = jsonl.header(NOW) + b"\n" + jsonl.line(example()).rstrip()
    path.write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
    (found,) = jsonl.read(path)
    assert isinstance(found, Found)
    assert (found.place, found.own) == ("line 3", example())


def test_a_field_of_a_later_release_is_passed_over(tmp_path: Path) -> None:
    line = json.dumps(GOOD | {"mood": "calm"}).encode() + b"\n"
    (found,) = jsonl.read(written(tmp_path / "a.jsonl", line))
    assert isinstance(found, Found)
    assert found.own == example()


@pytest.mark.parametrize("version", [2, "2", None])
def test_a_newer_format_is_refused(version: object, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"format": jsonl.FORMAT, "version": version}) + "\n{}\n")
    with pytest.raises(TransferError, match=r"a\.jsonl was written by a newer release"):
        list(jsonl.read(path))
    with pytest.raises(TransferError):
        jsonl.count(path)


def test_an_update_and_another_project_make_no_other_origin() -> None:
    first = Revision(number=1, content="Old.", importance=5, tags=(), replaced_at=NOW)
    before = example(content="Old.")
    after = example(content="New.", project="shop", importance=2, tags=(), updated_at=NOW)
    assert origin_of(after, [first]) == origin_of(before)
    others = [example(content="New."), example(id=8, content="Old."), example(created_at=NOW)]
    assert len({origin_of(one) for one in (before, *others)}) == 4
