"""Reports a fault of a store in the log once, and not again for every call that meets it."""

import logging
import threading

from extended_memory.errors import (
    StoreError,
)


class FaultLog:
    """The faults of a store that were reported and still hold, by kind of call."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._lock = threading.Lock()
        self._reported: dict[str, str] = {}

    def report(self, kind: str, refusal: StoreError, *, place: str, detail: str = "") -> None:
        """Log a fault that is new; ``detail`` is for the log alone."""
        sentence = str(refusal)
        with self._lock:
            if sentence not in self._reported.values():
                self._logger.error("%s [%s]%s", sentence, place, f" ({detail})" if detail else "")
            self._reported[kind] = sentence

    def clear(self, *kinds: str) -> None:
        """Note that calls of these kinds are served: a fault that comes back is reported again."""
        with self._lock:
            for kind in kinds:
                self._reported.pop(kind, None)
