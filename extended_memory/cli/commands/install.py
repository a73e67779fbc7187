"""``install``: writes this server into a client's configuration."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from extended_memory.cli import console, environment, options
from extended_memory.cli.client_change import carry_out, configuration_file
from extended_memory.cli.client_entry import entry, variables
from extended_memory.cli.client_list import show_clients
from extended_memory.clients import change, configuration
from extended_memory.clients.catalogue import Client, ClientName, Machine, named
from extended_memory.clients.entry import NAME
from extended_memory.settings import STORAGE_CONNECTION_STRING


def install(
    client: ClientName | None = None,
    /,
    *,
    project: options.PinnedProject = None,
    env: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = (),
    name: options.EntryName = None,
    file: options.ConfigurationFile = None,
    print_only: Annotated[options.Switch, Parameter(name="--print")] = False,
    yes: options.Yes = False,
    as_json: options.Json = False,
) -> None:
    """Write this server into the configuration of a client; without one, list the clients.

    The change is shown and agreed to before anything is written, and a copy of the file is kept
    beside it. An entry that starts this server already is brought up to date.

    Parameters
    ----------
    client
        Where to.
    env
        A variable for the server: NAME=VALUE, or NAME to copy it from here, such as
        STORAGE_CONNECTION_STRING. It is written as it is, a password too. Can be repeated.
    print_only
        Only print the entry, and where it belongs on stderr.
    """
    if client is None:
        show_clients(as_json=as_json)
        return
    machine = environment.machine()
    to = named(client)
    at = file or to.files(machine)[0]
    given = variables(project, env)
    if print_only:
        _print_entry(to, at, name or NAME, entry(to, given, before={}), as_json=as_json)
        return
    read = configuration_file(at, given)
    before = change.entry_to_update(to, read, name=name)
    kept = before.env if before else {}
    new = entry(to, given, before=kept)
    wanted = change.plan_installation(to, read, entry=new, before=before, name=name)
    if before and before.name not in (NAME, name):
        console.note(
            f'The entry "{before.name}" starts this server already: it is brought up to date.'
        )
    if not configuration.is_here(at, machine):
        console.note(f"{to.title} was not found here; its file is made all the same.")
    _note_on_storage(machine, {**kept, **given})
    if file is None:
        _note_on_files(machine, to)
    carry_out(wanted, "install", yes=yes, as_json=as_json)


def _print_entry(client: Client, path: Path, name: str, new: Any, *, as_json: bool) -> None:
    """Print an entry as it stands in the file, with the way to it."""
    if as_json:
        console.show_json(
            {"client": client.name, "file": str(path), "keys": [*client.keys, name], "entry": new}
        )
        return
    console.note(f"For {client.title}, in {path}:")
    sys.stdout.write(configuration.put(client.format, "", (*client.keys, name), new))
    if client.name == "claude-code":
        env = (part for pair in new.get("env", {}).items() for part in ("-e", "=".join(pair)))
        words = ["claude", "mcp", "add", "--scope", "user", name, *env, "--"]
        console.note(f"Or: {shlex.join([*words, new['command'], *new['args']])}")


def _note_on_storage(machine: Machine, given: Mapping[str, str]) -> None:
    """Note that the client will have another memory than this shell."""
    if (
        machine.environment.get(STORAGE_CONNECTION_STRING)
        and STORAGE_CONNECTION_STRING not in given
    ):
        console.note(
            f"{STORAGE_CONNECTION_STRING} is set here, and not written: the client's memory will "
            f"be in the default place. --env {STORAGE_CONNECTION_STRING} copies it."
        )


def _note_on_files(machine: Machine, client: Client) -> None:
    """Name the other files of a client, such as those of VS Code's profiles."""
    if further := client.files(machine)[1:]:
        paths = ", ".join(map(str, further))
        console.note(f"{client.title} has more than one file; --file names another: {paths}")
