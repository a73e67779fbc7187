"""The environment, read once into frozen settings; the only reader of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from os.path import expanduser, expandvars
from pathlib import Path

from extended_memory.domain import DEFAULT_TRASH_DAYS, SettingsError
from extended_memory.names import (
    MAXIMUM_PROJECT_CHARACTERS,
    control_character,
    normalise_project,
)

DATABASE_NAME = "memory.db"
APPLICATION = "extended-memory-mcp"

STORAGE_CONNECTION_STRING = "STORAGE_CONNECTION_STRING"
EXTENDED_MEMORY_PROJECT = "EXTENDED_MEMORY_PROJECT"
CUSTOM_INSTRUCTION_PATH = "CUSTOM_INSTRUCTION_PATH"
LOG_LEVEL = "LOG_LEVEL"
EXTENDED_MEMORY_TRASH_DAYS = "EXTENDED_MEMORY_TRASH_DAYS"
REDIS_KEY_PREFIX = "REDIS_KEY_PREFIX"
REDIS_ALLOW_EVICTION = "REDIS_ALLOW_EVICTION"

VARIABLES = (
    STORAGE_CONNECTION_STRING,
    EXTENDED_MEMORY_PROJECT,
    CUSTOM_INSTRUCTION_PATH,
    LOG_LEVEL,
    EXTENDED_MEMORY_TRASH_DAYS,
    REDIS_KEY_PREFIX,
    REDIS_ALLOW_EVICTION,
)

DEFAULT_KEY_PREFIX = "em"
"""Not 0.9.0's, whose keys may lie on the same server."""

MAXIMUM_TRASH_DAYS = 36_500

_YES = {"1", "true", "yes", "on"}
_NO = {"", "0", "false", "no", "off"}

_SQLITE = re.compile(r"sqlite(?:\+\w+)?://(?P<path>.*)", re.DOTALL | re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_UNFILLED = re.compile(r"\$\{user_config\.\w+\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteLocation:
    """A SQLite file. ``own_folder``: its folder is this product's default one."""

    path: Path
    own_folder: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisLocation:
    """A Redis or Valkey server. The URL may hold a password: it is never shown.

    ``key_prefix`` begins the name of every key; ``may_evict``: a server that throws keys away
    when it is full is used all the same.
    """

    url: str
    key_prefix: str = DEFAULT_KEY_PREFIX
    may_evict: bool = False

    def __repr__(self) -> str:
        """Hide the URL."""
        return "RedisLocation(...)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment asks for.

    ``project``: the one that the server is pinned to; ``trash_days``: how long what is forgotten
    can be restored.
    """

    storage: SqliteLocation | RedisLocation
    project: str | None
    custom_instructions: Path | None
    log_level: str
    trash_days: int = DEFAULT_TRASH_DAYS

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings; a variable that is set to nothing counts as not set.

        So does one that holds the name of a setting: Claude Desktop leaves it in place of what
        nobody filled in on the settings page of a bundle.

        Raises:
            SettingsError: a value cannot be understood.
        """

        def given(name: str) -> str:
            text = environment.get(name, "")
            return "" if _UNFILLED.fullmatch(text.strip()) else text

        def value(name: str) -> str:
            return given(name).strip()

        instructions = value(CUSTOM_INSTRUCTION_PATH)
        return cls(
            storage=storage_location(
                value(STORAGE_CONNECTION_STRING),
                key_prefix=value(REDIS_KEY_PREFIX),
                allow_eviction=value(REDIS_ALLOW_EVICTION),
            ),
            project=_pinned_project(given(EXTENDED_MEMORY_PROJECT)),
            custom_instructions=_path(instructions) if instructions else None,
            log_level=value(LOG_LEVEL) or "INFO",
            trash_days=_trash_days(value(EXTENDED_MEMORY_TRASH_DAYS)),
        )


def storage_location(
    connection: str, *, key_prefix: str = "", allow_eviction: str = ""
) -> SqliteLocation | RedisLocation:
    """Say where a connection string points; an empty one means the default place.

    The others are the settings of a Redis, as they are written in the environment.

    Raises:
        SettingsError: the string names no place that this product can store in.
    """
    if not connection:
        return SqliteLocation(path=default_path(), own_folder=True)
    if "\0" in connection:
        raise SettingsError(f"{STORAGE_CONNECTION_STRING} holds a NUL character: remove it.")
    if sqlite := _SQLITE.fullmatch(connection):
        return SqliteLocation(path=_sqlite_path(sqlite["path"]))
    if other := _OTHER_SCHEME.match(connection):
        scheme = other["scheme"].lower()
        if scheme in {"unix", "redis", "rediss"} or scheme.startswith(("redis+", "rediss+")):
            return RedisLocation(
                url=connection,
                key_prefix=_key_prefix(key_prefix),
                may_evict=_switch(REDIS_ALLOW_EVICTION, allow_eviction),
            )
        raise SettingsError(
            f"{STORAGE_CONNECTION_STRING} begins with '{scheme}://', which this server cannot "
            "store in: use sqlite:////absolute/path/memory.db or redis://host:6379/0."
        )
    if connection.lower().startswith("sqlite:"):
        raise SettingsError(
            f"{STORAGE_CONNECTION_STRING} begins with 'sqlite:' but not with 'sqlite:///': "
            "write sqlite:////absolute/path/memory.db."
        )
    path = _path(connection)
    return SqliteLocation(path=path / DATABASE_NAME if path.is_dir() else path)


def default_path() -> Path:
    """Say where the database lies when no place is given, the same on every system.

    platformdirs' rules for Unix are used on Windows and macOS too: that is where 0.9.0 put the
    file, and a packaged Claude Desktop on Windows would hide a file in AppData. 0.9.0 knew no
    XDG_DATA_HOME: where the file it wrote is still in the home directory, that one is it.

    Raises:
        SettingsError: there is no home directory, as in some containers and services.
    """
    from platformdirs.unix import Unix

    try:
        path = Path(Unix(APPLICATION, appauthor=False).user_data_dir, DATABASE_NAME)
    except RuntimeError:
        path = Path("~")
    if path.parts[0] == "~":
        raise SettingsError(
            "The home directory is not known: set HOME, or write an absolute path into "
            f"{STORAGE_CONNECTION_STRING}."
        )
    before = Path(expanduser("~"), ".local", "share", APPLICATION, DATABASE_NAME)
    return before if before.exists() and not path.exists() else path


def _sqlite_path(after_scheme: str) -> Path:
    """Read what follows ``sqlite://``: as SQLAlchemy does, and as 0.9.0 did where it differs."""
    location = after_scheme.partition("?")[0]  # 0.9.0 took options such as ?timeout=30
    if not location.startswith("/"):
        raise SettingsError(
            f"{STORAGE_CONNECTION_STRING} has two slashes after 'sqlite:': write three for a "
            "path from the working directory or four for an absolute one."
        )
    location = location[1:]
    if location.strip("/") in {"", ":memory:"}:
        raise SettingsError(
            f"{STORAGE_CONNECTION_STRING} names no file, and a memory that is not in a file "
            "would be lost at exit: write sqlite:////absolute/path/memory.db."
        )
    path = _path(location)
    # 0.9.0 read three slashes from the root, and its README taught that spelling: a file or a
    # folder that is there only when read so is what its user means.
    from_root = Path("/" + location)
    if Path(location).is_absolute() or location.startswith(("~", "$")) or _DRIVE.match(location):
        return path
    if path.exists() or not (from_root.exists() or _only_parent(from_root, path)):
        return path
    return from_root.resolve()


def _only_parent(candidate: Path, other: Path) -> bool:
    root = Path(candidate.anchor)
    return candidate.parent != root and candidate.parent.is_dir() and not other.parent.is_dir()


def _path(text: str) -> Path:
    """Expand ``~`` and ``$NAME`` and resolve links, so that SQLite's own files lie beside it."""
    expanded = Path(expanduser(expandvars(text)))
    if expanded.parts[:1] == ("~",):
        raise SettingsError(f'The home directory in "{text}" is not known: set HOME.')
    try:
        return expanded.resolve()
    except FileNotFoundError:
        raise SettingsError(
            f'"{text}" begins in the working directory, which was deleted: write an absolute path.'
        ) from None


def _pinned_project(name: str) -> str | None:
    project = normalise_project(name)
    if control_character(name.strip()) is not None:
        raise SettingsError(f"{EXTENDED_MEMORY_PROJECT} holds a control character: remove it.")
    if len(project) > MAXIMUM_PROJECT_CHARACTERS:
        raise SettingsError(
            f"{EXTENDED_MEMORY_PROJECT} has {len(project)} characters: "
            f"at most {MAXIMUM_PROJECT_CHARACTERS} are allowed."
        )
    return project or None


def _trash_days(days: str) -> int:
    if not days:
        return DEFAULT_TRASH_DAYS
    if not (days.isascii() and days.isdecimal() and int(days) <= MAXIMUM_TRASH_DAYS):
        raise SettingsError(
            f"{EXTENDED_MEMORY_TRASH_DAYS} is no whole number of days from 0 (no trash) to "
            f"{MAXIMUM_TRASH_DAYS:,}: write one, or leave it out."
        )
    return int(days)


def _key_prefix(prefix: str) -> str:
    # Braces would say which hash slot a key belongs to, in place of those around a project.
    if set("{}") & set(prefix) or control_character(prefix) is not None:
        raise SettingsError(f"{REDIS_KEY_PREFIX} holds a brace or a control character: remove it.")
    return prefix or DEFAULT_KEY_PREFIX


def _switch(name: str, value: str) -> bool:
    if value.lower() not in _YES | _NO:
        raise SettingsError(f"{name} is neither yes nor no: write one of them, or leave it out.")
    return value.lower() in _YES
