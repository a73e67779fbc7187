"""Each client that is configured here, and whether what it would start is a server that answers.

A server is started with a store of its own: the memory is neither opened nor made by that.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from extended_memory.clients.catalogue import Machine
from extended_memory.clients.configuration import Configuration, configurations
from extended_memory.clients.entry import Entry
from extended_memory.doctor.conversation import Conversation, ConversationError
from extended_memory.doctor.round_trip import SECONDS, scratch_environment, without_ours
from extended_memory.errors import (
    Diagnosis,
    PlaceholderError,
    SettingsError,
)
from extended_memory.settings import RedisLocation, Settings, SqliteLocation


def diagnoses(machine: Machine, here: SqliteLocation | RedisLocation | None) -> Iterator[Diagnosis]:
    """Give what there is to say of every client; ``here`` is the memory that is looked at."""
    found = list(configurations(machine))
    for configuration in found:
        yield from _of_a_client(configuration, machine, here)
    if not any(configuration.ours for configuration in found):
        yield Diagnosis(
            level="warning",
            fact="No client is configured to start this server.",
            remedy="`extended-memory-mcp install` lists the clients, and `extended-memory-mcp "
            "install CLIENT` configures one.",
        )


def _of_a_client(
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
    for number, entry in enumerate(configuration.ours, 1):
        # Its name and its variables are the person's own, and are not told.
        name = title if len(configuration.ours) == 1 else f"{title}, server {number}"
        yield _of_the_command(name, configuration, entry, machine)
        yield from _of_the_settings(name, configuration, entry, machine, here)


def _of_the_command(
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
                detail=error.said,
            )
    return Diagnosis(fact=f"{name} starts {who}, which answers.")


def _of_the_settings(
    name: str,
    configuration: Configuration,
    entry: Entry,
    machine: Machine,
    here: SqliteLocation | RedisLocation | None,
) -> Iterator[Diagnosis]:
    """Say where a client's memory is another one than the one that is looked at."""
    # A client that a desktop starts does not have what is set in this shell.
    environment = without_ours(machine.environment)
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
    if here is not None and there != here and _place(there) != _place(here):
        yield Diagnosis(
            level="warning",
            fact=f"{name} uses another memory than the one looked at here.",
            remedy="set STORAGE_CONNECTION_STRING here to what the client's configuration says, or "
            "leave it out in both.",
        )


def _place(location: SqliteLocation | RedisLocation) -> object:
    return location.path if isinstance(location, SqliteLocation) else location
