"""Where a file may be written, and how: on real files, in every way that a path can be given."""

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from extended_memory import output
from extended_memory.output import OutputError


def by_dots(path: Path) -> Path:
    (path.parent / "sub").mkdir(exist_ok=True)
    return path.parent / "sub" / ".." / path.name


def by_a_link(path: Path) -> Path:
    link = path.parent.parent / "link"
    link.symlink_to(path)
    return link


def by_a_linked_folder(path: Path) -> Path:
    folder = path.parent.parent / "folder-link"
    folder.symlink_to(path.parent)
    return folder / path.name


def from_the_working_folder(path: Path) -> Path:
    return Path(os.path.relpath(path))


WAYS: dict[str, Callable[[Path], Path]] = {
    "as it is": lambda path: path,
    "dots": by_dots,
    "a link": by_a_link,
    "a linked folder": by_a_linked_folder,
    "a relative path": from_the_working_folder,
}


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("way", WAYS)
def test_a_file_of_the_store_is_known_by_every_path(
    tmp_path: Path, way: str, is_there: bool
) -> None:
    file = tmp_path / "store" / "memory.db-wal"
    file.parent.mkdir()
    if is_there:
        file.write_bytes(b"log")
    with pytest.raises(OutputError, match="is a file of the memory itself"):
        output.target(WAYS[way](file), store=[file])


def test_a_file_of_the_store_is_known_by_its_hard_link(tmp_path: Path) -> None:
    file = tmp_path / "memory.db"
    file.write_bytes(b"notes")
    os.link(file, tmp_path / "other.jsonl")
    with pytest.raises(OutputError, match=r"other\.jsonl is a file of the memory itself"):
        output.target(tmp_path / "other.jsonl", store=[file])


@pytest.mark.parametrize("name", ["MEMORY.db", "me\u0301mory.db"])
def test_a_name_that_some_file_systems_take_for_the_same_is_not_made(
    tmp_path: Path, name: str
) -> None:
    store = [tmp_path / "memory.db", tmp_path / "m\u00e9mory.db"]
    with pytest.raises(OutputError):
        output.target(tmp_path / name, store=store)


def test_what_is_not_of_the_store_may_be_written_beside_it(tmp_path: Path) -> None:
    store = tmp_path / "memory.db"
    store.touch()
    assert output.target(tmp_path / "memory.jsonl", store=[store]).status is None


def write(path: Path, data: bytes) -> None:
    with output.opened(output.target(path)) as file:
        file.write(data)


def test_a_file_takes_its_name_when_it_is_whole_and_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "export"
    file.write_bytes(b"before")
    with output.opened(output.target(file)) as out:
        out.write(b"af")
        out.flush()
        assert file.read_bytes() == b"before"
        out.write(b"ter")
    assert file.read_bytes() == b"after"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.glob("*export*")) == [file]


def test_where_it_fails_what_was_there_stays_and_nothing_is_left(tmp_path: Path) -> None:
    file = tmp_path / "export"
    file.write_bytes(b"before")

    def fail() -> None:
        with output.written(file) as part:
            part.with_name(part.name + "-journal").write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert file.read_bytes() == b"before"
    assert list(tmp_path.glob("*export*")) == [file]


def test_a_link_goes_on_pointing_to_its_file(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link, dangling = tmp_path / "link", tmp_path / "dangling"
    link.symlink_to("there/file")
    (tmp_path / "there/file").write_bytes(b"before")
    dangling.symlink_to("there/new")
    write(link, b"one")
    write(dangling, b"two")
    assert (link.is_symlink(), dangling.is_symlink()) == (True, True)
    assert [(tmp_path / "there" / name).read_bytes() for name in ("file", "new")] == [
        b"one",
        b"two",
    ]


def test_a_name_of_any_length_can_be_written(tmp_path: Path) -> None:
    file = tmp_path / ("ж" * 126 + ".md")
    write(file, b"x")
    assert file.read_bytes() == b"x"


def test_a_name_that_was_free_is_not_taken_from_another(tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    with pytest.raises(FileExistsError), output.written(file, is_new=True):
        file.write_bytes(b"theirs")
    assert file.read_bytes() == b"theirs"
    assert list(tmp_path.glob("*copy*")) == [file]


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write(pipe, b"through")
    reader.join(60)
    assert read == [b"through"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="needs root")
def test_a_device_is_written_to_and_a_disk_is_refused(tmp_path: Path) -> None:
    null, disk = tmp_path / "null", tmp_path / "disk"
    try:
        os.mknod(null, stat.S_IFCHR | 0o600, os.makedev(1, 3))
        os.mknod(disk, stat.S_IFBLK | 0o600, os.makedev(7, 7))
    except PermissionError:
        pytest.skip("this machine lets nobody make a device")
    write(null, b"gone")
    assert stat.S_ISCHR(null.stat().st_mode)
    with pytest.raises(OutputError, match="disk is a disk"):
        output.target(disk)


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="needs names for descriptors")
@pytest.mark.parametrize("form", ["/dev/fd/{}", "/proc/self/fd/{}", "{tmp}/link"])
def test_a_descriptor_goes_on_where_it_is(tmp_path: Path, form: str) -> None:
    file = tmp_path / "out"
    file.write_bytes(b"before ")
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND)
    path = Path(form.format(descriptor, tmp=tmp_path))
    if form == "{tmp}/link":
        path.symlink_to(f"/dev/fd/{descriptor}")
    identity = file.stat().st_ino
    write(path, b"after")
    os.close(descriptor)
    assert (file.read_bytes(), file.stat().st_ino) == (b"before after", identity)


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="needs names for descriptors")
@pytest.mark.parametrize(("name", "is_it"), [("stdout", True), ("stderr", False)])
def test_the_name_of_the_standard_output_is_known(name: str, is_it: bool) -> None:
    to = output.target(Path("/dev") / name)
    assert (to.is_stream, to.is_standard_output) == (True, is_it)


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="needs names for descriptors")
def test_a_descriptor_of_the_store_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "memory.db"
    with file.open("wb") as opened, pytest.raises(OutputError):
        output.target(Path(f"/dev/fd/{opened.fileno()}"), store=[file])


def test_a_descriptor_that_is_closed_and_a_circle_of_links_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    for path in (tmp_path / "a", Path("/dev/fd/9876")):
        with pytest.raises(OSError, match=r"Bad file|No such file|symbolic links"):
            write(path, b"x")


@pytest.mark.parametrize(("holds", "overwrite", "is_refused"), [
    (b"", False, False),
    (b"export 1", False, False),
    (b"thesis", False, True),
    (b"thesis", True, False),
])  # fmt: skip
def test_a_file_gives_way_to_its_own_kind_or_where_it_is_said(
    tmp_path: Path, holds: bytes, overwrite: bool, is_refused: bool
) -> None:
    file = tmp_path / "file"
    file.write_bytes(holds)

    def decide() -> None:
        output.require_free(
            output.target(file),
            what="export",
            is_one=lambda path: path.read_bytes().startswith(b"export"),
            overwrite=overwrite,
        )

    if not is_refused:
        decide()
        return
    with pytest.raises(OutputError, match=r"file is there and is no export, .* --overwrite"):
        decide()


def test_a_folder_is_filled_where_its_link_leads(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    with output.filled_folder(tmp_path / "link") as folder:
        (folder / "note.md").write_bytes(b"x")
    assert (tmp_path / "link").is_symlink()
    assert [file.name for file in (tmp_path / "empty").iterdir()] == ["note.md"]


@pytest.mark.parametrize("there", ["file", "pipe", "full", "memory.db"])
def test_a_folder_takes_the_place_of_nothing(tmp_path: Path, there: str) -> None:
    (tmp_path / "file").write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "full" / "of").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    with (
        pytest.raises(OutputError),
        output.filled_folder(tmp_path / there, store=[tmp_path / "memory.db"]),
    ):
        pass
    assert sorted(tmp_path.rglob("*")) == before


def test_a_path_out_of_a_folder_that_is_not_there_leads_nowhere(tmp_path: Path) -> None:
    there = tmp_path / "memory.db"
    there.write_text("kept")
    (tmp_path / "link").symlink_to(tmp_path / "nosuch" / ".." / there.name)
    for path in (tmp_path / "nosuch" / ".." / there.name, tmp_path / "link"):
        with pytest.raises(FileNotFoundError):
            output.target(path)
        with pytest.raises(FileNotFoundError), output.filled_folder(path):
            pass
    assert there.read_text() == "kept"
