"""A change of a client's configuration, worked out before anything is written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from extended_memory.clients import configuration, files
from extended_memory.clients.catalogue import Client
from extended_memory.clients.entry import NAME, Entry
from extended_memory.clients.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A file, its new text, and the names of the entries that change."""

    client: Client
    file: files.File
    text: str
    names: tuple[str, ...]

    @property
    def is_needed(self) -> bool:
        """Say whether the file has another text now."""
        return self.text != (self.file.text or "")


def entry_to_update(client: Client, file: files.File, *, name: str | None) -> Entry | None:
    """Return the entry to bring up to date: that of a name, or one that starts this server.

    Raises:
        ConfigurationError: the file cannot be read, or the name is that of another server.
    """
    there = [e for e in configuration.servers(client, file) if e.keys[:-1] == client.keys]
    if name is None:
        ours = sorted((e for e in there if e.is_ours), key=lambda e: e.name != NAME)
        return ours[0] if ours else None
    of_name = next((e for e in there if e.name == name), None)
    if of_name and not of_name.is_ours:
        raise ConfigurationError(
            f'"{name}" is another server in {file.path}.', remedy="take another --name."
        )
    return of_name


def plan_installation(
    client: Client,
    file: files.File,
    *,
    entry: Mapping[str, Any],
    before: Entry | None,
    name: str | None,
) -> Change:
    """Set an entry: a new one, or the command, arguments and variables of one that is there.

    Raises:
        ConfigurationError: the file cannot be changed.
    """
    target = before.name if before else name or NAME
    keys = (*client.keys, target)
    text = file.text or ""
    if before is None and configuration.get(client.format, text, keys) is not None:
        raise ConfigurationError(
            f'"{target}" is in {file.path} already, and not as a command.',
            remedy="take another --name.",
        )
    try:
        for path, value in _assignments(keys, entry, before):
            text = configuration.put(client.format, text, path, value)
    except ConfigurationError as error:
        raise ConfigurationError(f"{file.path} was left alone: {error}") from error
    return Change(client=client, file=file, text=text, names=(target,))


def plan_removal(client: Client, file: files.File, *, name: str | None) -> Change:
    """Take away every entry that starts this server, or the one of a name.

    Raises:
        ConfigurationError: the file cannot be read or changed.
    """
    going = [
        entry
        for entry in configuration.servers(client, file)
        if (entry.name == name if name else entry.is_ours)
    ]
    text = file.text or ""
    for entry in going:
        text = configuration.cut(client.format, text, entry.keys)
    return Change(client=client, file=file, text=text, names=tuple(e.name for e in going))


def _assignments(
    keys: tuple[str, ...], entry: Mapping[str, Any], before: Entry | None
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Give the keys to set with their values; the rest of an entry stays as it is."""
    if before is None:
        yield keys, entry
        return
    for key, value in entry.items():
        if key == "env" and before.env:
            yield from (((*keys, key, variable), text) for variable, text in value.items())
        else:
            yield (*keys, key), value
