"""The environment, read once into frozen settings; the only reader of it."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from os.path import exists, expanduser, expandvars, isdir
from pathlib import Path

from extended_memory import placeholders
from extended_memory.domain import (
    DEFAULT_TRASH_DAYS,
    EVERY_PROJECT,
    Scope,
)
from extended_memory.errors import (
    SettingsError,
)
from extended_memory.names import (
    MAXIMUM_PROJECT_CHARACTERS,
    NameRefusedError,
    checked_project,
    control_character,
    read_switch,
)
from extended_memory.paths import is_quoted, path_of, quoted, sqlite_path, unreplaced

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

_OURS = "EXTENDED_MEMORY_"

DEFAULT_KEY_PREFIX = "em"
"""Not 0.9.0's, whose keys may lie on the same server."""

MAXIMUM_TRASH_DAYS = 36_500

_SQLITE = re.compile(r"sqlite(?:\+\w+)?://(?P<path>.*)", re.DOTALL | re.IGNORECASE)
_REDIS = re.compile(r"(?:unix|rediss?(?:\+[a-z0-9+.-]*)?)://", re.IGNORECASE)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_WITHOUT_SLASHES = re.compile(r"(sqlite|rediss?|unix):", re.IGNORECASE)
_SPELLINGS = {
    True: ("///", "sqlite:////absolute/path/memory.db"),
    False: ("//", "redis://host:6379/0 or unix:///path/redis.sock"),
}
_XDG_DATA_HOME = "XDG_DATA_HOME"
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
class Places:
    """The options of the environment that every location is built with, whoever names it.

    They are kept as they are written: those of a Redis hold up nobody who stores in a file.
    """

    key_prefix: str = ""
    allow_eviction: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Places":
        """Read the options alone: the rest of the environment may be unusable."""
        return cls(
            key_prefix=_value(environment, REDIS_KEY_PREFIX),
            allow_eviction=_value(environment, REDIS_ALLOW_EVICTION),
        )

    def location(
        self,
        connection: str,
        *,
        setting: str = STORAGE_CONNECTION_STRING,
        as_written: bool = False,
    ) -> SqliteLocation | RedisLocation:
        """Return the location that a connection string names; an empty one names the default.

        Args:
            connection: The string.
            setting: The name that the person knows the string by.
            as_written: Accept a path that would be refused, if there is such a file.

        Raises:
            SettingsError: the string names no place that this product can store in.
        """
        return _location(connection, self, setting=setting, as_written=as_written)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings that the environment holds.

    ``scope``: the project that the server is pinned to, or all; ``trash_days``: how long what is
    forgotten can be restored.
    """

    storage: SqliteLocation | RedisLocation
    scope: Scope
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
        places = Places.from_environment(environment)
        instructions = _value(environment, CUSTOM_INSTRUCTION_PATH)
        return cls(
            storage=places.location(_value(environment, STORAGE_CONNECTION_STRING)),
            scope=read_scope(environment),
            # What it names is only read, and a file that is not there is said at a first load.
            custom_instructions=_read_path(instructions) if instructions else None,
            log_level=_value(environment, LOG_LEVEL) or "INFO",
            trash_days=_trash_days(_value(environment, EXTENDED_MEMORY_TRASH_DAYS)),
        )


def read_scope(environment: Mapping[str, str]) -> Scope:
    """Return the scope of a pin, whatever else the environment holds.

    Raises:
        SettingsError: the pin is no name of a project.
    """
    return _scope(_given(environment, EXTENDED_MEMORY_PROJECT))


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Return the variables that begin as ours do and are none: probably mistyped."""
    return sorted(name for name in environment if name.startswith(_OURS) and name not in VARIABLES)


def _given(environment: Mapping[str, str], name: str) -> str:
    text = environment.get(name, "")
    return "" if _UNFILLED.fullmatch(text.strip()) else text


def _value(environment: Mapping[str, str], name: str) -> str:
    return _given(environment, name).strip()


def _location(
    connection: str, places: Places, *, setting: str, as_written: bool
) -> SqliteLocation | RedisLocation:
    if not connection:
        return SqliteLocation(path=default_path(), own_folder=True)
    if "\0" in connection:
        raise SettingsError(f"{setting} holds a NUL character.", remedy="remove it.")
    if _SCHEME.match(connection) is None:
        connection = expandvars(connection)  # the variable may hold a whole URL
    if sqlite := _SQLITE.fullmatch(connection):
        return SqliteLocation(
            path=sqlite_path(
                sqlite["path"], setting=setting, given=connection, as_written=as_written
            )
        )
    if is_redis(connection):
        if found := placeholders.in_redis_url(connection):
            raise unreplaced(setting, found.text, found)
        return RedisLocation(
            url=connection,
            key_prefix=_key_prefix(places.key_prefix),
            may_evict=_switch(REDIS_ALLOW_EVICTION, places.allow_eviction),
        )
    if scheme := _SCHEME.match(connection):
        raise SettingsError(
            f"{setting} begins with '{scheme[1].lower()}://', which this server cannot store in.",
            remedy="use sqlite:////absolute/path/memory.db or redis://host:6379/0.",
        )
    if scheme := _WITHOUT_SLASHES.match(connection):
        name = scheme[1].lower()
        slashes, remedy = _SPELLINGS[name == "sqlite"]
        raise SettingsError(
            f"{setting} begins with '{name}:' but not with '{name}:{slashes}'.",
            remedy=f"write {remedy}.",
        )
    path = path_of(connection, setting=setting, given=connection, as_written=as_written)
    return SqliteLocation(path=path / DATABASE_NAME if isdir(path) else path)


def is_redis(connection: str) -> bool:
    """Say whether a connection string names a Redis, whatever else it holds."""
    return _REDIS.match(connection) is not None


def default_path() -> Path:
    """Say where the database lies when no place is given, the same on every system.

    platformdirs' rules for Unix are used on Windows and macOS too: that is where 0.9.0 put the
    file, and a packaged Claude Desktop on Windows would hide a file in AppData. 0.9.0 knew no
    XDG_DATA_HOME: where the file it wrote is still in the home directory, that one is it.

    Raises:
        PlaceholderError: XDG_DATA_HOME holds one.
        SettingsError: there is no home directory, as in some containers and services.
    """
    from platformdirs.unix import Unix

    try:
        path = Path(Unix(APPLICATION, appauthor=False).user_data_dir, DATABASE_NAME)
    except RuntimeError:
        path = Path("~")
    if path.parts[0] == "~":
        raise SettingsError(
            "The home directory is not known.",
            remedy=f"set HOME, or write an absolute path into {STORAGE_CONNECTION_STRING}.",
        )
    before = Path(expanduser("~"), ".local", "share", APPLICATION, DATABASE_NAME)
    if exists(before) and not exists(path):
        return before
    found = placeholders.in_path(str(path))
    if found is not None and not (found.may_be_a_name and path.is_absolute()):
        raise unreplaced(_XDG_DATA_HOME, found.text, found, path)
    return path


def replaced(setting: str, name: str) -> str:
    """Return a name that is a setting's value, if it is one.

    Raises:
        SettingsError: it holds a placeholder, or is in quotation marks.
    """
    if is_quoted(name.strip()):
        raise quoted(setting)
    if found := placeholders.in_name(name):
        raise unreplaced(setting, name, found)
    return name


def _read_path(text: str) -> Path:
    path = Path(expanduser(expandvars(text)))
    with suppress(FileNotFoundError):  # the working directory was deleted
        return path.resolve()
    return path


def _scope(name: str) -> Scope:
    try:
        project = checked_project(replaced(EXTENDED_MEMORY_PROJECT, name))
    except NameRefusedError as error:
        if control_character(name.strip()) is not None:
            fact, remedy = "holds a control character.", "remove it."
        else:
            fact = f"has {len(name)} characters."
            remedy = f"at most {MAXIMUM_PROJECT_CHARACTERS} are allowed."
        raise SettingsError(f"{EXTENDED_MEMORY_PROJECT} {fact}", remedy=remedy) from error
    return Scope(projects=frozenset({project})) if project else EVERY_PROJECT


def _trash_days(days: str) -> int:
    if not days:
        return DEFAULT_TRASH_DAYS
    if not (days.isascii() and days.isdecimal() and int(days) <= MAXIMUM_TRASH_DAYS):
        raise SettingsError(
            f"{EXTENDED_MEMORY_TRASH_DAYS} is no whole number of days from 0 (no trash) to "
            f"{MAXIMUM_TRASH_DAYS:,}.",
            remedy="write one, or leave it out.",
        )
    return int(days)


def _key_prefix(prefix: str) -> str:
    replaced(REDIS_KEY_PREFIX, prefix)
    # Braces would say which hash slot a key belongs to, in place of those around a project.
    if set("{}") & set(prefix) or control_character(prefix) is not None:
        raise SettingsError(
            f"{REDIS_KEY_PREFIX} holds a brace or a control character.", remedy="remove it."
        )
    return prefix or DEFAULT_KEY_PREFIX


def _switch(name: str, value: str) -> bool:
    switch = read_switch(value or "no")
    if switch is None:
        raise SettingsError(
            f"{name} is neither yes nor no.", remedy="write one of them, or leave it out."
        )
    return switch
