"""What the environment asks of the process, and what it says where that cannot be."""

import subprocess
from pathlib import Path
from stat import S_IMODE

import pytest

from tests.support.database import contents
from tests.support.server import COMMAND, PATIENCE, TOOL_CALLS, Start, text

PASSWORD = "hunter2-swordfish"  # a password that must never be shown


@pytest.mark.long(but=3)
@pytest.mark.parametrize(
    ("variable", "value", "remedy"),
    [
        ("STORAGE_CONNECTION_STRING", f"postgresql://me:{PASSWORD}@host/db", "use sqlite:////"),
        ("STORAGE_CONNECTION_STRING", "sqlite://two", "write three for a path"),
        ("STORAGE_CONNECTION_STRING", "sqlite:one", "write sqlite:////"),
        ("STORAGE_CONNECTION_STRING", "sqlite://", "two slashes"),
        ("STORAGE_CONNECTION_STRING", "sqlite:///", "write sqlite:////"),
        ("STORAGE_CONNECTION_STRING", "sqlite:///:memory:", "write sqlite:////"),
        ("STORAGE_CONNECTION_STRING", ":memory:", "write sqlite:////"),
        ("STORAGE_CONNECTION_STRING", "sqlite:///${NOWHERE}/memory.db", 'holds "${NOWHERE}" in'),
        ("STORAGE_CONNECTION_STRING", "$NOWHERE/memory.db", 'holds "$NOWHERE" in'),
        ("STORAGE_CONNECTION_STRING", "%NOWHERE%/memory.db", 'holds "%NOWHERE%" in'),
        ("STORAGE_CONNECTION_STRING", f"redis://:{PASSWORD}@${{HOST}}", 'holds "${HOST}", which'),
        ("STORAGE_CONNECTION_STRING", "'memory.db'", "leave them out."),
        ("EXTENDED_MEMORY_PROJECT", "${PROJECT}", 'holds "${PROJECT}", which'),
        ("EXTENDED_MEMORY_PROJECT", "a\tb", "remove it."),
        ("EXTENDED_MEMORY_PROJECT", "a\nb", "remove it."),
        ("EXTENDED_MEMORY_PROJECT", "a\x1bb", "remove it."),
        ("EXTENDED_MEMORY_PROJECT", "x" * 201, "at most 200 are allowed."),
    ],
    ids=repr,
)
def test_a_setting_that_cannot_be_understood_ends_the_process_with_one_sentence(
    variable: str, value: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.chdir(tmp_path)
    before = list(tmp_path.rglob("*"))
    ended = subprocess.run(
        COMMAND, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE
    )
    assert ended.returncode == 2
    assert list(tmp_path.rglob("*")) == before
    assert ended.stdout == ""
    (sentence,) = ended.stderr.splitlines()
    assert sentence.startswith(f"extended-memory-mcp: {variable} ")
    assert remedy in sentence
    assert sentence.endswith(".")
    assert PASSWORD not in ended.stderr


@pytest.mark.long
def test_a_redis_url_is_answered_by_one_clear_sentence_without_its_password(start: Start) -> None:
    url = f"rediss://me:{PASSWORD}@127.0.0.1:1/0"
    server = start(env={"STORAGE_CONNECTION_STRING": url, "LOG_LEVEL": "TRACE"})
    server.handshake()
    # All at once: each takes its time to find out that nobody is there.
    calls = [server.request_call(tool, **arguments) for tool, arguments in TOOL_CALLS.items()]
    read = server.request("resources/read", {"uri": "memory://startup-context"})
    results = [server.answer(call)["result"] for call in calls]
    resource = server.answer(read)
    assert all(result["isError"] for result in results)
    (sentence,) = {text(result) for result in results}
    assert "Redis" in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "error" in resource
    server.wait_for_upkeep()
    assert server.end() == 0
    assert PASSWORD not in server.output() + server.log()
    assert "Traceback" not in server.log()


@pytest.mark.long
@pytest.mark.parametrize("level", ["Trace", "dEBUG", "info", "Warning", "error", "CRITICAL"])
def test_every_log_level_works_in_any_case(level: str, start: Start, place: Path) -> None:
    server = start(env={"LOG_LEVEL": level})
    server.handshake()
    server.ok("save_context", content="x")
    assert server.end() == 0
    assert "LOG_LEVEL" not in server.log()
    at_info = f"INFO extended_memory.storage.sqlite.schema.upgrade: {place} is at revision"
    assert (at_info in server.log()) == (level.upper() in {"TRACE", "DEBUG", "INFO"})


def test_a_log_level_that_is_not_known_is_said_once_and_info_used(start: Start) -> None:
    server = start(env={"LOG_LEVEL": "verbose"})
    server.handshake()
    server.ok("save_context", content="x")
    assert server.end() == 0
    said = [line for line in server.log().splitlines() if "LOG_LEVEL" in line]
    assert len(said) == 1
    assert "'verbose' is not known, INFO is used" in said[0]
    assert " INFO extended_memory" in server.log()


def test_empty_variables_count_as_not_set_and_the_store_is_for_its_owner_alone(
    start: Start, tmp_path: Path
) -> None:
    names = ("EXTENDED_MEMORY_PROJECT", "CUSTOM_INSTRUCTION_PATH", "LOG_LEVEL", "XDG_DATA_HOME")
    server = start(env=dict.fromkeys(("STORAGE_CONNECTION_STRING", *names), ""))
    server.handshake()
    assert server.ok("save_context", content="x")["project_id"] == "general"
    folder = tmp_path / "home" / ".local" / "share" / "extended-memory-mcp"
    modes = {file.name: S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    assert modes == {"memory.db": 0o600, "memory.db-wal": 0o600, "memory.db-shm": 0o600}
    assert S_IMODE(folder.stat().st_mode) == 0o700
    assert "LOG_LEVEL" not in server.log()


def test_xdg_data_home_is_honoured(start: Start, tmp_path: Path) -> None:
    data = tmp_path / "data"
    server = start(env={"STORAGE_CONNECTION_STRING": "", "XDG_DATA_HOME": str(data)})
    server.handshake()
    server.ok("save_context", content="x")
    file = data / "extended-memory-mcp" / "memory.db"
    assert contents(file) == ["x"]
    assert S_IMODE(file.stat().st_mode) == 0o600
    assert S_IMODE(file.parent.stat().st_mode) == 0o700
    assert not (tmp_path / "home" / ".local").exists()


@pytest.mark.long
def test_the_file_of_090_in_the_home_is_used_although_xdg_data_home_is_set(
    start: Start, tmp_path: Path
) -> None:
    env = {"STORAGE_CONNECTION_STRING": ""}
    before = start(env=env)
    before.handshake()
    before.ok("save_context", content="From before.", importance_level=9)
    assert before.end() == 0
    server = start(env=env | {"XDG_DATA_HOME": str(tmp_path / "data")})
    server.handshake()
    loaded = server.ok("load_contexts")["contexts"]
    assert [context["content"] for context in loaded] == ["From before."]
    assert not (tmp_path / "data").exists()


@pytest.mark.long
def test_a_pinned_server_serves_its_project_and_no_other(start: Start) -> None:
    free = start()
    free.handshake()
    foreign = free.ok("save_context", content="Foreign.", project_id="other", tags=["foreign"])
    server = start(env={"EXTENDED_MEMORY_PROJECT": " My_Proj "})
    server.handshake()
    saved = server.ok("save_context", content="Own.", tags=["own"], importance_level=8)
    assert saved["project_id"] == "my proj"
    for tool in ("save_context", "load_contexts", "get_popular_tags"):
        sentence = server.refused(tool, **TOOL_CALLS[tool] | {"project_id": "other"})
        assert sentence.startswith('This server is pinned to the project "my proj"')
    assert not server.ok("forget_context", context_id=foreign["id"])["forgotten"]
    assert [p["id"] for p in server.ok("list_all_projects")["projects"]] == ["my proj"]
    assert server.ok("get_popular_tags")["tags"] == [{"tag": "own", "count": 1}]
    resource = server.ask("resources/read", {"uri": "memory://startup-context"})
    assert "Own." in str(resource)
    assert "Foreign." not in server.output()
    assert free.ok("load_contexts", project_id="other", importance_level=1)["total"] == 1
