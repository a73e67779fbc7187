"""Commands run as a person runs them, and the stores that they work on."""

import os
import subprocess
from collections.abc import Mapping
from contextlib import closing

from extended_memory.settings import Places
from extended_memory.storage.backends import open_repository
from extended_memory.storage.contract import MemoryRepository
from tests.support.forks import COMMANDS, can_be_forked
from tests.support.server import COMMAND


def run(
    *arguments: str, env: Mapping[str, str], timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    if can_be_forked(env):
        return COMMANDS.run(arguments, env={**os.environ, **env}, timeout=timeout)
    return subprocess.run(
        [*COMMAND, *arguments],
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def make(store: str) -> None:
    """Make an empty store, as a server does at its start."""
    with closing(opened(store)) as repository:
        repository.prepare()


def opened(store: str) -> MemoryRepository:
    """Open a store as the server would."""
    return open_repository(Places().location(store))
