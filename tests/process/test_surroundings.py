"""Whatever surrounds it, the server starts, saves, loads and ends as it should.

One table, run on this checkout, and by .ci/wheel on the built wheel: TEST_PYTHON names the
interpreter that it is installed for.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.server import PATIENCE, Server, stray_lines

PYTHON = os.environ.get("TEST_PYTHON", sys.executable)
MODULE = (PYTHON, "-m", "extended_memory")
OLD_MODULE = (PYTHON, "-m", "extended_memory_mcp.server")
PROGRAM = (str(Path(PYTHON).with_name("extended-memory-mcp")),)

NOBODY = 54321  # a user without an entry in passwd
AS_NOBODY = ("setpriv", "--reuid", str(NOBODY), "--clear-groups")

STARTED_BEFORE_US = {
    *("builtins", "codecs", "collections", "contextlib", "copyreg", "encodings", "enum"),
    *("functools", "importlib", "io", "keyword", "operator", "re", "reprlib", "runpy", "types"),
    *("warnings",),
}
"""What Python itself imports before any line of ours runs, by its version: out of our reach."""

LIBRARIES = (
    *("alembic", "anyio", "cyclopts", "fastmcp", "mcp", "mcp_types", "platformdirs", "pydantic"),
    *("redis", "rich", "snowballstemmer", "sqlalchemy", "typing_extensions", "yaml"),
)

FOREIGN = {
    "FASTMCP_LOG_LEVEL": "WARN",
    "FASTMCP_PORT": "",
    "FASTMCP_TRANSPORT": "http",
    "FASTMCP_STRICT_INPUT_VALIDATION": "true",
    "FASTMCP_CLIENT_LOG_LEVEL": "loud",
    "FASTMCP_LOG_ENABLED": "maybe",
    "FASTMCP_ENV_FILE": "settings.env",
    "FASTMCP_HTTP_ALLOWED_HOSTS": "not json",
    "fastmcp_debug": "perhaps",
    "Fastmcp_Telemetry_Mode": "?",
    "MCP_LOG_LEVEL": "WARN",
    "OTEL_PROPAGATORS": "b3,jaeger",
    "OTEL_PYTHON_CONTEXT": "none_such",
    "OTEL_PYTHON_TRACER_PROVIDER": "sdk_tracer_provider",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
    "PYDANTIC_SETTINGS_DEBUG": "1",
    "PYDANTIC_DISABLE_PLUGINS": "none_such",
    "LOGFIRE_TOKEN": "none",
    "UVICORN_PORT": "none",
    "SQLALCHEMY_WARN_20": "1",
    "ALEMBIC_CONFIG": "none.ini",
    "PORT": "none",
    "DEBUG": "perhaps",
    "NO_COLOR": "",
    "FORCE_COLOR": "1",
}


def nothing(folder: Path) -> None:
    """Leave the working directory as it is."""


def binary_settings(folder: Path) -> None:
    (folder / ".env").write_bytes(b"\0GITCRYPT\0\xff\xfe\xfa" * 10)


def unfitting_settings(folder: Path) -> None:
    for name in (".env", "settings.env"):
        (folder / name).write_text(
            "FASTMCP_LOG_LEVEL=WARN\nFASTMCP_STRICT_INPUT_VALIDATION=true\nLOG_LEVEL=loud\n"
            "EXTENDED_MEMORY_PROJECT=elsewhere\nSTORAGE_CONNECTION_STRING=elsewhere.db\n"
        )


def settings_nobody_writes_to(folder: Path) -> None:
    os.mkfifo(folder / ".env")


def unreadable_settings(folder: Path) -> None:
    (folder / ".env").write_text("FASTMCP_LOG_LEVEL=INFO\n")
    (folder / ".env").chmod(0)


def settings_in_a_folder(folder: Path) -> None:
    (folder / ".env").mkdir()


def modules(folder: Path) -> None:
    """Fill the working directory with a module of every name that is imported."""
    names = {name for name in sys.stdlib_module_names if not name.startswith("_")}
    for name in names - STARTED_BEFORE_US:
        (folder / f"{name}.py").write_text(f"raise SystemExit('{name} of the working directory')\n")
    for name in LIBRARIES:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(f"raise SystemExit('{name} of this folder')\n")


def all_modules(folder: Path) -> None:
    modules(folder)
    for name in STARTED_BEFORE_US:
        (folder / f"{name}.py").write_text(f"raise SystemExit('{name} of the working directory')\n")


def gone(folder: Path) -> None:
    folder.rmdir()


def not_writable(folder: Path) -> None:
    folder.chmod(0o555)


def shell(script: str) -> tuple[str, ...]:
    """Start the server from a shell, after it has done something."""
    return ("sh", "-c", f'{script} exec "$@"', "sh")


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """``within``: what starts the command; ``gone``: the folder is deleted when it starts."""

    command: Sequence[str] = MODULE
    within: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    folder: Callable[[Path], None] = nothing


TABLE = {
    "a .env that is no text": Surroundings(folder=binary_settings),
    "a .env with settings for others": Surroundings(folder=unfitting_settings),
    "a .env that is a pipe nobody writes to": Surroundings(folder=settings_nobody_writes_to),
    "a .env that may not be read": Surroundings(folder=unreadable_settings, within=AS_NOBODY),
    "a .env that is a folder": Surroundings(folder=settings_in_a_folder),
    "variables for others": Surroundings(env=FOREIGN, folder=unfitting_settings),
    "variables that are no text": Surroundings(within=shell(r"export ODD=$(printf '\377\200');")),
    "modules in the folder": Surroundings(folder=modules),
    "modules, by the old name": Surroundings(folder=modules, command=OLD_MODULE),
    "modules, and an empty part of PYTHONPATH": Surroundings(
        folder=modules, command=PROGRAM, env={"PYTHONPATH": f"/nowhere{os.pathsep}"}
    ),
    "a folder that is deleted": Surroundings(
        within=("sh", "-c", 'mkdir gone && cd gone && rmdir ../gone && exec "$@"', "sh")
    ),
    "a folder that may not be written": Surroundings(folder=not_writable, within=AS_NOBODY),
    "a user without a name or a home": Surroundings(within=AS_NOBODY, unset=("HOME",)),
    "no home": Surroundings(unset=("HOME",)),
    "no variable at all": Surroundings(within=("env", "-i", "STORAGE_CONNECTION_STRING={place}")),
    "an umask that takes everything": Surroundings(within=(*shell("umask 777;"), *AS_NOBODY)),
    "an umask that takes nothing": Surroundings(within=shell("umask 000;")),
    "a locale without Unicode": Surroundings(
        env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ),
    "streams in another encoding": Surroundings(env={"PYTHONIOENCODING": "utf-16"}),
    "warnings that are errors": Surroundings(
        env={"PYTHONWARNINGS": "error", "PYTHONDONTWRITEBYTECODE": "1"}
    ),
    "Python without docstrings": Surroundings(env={"PYTHONOPTIMIZE": "2"}),
    "stderr closed": Surroundings(within=shell("exec 2>&-;")),
    "stderr full": Surroundings(within=shell("exec 2>/dev/full;")),
    "stderr without a reader": Surroundings(
        within=("bash", "-c", 'exec 2> >(exec true); sleep 0.1; exec "$@"', "bash")
    ),
}
if sys.version_info >= (3, 11):
    TABLE["every module, as install starts it"] = Surroundings(
        folder=all_modules, command=(PYTHON, "-P", *MODULE[1:])
    )


@pytest.fixture
def base() -> Iterator[Path]:
    """Give a folder that other users may enter too; pytest closes those above its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def skip_where_nobody_cannot_start_it() -> None:
    """Only root can become another user, and only what lies open can be started by that one."""
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("Only root can start a server as another user.")
    if subprocess.run([*AS_NOBODY, PYTHON, "-c", "import extended_memory"], cwd="/").returncode:
        pytest.skip("Another user may not start this Python.")


@pytest.mark.long(but=1)
@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_the_server_starts_saves_loads_and_ends(
    row: Surroundings, base: Path, tmp_path: Path
) -> None:
    folder, store = base / "folder", base / "store"
    place = store / "new" / "memory.db"
    folder.mkdir()
    store.mkdir()
    row.folder(folder)
    if "setpriv" in row.within:
        skip_where_nobody_cannot_start_it()
        os.chown(store, NOBODY, NOBODY)
    command = [part.format(place=place) for part in (*row.within, *row.command)]
    env = {"STORAGE_CONNECTION_STRING": str(place), **row.env}
    for name in row.unset:
        command = ["env", "-u", name, *command]
    with Server(command, stderr=tmp_path / "stderr", env=env, cwd=folder) as server:
        server.handshake()
        tools = server.ask("tools/list")["tools"]
        assert all(tool["description"] for tool in tools)
        # Given as a text, which strict validation would refuse.
        saved = server.ok("save_context", content="Ё, 日本語, 😀", importance_level="9")
        (loaded,) = server.ok("load_contexts")["contexts"]
        assert (loaded["id"], loaded["content"]) == (saved["id"], "Ё, 日本語, 😀")
        assert loaded["project_id"] == "general"
        assert server.end() == 0
        assert stray_lines(b"".join(server.lines)) == []
    assert place.exists()
    assert "Traceback" not in server.log()


@pytest.mark.long(but=1)
@pytest.mark.parametrize(
    ("connection", "unset", "sentence"),
    [
        ("memory.db", "NOTHING", '"memory.db" begins in the working directory, which was deleted'),
        ("", "HOME", "The home directory is not known: set HOME"),
        ("~/memory.db", "HOME", 'The home directory in "~/memory.db" is not known: set HOME'),
    ],
)
@pytest.mark.parametrize("arguments", [(), ("list",)], ids=["the server", "a command"])
def test_a_place_that_cannot_be_known_is_one_sentence(
    connection: str, unset: str, sentence: str, arguments: Sequence[str], base: Path
) -> None:
    if unset == "HOME":
        skip_where_nobody_cannot_start_it()
    as_who = AS_NOBODY if unset == "HOME" else ()
    start = ("sh", "-c", 'mkdir gone && cd gone && rmdir ../gone && exec "$@"', "sh")
    ended = subprocess.run(
        ["env", "-u", unset, *start, *as_who, *MODULE, *arguments],
        env={**os.environ, "STORAGE_CONNECTION_STRING": connection},
        cwd=base,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert ended.returncode > 0
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"extended-memory-mcp: {sentence}")
    assert list(base.iterdir()) == []


@pytest.mark.long(but=1)
@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "0<&- 1>&- 2>&-"])
def test_a_server_without_input_or_output_ends_without_a_word(closed: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [*shell(f"exec {closed};"), *MODULE],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=PATIENCE,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


@pytest.mark.long
def test_the_store_never_takes_the_number_of_a_stream_that_is_closed(place: Path) -> None:
    added = subprocess.run([*shell("exec 2>&-;"), *MODULE, "add", "Tea."], capture_output=True)
    assert added.returncode == 0
    listed = subprocess.run([*MODULE, "list", "--json"], capture_output=True, check=True)
    assert "Tea." in json.dumps(json.loads(listed.stdout))
