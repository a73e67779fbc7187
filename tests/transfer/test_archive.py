"""A source is what its content says, compressed or not; what is unsafe or unclear is refused."""

import bz2
import gzip
import io
import json
import lzma
import os
import shutil
import tarfile
import threading
import zipfile
from functools import partial
from pathlib import Path

import pytest

from extended_memory.transfer import archive
from extended_memory.transfer.formats import catalogue, jsonl, markdown
from extended_memory.transfer.formats.item import Damaged, Found, Item, TransferError
from tests.support.exports import DATA
from tests.support.portable_contexts import EXAMPLE

HEADER = b'{"format":"extended-memory","version":1}\n'
LINES = HEADER + b"".join(jsonl.line(number, EXAMPLE) for number in range(1, 41))
OPENMEMORY = b'{"id":"1","content":"x","state":"active","categories":[]}\n'


gzipped = partial(gzip.compress, mtime=0)  # the same bytes in every process of a run


def read(path: Path, name: str = "") -> list[Item]:
    with catalogue.opened(path, name) as source:
        return list(source.items())


def form_of(path: Path, name: str = "") -> str:
    with catalogue.opened(path, name) as source:
        return source.form.name


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["m.jsonl.gz", "m.gz", "memories.jsonl.gz", "m.jsonl", "m"])
@pytest.mark.parametrize(
    "data",
    [
        LINES,
        b"\xef\xbb\xbf" + LINES,
        LINES.replace(b"\n", b"\r\n"),
        b"\n\n" + LINES,
    ],
)
def test_our_export_is_the_same_inside_gz_whatever_it_is_called(
    name: str, data: bytes, tmp_path: Path
) -> None:
    plain = read(put(tmp_path / "plain", data))
    assert read(put(tmp_path / name, gzipped(data))) == plain
    members = gzipped(data[:500]) + gzipped(data[500:])
    assert read(put(tmp_path / name, members)) == plain
    assert read(put(tmp_path / name, data)) == plain
    assert sum(isinstance(item, Found) for item in plain) == 40


@pytest.mark.parametrize(
    "name",
    [
        "server-memory.jsonl",
        "mcp-memory-keeper.json",
        "mcp-memory-service.json",
        "mem0.json",
        "openmemory.json",
        "claude-answer.txt",
        "claude-memories.json",
    ],
)
def test_every_form_is_the_same_inside_gz_and_zip(name: str, tmp_path: Path) -> None:
    data = (DATA / name).read_bytes()
    expected = [
        (i.context.origin, i.context.project) for i in read(DATA / name) if isinstance(i, Found)
    ]
    for packed in (
        put(tmp_path / "a.gz", gzipped(data)),
        zipped(tmp_path / "a.zip", {f"folder/{name}": data, "__MACOSX/._x": b"x"}),
        zipped(tmp_path / "b.zip", {"x": gzipped(data), "notes.bin": b"\0"}),
    ):
        items = read(packed)
        assert [
            (i.context.origin, i.context.project) for i in items if isinstance(i, Found)
        ] == expected


def test_memory_keepers_database_is_read_inside_gz() -> None:
    assert form_of(DATA / "mcp-memory-keeper.db.gz") == "mcp-memory-keeper"


@pytest.mark.parametrize("top", ["", "vault/", "vault/deep/"])
def test_a_folder_of_notes_is_one_inside_a_zip(top: str, tmp_path: Path) -> None:
    notes = {f"{top}web-shop/{n}.md": markdown.text_of(n, EXAMPLE) for n in (1, 2)}
    path = zipped(tmp_path / "notes.zip", notes | {f"{top}.obsidian/app.json": b"{}"})
    assert form_of(path) == "markdown"
    assert sum(isinstance(item, Found) for item in read(path)) == 2
    shutil.make_archive(str(tmp_path / "basic"), "zip", DATA, "basic-memory")
    expected = [i.context for i in read(DATA / "basic-memory") if isinstance(i, Found)]
    found = [i.context for i in read(tmp_path / "basic.zip") if isinstance(i, Found)]
    assert [(c.project, c.note.content, c.origin) for c in found] == [
        (c.project, c.note.content, c.origin) for c in expected
    ]


def test_an_archive_of_something_else_is_read_for_what_is_known_in_it(tmp_path: Path) -> None:
    data = {"memories.json": (DATA / "claude-memories.json").read_bytes(), "users.json": b"[{}]"}
    assert form_of(zipped(tmp_path / "data.zip", data)) == "claude"


@pytest.mark.parametrize(
    "entries",
    [
        {"a.jsonl": LINES, "b.jsonl": OPENMEMORY},
        {"a.jsonl": LINES, "1.md": markdown.text_of(1, EXAMPLE), "2.md": b"x"},
    ],
)
def test_where_an_archive_holds_two_forms_a_person_is_asked(
    entries: dict[str, bytes], tmp_path: Path
) -> None:
    path = zipped(tmp_path / "a.zip", entries)
    with pytest.raises(TransferError, match=r"a\.zip can be .* or .*: say which with --from \("):
        read(path)
    assert form_of(path, "jsonl") == "jsonl"
    with pytest.raises(TransferError, match=r"looks like .*, not like claude"):
        read(path, "claude")


def test_several_exports_of_one_form_in_an_archive_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.jsonl": LINES, "b.jsonl": LINES})
    with pytest.raises(TransferError, match=r"holds several exports.*unpack it"):
        read(path)


def test_where_lines_show_the_marks_of_two_forms_a_person_is_asked(tmp_path: Path) -> None:
    both = json.loads(OPENMEMORY) | {"format": "extended-memory", "version": 1}
    for data in (HEADER + OPENMEMORY, OPENMEMORY + HEADER, json.dumps(both).encode()):
        path = put(tmp_path / "a.jsonl", data)
        with pytest.raises(TransferError, match=r"say which with --from \((jsonl|openmemory), "):
            read(path)
        assert form_of(path, "openmemory") == "openmemory"


def test_a_folder_with_notes_of_two_forms_is_asked_about(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    shutil.copytree(DATA / "basic-memory", folder)
    put(folder / "zzz.md", markdown.text_of(7, EXAMPLE))
    with pytest.raises(TransferError, match=r"--from \(basic-memory, markdown\)"):
        read(folder)
    assert sum(isinstance(item, Found) for item in read(folder, "basic-memory")) == 2


@pytest.mark.parametrize("name", [one for one in catalogue.NAMES if one != "jsonl"])
def test_what_a_person_says_does_not_count_against_clear_marks(name: str, tmp_path: Path) -> None:
    for path in (put(tmp_path / "a", LINES), put(tmp_path / "b", gzipped(LINES))):
        with pytest.raises(
            TransferError, match=rf"not like {name}: leave --from out, or say --from jsonl"
        ):
            read(path, name)


@pytest.mark.parametrize(
    "first", [b"", b'{"format":"exten\n', b"x" * 100 + b"\n", b"[" * 100_000 + b"\n"]
)
def test_our_export_without_its_first_line_is_known_and_the_line_is_asked_for(
    first: bytes, tmp_path: Path
) -> None:
    path = put(tmp_path / "a.jsonl", first + LINES.removeprefix(HEADER))
    with pytest.raises(TransferError, match="does not begin as an export does"):
        read(path)


@pytest.mark.parametrize("size", [20, 200, 700])
def test_what_can_be_read_of_a_gz_that_is_cut_off_is_read_and_the_rest_said(
    size: int, tmp_path: Path
) -> None:
    lines = HEADER + b"".join(
        jsonl.line(n, EXAMPLE).replace(b"PostgreSQL", os.urandom(20).hex().encode())
        for n in range(1, 41)
    )
    whole = gzipped(lines)
    items = read(put(tmp_path / "a.jsonl.gz", whole[:-size]))
    assert items[-1] == Damaged(place="the end", why="it is cut off, and what follows is missing")
    assert 0 < sum(isinstance(item, Found) for item in items) <= 40


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (gzipped(LINES)[:12], r"a\.bin is damaged: it is cut off"),
        (b"\x1f\x8b" + b"x" * 200, r"a\.bin is damaged"),
        (gzipped(LINES)[:-8] + b"12345678", r"a\.bin is damaged, and nothing of it"),
        (gzipped(LINES) + b"trailing", r"a\.bin is damaged, and nothing of it"),
        (gzipped(b""), "is no export that is known here"),
        (gzipped(b"just words\n"), "is no export that is known here"),
        (gzipped(gzipped(gzipped(LINES))), "packed in too many layers"),
        (bz2.compress(LINES), "compressed with bzip2, which is not read here: unpack it first"),
        (lzma.compress(LINES), "compressed with xz, which is not read here: unpack it first"),
        (b"\x28\xb5\x2f\xfd" + b"x" * 99, "compressed with zstd"),
        (b"PK\x03\x04 broken", "is damaged or cut off, and nothing of it was imported"),
        (b"PK\x05\x06" + b"\0" * 18, "is no export that is known here"),
    ],
)
def test_what_cannot_be_unpacked_is_refused_in_a_sentence(
    data: bytes, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(TransferError, match=sentence):
        read(put(tmp_path / "a.bin", data))


def test_a_tar_archive_is_refused_also_inside_gz(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.jsonl"), io.BytesIO())
    for data in (buffer.getvalue(), gzipped(buffer.getvalue())):
        with pytest.raises(TransferError, match="is a tar archive, which is not read here"):
            read(put(tmp_path / "a.tgz", data))


@pytest.mark.parametrize("where", range(30, 400, 41))
def test_a_zip_with_damage_anywhere_is_refused_or_read_whole(where: int, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.jsonl": LINES})
    whole, data = read(path), bytearray(path.read_bytes())
    data[where % len(data)] ^= 0xFF
    refusal, items = "", whole
    try:
        items = read(put(path, bytes(data)))
    except TransferError as error:
        refusal = str(error)
    assert items == whole
    assert not refusal or "damaged" in refusal or "unpack it first" in refusal


def test_a_zip_that_names_a_file_outside_of_itself_is_refused(tmp_path: Path) -> None:
    for name in ("../a.jsonl", "x/../../a.jsonl", "..\\a.jsonl", "C:\\a.jsonl"):
        with pytest.raises(TransferError, match="names a file outside of itself"):
            read(zipped(tmp_path / "a.zip", {name: LINES}))
    assert form_of(zipped(tmp_path / "a.zip", {"/a.jsonl": LINES})) == "jsonl"


def test_what_unpacks_to_more_than_a_bound_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAXIMUM_UNPACKED_BYTES", len(LINES) - 1)
    for path in (
        put(tmp_path / "a.gz", gzipped(LINES)),
        zipped(tmp_path / "a.zip", {"a.jsonl": LINES}),
        zipped(tmp_path / "b.zip", {"a": LINES[:-9], "b": LINES[-9:]}),
        zipped(tmp_path / "c.zip", {"a": gzipped(LINES)}),
    ):
        with pytest.raises(TransferError, match=r"bytes when it is unpacked: .*unpack it first"):
            read(path)


def test_a_line_without_end_inside_gz_is_refused_before_all_of_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("extended_memory.transfer.formats.item.MAXIMUM_LINE_BYTES", 2**20)
    path = put(tmp_path / "a.jsonl.gz", gzipped(HEADER + b" " * 2**23))
    with pytest.raises(TransferError, match=r"A line of a\.jsonl\.gz is longer than any context"):
        read(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such pipes on Windows")
@pytest.mark.parametrize("data", [LINES, gzipped(LINES)])
def test_a_pipe_is_read_once(data: bytes, tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    writer = threading.Thread(target=pipe.write_bytes, args=(data,), daemon=True)
    writer.start()
    assert sum(isinstance(item, Found) for item in read(pipe)) == 40
    writer.join()
