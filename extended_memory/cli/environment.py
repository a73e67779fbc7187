"""The environment of a command: settings, the memory that they name, the machine."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from os.path import exists, isdir
from pathlib import Path
from typing import Literal

from extended_memory.access import Access
from extended_memory.cli import console, suggestions
from extended_memory.clients.catalogue import Machine, System
from extended_memory.clients.launch import Running
from extended_memory.domain import Scope
from extended_memory.errors import (
    ExtendedMemoryError,
    ProjectRefusedError,
    SettingsError,
)
from extended_memory.service import MemoryService
from extended_memory.settings import (
    EXTENDED_MEMORY_PROJECT,
    STORAGE_CONNECTION_STRING,
    Places,
    RedisLocation,
    Settings,
    SqliteLocation,
    default_path,
    read_scope,
)
from extended_memory.storage.backends import (
    backups,
    empty_repository,
    is_there,
    open_repository,
    shown,
)
from extended_memory.storage.contract import MemoryRepository
from extended_memory.store_service import StoreService

_EDITORS = ("sensible-editor", "editor", "nano", "vim", "vi", "notepad.exe")

Missing = Literal["made", "empty", "refused"]
"""The treatment of a store that is not there.

It is made, or read as an empty one where its place is the default one, or else refused.
"""


class NoMemoryError(ExtendedMemoryError):
    """There is no store in a place; the sentence names it, and only its owner sees it."""


def settings() -> Settings:
    """Read the environment, as the server does."""
    return Settings.from_environment(os.environ)


def settings_of(variables: Mapping[str, str]) -> Settings:
    """Read what a server that is started with these variables would."""
    return Settings.from_environment(variables)


def place(
    connection: str, *, argument: str, as_written: bool = False
) -> SqliteLocation | RedisLocation:
    """Say where a connection string of the command line points; ``argument`` is its name there.

    With ``as_written``, a path that would be refused is taken where there is such a file.
    """
    places = Places.from_environment(os.environ)
    return places.location(connection.strip(), setting=argument, as_written=as_written)


def machine() -> Machine:
    """Describe this machine, where the configuration files of clients are."""
    systems: dict[str, System] = {"win32": "windows", "darwin": "macos"}
    try:
        home = Path.home()
    except RuntimeError:
        raise SettingsError("The home directory is not known.", remedy="set HOME.") from None
    return Machine(system=systems.get(sys.platform, "linux"), home=home, environment=os.environ)


def running() -> Running:
    """Find the program that runs now, and uvx: on the PATH, or beside the uv that started this."""
    program = shutil.which(sys.argv[0])  # on Windows, its ".exe" was taken off
    if program and program.endswith(".py"):
        program = None  # Python was told a module
    beside_uv = Path(os.environ.get("UV", "")).parent  # uv puts its own path there
    uvx = shutil.which("uvx") or shutil.which("uvx", path=str(beside_uv))
    return Running(
        program=Path(program).absolute() if program else None,
        interpreter=Path(sys.executable),
        prefix=Path(sys.prefix),
        uvx=Path(uvx).absolute() if uvx else None,
    )


@contextmanager
def store_at(
    at: SqliteLocation | RedisLocation, *, missing: Literal["made", "refused"]
) -> Iterator[StoreService]:
    """Give the store in a place, with all its projects even where one is pinned."""
    if missing == "refused" and not is_there(at):
        raise NoMemoryError(
            f"There is no memory at {shown(at)} to copy from.", remedy="check the path."
        )
    with _store_opener(at, missing=missing) as open_it:
        service = StoreService(Access(open_it))
        try:
            yield service
        finally:
            service.close()


@contextmanager
def opened_memory(*, missing: Missing = "refused", project: str = "") -> Iterator[MemoryService]:
    """Give the memory that the environment names, in the scope of the server.

    Raises:
        NoSuchProjectError: ``project`` is named, and holds nothing.
    """
    configured = settings()
    with _access(configured, missing=missing) as access:
        memory = MemoryService(access, trash_days=configured.trash_days)
        _require_project(memory, project)
        yield memory


@contextmanager
def opened_store(*, missing: Missing = "refused", project: str = "") -> Iterator[StoreService]:
    """Give the store that the environment names, as ``opened_memory`` gives the memory."""
    configured = settings()
    with _access(configured, missing=missing) as access:
        _require_project(MemoryService(access), project)
        yield StoreService(access, trash_days=configured.trash_days)


def _require_project(memory: MemoryService, project: str) -> None:
    if not project or is_store_missing():  # that there is nothing at all was said already
        return
    memory.project_for(project)
    names = [each.name for each in memory.projects()]
    if project not in names and not memory.trash(project=project, limit=1):
        raise suggestions.no_such_project(project, names)


def project_in_scope(name: str) -> str:
    """Return the one project that a command over several stores works on, "" for all.

    Raises:
        ProjectRefusedError: it is not the pinned one.
    """
    scope = read_scope(os.environ)
    try:
        return scope.within(name) or ""
    except ProjectRefusedError as refusal:
        raise _pinned(scope) from refusal


def _pinned(scope: Scope) -> ProjectRefusedError:
    return ProjectRefusedError(
        f'{EXTENDED_MEMORY_PROJECT} pins this memory to the project "{scope.pinned}".',
        remedy="unset it to see or change another one.",
    )


@contextmanager
def _access(configured: Settings, *, missing: Missing) -> Iterator[Access]:
    with _store_opener(configured.storage, missing=missing) as open_it:
        access = Access(open_it, scope=configured.scope)
        try:
            yield access
        except ProjectRefusedError as refusal:
            raise _pinned(access.scope) from refusal
        finally:
            access.close()


@contextmanager
def _store_opener(
    at: SqliteLocation | RedisLocation, *, missing: Missing
) -> Iterator[Callable[[], MemoryRepository]]:
    """Give a function that opens the store in a place; say where the place is new or empty."""
    if is_there(at):
        yield lambda: open_repository(at, must_exist=missing != "made")
    elif missing == "made":
        try:
            yield lambda: open_repository(at)
        finally:
            # At the default place that is what everyone expects.
            if is_there(at) and not (isinstance(at, SqliteLocation) and at.own_folder):
                console.note(f"There was no memory at {shown(at)}: it was made.")
    else:
        say_missing(at, may_be_empty=missing == "empty")
        yield empty_repository


def require_store(at: SqliteLocation | RedisLocation) -> None:
    """Refuse to go on without a store in the place that the environment names.

    Raises:
        NoMemoryError: there is none.
    """
    if not is_there(at):
        say_missing(at, may_be_empty=False)


def say_missing(at: SqliteLocation | RedisLocation, *, may_be_empty: bool) -> None:
    """Note that there is no store in a place.

    Raises:
        NoMemoryError: the place was named, or an empty store would be no answer.
    """
    assert isinstance(at, SqliteLocation)
    is_empty_file = exists(at.path)
    if backups(at):
        raise NoMemoryError(
            f"There is no memory at {at.path} any more, but copies of it.",
            remedy=(
                "`extended-memory-mcp "
                "backups` lists them, and `extended-memory-mcp restore-backup` puts one back."
            ),
        )
    if is_empty_file:
        fact = f"Nothing is saved yet: {at.path} is an empty file."
    elif at.own_folder:
        fact = f"Nothing is saved yet: there is no memory at {at.path}."
    else:
        fact = (
            f"There is no memory at {at.path}, which {STORAGE_CONNECTION_STRING} names: "
            f"{_missing_remedy(at.path)}"
        )
    if not may_be_empty or not (is_empty_file or at.own_folder):
        raise NoMemoryError(fact)
    console.note(fact)


def _missing_remedy(path: Path) -> str:
    """Return the remedy for a place that was named and holds nothing."""
    folder = path.parent
    correct = "correct it" if isdir(folder) else f"correct it ({folder} is not there either)"
    usual = default_path()
    if usual != path and is_there(SqliteLocation(path=usual)):
        return f"{correct}, or leave it out, for there is a memory at {usual}."
    return f"{correct}, or start a server, which makes one."


def is_store_missing() -> bool:
    """Say whether the place that the environment names has no store."""
    return not is_there(settings().storage)


def note_empty(sentence: str) -> None:
    """Note that an answer is empty; where there is no store, that was noted before."""
    if not is_store_missing():
        console.note(sentence)


def whereabouts() -> str:
    """Return a sentence that names the memory."""
    return f"The memory is {shown(settings().storage)}."


def editor() -> str:
    """Return the command of the person's editor, or at a terminal of one that is there, or ""."""
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if chosen or not sys.stdin.isatty():
        return chosen or ""
    return next(filter(shutil.which, _EDITORS), "")


def bytes_on_disk() -> int | None:
    """Return the size of the memory's file with its log, None where it is no file."""
    place = settings().storage
    if not isinstance(place, SqliteLocation):
        return None
    files = (place.path, place.path.with_name(f"{place.path.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
