"""The standard streams as a guarded transport for JSON-RPC lines.

The SDK's own stdio transport (mcp 2.3) leaves gaps that a memory cannot have:

- A line with a lone surrogate, and any malformed line, is dropped without an answer, so the
  client waits for ever. Here a malformed line is answered with JSON-RPC's own error, and a text
  that is not Unicode arrives as an object that no argument accepts, so its tool refuses it.
- Bytes that are not UTF-8 are replaced, so something else would be saved than was sent. Here
  they are a parse error.
- The end of input cancels the calls that are under way, and a client that pipes a script in
  never sees their answers. Here every request that was read is answered; ``ending`` says how
  long that may take.
- A fault in what reads or writes leaves a process that is deaf. Here it ends the process, so that
  the client can start another one.
- A character that ends a line for Unicode, though not for JSON, goes out as it is, and a client
  that splits at it never sees the answer. Here it is escaped.
- A library that prints before the transport starts breaks the stream. Here descriptor 1 points
  at stderr from the first moment on, and only this channel holds the real one.

It is also quicker: a message takes one hop between threads instead of three, and is parsed once,
which is a third of the time of a call.
"""

import asyncio
import json
import logging
import os
import select
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn

from extended_memory.names import is_unicode
from extended_memory.protocol import nesting
from extended_memory.shutdown import EXIT_SECONDS, Ending, ServerEndsError

if TYPE_CHECKING:
    from mcp.shared.message import SessionMessage
    from mcp_types import JSONRPCMessage

    from extended_memory.protocol.fastmcp_internals import ContextReceiveStream, Streams

SURROGATE_KEY: Final = "lone surrogate"
"""The key of the object that stands in place of a text which is not Unicode."""

MAXIMUM_LINE_BYTES: Final = 64 * 1024 * 1024
"""A longer line is not kept while it comes in: it would fill the memory."""

_FAULT: Final = 1
"""The exit code where the server did not end because it was to."""

_CHUNK: Final = 65536
_SURE_TO_FIT: Final = 4000
"""How many bytes a pipe that has room takes at least (PIPE_BUF)."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_LINE_ENDS: Final = {"\u2028": r"\u2028", "\u2029": r"\u2029", "\x85": r"\u0085"}
"""Characters that end a line for Unicode, and how JSON writes them otherwise."""
_LONGEST_NUMBER: Final = 4300
"""Digits of a whole number that Python reads."""

_PARSE_ERROR: Final = -32700
_INVALID_REQUEST: Final = -32600
_SERVER_ENDS: Final = -32000

_NOT_A_MESSAGE: Final = (
    "Invalid request: a message is one JSON-RPC 2.0 object, not nested too deeply; batches are not "
    "supported"
)
_NOT_FINISHED: Final = (
    "This server is ending and did not see this call to its end: it may have been carried out or "
    "not. Call again when the client has restarted it; a save is stored once all the same."
)

logger = logging.getLogger(__name__)


class Channel:
    """The process's own standard input and output, taken away from everyone else."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        self.ending = Ending()
        self.refuse_calls: Callable[[], None] = lambda: None
        """Is called when calls that have not begun are to be refused."""
        self.exit: Callable[[int], NoReturn] = os._exit
        """Ends the process with a code."""
        self._incoming = incoming
        self._outgoing = outgoing
        self._received = bytearray()
        self._is_first = True
        self._at_end = False
        self._sending = threading.Lock()
        self._is_served = False
        self._is_stopped = False
        self._code = 0
        self._wake = os.pipe()

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
        """End the process within a second, as a signal wants it; at the second signal at once."""
        if not self._is_served or self.ending.hurries:
            self.exit(self._code)
        self.ending.hurry()
        self._stop_reading()

    def fail(self) -> None:
        """End the process within a second after a fault that leaves it deaf or mute."""
        self._code = _FAULT
        self.ending.hurry()
        self._stop_reading()

    def leave(self) -> NoReturn:
        """End the process now that nothing is served any more."""
        self._say_last_words(until=time.monotonic() + EXIT_SECONDS)
        self.exit(self._code)

    @asynccontextmanager
    async def streams(self) -> "AsyncIterator[Streams]":
        """Give the streams of messages that the SDK's server runs on."""
        import anyio
        from mcp.shared.message import SessionMessage

        from extended_memory.protocol.fastmcp_internals import create_context_streams

        loop = asyncio.get_running_loop()
        to_server, from_client = create_context_streams[SessionMessage | Exception](0)
        to_client, from_server = create_context_streams[SessionMessage](0)

        def hand_over(message: SessionMessage) -> None:
            # Wait for the server to take it: what it has not taken stays in the pipe.
            asyncio.run_coroutine_threadsafe(to_server.send(message), loop).result()

        def close() -> None:
            asyncio.run_coroutine_threadsafe(to_server.aclose(), loop)

        self._is_served = True
        for name, task in (
            ("stdin", partial(self._read, hand_over)),
            ("ending", partial(self._see_to_the_end, close)),
        ):
            threading.Thread(target=task, name=name, daemon=True).start()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._write, from_server)
            try:
                yield from_client, to_client
            finally:
                self._notice_that_nobody_serves()
                tasks.cancel_scope.cancel()

    def _read(self, hand_over: "Callable[[SessionMessage], None]") -> None:
        """Hand every message over to the server, until the input ends."""
        from anyio import BrokenResourceError
        from mcp.shared.message import ServerMessageMetadata, SessionMessage
        from mcp_types import JSONRPCRequest

        try:
            while (message := self._message()) is not None:
                if not isinstance(message, JSONRPCRequest):
                    hand_over(SessionMessage(message))
                elif not self.ending.take(message.id):
                    self._refuse(_SERVER_ENDS, str(ServerEndsError()), identifier=message.id)
                else:
                    unanswered = ServerMessageMetadata(
                        on_request_unanswered=partial(self._drop, message.id)
                    )
                    hand_over(SessionMessage(message, unanswered))
                self.ending.progress()
        except BrokenResourceError:
            self._notice_that_nobody_serves()
        except BaseException:
            self.fail()  # whatever it was, nothing is heard any more
            raise
        finally:
            self.ending.end_input()

    async def _drop(self, request_id: int | str) -> None:
        self.ending.drop(request_id)

    async def _write(self, from_server: "ContextReceiveStream[SessionMessage]") -> None:
        """Write every message of the server."""
        from anyio import to_thread

        try:
            async with from_server:
                async for answer in from_server:
                    line, answers_to = _encoded(answer.message)
                    send = partial(self.send, line, answers_to=answers_to)
                    if len(line) < _SURE_TO_FIT and self._can_write():
                        send()
                    else:  # a client that does not read may make it wait, but nobody else
                        await to_thread.run_sync(send)
        except Exception:
            self.fail()  # whatever it was, nothing is said any more
            raise

    def _see_to_the_end(self, close: Callable[[], None]) -> None:
        """End the process when it is time, whatever its calls are waiting for."""
        until = self.ending.wait(self.refuse_calls)
        try:
            self._say_last_words(until=until)
            close()
        finally:  # also where the server has gone already
            time.sleep(max(until - time.monotonic(), 0))
            self.exit(self._code)

    def _notice_that_nobody_serves(self) -> None:
        if not self.ending.has_begun:
            logger.critical("The server has ended although its input goes on.")
            self.fail()

    def send(self, line: bytes, *, answers_to: int | str | None = None) -> None:
        """Write a whole line, which may be the answer to a request."""
        with self._sending:
            if answers_to is not None and not self.ending.begin_answer(answers_to):
                return
            try:
                view = memoryview(line)
                while view:
                    view = view[os.write(self._outgoing, view[:_CHUNK]) :]
                    self.ending.progress()
            except ConnectionError:  # of a pipe or of a socket
                # Nobody listens any more, so nobody will speak either; what was read is done.
                self._stop_reading()
            finally:
                if answers_to is not None:
                    self.ending.finish_answer()

    def _stop_reading(self) -> None:
        if self._is_stopped:
            return
        self._is_stopped = True
        os.write(self._wake[1], b"!")
        if sys.platform == "win32":  # its reader cannot be woken
            self.ending.end_input()

    def _say_last_words(self, *, until: float) -> None:
        """Tell every request that is left; nobody waits for a client that does not read."""
        left = self.ending.give_up()

        def say() -> None:
            for identifier in left:
                self._refuse(_SERVER_ENDS, _NOT_FINISHED, identifier=identifier)

        if left:
            speaker = threading.Thread(target=say, name="last words", daemon=True)
            speaker.start()
            speaker.join(max(until - time.monotonic(), 0))

    def _message(self) -> "JSONRPCMessage | None":
        """Return the next message that is one, or None at the end of input."""
        while (line := self._line()) is not None:
            if line.strip() and (message := self._checked(line)):
                return message
        return None

    def _line(self) -> bytes | None:
        """Return the next line without its end, or None at the end of input."""
        searched = 0
        is_too_long = False
        while True:
            end = self._received.find(b"\n", searched)
            if end < 0 and self._at_end:
                end = len(self._received)
            if end >= 0:
                line = bytes(self._received[:end])
                is_last = self._at_end and end == len(self._received)
                del self._received[: end + 1]
                if is_too_long or end > MAXIMUM_LINE_BYTES:
                    self._refuse(
                        _INVALID_REQUEST,
                        f"Invalid request: a line is at most {MAXIMUM_LINE_BYTES:,} bytes",
                    )
                    line = b""
                if self._is_first:  # a Windows program may begin so
                    line = line.removeprefix(_BYTE_ORDER_MARK)
                    self._is_first = False
                return None if is_last and not line else line
            if len(self._received) > MAXIMUM_LINE_BYTES:
                is_too_long = True
                self._received.clear()
            searched = len(self._received)
            chunk = self._chunk()
            self._at_end = not chunk
            self._received += chunk

    def _chunk(self) -> bytes:
        """Wait for more input and return it, or nothing at its end."""
        if sys.platform != "win32":  # its select knows sockets only
            readable, _, _ = select.select([self._incoming, self._wake[0]], [], [])
            if self._wake[0] in readable:
                return b""
        try:
            return os.read(self._incoming, _CHUNK)
        except ConnectionError:  # a socket whose other end is gone
            return b""

    def _can_write(self) -> bool:
        """Say whether a short line can be written without waiting."""
        if sys.platform == "win32":
            return False
        _, writable, _ = select.select([], [self._outgoing], [], 0)
        return bool(writable)

    def _checked(self, line: bytes) -> "JSONRPCMessage | None":
        """Return the message in a line, or None where the line is answered here."""
        from mcp_types import JSONRPCNotification, jsonrpc_message_adapter
        from pydantic import ValidationError
        from pydantic_core import from_json

        try:
            said = from_json(line, allow_inf_nan=False)
        except ValueError:
            said = self._mended(line)
            if said is None:
                return None
        identifier = _identifier(said)
        if nesting.holds_too_much(said):
            self._refuse(_INVALID_REQUEST, _NOT_A_MESSAGE, identifier=identifier)
            return None
        try:
            message = jsonrpc_message_adapter.validate_python(said, by_name=False)
        except ValidationError:
            self._refuse(_INVALID_REQUEST, _NOT_A_MESSAGE, identifier=identifier)
            return None
        if isinstance(message, JSONRPCNotification) and said.get("id") is not None:
            # With an id of the wrong kind it passes for a notification, which nobody answers.
            self._refuse(_INVALID_REQUEST, "Invalid request: id is a number or a text")
            return None
        return message

    def _mended(self, line: bytes) -> Any:
        """Return what a line says that pydantic does not read; None where it is answered here.

        It is JSON all the same where a text in it is not Unicode, or a number is very long.
        """
        constants: list[str] = []
        try:
            text = line.decode()
            if nesting.is_too_deep(line):
                identifier = _identifier(nesting.outermost(line))
                self._refuse(_INVALID_REQUEST, _NOT_A_MESSAGE, identifier=identifier)
                return None
            said = json.loads(text, parse_int=_number, parse_constant=constants.append)
        except ValueError:  # UnicodeDecodeError is one
            self._refuse(_PARSE_ERROR, "Parse error: a message is one line of JSON in UTF-8")
            return None
        if constants:
            reason = f"Parse error: {constants[0]} is no JSON"
            self._refuse(_PARSE_ERROR, reason, identifier=_identifier(said))
            return None
        return _without_surrogates(said)

    def _refuse(self, code: int, reason: str, *, identifier: int | str | None = None) -> None:
        error = {"code": code, "message": reason}
        answer = json.dumps({"jsonrpc": "2.0", "id": identifier, "error": error})
        self.send(answer.encode() + b"\n")


def _identifier(said: Any) -> int | str | None:
    """Return the id that a message can be answered by."""
    identifier = said.get("id") if isinstance(said, dict) else None
    is_one = isinstance(identifier, (int, str)) and not isinstance(identifier, bool)
    return identifier if is_one else None


def _number(digits: str) -> int | float:
    """Read a whole number; one that Python does not is beyond all bounds, however long it is."""
    return int(digits) if len(digits) <= _LONGEST_NUMBER else float(digits)


def _encoded(message: "JSONRPCMessage") -> tuple[bytes, int | str | None]:
    """Return the line of a message, and the id of the request that it answers."""
    from mcp_types import JSONRPCError, JSONRPCResponse

    line = message.model_dump_json(by_alias=True, exclude_unset=True)
    if not line.isascii():
        for character, escape in _LINE_ENDS.items():
            if character in line:
                line = line.replace(character, escape)
    answers_to = message.id if isinstance(message, (JSONRPCError, JSONRPCResponse)) else None
    return line.encode() + b"\n", answers_to


def _without_surrogates(value: Any) -> Any:
    """Replace every text that is not Unicode by an object which says so."""
    if isinstance(value, str) and not is_unicode(value):
        return {SURROGATE_KEY: json.dumps(value)}
    if isinstance(value, dict):
        return {
            key.encode("ascii", "backslashreplace").decode()
            if not is_unicode(key)
            else key: _without_surrogates(item)
            for key, item in value.items()
        }
    return list(map(_without_surrogates, value)) if isinstance(value, list) else value
