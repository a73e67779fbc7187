"""The doctor, run as a person does: what it finds, what it never says, what it leaves alone."""

import json
import shutil
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from extended_memory.doctor import folder
from extended_memory.domain import Note
from tests.support.commands import opened, run
from tests.support.redis_servers import RedisServer
from tests.support.server import Server
from tests.support.sqlite_stores import execute

SECRET = "hunter2-the-password"
PROJECT = "operation-nightfall"
CONTENT = "the vault is behind the painting"

SERVER = {"command": sys.executable, "args": ["-m", "extended_memory"]}


def configure(home: Path, entry: dict[str, Any], name: str = "extended-memory") -> None:
    """Let Cursor start a server."""
    file = home / ".cursor" / "mcp.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"mcpServers": {name: entry}}))


@pytest.fixture
def home(tmp_path: Path, place: Path) -> Path:
    """Give a home in which a client is configured for the memory."""
    home = tmp_path / "home"
    configure(home, SERVER | {"env": {"STORAGE_CONNECTION_STRING": str(place)}})
    return home


def fill(store: str) -> None:
    with closing(opened(store)) as repository:
        repository.save(
            PROJECT,
            Note(content=CONTENT, importance=5, tags=("secret-tag",)),
            repeat_within=timedelta(0),
        )


def examined(**env: str) -> tuple[int, list[dict[str, str]]]:
    """Run the doctor; return its exit code and its remarks."""
    ended = run("doctor", "--json", env=env)
    told = json.loads(ended.stdout)
    by_level = [remark["level"] for remark in told["remarks"]]
    assert (told["problems"], told["warnings"]) == (
        by_level.count("problem"),
        by_level.count("warning"),
    )
    return ended.returncode, told["remarks"]


def bad(remarks: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(one["level"], one["fact"]) for one in remarks if one["level"] != "ok"]


def facts(remarks: list[dict[str, str]], part: str) -> str:
    return "\n".join(one["fact"] for one in remarks if one["part"] == part)


def test_a_sound_installation_has_no_problem(home: Path, place: Path) -> None:
    fill(str(place))
    code, remarks = examined()
    assert (code, bad(remarks)) == (0, [])
    assert "saved, loaded, found and forgotten" in facts(remarks, "server")
    memory = facts(remarks, "memory")
    assert f"The memory is {place} (" in memory
    assert "Its revision is 0004, the newest." in memory
    assert "It holds 1 context, and its pages are whole." in memory
    assert "Cursor starts extended-memory-mcp" in facts(remarks, "clients")


@pytest.mark.long
def test_every_remark_reads_without_colour_in_a_narrow_terminal(home: Path, place: Path) -> None:
    fill(str(place))
    ended = run("doctor", env={"COLUMNS": "40"})
    assert ended.returncode == 0
    assert "\x1b" not in ended.stdout
    assert ended.stdout.endswith("\nNo problems, no warnings.\n")
    lines = [line for line in ended.stdout.splitlines() if "/" not in line]
    assert max(map(len, lines)) <= 40
    assert all(line == line.rstrip() for line in ended.stdout.splitlines())


@pytest.mark.long
def test_nothing_that_was_saved_and_no_secret_is_told(
    home: Path, place: Path, servers: tuple[RedisServer, RedisServer]
) -> None:
    fill(str(place))
    entry = SERVER | {
        "env": {
            "STORAGE_CONNECTION_STRING": f"redis://me:{SECRET}@localhost:1/0",
            "EXTENDED_MEMORY_PROJECT": PROJECT,
        }
    }
    configure(home, entry, name=PROJECT)
    with servers[0].client() as client:
        client.config_set("requirepass", SECRET)
        try:
            for store in (str(place), f"unix://:{SECRET}@{servers[0].url.partition('://')[2]}"):
                for arguments in (["doctor"], ["doctor", "--json"]):
                    env = {"STORAGE_CONNECTION_STRING": store, "EXTENDED_MEMORY_PROJECT": PROJECT}
                    ended = run(*arguments, env=env)
                    said = ended.stdout + ended.stderr
                    for word in (SECRET, PROJECT, CONTENT, "secret-tag"):
                        assert word not in said, said
                    if "--json" in arguments:
                        assert str(home) not in said
        finally:
            client.config_set("requirepass", "")


@pytest.mark.long
def test_a_memory_that_is_not_there_is_said_and_not_made(home: Path, place: Path) -> None:
    code, remarks = examined()
    assert (code, bad(remarks)) == (0, [])
    assert "There is no memory yet at" in facts(remarks, "memory")
    assert not place.exists()
    assert not place.parent.exists()
    assert list(home.rglob("memory.db*")) == []


@pytest.mark.long
def test_an_earlier_file_is_not_upgraded(home: Path, place: Path, tmp_path: Path) -> None:
    fill(str(place))
    execute(place, "UPDATE alembic_version SET version_num = '0003'")
    before = place.read_bytes()
    code, remarks = examined()
    assert (code, bad(remarks)) == (0, [])
    assert "Its revision is 0003: a server brings it to 0004" in facts(remarks, "memory")
    assert place.read_bytes() == before


def make_newer(path: Path) -> None:
    execute(path, "UPDATE alembic_version SET version_num = '9999'")


def overwrite(path: Path) -> None:
    path.write_bytes(b"\xff" * 8192)


def damage(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 4)


PROBLEMS = {
    "a newer file": (make_newer, "was written by a newer release"),
    "no database": (overwrite, "is not a SQLite database"),
    "damaged pages": (damage, "memory.db is damaged."),
}


@pytest.mark.long
@pytest.mark.parametrize("name", PROBLEMS)
def test_a_file_that_cannot_be_used_is_a_problem_with_a_remedy(
    home: Path, place: Path, name: str
) -> None:
    harm, words = PROBLEMS[name]
    fill(str(place))
    harm(place)
    code, remarks = examined()
    assert code == 1
    (problem,) = (one for one in remarks if one["level"] == "problem")
    assert words in problem["fact"]
    assert problem["remedy"]


@pytest.mark.long
def test_who_uses_the_file_is_said(home: Path, place: Path, tmp_path: Path) -> None:
    with Server(stderr=tmp_path / "log") as server:
        server.handshake()
        server.ok("save_context", content="x")
        _, remarks = examined()
        assert f"Open in 1 other process, which is fine: {server.process.pid}." in facts(
            remarks, "memory"
        )
        assert server.end() == 0


@pytest.mark.long
def test_a_file_that_others_may_read_is_a_warning(home: Path, place: Path) -> None:
    fill(str(place))
    place.chmod(0o644)
    _, remarks = examined()
    assert bad(remarks) == [("warning", "Others on this machine may read the memory.")]


@pytest.mark.long
def test_a_copy_that_was_not_finished_is_a_warning(home: Path, place: Path) -> None:
    fill(str(place))
    place.with_name("memory.db.backup-20260102T030405Z-0004.x1.unfinished").touch()
    _, remarks = examined()
    assert bad(remarks) == [("warning", "Beside it: 1 unfinished copy.")]
    assert "No backup lies beside it" in facts(remarks, "memory")


COMMANDS: dict[str, tuple[dict[str, Any], str]] = {
    "not there": (
        {"command": "/nowhere/extended-memory-mcp"},
        "its command is not there, or not on the PATH",
    ),
    "ends at once": (
        {"command": sys.executable, "args": ["-c", "import sys; sys.exit(7)"]},
        "its command ended with exit code 7 before it answered",
    ),
    "says what is no message": (
        {"command": sys.executable, "args": ["-c", "print('Hello!'); input()"]},
        "writes to its standard output what is no message of the protocol",
    ),
}


@pytest.mark.long(but=1)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_client_whose_command_does_not_answer_is_a_problem(
    home: Path, place: Path, name: str
) -> None:
    entry, words = COMMANDS[name]
    configure(home, entry | {"env": {"STORAGE_CONNECTION_STRING": str(place)}})
    code, remarks = examined()
    assert code == 1
    (problem,) = (one for one in remarks if one["level"] == "problem")
    assert (problem["part"], words in problem["fact"]) == ("clients", True)
    assert "`extended-memory-mcp install cursor`" in problem["remedy"]


@pytest.mark.long
def test_a_client_with_another_memory_is_a_warning(home: Path, place: Path) -> None:
    configure(home, SERVER | {"env": {"STORAGE_CONNECTION_STRING": "/elsewhere/memory.db"}})
    code, remarks = examined()
    assert (code, bad(remarks)) == (
        0,
        [("warning", "Cursor uses another memory than the one looked at here.")],
    )


@pytest.mark.long
def test_a_configuration_that_cannot_be_read_is_a_warning(home: Path) -> None:
    (home / ".claude.json").write_text("{")
    _, remarks = examined()
    assert bad(remarks) == [("warning", "Claude Code: ~/.claude.json cannot be read.")]


def test_no_client_at_all_is_a_warning(home: Path) -> None:
    shutil.rmtree(home / ".cursor")
    _, remarks = examined()
    assert bad(remarks) == [("warning", "No client is configured to start this server.")]


def test_settings_that_cannot_be_understood_are_a_problem(home: Path) -> None:
    code, remarks = examined(STORAGE_CONNECTION_STRING="postgresql://localhost/x")
    assert code == 1
    assert "begins with 'postgresql://'" in facts(remarks, "memory")


@pytest.mark.long
def test_a_redis_is_looked_at(home: Path, servers: tuple[RedisServer, RedisServer]) -> None:
    url = servers[1].url
    configure(home, SERVER | {"env": {"STORAGE_CONNECTION_STRING": url}})
    fill(url)
    code, remarks = examined(STORAGE_CONNECTION_STRING=url)
    memory = facts(remarks, "memory")
    assert code == 0
    assert "1 ids were given so far" in memory
    assert "when full: noeviction" in memory
    assert "the append-only file is on" in memory
    with servers[1].client() as client:
        client.flushall()
    examined(STORAGE_CONNECTION_STRING=url)
    with servers[1].client() as client:
        assert client.keys("*") == []


@pytest.mark.long
def test_a_redis_that_is_down_is_a_problem(home: Path) -> None:
    url = "redis://localhost:1/0"
    code, remarks = examined(STORAGE_CONNECTION_STRING=url)
    (problem,) = (one for one in remarks if one["level"] == "problem")
    assert (code, problem["part"]) == (1, "memory")
    assert "Redis at localhost:1" in problem["fact"]
    assert problem["remedy"]


@pytest.mark.parametrize(
    ("path", "who"),
    [
        ("Dropbox/memory", "Dropbox"),
        ("OneDrive - Contoso/memory", "OneDrive"),
        ("Library/Mobile Documents/com~apple~CloudDocs/m", "iCloud"),
        ("Library/CloudStorage/GoogleDrive-me@x.com/My Drive", "Google Drive"),
        ("My Drive/m", "Google Drive"),
    ],
)
def test_a_synchronised_folder_is_a_warning_by_its_name(
    tmp_path: Path, path: str, who: str
) -> None:
    place = tmp_path / path
    place.mkdir(parents=True)
    assert warned(place) == [f"The memory lies in a folder that {who} synchronises."]


@pytest.mark.parametrize(("marker", "who"), [(".stfolder", "Syncthing"), (".dropbox", "Dropbox")])
def test_a_synchronised_folder_is_a_warning_by_what_lies_in_it(
    tmp_path: Path, marker: str, who: str
) -> None:
    (tmp_path / marker).mkdir()
    place = tmp_path / "below" / "it"
    assert warned(place) == [f"The memory lies in a folder that {who} synchronises."]


def test_a_folder_of_ones_own_is_none(tmp_path: Path) -> None:
    assert warned(tmp_path / "my driver" / "dropboxes" / "cloud") == []


def warned(place: Path) -> list[str]:
    diagnoses = folder.diagnoses(place, 0)
    return [diagnosis.fact for diagnosis in diagnoses if diagnosis.level == "warning"]


def test_the_type_of_a_file_system_is_that_of_the_mount_the_folder_is_below() -> None:
    mounts = [("/", "ext4"), ("/home", "ext4"), ("/home/me/share", "nfs4"), ("/", "overlay")]
    places = ["/home/me/share/x", "/home/me/shared", "/etc"]
    assert [folder._mounted(mounts, Path(place)) for place in places] == [
        "nfs4",
        "ext4",
        "overlay",
    ]


def test_the_file_system_of_this_test_is_known(tmp_path: Path) -> None:
    assert folder._file_system(tmp_path)
