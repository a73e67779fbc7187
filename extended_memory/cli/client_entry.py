"""The entry that a client gets: the command that runs now, and the variables asked for."""

from collections.abc import Mapping, Sequence
from typing import Any

from extended_memory.cli import environment
from extended_memory.clients import launch
from extended_memory.clients.catalogue import Client
from extended_memory.errors import SettingsError
from extended_memory.paths import path_of
from extended_memory.settings import (
    CUSTOM_INSTRUCTION_PATH,
    EXTENDED_MEMORY_PROJECT,
    STORAGE_CONNECTION_STRING,
    SqliteLocation,
    is_redis,
)


def entry(
    client: Client, variables: Mapping[str, str], *, before: Mapping[str, str]
) -> dict[str, Any]:
    """Return the entry that starts what runs now, in the shape that a client wants.

    ``before``: the variables that its entry has already, and keeps.
    """
    storage = {**before, **variables}.get(STORAGE_CONNECTION_STRING, "")
    command, args = launch.command(environment.running(), redis=is_redis(storage))
    env = {"env": dict(variables)} if variables else {}
    return {**client.shape, "command": command, "args": list(args), **env}


def variables(project: str | None, asked_for: Sequence[str]) -> dict[str, str]:
    """Return the server's variables; each is asked for as ``NAME=VALUE``, or ``NAME`` to copy it.

    Raises:
        SettingsError: one is asked for that is not set here, or the server would not take it.
    """
    here = environment.machine().environment
    given = {}
    for text in asked_for:
        name, assigned, value = text.partition("=")
        if not assigned and not here.get(name):
            raise SettingsError(
                f"{name} is not set here.", remedy=f"write {name}=VALUE, or leave it out."
            )
        given[name] = value if assigned else _absolute(name, here[name])
    if project is not None:
        given[EXTENDED_MEMORY_PROJECT] = project
    environment.settings_of(given)
    if instructions := given.get(CUSTOM_INSTRUCTION_PATH):
        # The server begins without them, and says so at a first load.
        path_of(instructions, setting=CUSTOM_INSTRUCTION_PATH, given=instructions)
    return given


def _absolute(name: str, value: str) -> str:
    """Return a variable's value with its path absolute: a client starts servers in any folder."""
    settings = environment.settings_of({name: value})
    if name == STORAGE_CONNECTION_STRING and isinstance(settings.storage, SqliteLocation):
        return f"sqlite:///{settings.storage.path.as_posix()}"
    if name == CUSTOM_INSTRUCTION_PATH:
        return str(settings.custom_instructions)
    return value
