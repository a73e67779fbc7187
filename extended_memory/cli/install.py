"""``install`` and ``uninstall``: this server in a client's configuration, and out of it."""

import difflib
import shlex
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from extended_memory.cli import screen, surroundings
from extended_memory.clients import change, files, found, launch
from extended_memory.clients.entry import NAME
from extended_memory.clients.table import CLIENTS, Client, ClientName, named
from extended_memory.domain import SettingsError
from extended_memory.settings import (
    EXTENDED_MEMORY_PROJECT,
    STORAGE_CONNECTION_STRING,
    RedisLocation,
    SqliteLocation,
)

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
        _list(as_json=as_json)
        return
    machine = surroundings.machine()
    to = named(client)
    at = file or to.files(machine)[0]
    variables = _variables(project, env)
    if print_only:
        _print(to, at, name or NAME, _entry(to, variables, {}), as_json=as_json)
        return
    read = files.read(at)
    before = change.present(to, read, name=name)
    entry = _entry(to, variables, before.env if before else {})
    wanted = change.to_install(to, read, entry=entry, before=before, name=name)
    if before and before.name not in (NAME, name):
        _note(f'The entry "{before.name}" starts this server already: it is brought up to date.')
    if not found.is_here(at, machine):
        _note(f"{to.title} was not found here; its file is made all the same.")
    _remark_on_profiles(to, chosen=file is not None)
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
    at = file or of.files(surroundings.machine())[0]
    wanted = change.to_uninstall(of, files.read(at), name=name)
    _carry_out(wanted, "uninstall", yes=yes, as_json=as_json)


def _carry_out(wanted: change.Change, what: str, *, yes: bool, as_json: bool) -> None:
    """Show a change, ask, write it, and say what was done."""
    title, path = wanted.client.title, wanted.file.path
    backup = None
    if wanted.needed:
        if not as_json:
            _show(wanted)
        if not yes and not screen.ask(f"Write this to {path}?"):
            raise SettingsError("Nothing was changed.")
        backup = files.replace(wanted.file, wanted.text, now=datetime.now(timezone.utc))
    if as_json:
        screen.show_json(
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
        screen.say(f"Nothing to change: {path} {there}.")
    else:
        screen.say(f"{title}: written to {path}.")
        if backup:
            screen.say(f"What was there is kept as {backup.name}.")
        if what == "install":
            screen.say(wanted.client.then)


def _show(wanted: change.Change) -> None:
    """Print a change as a unified diff, with colours where they can be seen."""
    before = (wanted.file.text or "").splitlines()
    lines = list(difflib.unified_diff(before, wanted.text.splitlines(), lineterm="", n=2))
    console = Console(soft_wrap=True, highlight=False)
    console.print(Text(str(wanted.file.path), style="bold"))
    for line in lines[2:]:
        console.print(Text(line, style=_COLOURS.get(line[:1], "")))


def _print(client: Client, path: Path, name: str, entry: Any, *, as_json: bool) -> None:
    """Print an entry as it stands in the file, with the way to it."""
    if as_json:
        screen.show_json(
            {"client": client.name, "file": str(path), "keys": [*client.keys, name], "entry": entry}
        )
        return
    _note(f"For {client.title}, in {path}:")
    sys.stdout.write(found.put(client.format, "", (*client.keys, name), entry))
    if client.name == "claude-code":
        variables = entry.get("env", {})
        options = [part for key, value in variables.items() for part in ("-e", f"{key}={value}")]
        words = ["claude", "mcp", "add", "--scope", "user", name, *options, "--"]
        _note(f"Or: {shlex.join([*words, entry['command'], *entry['args']])}")


def _list(*, as_json: bool) -> None:
    """Print every client, and where this server is in its configuration."""
    machine = surroundings.machine()
    rows = [
        (client, found.configuration(client, path))
        for client in CLIENTS
        for path in client.files(machine)
    ]
    if as_json:
        screen.show_json(
            [
                {
                    "client": client.name,
                    "title": client.title,
                    "file": str(at.path),
                    "found": found.is_here(at.path, machine),
                    "entries": [entry.name for entry in at.ours],
                    "fault": at.fault,
                }
                for client, at in rows
            ]
        )
        return
    table = screen.table("client", "here", "entries", "file")
    for client, at in rows:
        entries = "malformed" if at.fault else ", ".join(entry.name for entry in at.ours)
        here = "yes" if found.is_here(at.path, machine) else "no"
        table.add_row(client.name, here, entries or "-", _short(at.path, machine.home))
    screen.out().print(table)


def _short(path: Path, home: Path) -> str:
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else str(path)


def _entry(
    client: Client, variables: Mapping[str, str], before: Mapping[str, str]
) -> dict[str, Any]:
    """Return the entry that starts what runs now, in the shape that a client wants.

    ``before``: the variables that the entry has already, and keeps.
    """
    storage = {**before, **variables}.get(STORAGE_CONNECTION_STRING, "")
    command, args = launch.command(
        surroundings.running(),
        redis=bool(storage) and isinstance(surroundings.place(storage), RedisLocation),
    )
    env = {"env": dict(variables)} if variables else {}
    return {**client.shape, "command": command, "args": list(args), **env}


def _variables(project: str | None, given: Sequence[str]) -> dict[str, str]:
    """Return the server's variables; those of here are copied only when they are asked for.

    Raises:
        SettingsError: one is asked for that is not set here, or the server would not take it.
    """
    here = surroundings.machine().environment
    variables = {}
    for text in given:
        name, assigned, value = text.partition("=")
        if not assigned:
            if not here.get(name):
                raise SettingsError(f"{name} is not set here: write {name}=VALUE, or leave it out.")
            value = _from_anywhere(here[name]) if name == STORAGE_CONNECTION_STRING else here[name]
        variables[name] = value
    if project is not None:
        variables[EXTENDED_MEMORY_PROJECT] = project
    surroundings.settings_of(variables)
    if here.get(STORAGE_CONNECTION_STRING) and STORAGE_CONNECTION_STRING not in variables:
        _note(
            f"{STORAGE_CONNECTION_STRING} is set here, and not written: the client's memory will "
            f"be in the default place. --env {STORAGE_CONNECTION_STRING} copies it."
        )
    return variables


def _from_anywhere(connection: str) -> str:
    """Return a connection string that means the same in whatever folder a client starts in."""
    place = surroundings.place(connection)
    return f"sqlite:///{place.path.as_posix()}" if isinstance(place, SqliteLocation) else connection


def _remark_on_profiles(client: Client, *, chosen: bool) -> None:
    further = client.files(surroundings.machine())[1:]
    if further and not chosen:
        paths = ", ".join(map(str, further))
        _note(f"{client.title} has more than one file; --file names another: {paths}")


def _note(text: str) -> None:
    Console(stderr=True, soft_wrap=True, highlight=False).print(text, markup=False)
