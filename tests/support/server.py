"""A raw client: newline-delimited JSON over a child's standard streams, in both protocol eras."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from signal import Signals
from types import TracebackType
from typing import Any, Final, Protocol

from typing_extensions import Self

Json = dict[str, Any]

HANDSHAKE_VERSIONS: Final = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN_VERSION: Final = "2026-07-28"
ERAS: Final = (HANDSHAKE_VERSIONS[-1], MODERN_VERSION)

COMMAND: Final = (sys.executable, "-m", "extended_memory")

PATIENCE: Final = 60.0
"""How long a test waits for what has no deadline of its own; a busy machine is slow."""

_CLIENT_INFO = {"name": "raw-client", "version": "1"}


class Server:
    """A child process that serves MCP on its standard streams; ended by its own process id."""

    def __init__(
        self,
        command: Sequence[str] = COMMAND,
        *,
        stderr: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        version: str = HANDSHAKE_VERSIONS[-1],
    ) -> None:
        self.version = version
        self.lines: list[bytes] = []
        """Every line of standard output so far."""
        self.started = time.monotonic()
        self._stderr = stderr
        self._arrivals: queue.Queue[tuple[float, bytes] | None] = queue.Queue()
        self._answers: dict[int, tuple[float, Json]] = {}
        self._last_id = 0
        with stderr.open("ab") as errors:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **(env or {})},
                cwd=cwd,
            )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    # Lines

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def message(self, *, within: float = PATIENCE) -> Json:
        """Return the next message of the server, whatever it is."""
        try:
            arrival = self._arrivals.get(timeout=within)
        except queue.Empty:
            raise AssertionError(f"The server said nothing for {within} s.") from None
        assert arrival is not None, f"The server ended its output; its log: {self.log()[-2000:]}"
        moment, line = arrival
        assert not stray_lines(line), f"This is no message: {line!r}"
        message: Json = json.loads(line)
        if isinstance(message.get("id"), int) and "method" not in message:
            self._answers[message["id"]] = (moment, message)
        return message

    # Requests

    def encode(self, method: str, params: Json | None = None, *, notify: bool = False) -> bytes:
        """Return the line of a request (``last_id`` is then its id) or of a notification."""
        message: Json = {"jsonrpc": "2.0"}
        if not notify:
            self._last_id += 1
            message["id"] = self._last_id
        params = dict(params or {})
        if self.version == MODERN_VERSION:
            params["_meta"] = modern_meta()
        return json.dumps(message | {"method": method, "params": params}).encode() + b"\n"

    @property
    def last_id(self) -> int:
        """The id of the newest request."""
        return self._last_id

    def request(self, method: str, params: Json | None = None) -> int:
        """Send a request and return its id."""
        self.write(self.encode(method, params))
        return self._last_id

    def notify(self, method: str, params: Json | None = None) -> None:
        """Send a notification."""
        self.write(self.encode(method, params, notify=True))

    def answer(self, request_id: int, *, within: float = PATIENCE) -> Json:
        """Return the whole answer to a request."""
        deadline = time.monotonic() + within
        while request_id not in self._answers:
            self.message(within=max(deadline - time.monotonic(), 0.001))
        return self._answers[request_id][1]

    def answered_at(self, request_id: int) -> float:
        """Return the monotonic time at which the answer to a request came in."""
        return self._answers[request_id][0]

    def ask(self, method: str, params: Json | None = None, *, within: float = PATIENCE) -> Json:
        """Return the result of a request."""
        result: Json = self.answer(self.request(method, params), within=within)["result"]
        return result

    def handshake(self) -> Json:
        """Open the conversation as the version asks for; return what the server says of itself."""
        if self.version == MODERN_VERSION:
            return self.ask("server/discover")
        result = self.ask("initialize", self.offer())
        self.notify("notifications/initialized")
        return result

    def offer(self) -> Json:
        """Return the parameters of ``initialize``."""
        return {
            "protocolVersion": self.version,
            "capabilities": {},
            "clientInfo": _CLIENT_INFO,
        }

    def request_call(self, tool: str, **arguments: Any) -> int:
        """Send a call of a tool and return its id."""
        return self.request("tools/call", {"name": tool, "arguments": arguments})

    def call(self, tool: str, *, within: float = PATIENCE, **arguments: Any) -> Json:
        """Return the result of a tool, which may be an error."""
        result: Json = self.answer(self.request_call(tool, **arguments), within=within)["result"]
        return result

    def ok(self, tool: str, *, within: float = PATIENCE, **arguments: Any) -> Json:
        """Return the structured answer of a tool that succeeds."""
        result = self.call(tool, within=within, **arguments)
        assert not result["isError"], text(result)
        structured: Json = result["structuredContent"]
        return structured

    def refused(self, tool: str, *, within: float = PATIENCE, **arguments: Any) -> str:
        """Return the sentence of a tool that refuses."""
        result = self.call(tool, within=within, **arguments)
        assert result["isError"], text(result)
        return text(result)

    # The process

    def wait_for_upkeep(self) -> None:
        """Wait until the store is looked after; the level of the log has to be DEBUG."""
        eventually(lambda: "Upkeep is over" in self.log())

    def close_input(self) -> float:
        """Close standard input; return the time of it."""
        assert self.process.stdin is not None
        moment = time.monotonic()
        self.process.stdin.close()
        return moment

    def signal(self, number: Signals) -> float:
        """Send a signal; return the time of it."""
        moment = time.monotonic()
        self.process.send_signal(number)
        return moment

    def wait(self) -> int:
        """Wait for the end and for the last line; return the exit code."""
        code = self.process.wait(timeout=PATIENCE)
        self._drain()
        return code

    def end(self) -> int:
        """End the input and wait; return the exit code."""
        self.close_input()
        return self.wait()

    def kill(self) -> None:
        """End the process at once, whatever it is doing."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=PATIENCE)
        self._drain()
        assert self.process.stdin is not None
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            return  # what was left in the buffer has no reader any more

    def answers(self) -> dict[int, Json]:
        """Return every answer that came in, by id; for an ended process."""
        while not self._arrivals.empty():
            if self._arrivals.queue[0] is None:
                break
            self.message()
        return {number: message for number, (_, message) in self._answers.items()}

    def log(self) -> str:
        """Return what the process wrote to standard error."""
        return self._stderr.read_text(errors="replace")

    def output(self) -> str:
        """Return what the process wrote to standard output."""
        return b"".join(self.lines).decode()

    def catches(self, number: Signals) -> bool:
        """Say whether the process has set a handler for a signal."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        mask = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
        return bool(int(mask.split()[1], 16) >> (number - 1) & 1)

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            self._arrivals.put((time.monotonic(), line))
        self._arrivals.put(None)

    def _drain(self) -> None:
        self._listener.join(timeout=PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()


def modern_meta() -> Json:
    """Return what every request of 2026-07-28 carries instead of a handshake."""
    return {
        "io.modelcontextprotocol/protocolVersion": MODERN_VERSION,
        "io.modelcontextprotocol/clientInfo": _CLIENT_INFO,
        "io.modelcontextprotocol/clientCapabilities": {},
    }


def text(result: Json) -> str:
    """Return the text of a tool's answer."""
    (block,) = result["content"]
    assert block["type"] == "text"
    return str(block["text"])


def stray_lines(output: bytes) -> list[bytes]:
    """Return the lines that are no JSON-RPC message."""
    return [line for line in output.splitlines(keepends=True) if not _is_message(line)]


def eventually(condition: Callable[[], bool], *, within: float = PATIENCE) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "It did not come to pass."
        time.sleep(0.002)


@contextmanager
def held_locked(database: Path, mode: str) -> Iterator[None]:
    """Let another process hold the database in a transaction of this mode."""
    program = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.execute(f'BEGIN {sys.argv[2]}')\n"
        "print('locked', flush=True)\n"
        "sys.stdin.read()\n"
        "connection.execute('ROLLBACK')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(database), mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        yield  # leaving the block closes the holder's input, and it ends


def _is_message(line: bytes) -> bool:
    if not line.endswith(b"\n"):
        return False
    try:
        message = json.loads(line)
    except ValueError:
        return False
    return isinstance(message, dict) and message.get("jsonrpc") == "2.0"


TOOL_CALLS: dict[str, Json] = {
    "save_context": {"content": "x"},
    "load_contexts": {},
    "search_contexts": {"query": "x"},
    "update_context": {"context_id": 1, "content": "x"},
    "forget_context": {"context_id": 1},
    "restore_context": {"context_id": 1},
    "list_all_projects": {},
    "get_popular_tags": {},
}


class Start(Protocol):
    """Starts a server in this test's environment."""

    def __call__(
        self,
        command: Sequence[str] = COMMAND,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        version: str = HANDSHAKE_VERSIONS[-1],
    ) -> Server: ...
