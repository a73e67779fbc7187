"""What every command works in: the settings of the environment, and the memory they name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from extended_memory.service import MemoryService
from extended_memory.settings import Settings
from extended_memory.storage import open_repository


def settings() -> Settings:
    """Read the environment, as the server does."""
    return Settings.from_environment(os.environ)


@contextmanager
def memory(of: Settings) -> Iterator[MemoryService]:
    """Give the memory that the settings name, with all its projects, whatever a pin says."""
    service = MemoryService(lambda: open_repository(of.storage))
    try:
        yield service
    finally:
        service.close()
