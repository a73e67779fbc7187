"""Diagnoses of the clients configured here: whether each one's server starts and answers.

A server is started with a store of its own, so that the memory is neither opened nor made.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from extended_memory.clients.catalogue import Machine
from extended_memory.clients.configuration import Configuration, configurations
from extended_memory.clients.entry import Entry
from extended_memory.doctor.conversation import Conversation, ConversationError
from extended_memory.doctor.round_trip import SECONDS, scratch_environment, without_settings
from extended_memory.errors import (
    Diagnosis,
    PlaceholderError,
    SettingsError,
)
from extended_memory.settings import RedisLocation, Settings, SqliteLocation


def diagnoses(machine: Machine, here: SqliteLocation | RedisLocation | None) -> Iterator[Diagnosis]:
    """Diagnose every client; ``here`` is the memory that is looked at."""
    found = list(configurations(machine))
    for configuration in found:
        yield from _client_diagnoses(configuration, machine, here)
    if not any(configuration.own_entries for configuration in found):
        yield Diagnosis(
            level="warning",
            fact="No client is configured to start this server.",
            remedy="`extended-memory-mcp install` lists the clients, and `extended-memory-mcp "
            "install CLIENT` configures one.",
        )


def _client_diagnoses(
    configuration: Configuration, machine: Machine, here: SqliteLocation | RedisLocation | None
) -> Iterator[Diagnosis]:
    title = configuration.client.title
    if configuration.fault is not None:
        yield Diagnosis(
            level="warning",
            fact=f"{title}: {configuration.path} cannot be read.",
            remedy="mend it, or put its copy back.",
            detail=configuration.fault,
        )
    for number, entry in enumerate(configuration.own_entries, 1):
        # The name of an entry and its variables are private.
        name = title if len(configuration.own_entries) == 1 else f"{title}, server {number}"
        yield _command_diagnosis(name, configuration, entry, machine)
        yield from _settings_diagnoses(name, configuration, entry, machine, here)


def _command_diagnosis(
    name: str, configuration: Configuration, entry: Entry, machine: Machine
) -> Diagnosis:
    again = f"`extended-memory-mcp install {configuration.client.name}` writes a new entry."
    program = shutil.which(entry.command, path=machine.environment.get("PATH"))
    if program is None:
        return Diagnosis(
            level="problem",
            fact=f"{name}: its command is not there, or not on the PATH.",
            remedy=again,
            detail=entry.command,
        )
    with tempfile.TemporaryDirectory(prefix="extended-memory-doctor-") as scratch:
        folder = Path(scratch)
        environment = scratch_environment({**machine.environment, **entry.env}, folder)
        try:
            with Conversation(
                [program, *entry.args], environment=environment, folder=folder
            ) as server:
                who = server.shake_hands(within=SECONDS)
        except ConversationError as error:
            return Diagnosis(
                level="problem",
                fact=f"{name}: its command {error}.",
                remedy=again,
                detail=error.last_line,
            )
    return Diagnosis(fact=f"{name} starts {who}, which answers.")


def _settings_diagnoses(
    name: str,
    configuration: Configuration,
    entry: Entry,
    machine: Machine,
    here: SqliteLocation | RedisLocation | None,
) -> Iterator[Diagnosis]:
    """Diagnose settings that cannot be used, or that lead to another memory than ``here``."""
    # A client that a desktop starts does not have the variables of this shell.
    environment = without_settings(machine.environment)
    try:
        settings = Settings.from_environment({**environment, **entry.env})
    except SettingsError as refusal:
        client = configuration.client
        if isinstance(refusal, PlaceholderError) and client.knows_placeholders:
            fact = (
                f"{refusal.fact.removesuffix('.')}, unless {client.title} does when it starts "
                "the server."
            )
            yield Diagnosis(level="warning", fact=f"{name}: {fact}", remedy=refusal.remedy)
        else:
            yield Diagnosis(level="problem", fact=f"{name}: {refusal.fact}", remedy=refusal.remedy)
        return
    there = settings.storage
    if here is not None and there != here and _identity(there) != _identity(here):
        yield Diagnosis(
            level="warning",
            fact=f"{name} uses another memory than the one looked at here.",
            remedy="set STORAGE_CONNECTION_STRING here to what the client's configuration says, or "
            "leave it out in both.",
        )


def _identity(location: SqliteLocation | RedisLocation) -> object:
    return location.path if isinstance(location, SqliteLocation) else location
