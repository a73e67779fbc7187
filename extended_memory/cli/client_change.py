"""A change of a client's configuration: shown, agreed to, written."""

import difflib
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.text import Text

from extended_memory import output
from extended_memory.cli import console, environment
from extended_memory.clients import change, files
from extended_memory.clients.errors import ConfigurationError
from extended_memory.errors import SettingsError
from extended_memory.storage.backends import store_files

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def configuration_file(path: Path, given: Mapping[str, str]) -> files.File:
    """Read a client's configuration that is to be changed.

    Raises:
        OutputError: it is a file of a memory, of this shell's or of the client's.
        ConfigurationError: it cannot be read.
    """
    stores = [environment.settings_of(given).storage]
    with suppress(SettingsError):  # what this shell names is no memory, and not written either
        stores.append(environment.settings().storage)
    try:
        output.target(path, store=[file for store in stores for file in store_files(store)])
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
    return files.read(path)


def carry_out(
    wanted: change.Change, action: Literal["install", "uninstall"], *, yes: bool, as_json: bool
) -> None:
    """Show a change, ask, write it, and say what was done."""
    title, path = wanted.client.title, wanted.file.path
    backup = None
    if wanted.is_needed:
        if not (as_json and yes):
            _show_diff(wanted, on_stderr=as_json)
        if not yes and not console.ask(f"Write this to {path}?"):
            raise SettingsError("Nothing was changed.")
        backup = files.replace(wanted.file, wanted.text, now=datetime.now(timezone.utc))
    if as_json:
        console.show_json(
            {
                "client": wanted.client.name,
                "file": str(path),
                "entries": wanted.names,
                "changed": wanted.is_needed,
                "backup": str(backup) if backup else None,
            }
        )
    elif not wanted.is_needed:
        there = "is as it should be" if action == "install" else "has no entry of this server"
        console.say(f"Nothing to change: {path} {there}.")
    else:
        console.say(f"{title}: {'written to' if action == 'install' else 'taken out of'} {path}.")
        if backup:
            console.say(f"What was there is kept as {backup.name}.")
        if action == "install":
            console.say(wanted.client.next_step)


def _show_diff(wanted: change.Change, *, on_stderr: bool) -> None:
    """Print a change as a unified diff, with colours where they can be seen."""
    before = (wanted.file.text or "").splitlines()
    lines = list(difflib.unified_diff(before, wanted.text.splitlines(), lineterm="", n=2))
    out = Console(stderr=on_stderr, soft_wrap=True, highlight=False, emoji=False)
    out.print(Text(str(wanted.file.path), style="bold"))
    for line in lines[2:]:
        out.print(Text(line, style=_COLOURS.get(line[:1], "")))
