"""What commands write files over, and what never: the memory itself, and what is not theirs."""

import json
import os
import resource
import shutil
import sqlite3
import stat
import subprocess
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from extended_memory.domain import Note
from tests.support.commands import opened, run
from tests.support.server import COMMAND, Server
from tests.support.sqlite_stores import execute, faults_within, mode

BACKUP = "memory.db.backup-20250102T030405Z-0004"
HEADER = b'{"format":"extended-memory","version":1}\n'


def fill(path: Path, *texts: str) -> None:
    with closing(opened(str(path))) as repository:
        for text in texts:
            repository.save(
                "general", Note(content=text, importance=5, tags=()), repeat_within=timedelta(0)
            )


def held(path: Path) -> list[str]:
    with closing(opened(str(path))) as repository:
        return [context.note.content for context in repository.contexts_after(after=0, limit=1000)]


def contents(folder: Path) -> dict[str, bytes | None]:
    """Return everything in a folder, and what files hold."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def crash(path: Path, *texts: str, keep: Path | None = None) -> bytes:
    """Leave a file with a log as a killed server does; return the log.

    ``keep`` gets the file as it was before the texts came.
    """
    fill(path, "old")
    if keep is not None:
        shutil.copy(path, keep)
    beside = path.with_name("crashed")
    beside.mkdir()
    with closing(opened(str(path))) as repository:
        for text in texts:
            repository.save(
                "general", Note(content=text, importance=5, tags=()), repeat_within=timedelta(0)
            )
        for side in ("", "-wal", "-shm"):
            shutil.copy(f"{path}{side}", beside / f"{path.name}{side}")
    for file in beside.iterdir():
        file.replace(path.with_name(file.name))
    beside.rmdir()
    return path.with_name(f"{path.name}-wal").read_bytes()


def by_hard_link(path: Path) -> Path:
    link = path.parent.parent / "hard.jsonl"
    os.link(path, link)
    return link


def by_link(path: Path) -> Path:
    link = path.parent.parent / "link.jsonl"
    link.symlink_to(path)
    return link


def by_linked_folder(path: Path) -> Path:
    folder = path.parent.parent / "folder-link"
    folder.symlink_to(path.parent)
    return folder / path.name


EXPORT = ("export", "--overwrite")
MARKDOWN = ("export", "--format", "markdown")
COPY = ("backup", "--overwrite")
SCRIPT = ("--install-completion", "--shell", "bash", "--output")
CONFIGURATION = ("install", "cursor", "--yes", "--file")
REMOVAL = ("uninstall", "cursor", "--yes", "--file")


@pytest.mark.long(but=1)
@pytest.mark.parametrize(
    ("command", "name", "way"),
    [
        (EXPORT, "memory.db", None),
        (EXPORT, "memory.db", by_hard_link),
        (EXPORT, "memory.db", by_link),
        (EXPORT, "memory.db", by_linked_folder),
        (EXPORT, "memory.db-wal", None),
        (EXPORT, "memory.db-shm", by_link),
        (EXPORT, "memory.db-journal", by_linked_folder),
        (EXPORT, BACKUP, None),
        (EXPORT, f"{BACKUP}-wal", None),
        (EXPORT, f"{BACKUP}.x.unfinished", None),
        (EXPORT, "memory.db-wal.backup-20250102T030405Z-replaced", None),
        (MARKDOWN, "memory.db-wal", None),
        (COPY, "memory.db", by_link),
        (COPY, "memory.db-wal", None),
        (COPY, BACKUP, by_hard_link),
        (SCRIPT, "memory.db", None),
        (SCRIPT, "memory.db-wal", by_link),
        (CONFIGURATION, "memory.db-wal", None),
        (CONFIGURATION, BACKUP, by_link),
        (REMOVAL, "memory.db", None),
    ],
)
def test_no_command_writes_over_a_file_of_the_memory(
    place: Path, command: tuple[str, ...], name: str, way: Callable[[Path], Path] | None
) -> None:
    fill(place, "one")
    for copy in (
        BACKUP,
        f"{BACKUP}.x.unfinished",
        "memory.db-wal.backup-20250102T030405Z-replaced",
    ):
        shutil.copy(place, place.with_name(copy))
    target = place.with_name(name) if way is None else way(place.with_name(name))
    before = contents(place.parent)
    ended = run(*command, str(target), env={})
    assert (ended.returncode, ended.stdout) == (1, ""), ended.stderr
    assert f"{target.name} is a file of the memory itself" in ended.stderr
    assert contents(place.parent) == before


@pytest.mark.long(but=1)
@pytest.mark.parametrize("command", [EXPORT, MARKDOWN, SCRIPT, CONFIGURATION])
@pytest.mark.parametrize("ending", ["", "-wal"])
def test_nor_takes_its_place_before_there_is_one(
    place: Path, command: tuple[str, ...], ending: str
) -> None:
    place.parent.mkdir()
    ended = run(*command, f"{place}{ending}", env={})
    assert (ended.returncode, ended.stdout) == (1, "")
    reads = command in (EXPORT, MARKDOWN)  # and there is nothing to read yet
    refusal = "There is no memory at" if reads else "is a file of the memory itself"
    assert refusal in ended.stderr
    assert contents(place.parent) == {}


def test_the_default_memory_is_guarded_as_one_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = {"STORAGE_CONNECTION_STRING": ""}
    folder = tmp_path / "home/.local/share/extended-memory-mcp"
    fill(folder / "memory.db", "one")
    monkeypatch.chdir(folder)
    for name in ("memory.db", "../extended-memory-mcp/memory.db-wal"):
        ended = run("export", name, "--overwrite", "--project", "general", env=env)
        assert "is a file of the memory itself" in ended.stderr
    assert held(folder / "memory.db") == ["one"]


def test_the_configuration_of_a_client_is_not_the_memory_that_it_names(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    variable = f"STORAGE_CONNECTION_STRING=sqlite:///{other}"
    ended = run(*CONFIGURATION, str(other), "--env", variable, env={})
    assert "other.db is a file of the memory itself" in ended.stderr
    assert not other.exists()


def test_the_standard_output_is_not_the_memory(place: Path) -> None:
    fill(place, "one")
    before = contents(place.parent)
    for name in ("-", "/proc/self/fd/1"):
        with place.open("ab") as out:
            ended = subprocess.run(
                [*COMMAND, "export", name], stdout=out, stderr=subprocess.PIPE, text=True
            )
        assert ended.returncode == 1
        assert "is a file of the memory itself" in ended.stderr
    assert contents(place.parent) == before


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("old.db", "old.db-wal"),
        ("old.db", "old.db-journal"),
        ("old.db", "store/memory.db-wal"),
        ("old.db", f"store/{BACKUP}"),
        ("data-wal", "data"),
    ],
)
def test_no_store_is_copied_into_the_files_of_another(
    place: Path, tmp_path: Path, source: str, target: str
) -> None:
    fill(place, "one")
    shutil.copy(place, place.with_name(BACKUP))
    fill(tmp_path / source, "two")
    before = contents(tmp_path)
    ended = run("copy", f"sqlite:///{tmp_path}/{source}", f"sqlite:///{tmp_path}/{target}", env={})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "is a file of the memory itself" in ended.stderr
    assert contents(tmp_path) == before


def test_a_store_may_be_copied_into_the_memory_and_out_of_its_backup(place: Path) -> None:
    fill(place, "one")
    other = place.with_name(BACKUP)
    fill(other, "two")
    assert run("copy", f"sqlite:///{other}", f"sqlite:///{place}", env={}).returncode == 0
    assert held(place) == ["one", "two"]


@pytest.mark.long(but=1)
@pytest.mark.parametrize(
    ("there", "arguments", "is_replaced"),
    [
        (b"my thesis\n" * 99, (), False),
        (b"my thesis\n", ("--overwrite",), True),
        (b'{"format":"another"}\n', (), False),
        (b"\x00\xff" * 999, (), False),
        (HEADER + b"{}\n", (), True),
        (b"", (), True),
    ],
)
def test_an_export_takes_the_place_of_an_export_alone(
    place: Path, tmp_path: Path, there: bytes, arguments: tuple[str, ...], is_replaced: bool
) -> None:
    fill(place, "one")
    file = tmp_path / "file"
    file.write_bytes(there)
    ended = run("export", str(file), *arguments, env={})
    if is_replaced:
        assert (ended.returncode, mode(file)) == (0, 0o600)
        assert file.read_bytes().startswith(b'{"format":"extended-memory"')
        return
    assert (ended.returncode, ended.stdout, file.read_bytes()) == (1, "", there)
    assert "file is there and is no export, so it was left as it is: name another" in ended.stderr
    assert "--overwrite" in ended.stderr


@pytest.mark.long
def test_a_script_of_completions_takes_the_place_of_one_alone(tmp_path: Path) -> None:
    file = tmp_path / "completion"
    assert run(*SCRIPT, str(file), env={}).returncode == 0
    assert run(*SCRIPT, str(file), env={}).returncode == 0
    file.write_text("# mine")
    assert "is there and is no completion" in run(*SCRIPT, str(file), env={}).stderr
    assert file.read_text() == "# mine"
    refused = run(*SCRIPT, str(tmp_path / "completion" / "below"), env={}).stderr
    assert "below cannot be written: Not a directory." in refused
    assert "Traceback" not in refused


def test_an_export_goes_where_a_link_leads(place: Path, tmp_path: Path) -> None:
    fill(place, "one")
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there/export.jsonl")
    assert run("export", str(tmp_path / "link"), env={}).returncode == 0
    assert (tmp_path / "link").is_symlink()
    assert b"one" in (tmp_path / "there/export.jsonl").read_bytes()


def through_a_shell(script: str) -> subprocess.CompletedProcess[str]:
    """Run a script of bash in which ``$em`` is this program."""
    env = {**os.environ, "em": " ".join(COMMAND)}
    return subprocess.run(
        ["bash", "-c", script], env=env, capture_output=True, text=True, timeout=120
    )


def standard_output(folder: Path) -> Path:
    """Return a link as /dev/stdout is one: a fault would replace this machine's own."""
    link = folder / "stdout"
    link.symlink_to("/proc/self/fd/1")
    return link


@pytest.mark.long(but=1)
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
@pytest.mark.parametrize(
    "script",
    [
        '$em export >(cat > "{out}"); wait $!',
        '$em export "{link}" | cat > "{out}"',
        '$em export "{link}" > "{out}"',
        '$em export /dev/fd/7 7> "{out}"',
        '$em export /proc/self/fd/1 > "{out}"',
        '$em export > "{out}"',
    ],
)
def test_what_is_no_file_is_written_to_as_it_is(place: Path, tmp_path: Path, script: str) -> None:
    fill(place, "one", "two")
    out = tmp_path / "out"
    out.write_text("an inode that stays")
    inode = out.stat().st_ino
    ended = through_a_shell(script.format(out=out, link=standard_output(tmp_path)))
    assert ended.returncode == 0, ended.stderr
    assert [json.loads(line).get("content") for line in out.read_text().splitlines()] == [
        None,
        "one",
        "two",
    ]
    assert "2 contexts exported to" in ended.stdout + ended.stderr
    assert out.stat().st_ino == inode


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_a_name_of_the_standard_output_appends_where_that_does(place: Path, tmp_path: Path) -> None:
    fill(place, "one")
    out = tmp_path / "out"
    out.write_bytes(b"before\n")
    link = standard_output(tmp_path)
    assert through_a_shell(f'$em export "{link}" >> "{out}"').returncode == 0
    assert link.is_symlink()
    first, _, content = out.read_bytes().splitlines()
    assert (first, b"one" in content) == (b"before", True)


def device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("this machine lets nobody make a device")


@pytest.mark.long(but=1)
@pytest.mark.parametrize("make", [device, os.mkfifo])
def test_a_device_and_a_pipe_stay_what_they_are(
    place: Path, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    fill(place, "one")
    path = tmp_path / "special"
    make(path)
    kind = stat.S_IFMT(path.stat().st_mode)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
    reader.start()
    assert run("export", str(path), env={}).returncode == 0
    reader.join(60)
    assert (b"one" in read[0]) == (make is os.mkfifo)
    for command in (COPY, MARKDOWN, CONFIGURATION):
        ended = run(*command, str(path), env={})
        assert (ended.returncode, ended.stdout) == (1, "")
        assert "special is no" in ended.stderr or "is no folder" in ended.stderr
    assert stat.S_IFMT(path.stat().st_mode) == kind
    assert list(tmp_path.glob("*special*")) == [path]


def test_a_memory_that_is_no_file_is_not_restored(place: Path, tmp_path: Path) -> None:
    fill(place, "one")
    device(tmp_path / "null")
    env = {"STORAGE_CONNECTION_STRING": f"sqlite:///{tmp_path}/null"}
    ended = run("restore-backup", str(place), "--yes", env=env)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "null is no regular file" in ended.stderr
    assert stat.S_ISCHR((tmp_path / "null").stat().st_mode)


def test_a_backup_replaces_a_file_where_that_is_said(place: Path, tmp_path: Path) -> None:
    fill(place, "one")
    file = tmp_path / "copy.db"
    file.write_text("anything")
    assert "say --overwrite" in run("backup", str(file), env={}).stderr
    assert file.read_text() == "anything"
    assert run("backup", "--overwrite", str(file), env={}).returncode == 0
    assert (held(file), mode(file)) == (["one"], 0o600)


@pytest.mark.long
def test_a_backup_replaces_no_memory_that_a_server_uses(place: Path, tmp_path: Path) -> None:
    fill(place, "one")
    other = tmp_path / "other.db"
    env = {"STORAGE_CONNECTION_STRING": f"sqlite:///{other}"}
    with Server(stderr=tmp_path / "log", env=env) as server:
        server.handshake()
        server.ok("save_context", content="theirs")
        ended = run("backup", "--overwrite", str(other), env={})
        assert (ended.returncode, ended.stdout) == (1, "")
        assert "other.db was left as it is, another process uses it" in ended.stderr
        assert server.end() == 0
    assert held(other) == ["theirs"]


def on_a_full_disk(*arguments: str, limit: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.long
def test_a_disk_that_fills_during_an_export_leaves_what_was_there(
    place: Path, tmp_path: Path
) -> None:
    fill(place, *("x" * 40_000 for _ in range(20)))
    file, folder = tmp_path / "export.jsonl", tmp_path / "notes"
    file.write_bytes(HEADER)
    for command in (("export", str(file)), (*MARKDOWN, str(folder))):
        ended = on_a_full_disk(*command, limit=35_000)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert "cannot be written: File too large. What was there before is" in ended.stderr
    assert file.read_bytes() == HEADER
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export.jsonl", "home", "store"]


# What SQLite left beside a file that is gone.


@pytest.mark.parametrize("as_json", [False, True])
def test_a_log_without_its_file_is_moved_aside_before_a_backup_is_restored(
    place: Path, tmp_path: Path, as_json: bool
) -> None:
    copy = tmp_path / "copy.db"
    log = crash(place, *(f"new {number}" for number in range(40)), keep=copy)
    place.unlink()
    ended = run("restore-backup", str(copy), "--yes", *(["--json"] * as_json), env={})
    assert ended.returncode == 0, ended.stderr
    (kept,) = place.parent.glob("memory.db-wal.backup-*-replaced")
    if as_json:
        answer = json.loads(ended.stdout)
        assert {"found": f"{place}-wal", "kept": str(kept)} in answer["moved"]
        assert answer["replaced"] is None
    else:
        assert f"memory.db-wal lay there without its file, and is kept in {kept}\n" in ended.stdout
    assert kept.read_bytes() == log
    assert run("check", env={}).returncode == 0
    assert (held(place), faults_within(place)) == (["old"], [])


def test_a_log_beside_an_empty_file_is_moved_aside_too(place: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    log = crash(place, "new", keep=copy)
    os.truncate(place, 0)
    ended = run("restore-backup", str(copy), "--yes", env={})
    (kept,) = place.parent.glob("memory.db-wal.backup-*-replaced")
    assert f"and is kept in {kept}\n" in ended.stdout
    assert (kept.read_bytes(), held(place)) == (log, ["old"])


def test_a_hot_journal_is_not_played_back_over_a_copy(place: Path, tmp_path: Path) -> None:
    fill(place, "one")
    copy = tmp_path / "copy.db"
    journal = hot_journal(tmp_path / "theirs.db")
    copy.with_name("copy.db-journal").write_bytes(journal)
    ended = run("backup", str(copy), "--json", env={})
    (moved,) = json.loads(ended.stdout)["moved"]
    assert moved["found"] == f"{copy}-journal"
    assert Path(moved["kept"]).read_bytes() == journal
    assert (held(copy), faults_within(copy)) == (["one"], [])


def hot_journal(path: Path) -> bytes:
    """Return the journal of a change that was never finished."""
    execute(path, "CREATE TABLE t (x)")
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA cache_size=1")
        database.execute("BEGIN")
        for _ in range(200):
            database.execute("INSERT INTO t VALUES (randomblob(900))")
        journal = path.with_name(f"{path.name}-journal").read_bytes()
        database.execute("ROLLBACK")
    return journal


def test_the_log_of_another_store_is_not_played_back_over_a_copy(
    place: Path, tmp_path: Path
) -> None:
    fill(place, "one")
    copy = tmp_path / "copy.db"
    log = crash(copy, "theirs")
    copy.unlink()
    ended = run("backup", str(copy), env={})
    (kept,) = tmp_path.glob("copy.db-wal.backup-*-replaced")
    assert f"copy.db-wal lay there without its file, and is kept in {kept}\n" in ended.stdout
    assert (kept.read_bytes(), held(copy), faults_within(copy)) == (log, ["one"], [])


def test_a_log_that_another_process_still_has_open_stays(place: Path, tmp_path: Path) -> None:
    fill(place, "one")
    copy = tmp_path / "copy.db"
    shutil.copy(place, copy)
    # Not a server, which would make the file again when it next looks at it.
    with closing(opened(str(place))) as repository:
        note = Note(content="acknowledged", importance=5, tags=())
        repository.save("general", note, repeat_within=timedelta(0))
        place.unlink()
        before = contents(place.parent)
        ended = run("restore-backup", str(copy), "--yes", env={})
        assert (ended.returncode, ended.stdout) == (1, "")
        assert "memory.db was left as it is, another process uses it" in ended.stderr
        assert contents(place.parent).keys() == before.keys()
    assert not place.exists()


@pytest.mark.long(but=1)
@pytest.mark.parametrize("is_empty", [False, True])
def test_a_server_that_makes_a_new_file_keeps_the_log_of_the_old_one(
    place: Path, tmp_path: Path, is_empty: bool
) -> None:
    log = crash(place, "new")
    place.unlink()
    if is_empty:
        place.touch()
    with Server(stderr=tmp_path / "log") as server:
        server.handshake()
        server.ok("save_context", content="first")
        assert server.end() == 0
    (kept,) = place.parent.glob("memory.db-wal.backup-*-replaced")
    assert f"it is kept as {kept.name}." in (tmp_path / "log").read_text()
    assert (kept.read_bytes(), held(place), faults_within(place)) == (log, ["first"], [])


@pytest.mark.long
def test_servers_that_start_at_once_keep_an_old_log_once(place: Path, tmp_path: Path) -> None:
    log = crash(place, "new")
    place.unlink()
    servers = [Server(stderr=tmp_path / f"log-{number}") for number in range(4)]
    for number, server in enumerate(servers):
        server.__enter__()
        server.handshake()
        server.ok("save_context", content=f"of {number}")
    for server in servers:
        assert server.end() == 0
    (kept,) = place.parent.glob("memory.db-wal.backup-*-replaced")
    assert kept.read_bytes() == log
    assert sorted(held(place)) == [f"of {number}" for number in range(4)]
    assert faults_within(place) == []


def test_a_copy_into_a_new_store_keeps_the_log_that_lies_there(place: Path, tmp_path: Path) -> None:
    fill(place, "one")
    target = tmp_path / "target.db"
    log = crash(target, "theirs")
    target.unlink()
    ended = run("copy", f"sqlite:///{place}", f"sqlite:///{target}", env={})
    assert ended.returncode == 0, ended.stderr
    (kept,) = tmp_path.glob("target.db-wal.backup-*-replaced")
    assert kept.name in ended.stderr
    assert (kept.read_bytes(), held(target), faults_within(target)) == (log, ["one"], [])


@pytest.mark.long
def test_a_command_that_only_reads_keeps_the_log_beside_an_empty_file(place: Path) -> None:
    log = crash(place, "new")
    os.truncate(place, 0)
    run("doctor", env={})
    logs = [file.read_bytes() for file in place.parent.glob("memory.db-wal*")]
    assert log in logs


def test_a_place_that_cannot_be_understood_keeps_no_client_from_its_configuration(
    tmp_path: Path,
) -> None:
    file = tmp_path / "mcp.json"
    env = {"STORAGE_CONNECTION_STRING": "bogus://nowhere"}
    assert run(*CONFIGURATION, str(file), env=env).returncode == 0
    assert "extended-memory" in file.read_text("utf-8")


@pytest.mark.long
def test_the_doctor_names_the_logs_that_are_kept(place: Path) -> None:
    fill(place, "one")
    for ending in ("-wal", "-shm"):
        place.with_name(f"memory.db{ending}.backup-20250102T030405Z-replaced").touch()
    assert "Beside it: 1 log of a file that was gone" in run("doctor", env={}).stdout


@pytest.mark.parametrize("command", [EXPORT, MARKDOWN, SCRIPT])
def test_nothing_is_written_over_by_way_of_a_folder_that_is_not_there(
    place: Path, command: tuple[str, ...]
) -> None:
    fill(place, "one")
    before = place.read_bytes()
    ended = run(*command, str(place.parent / "nosuch" / ".." / place.name), env={})
    assert ended.returncode == 1, ended.stderr
    assert place.read_bytes() == before


def test_a_configuration_that_a_detour_leads_to_is_not_replaced(
    place: Path, tmp_path: Path
) -> None:
    there = tmp_path / "mcp.json"
    there.write_text('{"mcpServers": {"other": {"command": "x"}}}')
    before = there.read_text()
    detour = str(tmp_path / "nosuch" / ".." / there.name)
    ended = run("install", "cursor", "--file", detour, "--yes", env={})
    assert ended.returncode == 1, ended.stderr
    assert there.read_text() == before
