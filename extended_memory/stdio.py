"""The standard streams as a guarded transport for JSON-RPC lines.

The SDK's own stdio transport (mcp 2.3) leaves gaps that a memory cannot have:

- A line with a lone surrogate, and any malformed line, is dropped without an answer, so the
  client waits for ever. Here a malformed line is answered with JSON-RPC's own error, and a text
  that is not Unicode arrives as an object that no argument accepts, so its tool refuses it.
- Bytes that are not UTF-8 are replaced, so something else would be saved than was sent. Here
  they are a parse error.
- The end of input cancels the calls that are under way, and a client that pipes a script in
  never sees their answers. Here it is held back until every request is answered.
- A library that prints before the transport starts breaks the stream. Here descriptor 1 points
  at stderr from the first moment on, and only this channel holds the real one.

It is also quicker: a message takes one hop between threads instead of three, and is parsed once,
which is a third of the time of a call.
"""

import asyncio
import json
import os
import select
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from mcp.shared._context_streams import ContextReceiveStream, ContextSendStream
    from mcp.shared.message import SessionMessage
    from mcp_types import JSONRPCMessage

    Streams: TypeAlias = tuple[
        ContextReceiveStream[SessionMessage | Exception], ContextSendStream[SessionMessage]
    ]

SURROGATE_KEY: Final = "lone surrogate"
"""The key of the object that stands in place of a text which is not Unicode."""

FINISH_SECONDS: Final = 0.5
"""How long calls go on after the end of input; what has not begun by then is refused."""

DRAIN_SECONDS: Final = 0.8
"""How long the end of input waits for answers; with the closing of the store, under a second."""

EXIT_SECONDS: Final = 0.9
"""When the process ends at the latest after the end of input or a signal."""

_CHUNK: Final = 65536
_SURE_TO_FIT: Final = 1000
"""Characters, at most four bytes each: a pipe with room has room for so many (PIPE_BUF)."""

_PARSE_ERROR: Final = -32700
_INVALID_REQUEST: Final = -32600


class Channel:
    """The process's own standard input and output, taken away from everyone else."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._received = bytearray()
        self._at_end = False
        self._sending = threading.Lock()
        self._idle = threading.Condition()
        self._unanswered = 0
        self._ended = False
        self._wake = os.pipe()
        self.on_end: Callable[[], None] = lambda: None

    @classmethod
    def claim(cls) -> "Channel":
        """Take over descriptors 0 and 1: they point at nothing and at stderr from now on."""
        incoming, outgoing = os.dup(0), os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        return cls(incoming, outgoing)

    def end(self) -> None:
        """Let the input end here, as a signal wants it."""
        self._begin_to_end()
        os.write(self._wake[1], b"!")

    @asynccontextmanager
    async def streams(self) -> "AsyncIterator[Streams]":
        """Give the streams of messages that the SDK's server runs on."""
        import anyio
        import anyio.to_thread
        from mcp.shared._context_streams import create_context_streams
        from mcp.shared.message import SessionMessage

        loop = asyncio.get_running_loop()
        to_server, from_client = create_context_streams[SessionMessage | Exception](0)
        to_client, from_server = create_context_streams[SessionMessage](0)

        def read() -> None:
            while (message := self._message()) is not None:
                # Wait for the server to take it: what it has not taken stays in the pipe.
                sending = to_server.send(SessionMessage(message))
                asyncio.run_coroutine_threadsafe(sending, loop).result()
            self.drain()
            asyncio.run_coroutine_threadsafe(to_server.aclose(), loop)

        async def write() -> None:
            async with from_server:
                async for answer in from_server:
                    line = answer.message.model_dump_json(by_alias=True, exclude_unset=True)
                    send = partial(
                        self.send, line.encode() + b"\n", answers=int(_is_answer(answer.message))
                    )
                    if len(line) < _SURE_TO_FIT and self._can_write():
                        send()
                    else:  # a client that does not read may make it wait, but nobody else
                        await anyio.to_thread.run_sync(send)

        threading.Thread(target=read, name="stdin", daemon=True).start()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(write)
            yield from_client, to_client
            tasks.cancel_scope.cancel()

    def send(self, lines: bytes, *, answers: int) -> None:
        """Write whole lines, with so many answers in them."""
        try:
            with self._sending:
                view = memoryview(lines)
                while view:
                    view = view[os.write(self._outgoing, view) :]
        except BrokenPipeError:  # nobody listens any more, so nobody will speak either
            self.end()
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

    def _message(self) -> "JSONRPCMessage | None":
        """Return the next message that is one, or None at the end of input."""
        while (line := self._line()) is not None:
            if line.strip() and (message := self._checked(line)):
                return message
        return None

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
            chunk = os.read(self._incoming, _CHUNK) if self._goes_on() else b""
            self._at_end = not chunk
            self._received += chunk

    def _goes_on(self) -> bool:
        """Wait until there is something to read, or return False where the input ends here."""
        if sys.platform == "win32":  # its select knows sockets only: there on_end has to do
            return True
        readable, _, _ = select.select([self._incoming, self._wake[0]], [], [])
        return self._wake[0] not in readable

    def _can_write(self) -> bool:
        """Say whether a short line can be written without waiting."""
        if sys.platform == "win32":
            return False
        _, writable, _ = select.select([], [self._outgoing], [], 0)
        return bool(writable)

    def _checked(self, line: bytes) -> "JSONRPCMessage | None":
        """Return the message in a line, or None where the line is answered here."""
        from mcp_types import JSONRPCNotification, JSONRPCRequest, jsonrpc_message_adapter
        from pydantic import ValidationError

        try:
            message = jsonrpc_message_adapter.validate_json(line, by_name=False)
        except ValidationError:
            mended = self._mended(line)
            return self._checked(mended) if mended else None
        if isinstance(message, JSONRPCNotification) and _has_id(line):
            # With an id of the wrong kind it passes for a notification, which nobody answers.
            self._refuse(_INVALID_REQUEST, "Invalid request: id is a number or a text")
            return None
        if isinstance(message, JSONRPCRequest):
            with self._idle:
                self._unanswered += 1
        return message

    def _mended(self, line: bytes) -> bytes | None:
        """Return a line whose only fault is a text that is not Unicode, mended; refuse others."""
        try:
            message = json.loads(line.decode())
        except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
            self._refuse(_PARSE_ERROR, "Parse error: a message is one line of JSON in UTF-8")
            return None
        if not _is_unicode(message):
            return json.dumps(_without_surrogates(message), ensure_ascii=False).encode()
        identifier = message.get("id") if isinstance(message, dict) else None
        self._refuse(
            _INVALID_REQUEST,
            "Invalid request: a message is one JSON-RPC 2.0 object, not nested too deeply; batches "
            "are not supported",
            identifier=identifier if isinstance(identifier, (int, str)) else None,
        )
        return None

    def _refuse(self, code: int, reason: str, *, identifier: int | str | None = None) -> None:
        error = {"code": code, "message": reason}
        answer = json.dumps({"jsonrpc": "2.0", "id": identifier, "error": error})
        self.send(answer.encode() + b"\n", answers=0)


def _is_answer(message: "JSONRPCMessage") -> bool:
    from mcp_types import JSONRPCError, JSONRPCResponse

    return isinstance(message, (JSONRPCError, JSONRPCResponse))


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
