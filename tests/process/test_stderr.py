"""A stderr that nobody reads stops nobody, and nothing is lost on one that is read."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.server import COMMAND, PATIENCE, Server, eventually

TALKATIVE = """
import os, sys, threading

def talk():
    for number in range(int(os.environ["LINES_SAID"])):
        for say in (sys.stderr.write, sys.__stderr__.write):
            say(f"line {number} " + "x" * 500 + chr(10))
        os.write(1, b"printed " + b"x" * 500 + b"\\n")
        os.write(2, b"written " + b"x" * 500 + b"\\n")
    open(os.environ["SAID"], "w").close()

class Talkative:
    def find_spec(self, name, path=None, target=None):
        if name == "fastmcp":
            sys.meta_path.remove(self)
            talk()
        return None

sys.meta_path.insert(0, Talkative())
"""


@contextmanager
def unread(tmp_path: Path, *, said: int) -> Iterator[tuple[Server, int]]:
    """Start a server that says so many lines four times; give it and its stderr, to be read."""
    (tmp_path / "sitecustomize.py").write_text(TALKATIVE)
    pipe = tmp_path / "stderr"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reading, True)
    env = {
        "PYTHONPATH": str(tmp_path),
        "LINES_SAID": str(said),
        "SAID": str(tmp_path / "said"),
    }
    with Server(stderr=pipe, env=env) as server:
        yield server, reading
    os.close(reading)


def all_of(descriptor: int) -> list[str]:
    """Read to the end, when the process has ended."""
    with os.fdopen(os.dup(descriptor), "rb") as stream:
        return stream.read().decode().splitlines()


@pytest.mark.long
def test_a_client_that_never_reads_stderr_is_answered_and_the_process_ends(tmp_path: Path) -> None:
    with unread(tmp_path, said=1000) as (server, _):
        server.handshake()
        assert server.ok("save_context", content="x")["id"] == 1
        for _ in range(300):
            server.refused("save_context", content=" ")
        assert server.end() == 0


def test_a_signal_ends_a_server_whose_stderr_nobody_reads(tmp_path: Path) -> None:
    with unread(tmp_path, said=1000) as (server, _):
        server.handshake()
        server.signal(signal.SIGTERM)
        assert server.wait() == 0


def test_what_is_read_late_is_in_order_and_says_how_much_is_missing(tmp_path: Path) -> None:
    said = 1500
    with unread(tmp_path, said=said) as (server, reading):
        server.handshake()
        eventually(lambda: (tmp_path / "said").exists())
        server.close_input()
        lines = all_of(reading)
        assert server.wait() == 0
    numbers = [int(number) for line in lines for number in re.findall(r"^line (\d+) ", line)]
    assert numbers == sorted(numbers)
    missing = sum(
        int(count.replace(",", ""))
        for line in lines
        for count in re.findall(r"^extended-memory-mcp: ([\d,]+) messages were not written", line)
    )
    whole = [line for line in lines if re.fullmatch(r"(line \d+|printed|written) x{500}", line)]
    assert missing > 0
    assert len(whole) + missing == 4 * said


def test_what_is_said_last_is_written_before_the_end(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, threading\n"
        "close = threading.Event.set\n"
        "def end(event):\n"
        "    close(event)\n"
        "    sys.stderr.write(''.join(f'last {n}\\n' for n in range(2000)))\n"
        "threading.Event.set = end\n"
    )
    with Server(stderr=tmp_path / "stderr", env={"PYTHONPATH": str(tmp_path)}) as server:
        server.handshake()
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
    last = [line for line in server.log().splitlines() if line.startswith("last ")]
    assert last[-2000:] == [f"last {number}" for number in range(2000)]


def test_a_traceback_of_the_process_is_written(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Broken:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'fastmcp':\n"
        "            raise ImportError('fastmcp is broken here')\n"
        "sys.meta_path.insert(0, Broken())\n"
    )
    ended = subprocess.run(
        COMMAND,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert ended.returncode == 1
    assert ended.stderr.endswith("ImportError: fastmcp is broken here\n")
