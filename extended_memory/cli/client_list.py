"""The list of clients: which are here, and where this server is in their configurations."""

from pathlib import Path

from extended_memory.cli import console, environment
from extended_memory.clients import configuration
from extended_memory.clients.catalogue import CLIENTS


def show_clients(*, as_json: bool) -> None:
    """Print every client with its files, and the entries in them that start this server."""
    machine = environment.machine()
    configurations = [
        configuration.read_configuration(client, path)
        for client in CLIENTS
        for path in client.files(machine)
    ]
    if as_json:
        console.show_json(
            [
                {
                    "client": at.client.name,
                    "title": at.client.title,
                    "file": str(at.path),
                    "found": configuration.is_here(at.path, machine),
                    "entries": [entry.name for entry in at.own_entries],
                    "fault": at.fault,
                }
                for at in configurations
            ]
        )
        return
    table = console.table("client", "here", "entries", "file")
    table.columns[0].no_wrap = True
    table.columns[2].overflow = table.columns[3].overflow = "fold"
    for at in configurations:
        entries = "malformed" if at.fault else ", ".join(entry.name for entry in at.own_entries)
        here = "yes" if configuration.is_here(at.path, machine) else "no"
        table.add_row(at.client.name, here, entries or "-", _short_path(at.path, machine.home))
    console.out().print(table)


def _short_path(path: Path, home: Path) -> str:
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else str(path)
