"""What commands print, in terminals and pipes of every kind."""

import subprocess
from pathlib import Path

import pytest

from extended_memory.cli import console
from tests.support.commands import run
from tests.support.contexts import fill
from tests.support.server import COMMAND
from tests.support.terminal import run_in_terminal


@pytest.fixture
def env(place: Path) -> dict[str, str]:
    env = fill(f"sqlite:///{place}")
    for number in range(2):
        run("add", f"note {number} " * 40, "--project", "shop", "--tag", "long " * 15, env=env)
    return env


@pytest.mark.parametrize(
    "command",
    [
        ("list", "--project", "shop"),
        ("search", "note", "--project", "shop"),
        ("projects",),
        ("tags", "--project", "shop"),
        ("stats",),
    ],
    ids=lambda command: command[0],
)
@pytest.mark.parametrize("columns", [40, 80, 120])
def test_every_line_fits_the_terminal(
    env: dict[str, str], command: tuple[str, ...], columns: int
) -> None:
    ended = run_in_terminal(*command, env={**env, "TERM": "xterm"}, columns=columns)
    lines = [line.replace("\x1b[1m", "").replace("\x1b[0m", "") for line in ended.lines]
    assert ended.returncode == 0
    assert {line for line in lines if console.width(line) > columns} == set()
    assert "\x1b[31m" not in ended.screen
    assert len(lines) > 2


def test_ids_are_never_cut(env: dict[str, str]) -> None:
    ended = run_in_terminal("list", "--project", "shop", env=env, columns=40)
    ids = [line.split()[0] for line in ended.lines[2:]]
    assert ids == ["6", "5", "4", "2", "1"]


def test_a_reader_that_leaves_early_is_no_error(env: dict[str, str]) -> None:
    for options in ((), ("--json",)):
        process = subprocess.Popen(
            [*COMMAND, "list", "--project", "shop", *options],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        process.stderr.close()
        assert process.wait(timeout=60) == 1


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("a\tb\nc ё 🧠", "a\tb\nc ё 🧠"),
        ("\x00\x07\x08\r\x1b\x7f", "␀␇␈␍␛␡"),
        ("\x80\x9b\x9f", "\ufffd\ufffd\ufffd"),
        ("\u202e\u2066\u200f", "\ufffd\ufffd\ufffd"),
        ("\ud800", "\ufffd"),
    ],
)
def test_what_would_steer_a_terminal_is_shown_by_a_sign(raw: str, shown: str) -> None:
    assert console.clean(raw) == shown


@pytest.mark.parametrize(
    ("value", "bar"), [(0, ""), (1, "▏"), (50, "█████"), (55, "█████▌"), (100, "██████████")]
)
def test_a_bar_is_as_long_as_its_share(value: int, bar: str) -> None:
    assert console.bar(value, 100, 10) == bar


def test_columns_are_as_high_as_their_share() -> None:
    assert console.columns([0, 1, 8, 16], 2) == ["   █", " ▁██"]
    assert console.columns([0], 2) == [" ", " "]


@pytest.mark.parametrize(
    ("text", "most", "cut"),
    [("short", 5, "short"), ("longer", 5, "long…"), ("二三四", 5, "二三…"), ("a\nb", 5, "a b")],
)
def test_a_text_is_cut_to_columns(text: str, most: int, cut: str) -> None:
    assert console.cut(text, most) == cut


def test_a_fault_of_the_store_is_said_once(place: Path) -> None:
    place.parent.mkdir()
    place.write_bytes(b"no database" * 1000)
    ended = run("list", env={})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "extended-memory-mcp: memory.db is not a SQLite database, and it was left as it is: move "
        "it away or set STORAGE_CONNECTION_STRING to another file, and try again.\n"
    )
