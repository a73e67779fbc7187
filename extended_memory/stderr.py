"""Standard error as a stream that nobody waits for.

A client that never reads the server's stderr lets its pipe fill up; then the next line that is
logged would wait for ever, and every call with it. O_NONBLOCK is no remedy: a terminal is shared
with other programs, and they would have it too. So the descriptor points at a pipe of our own.
One thread empties that pipe at once; another one writes on, and it alone waits for the reader.
"""

import atexit
import os
import sys
import threading
from collections import deque
from typing import Final

FLUSH_SECONDS: Final = 0.5
"""How long the end of the process waits for a reader of stderr."""

CAPACITY: Final = 1024 * 1024
"""How many bytes wait for a reader; what comes after them is dropped and counted."""

_CHUNK: Final = 65536


class ErrorStream:
    """The process's own standard error, with the lines that wait for it."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._changed = threading.Condition()
        self._waiting: deque[tuple[bytes, int]] = deque()
        """Whole lines, and how many messages are lost with them where they cannot be written."""
        self._bytes = 0
        self._lost = 0
        self._at_end = False
        self._writer = threading.Thread(target=self._write, name="stderr", daemon=True)

    @classmethod
    def claim(cls) -> "ErrorStream":
        """Take over descriptor 2: whoever writes to it from now on never waits."""
        incoming, to_us = os.pipe()
        stream = cls(incoming, os.dup(2))
        os.dup2(to_us, 2)
        os.close(to_us)
        stream._writer.start()
        threading.Thread(target=stream._collect, name="stderr-pipe", daemon=True).start()
        atexit.register(stream.close)
        return stream

    def close(self) -> None:
        """Wait until all is written, but not for long; what is said later goes nowhere."""
        sys.stderr.flush()
        nothing = os.open(os.devnull, os.O_WRONLY)
        for number in (1, 2):  # both lead into the pipe, which ends with them
            os.dup2(nothing, number)
        os.close(nothing)
        self._writer.join(FLUSH_SECONDS)

    def _collect(self) -> None:
        rest = b""
        while chunk := os.read(self._incoming, _CHUNK):
            lines, newline, rest = (rest + chunk).rpartition(b"\n")
            if len(rest) > _CHUNK:
                lines, newline, rest = lines + newline + rest, b"", b""
            self._keep(lines + newline)
        self._keep(rest)
        with self._changed:
            self._at_end = True
            self._changed.notify()

    def _keep(self, lines: bytes) -> None:
        messages = lines.count(b"\n")
        with self._changed:
            if self._bytes + len(lines) > CAPACITY:
                self._lost += messages
            elif lines:
                self._report_lost()
                self._waiting.append((lines, messages))
                self._bytes += len(lines)
                self._changed.notify()

    def _report_lost(self) -> None:
        if self._lost:
            report = f"extended-memory-mcp: {self._lost:,} messages were not written here.\n"
            self._waiting.append((report.encode(), self._lost))
            self._bytes += len(report)
            self._lost = 0

    def _write(self) -> None:
        while (lines := self._next()) is not None:
            self._write_lines(*lines)
        self._report_lost()
        if self._waiting:
            self._write_lines(*self._waiting.popleft())

    def _next(self) -> tuple[bytes, int] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._at_end)
            if not self._waiting:
                return None
            lines, messages = self._waiting.popleft()
            self._bytes -= len(lines)
            return lines, messages

    def _write_lines(self, lines: bytes, messages: int) -> None:
        view = memoryview(lines)
        try:
            while view:
                view = view[os.write(self._outgoing, view) :]
        except OSError:  # a full disk, or a reader that has gone
            with self._changed:
                self._lost += messages
