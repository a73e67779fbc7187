"""Faults of the store leave no dead entry in a client: every tool says the fault and its remedy."""

import os
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from extended_memory.storage.sqlite.schema.upgrade import HEAD
from tests.support.database import connected, flaws, stored
from tests.support.server import COMMAND, Json, Server, Start, text

TOOL_CALLS: dict[str, Json] = {
    "save_context": {"content": "New."},
    "load_contexts": {},
    "forget_context": {"context_id": 1},
    "list_all_projects": {},
    "get_popular_tags": {},
}
NEVER_SHOWN = re.compile(
    r"select|insert|update |pragma|begin |traceback|sqlalchemy|sqlite3|alembic|error calling",
    re.IGNORECASE,
)
PAGE = 4096
SMALL_DISK = 2 * 1024 * 1024

# Root writes wherever it likes; without these two capabilities it is bound by modes as all are.
AS_A_MORTAL = (
    sys.executable,
    "-c",
    "import ctypes, os, sys\n"
    "for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH\n"
    "    ctypes.CDLL(None).prctl(24, capability)  # PR_CAPBSET_DROP\n"
    "os.execv(sys.argv[1], sys.argv[1:])\n",
    *COMMAND,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something wrong with a store: how it comes about, what is to be said, how it goes away."""

    cause: Callable[[Path], None]
    remedy: str
    heal: Callable[[Path, Path], None]


def _put_back(place: Path, whole: Path) -> None:
    shutil.copy(whole, place.with_name("whole"))
    place.with_name("whole").replace(place)


def _write_a_letter(place: Path) -> None:
    place.write_text("Dear reader.\n" * 1000)


def _write_a_short_letter(place: Path) -> None:
    place.write_text("Dear reader.\n")


def _damage_all_pages(place: Path) -> None:
    with place.open("r+b") as file:
        file.seek(PAGE)
        file.write(b"\xa5" * (place.stat().st_size - PAGE))


def _make_newer(place: Path) -> None:
    with connected(place) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("UPDATE store_facts SET value = '97.1.0' WHERE name = 'release'")


def _make_older_again(place: Path, whole: Path) -> None:
    with connected(place) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (HEAD,))


def _write_another_programs(place: Path) -> None:
    place.unlink()
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")


def _forbid_the_file(place: Path) -> None:
    place.chmod(0)


def _forbid_the_folder(place: Path) -> None:
    place.unlink()
    place.parent.chmod(0o555)


def _allow(place: Path, whole: Path) -> None:
    place.parent.chmod(0o755)
    if place.exists():
        place.chmod(0o600)
    else:
        _put_back(place, whole)


NOT_A_DATABASE = "set STORAGE_CONNECTION_STRING to another file, and try again."
FAULTS = {
    "a letter": Fault(
        cause=_write_a_letter,
        remedy=NOT_A_DATABASE,
        heal=_put_back,
    ),
    "a short letter": Fault(
        cause=_write_a_short_letter,
        remedy=NOT_A_DATABASE,
        heal=_put_back,
    ),
    "damaged pages": Fault(
        cause=_damage_all_pages,
        remedy="put it back with `extended-memory-mcp restore-backup`, and try again.",
        heal=_put_back,
    ),
    "a newer release": Fault(
        cause=_make_newer,
        remedy="install extended-memory-mcp 97.1.0 or newer "
        "(with uv: `uvx extended-memory-mcp@latest`).",
        heal=_make_older_again,
    ),
    "another program": Fault(
        cause=_write_another_programs,
        remedy="set STORAGE_CONNECTION_STRING to a file of its own.",
        heal=_put_back,
    ),
    "a forbidden file": Fault(
        cause=_forbid_the_file,
        remedy="try again.",
        heal=_allow,
    ),
    "a forbidden folder": Fault(
        cause=_forbid_the_folder,
        remedy="set STORAGE_CONNECTION_STRING to another place, and try again.",
        heal=_allow,
    ),
}


@pytest.mark.long(but=1)
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_said_by_every_tool_and_once_on_stderr_until_its_cause_is_gone(
    fault: Fault, filled: Path, whole: Path, start: Start
) -> None:
    fault.cause(filled)
    before = _bytes(filled)
    server = start(AS_A_MORTAL)
    assert server.handshake()["serverInfo"]["name"] == "extended-memory-mcp"
    sentences = [
        server.refused(tool, **arguments)
        for tool, arguments in [*TOOL_CALLS.items(), *TOOL_CALLS.items()]
    ]
    assert len(set(sentences)) == 1
    _is_one_sentence(sentences[0], filled)
    assert sentences[0].endswith(fault.remedy)
    assert _bytes(filled) == before
    fault.heal(filled, whole)
    assert server.ok("save_context", content="After it.", importance_level=9)["id"] == 301
    assert server.ok("load_contexts")["total"] == 301
    assert server.end() == 0
    assert _said(server, sentences[0]) == 1
    assert "Traceback" not in server.log()
    assert flaws(filled) == {}


def test_of_repeated_calls_that_meet_a_fault_stderr_holds_one_message(
    filled: Path, start: Start
) -> None:
    FAULTS["a letter"].cause(filled)
    server = start()
    server.handshake()
    for tool, arguments in TOOL_CALLS.items():
        server.refused(tool, **arguments)
    assert server.end() == 0
    assert len(server.log().splitlines()) == 1


def test_a_fault_is_said_by_the_resource_too(filled: Path, start: Start) -> None:
    FAULTS["a letter"].cause(filled)
    server = start()
    server.handshake()
    answer = server.answer(server.request("resources/read", {"uri": "memory://startup-context"}))
    assert NOT_A_DATABASE in answer["error"]["message"]
    assert str(filled.parent) not in str(answer)


@pytest.mark.long
def test_damaged_pages_in_the_middle_are_said_by_the_calls_that_need_them(
    filled: Path, start: Start
) -> None:
    pages = filled.stat().st_size // PAGE
    with filled.open("r+b") as file:
        file.seek(pages // 3 * PAGE)
        file.write(b"\xa5" * (pages // 3 * PAGE))
    server = start()
    server.handshake()
    results = [server.call("load_contexts", offset=offset) for offset in range(0, 300, 30)]
    refusals = {result["content"][0]["text"] for result in results if result["isError"]}
    assert len(refusals) == 1
    assert FAULTS["damaged pages"].remedy in refusals.pop()


@pytest.mark.long
def test_a_file_that_is_read_only_serves_reads(filled: Path, start: Start) -> None:
    filled.chmod(0o444)
    filled.parent.chmod(0o555)
    before = filled.read_bytes()
    server = start(AS_A_MORTAL)
    server.handshake()
    assert server.ok("load_contexts")["total"] == 300
    assert server.ok("list_all_projects")["total"] == 1
    assert server.ok("get_popular_tags")["total"] == 40
    for tool in ("save_context", "forget_context"):
        sentence = server.refused(tool, **TOOL_CALLS[tool])
        _is_one_sentence(sentence, filled)
        assert sentence.endswith("make the file and its folder writable and try again.")
    assert filled.read_bytes() == before
    filled.parent.chmod(0o755)
    filled.chmod(0o600)
    assert server.ok("save_context", content="After it.")["id"] == 301


@pytest.mark.long
def test_a_file_that_its_owner_marked_as_read_only_stays_so(filled: Path, start: Start) -> None:
    filled.chmod(0o444)
    before = filled.read_bytes()
    server = start(AS_A_MORTAL)
    server.handshake()
    server.refused("save_context", content="Against the mark.")
    assert server.ok("load_contexts")["total"] == 300
    assert server.end() == 0
    assert filled.stat().st_mode & 0o222 == 0
    assert filled.read_bytes() == before


@pytest.mark.long
def test_a_file_that_is_replaced_by_a_text_under_a_running_server_is_left_as_it_is(
    filled: Path, whole: Path, start: Start
) -> None:
    server = start()
    server.handshake()
    server.ok("save_context", content="Before it.")
    for file in list(filled.parent.iterdir()):
        file.unlink()
    FAULTS["a letter"].cause(filled)
    before = filled.read_bytes()
    assert {server.refused(tool, **TOOL_CALLS[tool])[-40:] for tool in TOOL_CALLS} == {
        NOT_A_DATABASE[-40:]
    }
    assert filled.read_bytes() == before
    _put_back(filled, whole)
    assert server.ok("load_contexts")["total"] == 300


@pytest.mark.long
@pytest.mark.parametrize("kind", ["a limit", "a small disk"])
def test_of_a_full_disk_nothing_that_was_acknowledged_is_lost(
    kind: str, start: Start, tmp_path: Path
) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = _on_a_small_disk(folder) if kind == "a small disk" else None
    env = {"STORAGE_CONNECTION_STRING": str(folder / "memory.db"), "LOG_LEVEL": "DEBUG"}
    server = start([*(mounted or ()), *COMMAND], env=env)
    server.handshake()
    server.wait_for_upkeep()  # its writes succeed: a fault between two of them is said again
    # The mount is the server's own and ends with it; from here it is reached through the server.
    seen = Path(f"/proc/{server.process.pid}/root{folder}") if mounted else folder
    acknowledged = [server.ok("save_context", content="Number 0.", tags=["t"])["id"]]
    if mounted:
        remedy = "the disk is full: free some space and try again."
        _fill(seen / "ballast")
    else:
        remedy = "check the disk and its free space, and try again."
        used = (seen / "memory.db-wal").stat().st_size
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (used + 50_000, -1))
    texts: list[str] = []
    while sum(map(bool, texts)) < 5:
        assert len(texts) < 100
        content = f"Number {len(texts) + 1}. " * 1000
        result = server.call("save_context", content=content, tags=["t"])
        texts.append(text(result) if result["isError"] else "")
        if not result["isError"]:
            acknowledged.append(result["structuredContent"]["id"])
    (sentence,) = {text for text in texts if text}
    _is_one_sentence(sentence, folder / "memory.db")
    assert sentence.endswith(remedy)
    # Once for each time that the disk became full: a checkpoint may have made room in between.
    assert _said(server, sentence) == sum(not b and bool(a) for b, a in pairwise(["", *texts]))
    if mounted:
        (seen / "ballast").unlink()
    else:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (-1, -1))
    acknowledged.append(server.ok("save_context", content="After it.", tags=["t"])["id"])
    loaded = server.ok("load_contexts", importance_level=1, limit=100)
    assert loaded["total"] == len(acknowledged)
    assert server.ok("get_popular_tags")["tags"] == [{"tag": "t", "count": len(acknowledged)}]
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in seen.glob("memory.db*"):  # SQLite itself does not follow this path
        shutil.copy(file, copy)
    assert flaws(copy / "memory.db") == {}
    assert sorted(stored(copy / "memory.db")) == acknowledged


@pytest.mark.long
def test_a_full_disk_is_said_once_although_reads_go_on_between_the_saves(
    filled: Path, start: Start
) -> None:
    server = start(env={"LOG_LEVEL": "DEBUG"})
    server.handshake()
    server.wait_for_upkeep()  # its writes succeed: a fault between two of them is said again
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (40_000, -1))
    sentences = set()
    for _ in range(3):
        sentences.add(server.refused("save_context", content="x" * 45_000))
        assert server.ok("load_contexts")["total"] == 300
    (sentence,) = sentences
    assert _said(server, sentence) == 1


@pytest.mark.long
def test_a_disk_that_is_full_from_the_beginning_is_said_until_there_is_space(
    start: Start, place: Path
) -> None:
    limit = f"import resource, os, sys; resource.setrlimit({resource.RLIMIT_FSIZE}, (9000, -1)); "
    command = [sys.executable, "-c", limit + "os.execv(sys.argv[1], sys.argv[1:])", *COMMAND]
    server = start(command)
    server.handshake()
    sentences = {server.refused(tool, **arguments) for tool, arguments in TOOL_CALLS.items()}
    (sentence,) = sentences
    _is_one_sentence(sentence, place)
    assert sentence.endswith("try again.")
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (-1, -1))
    assert server.ok("save_context", content="After it.")["id"] == 1
    assert flaws(place) == {}


@pytest.fixture(autouse=True)
def _all_can_be_removed(place: Path) -> Iterator[None]:
    yield
    if place.parent.exists():
        place.parent.chmod(0o755)


def _is_one_sentence(sentence: str, place: Path) -> None:
    assert sentence.startswith(place.name)
    assert "\n" not in sentence
    assert str(place.parent) not in sentence
    assert not NEVER_SHOWN.search(sentence)


def _said(server: Server, sentence: str) -> int:
    return server.log().count(sentence)


def _bytes(place: Path) -> bytes | None:
    if not place.exists():
        return None
    mode = place.stat().st_mode
    place.chmod(0o600)
    found = place.read_bytes()
    place.chmod(mode)
    return found


def _fill(file: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        file.write_bytes(b"\0" * SMALL_DISK)
    os.truncate(file, file.stat().st_size - 25 * PAGE)  # so that some saves still succeed


def _on_a_small_disk(folder: Path) -> list[str] | None:
    """Return the words before a command that give it a disk of its own at a folder.

    None where this machine lets nobody mount one; the test then makes do with a limit.
    """
    script = f'mount -t tmpfs -o size={SMALL_DISK},mode=0700 memory "{folder}" && exec "$@"'
    for unshare in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]):
        words = [*unshare, "sh", "-c", script, "sh"]
        try:
            if subprocess.run([*words, "true"], capture_output=True).returncode == 0:
                return words
        except FileNotFoundError:
            return None
    return None
