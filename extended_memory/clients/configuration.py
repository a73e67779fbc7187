"""The configurations on a machine: every file of every client, and its entries."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extended_memory.clients import files, jsonc, toml
from extended_memory.clients.catalogue import CLIENTS, Client, Format, Machine
from extended_memory.clients.entry import Entry, entries
from extended_memory.clients.errors import ConfigurationError, MalformedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A client's configuration file: the servers in it, or why it cannot be read."""

    client: Client
    path: Path
    entries: tuple[Entry, ...] = ()
    fault: str | None = None

    @property
    def own_entries(self) -> tuple[Entry, ...]:
        """Return the entries that start this server."""
        return tuple(entry for entry in self.entries if entry.is_ours)


def configurations(machine: Machine) -> Iterator[Configuration]:
    """Read every configuration file of every client that is on a machine."""
    for client in CLIENTS:
        for path in client.files(machine):
            if path.exists():
                yield read_configuration(client, path)


def is_here(path: Path, machine: Machine) -> bool:
    """Say whether a client has been on a machine: its file or its own folder exists."""
    return path.exists() or (path.parent.exists() and path.parent != machine.home)


def read_configuration(client: Client, path: Path) -> Configuration:
    """Read a configuration file of a client."""
    try:
        found = servers(client, files.read(path))
    except ConfigurationError as error:
        return Configuration(client=client, path=path, fault=str(error))
    return Configuration(client=client, path=path, entries=found)


def servers(client: Client, file: files.File) -> tuple[Entry, ...]:
    """Return the servers in a file.

    Raises:
        ConfigurationError: its text is not what the client reads.
    """
    try:
        value = read(client.format, file.text or "")
    except MalformedError as error:
        raise ConfigurationError(
            f"{file.path} is malformed and was left alone: {error}. Mend it first."
        ) from error
    return tuple(
        entry for keys in (client.keys, *client.more_keys) for entry in entries(value, keys)
    )


def read(of: Format, text: str) -> Any:
    """Return the value of a text in a format."""
    if of == "toml":
        return toml.read(text)
    return jsonc.read(text, comments=of != "json", trailing_commas=of == "jsonc")


def get(of: Format, text: str, keys: Sequence[str]) -> Any:
    """Return the value at a path of keys, or None."""
    value = read(of, text)
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def put(of: Format, text: str, keys: Sequence[str], value: Any) -> str:
    """Set a value within a text in a format."""
    return toml.put(text, keys, value) if of == "toml" else jsonc.put(text, keys, value)


def cut(of: Format, text: str, keys: Sequence[str]) -> str:
    """Take a value out of a text in a format."""
    return toml.cut(text, keys) if of == "toml" else jsonc.cut(text, keys)
