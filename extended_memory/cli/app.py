"""The command line: its commands, and what an argument list asks for."""

import sys
from collections.abc import Sequence

from cyclopts import App

from extended_memory import logs
from extended_memory.domain import ExtendedMemoryError
from extended_memory.version import __version__

_FAILED = 1
_INTERRUPTED = 130  # 128 + SIGINT, as shells have it

_NAME = "extended-memory-mcp"

app = App(
    name=_NAME,
    version=f"{_NAME} {__version__}",
    help="A local MCP server that keeps the context of your projects between chats. Without a "
    "command it serves: an MCP client starts it and speaks JSON-RPC over standard input and "
    "output; the README shows how to configure one.",
)
# By name, so that a command imports no other one; so its line in the list of them stands here.

# See and mend

# Move
app.command("extended_memory.cli.copy:copy", help="Copy every context of one store into another.")
app.command(
    "extended_memory.cli.import_redis:import_redis",
    help="Copy the memories that 0.9.0 keeps in Redis into this store.",
)

# Keep
app.command(
    "extended_memory.cli.backup:backup", help="Copy the memory's file while servers use it."
)
app.command("extended_memory.cli.backup:backups", help="List the copies beside the memory's file.")
app.command(
    "extended_memory.cli.backup:restore_backup", help="Put a copy in place of the memory's file."
)
app.command(
    "extended_memory.cli.check:check", help="Look whether all that is stored fits together."
)
app.command(
    "extended_memory.cli.doctor:doctor", help="Say what is well, what is not, and what to do."
)

# Install
app.command(
    "extended_memory.cli.install:install",
    help="Write this server into the configuration of a client.",
)
app.command(
    "extended_memory.cli.install:uninstall",
    help="Take this server out of the configuration of a client.",
)


def asks_for_a_command(arguments: Sequence[str]) -> bool:
    """Say whether these arguments are a command; 0.9.0 served whatever its arguments were."""
    return arguments[0] in app


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code."""
    logs.configure("WARNING")
    try:
        app(arguments)
    except ExtendedMemoryError as refusal:
        sys.stderr.write(f"{_NAME}: {refusal}\n")
        return _FAILED
    except KeyboardInterrupt:
        sys.stderr.write(f"{_NAME}: interrupted.\n")
        return _INTERRUPTED
    return 0
