"""A client's end of a conversation: it starts a server, and writes lines of JSON-RPC to it."""

import json
import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from typing_extensions import Self

from extended_memory.errors import ExtendedMemoryError
from extended_memory.version import __version__

_PROTOCOL: Final = "2025-06-18"
_END_SECONDS: Final = 15.0
"""A server that waits in vain for its store ends eleven seconds after its input ends."""
_SHOWN_CHARACTERS: Final = 300
"""At most this many characters of a server's last line are shown."""


class ConversationError(ExtendedMemoryError):
    """A server did not answer as it should; ``last_line`` is the last one that it wrote."""

    def __init__(self, sentence: str, *, last_line: str = "") -> None:
        super().__init__(sentence)
        self.last_line = last_line


class Conversation:
    """A server that runs for a with block, and is ended by closing its input."""

    def __init__(
        self, command: Sequence[str], *, environment: Mapping[str, str], folder: Path
    ) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the conversation
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self._last_id = 0
        try:
            self._process = subprocess.Popen(  # noqa: S603 - what a client would start
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=dict(environment),
                cwd=folder,
            )
        except OSError as error:
            self._log.close()
            raise ConversationError(
                f"cannot be started ({error.strerror or 'no such program'})"
            ) from error
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Self:
        """Begin the block."""
        return self

    def __exit__(self, *exception: object) -> None:
        """End the server."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
            self._process.wait(_END_SECONDS)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._log.close()

    def shake_hands(self, *, within: float) -> str:
        """Introduce ourselves; return the server's name and version.

        Raises:
            ConversationError: it does not answer, or not as a server of MCP does.
        """
        hello = {
            "protocolVersion": _PROTOCOL,
            "capabilities": {},
            "clientInfo": {"name": "extended-memory-doctor", "version": __version__},
        }
        answer = self.ask("initialize", hello, within=within)
        self._send({"method": "notifications/initialized"})
        who = answer.get("serverInfo")
        if not isinstance(who, dict):
            raise ConversationError("answers the handshake without saying what it is")
        return f"{who.get('name', '?')} {who.get('version', '?')}"

    def call(self, tool: str, *, within: float, **arguments: Any) -> dict[str, Any]:
        """Call a tool and return its structured answer.

        Raises:
            ConversationError: it refuses, or does not answer.
        """
        answer = self.ask("tools/call", {"name": tool, "arguments": arguments}, within=within)
        structured = answer.get("structuredContent")
        if answer.get("isError") or not isinstance(structured, dict):
            content = answer.get("content") or [{}]
            raise ConversationError(
                f"refuses {tool}", last_line=str(content[0].get("text", ""))[:_SHOWN_CHARACTERS]
            )
        return structured

    def ask(self, method: str, params: Mapping[str, Any], *, within: float) -> dict[str, Any]:
        """Send a request and return its result.

        Raises:
            ConversationError: it ends, writes no valid message, refuses, or takes too long.
        """
        self._last_id += 1
        self._send({"id": self._last_id, "method": method, "params": params})
        until = time.monotonic() + within
        while True:
            message = self._message(until, within)
            if message.get("id") == self._last_id and "method" not in message:
                break  # any other message is a notification or a request of its own
        result = message.get("result")
        if not isinstance(result, dict):
            raise ConversationError(
                f"refuses {method}", last_line=str(message.get("error", ""))[:_SHOWN_CHARACTERS]
            )
        return result

    def _message(self, until: float, within: float) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            raise ConversationError(
                f"did not answer within {within:.0f} seconds", last_line=self._last_line()
            ) from None
        if line is None:
            code = self._process.wait()
            raise ConversationError(
                f"ended with exit code {code} before it answered", last_line=self._last_line()
            )
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            raise ConversationError(
                "writes to its standard output what is no message of the protocol",
                last_line=line.decode(errors="replace").strip()[:_SHOWN_CHARACTERS],
            )
        return message

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            pass  # it has ended, and its output says so next

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip():
                self._lines.put(line)
        self._process.stdout.close()
        self._lines.put(None)

    def _last_line(self) -> str:
        """Return the last line of the server's log."""
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1].strip()[:_SHOWN_CHARACTERS] if lines else ""
