"""What all tests share: a guard around the real data and configurations, servers, clients."""

import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from extended_memory.cli import environment
from extended_memory.clients.catalogue import CLIENTS

_REAL_PLACES = (
    *(
        str(Path(place, "extended-memory-mcp"))
        for place in {
            Path.home() / ".local" / "share",
            Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"),
        }
    ),
    *(str(path) for client in CLIENTS for path in client.files(environment.machine())),
)
"""Where the person who runs the tests may have a memory, and the configurations of clients."""

_OPENING = {"open", "os.mkdir", "os.chmod", "os.rename", "os.remove", "sqlite3.connect"}


def _guard(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse to touch what is really there, whatever a test or the program does."""
    if event in _OPENING and isinstance(arguments[0], (str, bytes, os.PathLike)):
        path = os.fsdecode(arguments[0]).removeprefix("file://")
        if path.startswith(_REAL_PLACES):
            raise PermissionError("A test tried to touch what is really there.")


sys.addaudithook(_guard)

# At import, before any test can start a process: a child inherits a home of its own.
_HOME = tempfile.mkdtemp(prefix="extended-memory-home-")
os.environ["HOME"] = os.environ["USERPROFILE"] = _HOME
for _name in (
    "XDG_DATA_HOME",
    "XDG_CONFIG_HOME",
    "FLATPAK_XDG_CONFIG_HOME",
    "APPDATA",
    "LOCALAPPDATA",
    "CLAUDE_CONFIG_DIR",
    "CODEX_HOME",
    "GEMINI_CLI_HOME",
    "STORAGE_CONNECTION_STRING",
    "EXTENDED_MEMORY_PROJECT",
    "CUSTOM_INSTRUCTION_PATH",
    "LOG_LEVEL",
):
    os.environ.pop(_name, None)


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell ignores it in what it starts in the background, and children inherit that: the
    # commands that tests interrupt would go on.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run the long tests too")
    parser.addoption("--long", action="store_true", help="run the long tests alone")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long tests out, unless they are asked for.

    Of a test that is marked ``long(but=n)``, the first n cases are not long.
    """
    if config.getoption("--all"):
        return
    wanted = bool(config.getoption("--long"))
    cases: Counter[str] = Counter()
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        mark = item.get_closest_marker("long")
        test = item.nodeid.partition("[")[0]
        cases[test] += 1
        is_long = mark is not None and cases[test] > mark.kwargs.get("but", 0)
        (kept if is_long == wanted else left_out).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a home and a database of its own; return the database's path."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    path = tmp_path / "store" / "memory.db"
    monkeypatch.setenv("STORAGE_CONNECTION_STRING", f"sqlite:///{path}")
    return path


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio, as FastMCP does."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _no_real_home() -> Iterator[None]:
    yield
    import shutil

    shutil.rmtree(_HOME, ignore_errors=True)
