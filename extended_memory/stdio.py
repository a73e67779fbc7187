"""The standard streams as a guarded channel for JSON-RPC lines.

FastMCP's stdio transport serves whatever ``sys.stdin`` and ``sys.stdout`` give it as their
``buffer``; ``Channel`` puts its own there, because the stock one (mcp 2.3) leaves four gaps:

- A line with a lone surrogate, and any malformed line, is dropped without an answer, so the
  client waits for ever. Here a malformed line is answered with JSON-RPC's own error, and a text
  that is not Unicode arrives as an object that no argument accepts, so its tool refuses it.
- Bytes that are not UTF-8 are replaced, so something else would be saved than was sent. Here
  they are a parse error.
- The end of input cancels the calls that are under way, and a client that pipes a script in
  never sees their answers. Here it is held back until every request is answered.
- A library that prints before the transport starts breaks the stream. Here descriptor 1 points
  at stderr from the first moment on, and only this channel holds the real one.
"""

import io
import json
import os
import select
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

SURROGATE_KEY: Final = "lone surrogate"
"""The key of the object that stands in place of a text which is not Unicode."""

FINISH_SECONDS: Final = 0.5
"""How long calls go on after the end of input; what has not begun by then is refused."""

DRAIN_SECONDS: Final = 0.8
"""How long the end of input waits for answers; with the closing of the store, under a second."""

EXIT_SECONDS: Final = 0.9
"""When the process ends at the latest after the end of input or a signal."""

_CHUNK: Final = 65536
_PARSE_ERROR: Final = -32700
_INVALID_REQUEST: Final = -32600


class Channel:
    """The process's own standard input and output, taken away from everyone else."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        self._outgoing = outgoing
        self._sending = threading.Lock()
        self._idle = threading.Condition()
        self._unanswered = 0
        self._ended = False
        self._wake = os.pipe()
        self.on_end: Callable[[], None] = lambda: None
        self.reader = _Reader(self, incoming)
        self.writer = _Writer(self)

    @classmethod
    def claim(cls) -> "Channel":
        """Take over descriptors 0 and 1: they point at nothing and at stderr from now on."""
        incoming, outgoing = os.dup(0), os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        return cls(incoming, outgoing)

    def install(self) -> None:
        """Let ``sys.stdin.buffer`` and ``sys.stdout.buffer`` be this channel, for FastMCP.

        A ``print`` still goes to stderr, and so does ``sys.stdout.buffer`` once the transport
        has taken hold of the channel.
        """
        sys.stdin = io.TextIOWrapper(io.BufferedReader(self.reader, _CHUNK), encoding="utf-8")
        sys.stdout = _PrintsToStderr(self.writer)

    def end(self) -> None:
        """Let the input end here, as a signal wants it."""
        self._begin_to_end()
        os.write(self._wake[1], b"!")

    def wait_for_input(self, descriptor: int) -> bool:
        """Wait until there is something to read, or return False where the input ends here."""
        if sys.platform == "win32":  # its select knows sockets only: there on_end has to do
            return True
        readable, _, _ = select.select([descriptor, self._wake[0]], [], [])
        return self._wake[0] not in readable

    def received(self) -> None:
        """Count a request that was passed on."""
        with self._idle:
            self._unanswered += 1

    def send(self, lines: bytes, *, answers: int) -> None:
        """Write whole lines, with so many answers in them."""
        with self._sending:
            view = memoryview(lines)
            while view:
                view = view[os.write(self._outgoing, view) :]
        with self._idle:
            self._unanswered -= answers
            self._idle.notify_all()

    def drain(self) -> None:
        """Wait until every request is answered, but not for long."""
        self._begin_to_end()
        with self._idle:
            self._idle.wait_for(lambda: self._unanswered <= 0, timeout=DRAIN_SECONDS)

    def _begin_to_end(self) -> None:
        if not self._ended:
            self._ended = True
            self.on_end()


class _Reader(io.RawIOBase):
    """Gives the transport one checked line after the other."""

    def __init__(self, channel: Channel, descriptor: int) -> None:
        self._channel = channel
        self._descriptor = descriptor
        self._received = bytearray()
        self._checked = b""
        self._at_end = False

    def readable(self) -> bool:
        """Say that this can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what is left of a checked line, or with a part of the next one."""
        while not self._checked:
            line = self._line()
            if line is None:
                self._channel.drain()
                return 0
            self._checked = self._check(line)
        size = min(len(buffer), len(self._checked))
        buffer[:size] = self._checked[:size]
        self._checked = self._checked[size:]
        return size

    def _line(self) -> bytes | None:
        """Return the next line without its end, or None at the end of input."""
        searched = 0
        while True:
            end = self._received.find(b"\n", searched)
            if end >= 0:
                line = bytes(self._received[:end])
                del self._received[: end + 1]
                return line
            if self._at_end:
                line = bytes(self._received)
                self._received.clear()
                return line or None
            searched = len(self._received)
            chunk = b""
            if self._channel.wait_for_input(self._descriptor):
                chunk = os.read(self._descriptor, _CHUNK)
            self._at_end = not chunk
            self._received += chunk

    def _check(self, line: bytes) -> bytes:
        """Return the line to pass on, with its end; nothing where it is answered here."""
        if not line.strip():
            return b""
        # The transport's own parser: what it refuses, it drops without a word.
        from mcp_types import JSONRPCNotification, JSONRPCRequest, jsonrpc_message_adapter
        from pydantic import ValidationError

        try:
            message = jsonrpc_message_adapter.validate_json(line, by_name=False)
        except ValidationError:
            mended = self._mended(line)
            return self._check(mended) if mended else b""
        if isinstance(message, JSONRPCRequest):
            self._channel.received()
        elif isinstance(message, JSONRPCNotification) and _has_id(line):
            # With an id of the wrong kind it passes for a notification, which nobody answers.
            return self._refuse(_INVALID_REQUEST, "Invalid request: id is a number or a text")
        return line + b"\n"

    def _mended(self, line: bytes) -> bytes:
        """Return a line whose only fault is a text that is not Unicode, mended; refuse others."""
        try:
            message = json.loads(line.decode())
        except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
            return self._refuse(_PARSE_ERROR, "Parse error: a message is one line of JSON in UTF-8")
        if not _is_unicode(message):
            return json.dumps(_without_surrogates(message), ensure_ascii=False).encode()
        identifier = message.get("id") if isinstance(message, dict) else None
        return self._refuse(
            _INVALID_REQUEST,
            "Invalid request: a message is one JSON-RPC 2.0 object, not nested too deeply; batches "
            "are not supported",
            identifier=identifier if isinstance(identifier, (int, str)) else None,
        )

    def _refuse(self, code: int, reason: str, *, identifier: int | str | None = None) -> bytes:
        error = {"code": code, "message": reason}
        answer = json.dumps({"jsonrpc": "2.0", "id": identifier, "error": error})
        self._channel.send(answer.encode() + b"\n", answers=0)
        return b""


class _Writer(io.RawIOBase):
    """Takes the transport's lines: it flushes after each, so a write is always whole lines."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def writable(self) -> bool:
        """Say that this can be written."""
        return True

    def write(self, data: Any) -> int:
        """Write whole lines to the real standard output."""
        lines = bytes(data)
        self._channel.send(lines, answers=sum(map(_is_answer, lines.splitlines())))
        if isinstance(sys.stdout, _PrintsToStderr):
            sys.stdout = sys.stderr  # the transport holds the channel by now, nobody else may
        return len(lines)


class _PrintsToStderr(io.TextIOWrapper):
    """A ``sys.stdout`` whose text goes to stderr and whose ``buffer`` is the channel."""

    def __init__(self, writer: _Writer) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8")
        self._writer = writer

    @property
    def buffer(self) -> Any:
        """Return the channel's writer."""
        return self._writer

    def write(self, text: str) -> int:
        """Write to stderr."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Flush stderr."""
        sys.stderr.flush()


def _is_answer(line: bytes) -> bool:
    # The transport writes the envelope's keys first; a request of its own would name a method.
    return line.startswith(b'{"jsonrpc":"2.0","id":') and b'"method":' not in line[:200]


def _has_id(line: bytes) -> bool:
    return b'"id"' in line and json.loads(line).get("id") is not None


def is_unicode(text: str) -> bool:
    """Say whether a text has a form in UTF-8, that is, no lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_unicode(value: Any) -> bool:
    if isinstance(value, str):
        return is_unicode(value)
    if isinstance(value, dict):
        return all(_is_unicode(key) and _is_unicode(item) for key, item in value.items())
    return all(map(_is_unicode, value)) if isinstance(value, list) else True


def _without_surrogates(value: Any) -> Any:
    """Replace every text that is not Unicode by an object which says so."""
    if isinstance(value, str) and not _is_unicode(value):
        return {SURROGATE_KEY: json.dumps(value)}
    if isinstance(value, dict):
        return {
            key.encode("ascii", "backslashreplace").decode()
            if not _is_unicode(key)
            else key: _without_surrogates(item)
            for key, item in value.items()
        }
    return list(map(_without_surrogates, value)) if isinstance(value, list) else value
