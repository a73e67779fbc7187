"""JSON lines hold everything, and say which line they cannot read."""

import json
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extended_memory.domain import Note, PortableContext, Revision
from extended_memory.transfer.formats import jsonl
from extended_memory.transfer.formats.item import Damaged, Found, TransferError
from extended_memory.transfer.origins import origin_of
from tests.support.portable_contexts import EXAMPLE, exported

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=timezone.utc)


def written(path: Path, *lines: bytes) -> Path:
    path.write_bytes(jsonl.header(NOW) + b"".join(lines))
    return path


@given(st.lists(exported(), max_size=4))
def test_everything_comes_back(all_of: list[tuple[int, PortableContext]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder, "a.jsonl"), *(jsonl.line(*one) for one in all_of))
        assert jsonl.count(path) == len(all_of)
        assert list(jsonl.read(path)) == [
            Found(place=f"line {number:,}", own_id=context_id, context=context)
            for number, (context_id, context) in enumerate(all_of, start=2)
        ]


def test_a_line_is_as_it_is_documented() -> None:
    first = Revision(
        number=1, note=Note(content="Ordered.", importance=5), replaced_at=NOW - timedelta(days=1)
    )
    context = replace(
        EXAMPLE,
        note=replace(EXAMPLE.note, content="Заказы 🧾\n"),
        updated_at=first.replaced_at,
        revisions=(first,),
        forgotten_at=NOW,
    )
    assert jsonl.line(7, context).decode() == (
        '{"id":7,"project":"web shop","content":"Заказы 🧾\\n","importance":9,'
        '"tags":["database","decision"],"created_at":"2026-11-23T09:15:00.250Z",'
        '"updated_at":"2026-11-24T12:00:00.000Z","revisions":[{"number":1,"content":"Ordered.",'
        '"importance":5,"tags":[],"replaced_at":"2026-11-24T12:00:00.000Z"}],'
        '"forgotten_at":"2026-11-25T12:00:00.000Z"}\n'
    )


GOOD = json.loads(jsonl.line(7, EXAMPLE))
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
        (b"{", "it is no JSON"),
        (b"[1]", "Input should be an object"),
        (b'"\xff"', "it is no JSON"),
        (json.dumps(GOOD | {"content": "\ud800"}).encode(), "it is no JSON"),
        (json.dumps(GOOD | {"importance": 11}).encode(), "importance: Input should be less than"),
        (json.dumps(GOOD | {"importance": "9"}).encode(), "importance: Input should be a valid"),
        (json.dumps({k: v for k, v in GOOD.items() if k != "content"}).encode(), "content: Field"),
        (json.dumps(GOOD | {"created_at": "soon"}).encode(), "created_at: Input should be"),
        (json.dumps(GOOD | {"created_at": "2026-01-01T00:00:00"}).encode(), "timezone info"),
        *(
            (json.dumps(GOOD | values).encode(), f"{field}: a time must be from 1970 to 2247")
            for field, values in {
                "created_at": {"created_at": "1969-12-31T23:59:59.999Z"},
                "updated_at": {"updated_at": "2248-01-01T00:00:00Z"},
                "forgotten_at": {"forgotten_at": "9999-12-31T23:59:59-12:00"},
                "revisions.0.replaced_at": {
                    "revisions": [REVISION | {"replaced_at": "9999-12-31T23:59:59Z"}]
                },
            }.items()
        ),
        (json.dumps(GOOD | {"id": 0}).encode(), "id: Input should be greater"),
        (json.dumps(GOOD | {"revisions": [REVISION]}).encode(), "it was not updated when"),
        (json.dumps(GOOD | {"revisions": [REVISION] * 2}).encode(), "in the order of their times"),
    ],
)
def test_a_damaged_line_is_named_and_the_rest_is_read(
    line: bytes, why: str, tmp_path: Path
) -> None:
    good = jsonl.line(7, EXAMPLE)
    first, damaged, last = jsonl.read(written(tmp_path / "a.jsonl", good, line + b"\n", good))
    assert (first, last) == (
        Found(place="line 2", own_id=7, context=EXAMPLE),
        Found(place="line 4", own_id=7, context=EXAMPLE),
    )
    assert isinstance(damaged, Damaged)
    assert damaged.place == "line 3"
    assert why in damaged.why


def test_blank_lines_windows_ends_and_a_byte_order_mark_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    text = jsonl.header(NOW) + b"\n" + jsonl.line(7, EXAMPLE).rstrip()
    path.write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
    assert list(jsonl.read(path)) == [Found(place="line 3", own_id=7, context=EXAMPLE)]


def test_a_field_of_a_later_release_is_passed_over(tmp_path: Path) -> None:
    line = json.dumps(GOOD | {"mood": "calm"}).encode() + b"\n"
    path = written(tmp_path / "a.jsonl", line)
    assert list(jsonl.read(path)) == [Found(place="line 2", own_id=7, context=EXAMPLE)]


@pytest.mark.parametrize("version", [2, "2", None])
def test_a_newer_format_is_refused(version: object, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"format": jsonl.FORMAT, "version": version}) + "\n{}\n")
    with pytest.raises(TransferError, match=r"a\.jsonl was written by a newer release"):
        list(jsonl.read(path))
    with pytest.raises(TransferError):
        jsonl.count(path)


def test_an_update_makes_no_other_origin_but_another_first_text_does() -> None:
    first = Revision(number=1, note=Note(content="Old.", importance=5), replaced_at=NOW)
    before = origin_of(7, NOW, "Old.")
    assert origin_of(7, NOW, "New.", [first]) == before
    later = NOW + timedelta(milliseconds=1)
    others = {origin_of(7, NOW, "New."), origin_of(8, NOW, "Old."), origin_of(7, later, "Old.")}
    assert len(others | {before}) == 4
