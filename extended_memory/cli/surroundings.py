"""What every command works in: the settings of the environment, and the memory they name."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from extended_memory.clients.launch import Running
from extended_memory.clients.table import Machine, System
from extended_memory.domain import ProjectRefusedError, SettingsError
from extended_memory.service import MemoryService
from extended_memory.settings import (
    EXTENDED_MEMORY_PROJECT,
    REDIS_KEY_PREFIX,
    RedisLocation,
    Settings,
    SqliteLocation,
    storage_location,
)
from extended_memory.storage import open_repository


def settings() -> Settings:
    """Read the environment, as the server does."""
    return Settings.from_environment(os.environ)


def settings_of(variables: Mapping[str, str]) -> Settings:
    """Read what a server that is started with these variables would."""
    return Settings.from_environment(variables)


def place(connection: str) -> SqliteLocation | RedisLocation:
    """Say where a connection string of the command line points."""
    return storage_location(connection, key_prefix=os.environ.get(REDIS_KEY_PREFIX, ""))


def machine() -> Machine:
    """Say where the configuration files of clients are looked for."""
    systems: dict[str, System] = {"win32": "windows", "darwin": "macos"}
    try:
        home = Path.home()
    except RuntimeError:
        raise SettingsError("The home directory is not known: set HOME.") from None
    return Machine(system=systems.get(sys.platform, "linux"), home=home, environment=os.environ)


def running() -> Running:
    """Say what runs now, and where uvx is: on the PATH, or beside the uv that started this."""
    program = shutil.which(sys.argv[0])  # on Windows, its ".exe" was taken off
    if program and program.endswith(".py"):
        program = None  # Python was told a module
    beside_uv = Path(os.environ.get("UV", "")).parent  # uv says there where it is itself
    uvx = shutil.which("uvx") or shutil.which("uvx", path=str(beside_uv))
    return Running(
        program=Path(program).absolute() if program else None,
        interpreter=Path(sys.executable),
        prefix=Path(sys.prefix),
        uvx=Path(uvx).absolute() if uvx else None,
    )


@contextmanager
def memory(at: SqliteLocation | RedisLocation) -> Iterator[MemoryService]:
    """Give the memory in a place, with all its projects, whatever a pin says."""
    service = MemoryService(lambda: open_repository(at))
    try:
        yield service
    finally:
        service.close()


@contextmanager
def opened() -> Iterator[MemoryService]:
    """Give the memory that the environment names, pinned where the server would be."""
    of_server = settings()
    service = MemoryService(
        lambda: open_repository(of_server.storage),
        pinned=of_server.project,
        trash_days=of_server.trash_days,
    )
    try:
        yield service
    except ProjectRefusedError as refusal:
        raise ProjectRefusedError(
            f'{EXTENDED_MEMORY_PROJECT} pins this memory to the project "{service.pinned}": unset '
            "it to see or change another one."
        ) from refusal
    finally:
        service.close()


def editor() -> str:
    """Return the command of the person's editor, as the environment has it, or ""."""
    return os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""


def bytes_on_disk() -> int | None:
    """Return the size of the memory's file with its log, None where it is no file."""
    place = settings().storage
    if not isinstance(place, SqliteLocation):
        return None
    files = (place.path, place.path.with_name(f"{place.path.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def progress() -> Progress:
    """Return a bar with the count and the time that is left, on stderr; in a pipe, nothing."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
