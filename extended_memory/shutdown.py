"""The end of the process: what it waits for, and how long.

After the end of input every request that was read is answered, however long that takes, as long
as there is progress. A sign of it is a line of input that was taken, a piece of an answer that the
client took, or ``WORK_SECONDS`` of the processor's time: whatever opens, upgrades, reads or writes
a store uses it, and so does a process that a busy machine gives little. Who waits for a lock, a
server or a client uses next to none. What is done in the background, for the search, stops, for
nobody waits for it.

When no sign has come for ``PATIENCE_SECONDS``, or as soon as a signal comes, the process hurries:
what has not begun is refused, what has begun may finish within ``FINISH_SECONDS``, what is left
is told so, and after ``EXIT_SECONDS`` the process is gone.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from extended_memory.errors import (
    StoreError,
)

PATIENCE_SECONDS: Final = 10.0
"""How long the end of input waits for the next sign of progress."""

WORK_SECONDS: Final = 0.05
"""So much of the processor's time is a sign of progress: half a percent of the patience."""

_LOOK_SECONDS: Final = 1.0
"""How often the processor's time is looked at."""

FINISH_SECONDS: Final = 0.7
"""How long calls that have begun go on after a signal."""

EXIT_SECONDS: Final = 0.9
"""When the process ends at the latest after a signal, or after the last answer."""


class ServerEndsError(StoreError):
    """A call came when the server was about to end, and was not begun."""

    def __init__(self) -> None:
        super().__init__(
            "This server is ending.", remedy="call again when the client has restarted it."
        )


class Ending:
    """Counts what is unanswered, and lets one thread wait for the end.

    The handler of a signal calls ``hurry``, in the middle of anything the main thread does: the
    lock is one that a thread can take twice.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._unanswered: dict[int | str, int] = {}
        self._being_written = 0
        self._progress_at = 0.0
        self._worked = 0.0
        self.begun = threading.Event()
        """Set soon after the end has begun: what nobody waits for can stop."""
        self._is_read = False
        self._hurried_at: float | None = None
        self._gave_up = False

    def progress(self) -> None:
        """Note that something goes on."""
        self._progress_at = time.monotonic()

    @property
    def has_begun(self) -> bool:
        """Whether the input has ended, or the process is to."""
        return self._is_read or self.hurries

    @property
    def hurries(self) -> bool:
        """Whether nothing is begun any more."""
        return self._hurried_at is not None

    def take(self, request_id: int | str) -> bool:
        """Count a request that is to be answered; return False where it is too late for it."""
        with self._changed:
            if self._gave_up:
                return False
            # A client may use an id again before its first answer.
            self._unanswered[request_id] = self._unanswered.get(request_id, 0) + 1
            return True

    def drop(self, request_id: int | str) -> None:
        """Count it no longer: its client has cancelled it, and no answer comes."""
        with self._changed:
            self._remove(request_id)
            self._changed.notify_all()

    def begin_answer(self, request_id: int | str) -> bool:
        """Begin to answer a request; return False where it has its last word already."""
        with self._changed:
            if self._gave_up:
                return False
            self._remove(request_id)
            self._being_written += 1
            return True

    def finish_answer(self) -> None:
        """Note that the answer is written, or that nobody is there to read it."""
        with self._changed:
            self._being_written -= 1
            self._changed.notify_all()

    def end_input(self) -> None:
        """Begin to end: all that was read is taken."""
        self.progress()
        with self._changed:
            self._is_read = True
            self._changed.notify_all()

    def hurry(self) -> None:
        """Begin to end within a second, as a signal wants it."""
        with self._changed:
            if self._hurried_at is None:
                self._hurried_at = time.monotonic()
            self._changed.notify_all()

    def wait(self, refuse: Callable[[], None]) -> float:
        """Wait until the process can end; return when it has to, by the monotonic clock.

        ``refuse`` is called where the process hurries and calls are still under way.
        """
        with self._changed:
            self._changed.wait_for(lambda: self.has_begun)
            self.begun.set()
            while not (self._is_done() or self.hurries) and (patience := self._patience()) > 0:
                self._changed.wait(min(patience, _LOOK_SECONDS))
            if self._is_done() and not self.hurries:
                return time.monotonic() + EXIT_SECONDS
            self.hurry()
            assert self._hurried_at is not None
            until = self._hurried_at
        refuse()
        with self._changed:
            self._changed.wait_for(self._is_done, until + FINISH_SECONDS - time.monotonic())
        return until + EXIT_SECONDS

    def give_up(self) -> list[int | str]:
        """Return every request that is left, one entry for each; it gets no other answer now."""
        with self._changed:
            self._gave_up = True
            left = [key for key, count in self._unanswered.items() for _ in range(count)]
            self._unanswered.clear()
        return left

    def _remove(self, request_id: int | str) -> None:
        left = self._unanswered.pop(request_id, 0) - 1
        if left > 0:
            self._unanswered[request_id] = left

    def _is_done(self) -> bool:
        return self._is_read and not self._being_written and not self._unanswered

    def _patience(self) -> float:
        if (worked := time.process_time()) - self._worked > WORK_SECONDS:
            self._worked = worked
            self.progress()
        return self._progress_at + PATIENCE_SECONDS - time.monotonic()
