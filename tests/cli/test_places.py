"""A command that only reads or corrects makes nothing, and says where it looked."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.commands import run
from tests.support.contexts import fill
from tests.support.redis_servers import RedisServer
from tests.support.server import COMMAND

EMPTY_ANSWERS = {
    "projects": {"projects": [], "total": 0},
    "list": {
        "project_id": "general",
        "contexts": [],
        "total": 0,
        "total_is_exact": True,
        "next_offset": None,
    },
    "search x": {
        "project_id": "general",
        "contexts": [],
        "total": 0,
        "next_offset": None,
        "suggestions": [],
        "unindexed": 0,
    },
    "tags": {"project_id": "general", "tags": [], "total": 0},
    "trash": {"contexts": []},
    "stats": {
        "project_id": None,
        "contexts": 0,
        "in_trash": 0,
        "revisions": 0,
        "content_bytes": 0,
        "bytes_on_disk": 0,
        "by_importance": {},
        "by_week": {},
        "oldest": None,
        "newest": None,
        "top_tags": [],
    },
    "backups": [],
    "check": {"flaws": [], "repaired": []},
    "check --repair": {"flaws": [], "repaired": []},
    "export out.jsonl": {"file": None, "contexts": 0, "trash": 0, "revisions": 0},
    "export --format markdown notes": {
        "file": None,
        "contexts": 0,
        "trash": 0,
        "revisions": 0,
    },
}
"""What a command that can answer with nothing answers where nothing is."""

ABOUT_SOMETHING = [
    "show 5",
    "edit 5 --importance 3",
    "forget 5 --yes",
    "forget 5 --yes --permanently",
    "restore 5",
    "restore 5 --revision 1",
    "rename-project a b --yes",
    "backup",
    "backup copy.db",
]
"""The commands that are told what to work on, or to make something of it."""


def everything(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def default(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the default place, which is not there."""
    monkeypatch.setenv("STORAGE_CONNECTION_STRING", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "data"))
    return folder / "data" / "extended-memory-mcp" / "memory.db"


@pytest.mark.parametrize("command", EMPTY_ANSWERS)
def test_a_reading_command_makes_nothing_at_the_default_place(
    command: str, default: Path, folder: Path
) -> None:
    before = everything(folder)
    said = f"Nothing is saved yet: there is no memory at {default}.\n"
    for_people = run(*command.split(), env={})
    for_programs = run(*command.split(), "--json", env={})
    assert (for_people.returncode, for_programs.returncode) == (0, 0)
    assert for_people.stderr.startswith(said)
    assert json.loads(for_programs.stdout) == EMPTY_ANSWERS[command]
    assert for_programs.stderr == said
    assert everything(folder) == before


def test_an_empty_export_to_the_standard_output_can_be_imported(
    default: Path, folder: Path
) -> None:
    ended = run("export", env={})
    assert (ended.returncode, ended.stdout.count("\n")) == (0, 1)
    assert not default.exists()
    (folder / "out.jsonl").write_text(ended.stdout)
    assert run("import", "out.jsonl", env={}).returncode == 0


@pytest.mark.parametrize("command", ABOUT_SOMETHING)
@pytest.mark.parametrize("named", ["", "nosuch/dir/x.db"])
def test_a_command_about_something_is_refused_where_nothing_is(
    command: str, named: str, default: Path, folder: Path
) -> None:
    path = folder / named if named else default
    before = everything(folder)
    ended = run(*command.split(), env={"STORAGE_CONNECTION_STRING": named})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"here is no memory at {path}" in ended.stderr
    assert everything(folder) == before


@pytest.mark.parametrize("command", [*EMPTY_ANSWERS, "list --json", "export"])
def test_a_reading_command_refuses_a_named_place_that_is_not_there(
    command: str, folder: Path
) -> None:
    before = everything(folder)
    env = {"STORAGE_CONNECTION_STRING": "nosuch/dir/x.db"}
    ended = run(*command.split(), env=env)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"extended-memory-mcp: There is no memory at {folder}/nosuch/dir/x.db, which "
        f"STORAGE_CONNECTION_STRING names: correct it ({folder}/nosuch/dir is not there either), "
        "or start a server, which makes one.\n"
    )
    assert everything(folder) == before


@pytest.mark.parametrize(
    ("named", "path"),
    [("sqlite:///x.db", "x.db"), ("home", "home/memory.db"), ("home/", "home/memory.db")],
)
def test_a_place_is_named_in_full_however_it_is_written(
    named: str, path: str, folder: Path
) -> None:
    ended = run("projects", env={"STORAGE_CONNECTION_STRING": named})
    assert ended.returncode == 1
    assert f"There is no memory at {folder}/{path}, which" in ended.stderr
    assert "correct it, or start a server, which makes one." in ended.stderr


def test_where_the_default_place_has_a_memory_it_is_named(default: Path, folder: Path) -> None:
    assert run("add", "here", env={}).stderr == ""
    ended = run("projects", env={"STORAGE_CONNECTION_STRING": "memroy.db"})
    assert ended.returncode == 1
    assert f"leave it out, for there is a memory at {default}." in ended.stderr


def test_where_a_file_was_lost_its_copies_are_named(place: Path) -> None:
    fill(str(place))
    run("backup", env={})
    place.unlink()
    before = everything(place.parent)
    for command in ("projects", "show 1"):
        ended = run(*command.split(), env={})
        assert (ended.returncode, ended.stdout) == (1, "")
        assert f"There is no memory at {place} any more, but copies of it" in ended.stderr
    assert run("backups", env={}).returncode == 0
    assert everything(place.parent) == before


@pytest.mark.parametrize("command", [*EMPTY_ANSWERS, "export"])
def test_an_empty_file_stays_empty(command: str, place: Path, folder: Path) -> None:
    place.parent.mkdir()
    place.touch()
    ended = run(*command.split(), "--json", env={})
    assert ended.returncode == 0
    assert f"Nothing is saved yet: {place} is an empty file." in ended.stderr
    refused = run("forget", "1", "--yes", env={})
    assert refused.returncode == 1
    assert f"{place} is an empty file." in refused.stderr
    assert place.stat().st_size == 0
    assert [path.name for path in place.parent.iterdir()] == ["memory.db"]


def test_an_empty_answer_names_the_memory_that_was_looked_at(place: Path) -> None:
    run("add", "to be forgotten", env={})
    run("forget", "1", "--permanently", "--yes", env={})
    for command in ("projects", "list", "search x", "tags", "trash", "stats"):
        ended = run(*command.split(), env={})
        assert ended.returncode == 0
        assert ended.stderr.endswith(f" The memory is {place}.\n"), command


@pytest.mark.parametrize("command", ["add x", "import in.jsonl", "copy source.db {place}"])
def test_what_makes_a_memory_at_a_named_place_says_so(
    command: str, place: Path, folder: Path
) -> None:
    fill(str(folder / "source.db"))
    env = {"STORAGE_CONNECTION_STRING": "source.db"}
    assert run("export", "in.jsonl", env=env).returncode == 0
    said = f"There was no memory at {place}: it was made.\n"
    words = command.format(place=place).split()
    first, second = run(*words, env={}), run(*words, env={})
    assert (first.returncode, first.stderr) == (0, said)
    assert (second.returncode, second.stderr) == (0, "")
    assert run("projects", env={}).returncode == 0


def test_a_trial_and_a_copy_from_nowhere_make_nothing(place: Path, folder: Path) -> None:
    (folder / "in.jsonl").write_text('{"format":"extended-memory","version":1}\n')
    before = everything(folder)
    assert run("import", "in.jsonl", "--dry-run", env={}).returncode == 0
    ended = run("copy", "nosuch/x.db", str(place), env={})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"There is no memory at {folder}/nosuch/x.db to copy from" in ended.stderr
    assert everything(folder) == before


def test_a_backup_can_be_put_where_nothing_is(place: Path, folder: Path) -> None:
    fill(str(place))
    run("backup", str(folder / "copy.db"), env={})
    env = {"STORAGE_CONNECTION_STRING": "new/memory.db"}
    ended = run("restore-backup", "copy.db", "--yes", env=env)
    assert ended.returncode == 0, ended.stderr
    assert f"There was no memory at {folder}/new/memory.db: it was made." in ended.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_completion_of_a_shell_makes_no_memory(shell: str, default: Path, folder: Path) -> None:
    run("--install-completion", "--shell", shell, "--output", str(folder / "c"), env={})
    assert not default.parent.parent.exists()


@pytest.mark.parametrize("kind", ["device", "pipe", "folder"])
def test_what_is_no_file_is_said(kind: str, folder: Path) -> None:
    named = {"device": "/dev/null", "pipe": "pipe", "folder": "sqlite:///home"}[kind]
    os.mkfifo("pipe")
    for command in ("projects", "add x"):
        ended = run(*command.split(), env={"STORAGE_CONNECTION_STRING": named})
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ("is a device or a pipe" in ended.stderr) == (kind != "folder")


@pytest.mark.long(but=1)
@pytest.mark.parametrize(
    "command",
    [
        command
        for command in [*EMPTY_ANSWERS, "export", *ABOUT_SOMETHING]
        if not command.startswith("backup")
    ],
)
def test_nothing_is_written_to_a_redis_that_holds_nothing(
    command: str, servers: tuple[RedisServer, RedisServer], folder: Path
) -> None:
    with servers[1].client() as client:
        client.config_set("min-replicas-to-write", 1)  # refuses every command that writes
        try:
            ended = run(*command.split(), env={"STORAGE_CONNECTION_STRING": servers[1].url})
            assert run("add", "x", env={"STORAGE_CONNECTION_STRING": servers[1].url}).returncode
        finally:
            client.config_set("min-replicas-to-write", 0)
        assert ended.returncode == (command in ABOUT_SOMETHING), ended.stderr
        assert "NOREPLICAS" not in ended.stderr
        assert client.dbsize() == 0


# Placeholders


@pytest.mark.parametrize(
    "command",
    [
        *EMPTY_ANSWERS,
        *ABOUT_SOMETHING,
        "add x",
        "import in.jsonl",
        "import-redis redis://127.0.0.1:1/0",
        "restore-backup copy.db --yes",
    ],
)
def test_every_command_refuses_a_placeholder(command: str, folder: Path) -> None:
    (folder / "in.jsonl").write_text('{"format":"extended-memory","version":1}\n')
    before = everything(folder)
    value = "sqlite:///${CLAUDE_PROJECT_DIR}/memory.db"
    ended = run(*command.split(), env={"STORAGE_CONNECTION_STRING": value})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        'extended-memory-mcp: STORAGE_CONNECTION_STRING holds "${CLAUDE_PROJECT_DIR}" in '
        f'"{value}", which nothing has replaced by its value: write the value itself, or set what '
        "it names.\n"
    )
    assert everything(folder) == before


@pytest.mark.parametrize(("first", "second"), [("${X}/a.db", "b.db"), ("a.db", "$X/b.db")])
def test_copy_refuses_a_placeholder_on_either_side(first: str, second: str, folder: Path) -> None:
    fill(str(folder / "a.db"))
    before = everything(folder)
    ended = run("copy", first, second, env={})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ("SOURCE holds" in ended.stderr) == (first == "${X}/a.db")
    assert ("TARGET holds" in ended.stderr) == (second == "$X/b.db")
    assert everything(folder) == before


def test_a_memory_in_a_folder_named_by_a_placeholder_can_be_taken_out(folder: Path) -> None:
    lost = folder / "${CLAUDE_PROJECT_DIR}" / "memory.db"
    lost.parent.mkdir()
    fill(str(folder / "filled.db"))
    (folder / "filled.db").rename(lost)
    named = "sqlite:///${CLAUDE_PROJECT_DIR}/memory.db"
    refused = run("projects", env={"STORAGE_CONNECTION_STRING": named})
    assert refused.returncode == 2
    assert f"`extended-memory-mcp copy '{lost}' TARGET`" in refused.stderr
    env = {"STORAGE_CONNECTION_STRING": "right.db"}
    copied = run("copy", str(lost), "right.db", env={"STORAGE_CONNECTION_STRING": named})
    assert copied.returncode == 0, copied.stderr
    assert run("projects", "--json", env=env).stdout.count('"shop"') == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--project", "${X}"],
        ["--env", "EXTENDED_MEMORY_PROJECT=$X"],
        ["--env", "STORAGE_CONNECTION_STRING=sqlite:///${workspaceFolder}/m.db"],
        ["--env", "STORAGE_CONNECTION_STRING"],
        ["--env", "CUSTOM_INSTRUCTION_PATH=%APPDATA%/me.md"],
    ],
)
def test_install_writes_no_placeholder(arguments: list[str], folder: Path) -> None:
    before = everything(folder)
    env = {"STORAGE_CONNECTION_STRING": "${X}/m.db"}
    ended = run("install", "claude-desktop", "--yes", *arguments, env=env)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "which nothing has replaced by its value" in ended.stderr
    assert everything(folder) == before


def test_install_keeps_a_placeholder_that_its_client_replaces(folder: Path) -> None:
    file = folder / "mcp.json"
    value = "sqlite:///${workspaceFolder}/m.db"
    entry = {"command": "x", "args": [], "env": {"STORAGE_CONNECTION_STRING": value}}
    file.write_text(json.dumps({"servers": {"extended-memory": entry}}))
    ended = run("install", "vscode", "--file", str(file), "--yes", "--project", "shop", env={})
    assert ended.returncode == 0, ended.stderr
    written = json.loads(file.read_text())["servers"]["extended-memory"]
    assert written["env"] == {
        "STORAGE_CONNECTION_STRING": value,
        "EXTENDED_MEMORY_PROJECT": "shop",
    }


@pytest.mark.long
@pytest.mark.parametrize(
    ("file", "key", "level"),
    [
        (".cursor/mcp.json", "mcpServers", "warning"),
        (".config/Claude/claude_desktop_config.json", "mcpServers", "problem"),
    ],
)
def test_the_doctor_finds_placeholders(
    file: str, key: str, level: str, folder: Path, place: Path
) -> None:
    path = folder / "home" / file
    path.parent.mkdir(parents=True)
    value = "sqlite:///${NOWHERE}/m.db"
    entry = {
        "command": COMMAND[0],
        "args": list(COMMAND[1:]),
        "env": {"STORAGE_CONNECTION_STRING": value},
    }
    path.write_text(json.dumps({key: {"extended-memory": entry}}))
    ended = run("doctor", "--json", env={"EXTENDED_MEMORY_PROJECT": "${PROJECT}"})
    assert ended.returncode == 1
    levels = {
        remark["fact"]: remark["level"]
        for remark in json.loads(ended.stdout)["remarks"]
        if "which nothing has replaced" in remark["fact"]
    }
    of_the_client = [fact for fact in levels if value in fact]
    assert (len(levels), [levels[fact] for fact in of_the_client]) == (2, [level])
    assert not place.exists()


@pytest.mark.long
def test_a_server_begins_without_instructions_that_a_placeholder_names(folder: Path) -> None:
    env = {**os.environ, "CUSTOM_INSTRUCTION_PATH": "${HOMEDIR}/me.md"}
    ended = subprocess.run(
        COMMAND, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, env=env
    )
    assert ended.returncode == 0, ended.stderr
