"""The way to a store that all services of a process share: opened at first use, within a scope."""

import threading
from collections.abc import Callable

from extended_memory.domain import EVERY_PROJECT, Scope
from extended_memory.shutdown import ServerEndsError
from extended_memory.storage.contract import MemoryRepository


class Access:
    """A store within a scope.

    Once ``ending`` is set, no call begins any more: it is refused instead of being cut short.
    """

    def __init__(
        self,
        open_repository: Callable[[], MemoryRepository],
        *,
        scope: Scope = EVERY_PROJECT,
        ending: threading.Event | None = None,
    ) -> None:
        self._open_repository = open_repository
        self._opening = threading.Lock()
        self._opened: MemoryRepository | None = None
        self._ending = ending or threading.Event()
        self.scope = scope

    @property
    def repository(self) -> MemoryRepository:
        """The store, to read from."""
        if self._ending.is_set():
            raise ServerEndsError
        # Not at start: importing a backend's libraries would hold up the handshake.
        with self._opening:
            if self._opened is None:
                self._opened = self._open_repository()
            return self._opened

    @property
    def writable_repository(self) -> MemoryRepository:
        """The store, to change it.

        Raises:
            ReadOnlyError: the scope is for reading alone.
        """
        self.scope.require_change()
        return self.repository

    @property
    def is_quick(self) -> bool:
        """Whether a call that need not wait for others is served within milliseconds."""
        return self._opened is not None and self._opened.is_quick

    def close(self) -> None:
        """Release the store."""
        if self._opened is not None:
            self._opened.close()
