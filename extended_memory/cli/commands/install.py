"""``install`` and ``uninstall``: this server in a client's configuration, and out of it."""

import difflib
import shlex
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from extended_memory import output
from extended_memory.cli import console, environment
from extended_memory.cli.client_entry import entry, variables
from extended_memory.cli.client_list import show_clients
from extended_memory.clients import change, configuration, files
from extended_memory.clients.catalogue import Client, ClientName, Machine, named
from extended_memory.clients.entry import NAME
from extended_memory.clients.errors import ConfigurationError
from extended_memory.domain import SettingsError
from extended_memory.settings import STORAGE_CONNECTION_STRING
from extended_memory.storage.backends import store_files

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}
_Flag = Annotated[bool, Parameter(negative="")]


def install(
    client: ClientName | None = None,
    /,
    *,
    project: str | None = None,
    env: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    name: str | None = None,
    file: Path | None = None,
    print_only: Annotated[bool, Parameter(name="--print", negative="")] = False,
    yes: _Flag = False,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    """Write this server into the configuration of a client; without one, list the clients.

    The change is shown and agreed to before anything is written, and a copy of the file is kept
    beside it. An entry that starts this server already is brought up to date.

    Parameters
    ----------
    client
        Where to.
    project
        Pin the server to this project.
    env
        A variable for the server: NAME=VALUE, or NAME to copy it from here, such as
        STORAGE_CONNECTION_STRING. It is written as it is, a password too. Can be repeated.
    name
        What the client calls the server, for several with a project each: extended-memory if
        nothing is said.
    file
        The configuration file, where it is not the user's own: a project's, or a profile's.
    print_only
        Only print the entry, and where it belongs on stderr.
    yes
        Do not ask.
    as_json
        Print what was done as one JSON object.
    """
    if client is None:
        show_clients(as_json=as_json)
        return
    machine = environment.machine()
    to = named(client)
    at = file or to.files(machine)[0]
    given = variables(project, env)
    if print_only:
        _print(to, at, name or NAME, entry(to, given, before={}), as_json=as_json)
        return
    read = _configuration(at, given)
    before = change.present(to, read, name=name)
    kept = before.env if before else {}
    new = entry(to, given, before=kept)
    wanted = change.to_install(to, read, entry=new, before=before, name=name)
    if before and before.name not in (NAME, name):
        _note(f'The entry "{before.name}" starts this server already: it is brought up to date.')
    if not configuration.is_here(at, machine):
        _note(f"{to.title} was not found here; its file is made all the same.")
    _remark_on_storage(machine, {**kept, **given})
    if file is None:
        _remark_on_files(machine, to)
    _carry_out(wanted, "install", yes=yes, as_json=as_json)


def uninstall(
    client: ClientName,
    /,
    *,
    name: str | None = None,
    file: Path | None = None,
    yes: _Flag = False,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    """Take this server out of the configuration of a client. What is remembered stays.

    Parameters
    ----------
    client
        Where from.
    name
        Only the entry of this name, not every one that starts this server.
    file
        The configuration file, where it is not the user's own.
    yes
        Do not ask.
    as_json
        Print what was done as one JSON object.
    """
    of = named(client)
    at = file or of.files(environment.machine())[0]
    wanted = change.to_uninstall(of, _configuration(at, {}), name=name)
    _carry_out(wanted, "uninstall", yes=yes, as_json=as_json)


def _configuration(path: Path, given: Mapping[str, str]) -> files.File:
    """Read a configuration that is to be changed; it is no file of the memory, here or there.

    Raises:
        OutputError: it is.
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


def _carry_out(wanted: change.Change, what: str, *, yes: bool, as_json: bool) -> None:
    """Show a change, ask, write it, and say what was done."""
    title, path = wanted.client.title, wanted.file.path
    backup = None
    if wanted.needed:
        if not (as_json and yes):
            _show(wanted, on_stderr=as_json)
        if not yes and not console.ask(f"Write this to {path}?"):
            raise SettingsError("Nothing was changed.")
        backup = files.replace(wanted.file, wanted.text, now=datetime.now(timezone.utc))
    if as_json:
        console.show_json(
            {
                "client": wanted.client.name,
                "file": str(path),
                "entries": wanted.names,
                "changed": wanted.needed,
                "backup": str(backup) if backup else None,
            }
        )
    elif not wanted.needed:
        there = "is as it should be" if what == "install" else "has no entry of this server"
        console.say(f"Nothing to change: {path} {there}.")
    else:
        console.say(f"{title}: {'written to' if what == 'install' else 'taken out of'} {path}.")
        if backup:
            console.say(f"What was there is kept as {backup.name}.")
        if what == "install":
            console.say(wanted.client.then)


def _show(wanted: change.Change, *, on_stderr: bool) -> None:
    """Print a change as a unified diff, with colours where they can be seen."""
    before = (wanted.file.text or "").splitlines()
    lines = list(difflib.unified_diff(before, wanted.text.splitlines(), lineterm="", n=2))
    console = Console(stderr=on_stderr, soft_wrap=True, highlight=False)
    console.print(Text(str(wanted.file.path), style="bold"))
    for line in lines[2:]:
        console.print(Text(line, style=_COLOURS.get(line[:1], "")))


def _print(client: Client, path: Path, name: str, new: Any, *, as_json: bool) -> None:
    """Print an entry as it stands in the file, with the way to it."""
    if as_json:
        console.show_json(
            {"client": client.name, "file": str(path), "keys": [*client.keys, name], "entry": new}
        )
        return
    _note(f"For {client.title}, in {path}:")
    sys.stdout.write(configuration.put(client.format, "", (*client.keys, name), new))
    if client.name == "claude-code":
        env = (part for pair in new.get("env", {}).items() for part in ("-e", "=".join(pair)))
        words = ["claude", "mcp", "add", "--scope", "user", name, *env, "--"]
        _note(f"Or: {shlex.join([*words, new['command'], *new['args']])}")


def _remark_on_storage(machine: Machine, given: Mapping[str, str]) -> None:
    """Say that the memory of this shell is not the one that the client will have."""
    if (
        machine.environment.get(STORAGE_CONNECTION_STRING)
        and STORAGE_CONNECTION_STRING not in given
    ):
        _note(
            f"{STORAGE_CONNECTION_STRING} is set here, and not written: the client's memory will "
            f"be in the default place. --env {STORAGE_CONNECTION_STRING} copies it."
        )


def _remark_on_files(machine: Machine, client: Client) -> None:
    """Say which other files of a client there are, such as those of VS Code's profiles."""
    if further := client.files(machine)[1:]:
        paths = ", ".join(map(str, further))
        _note(f"{client.title} has more than one file; --file names another: {paths}")


def _note(text: str) -> None:
    Console(stderr=True, soft_wrap=True, highlight=False).print(text, markup=False)
