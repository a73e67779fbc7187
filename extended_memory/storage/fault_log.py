"""Says a fault of a store in the log, but not again for every call that meets it."""

import logging
import threading

from extended_memory.domain import StoreError


class Complaints:
    """What was said about a store and still holds, by kind of call."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._lock = threading.Lock()
        self._said: dict[str, str] = {}

    def say(self, kind: str, refusal: StoreError, *, place: str, detail: str = "") -> None:
        """Log a fault that was not said yet, with what only the log may hold."""
        sentence = str(refusal)
        with self._lock:
            if sentence not in self._said.values():
                self._logger.error("%s [%s]%s", sentence, place, f" ({detail})" if detail else "")
            self._said[kind] = sentence

    def clear(self, *kinds: str) -> None:
        """Note that calls of these kinds are served: a fault that comes back is said again."""
        with self._lock:
            for kind in kinds:
                self._said.pop(kind, None)
