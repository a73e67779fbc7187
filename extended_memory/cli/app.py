"""The command line: its commands, and the way from an argument list to one of them."""

import errno
import logging
import os
import re
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Literal

from cyclopts import App
from cyclopts.completion.install import create_install_completion_command

from extended_memory import logs
from extended_memory.errors import (
    ExtendedMemoryError,
    UnusableSettingError,
)
from extended_memory.version import __version__

_FAILED = 1
_UNUSABLE_SETTINGS = 2  # as the server ends
_INTERRUPTED = 130  # 128 + SIGINT, as shells have it

_NAME = "extended-memory-mcp"

_OUTPUT_ERRORS = {errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG}
"""The errors of a full disk or a broken device, which commands name where a file is meant."""

_TEXT_COMMANDS = ("add", "search")
_WORD = re.compile(r"-[^\W\d].+", re.DOTALL)
WORD_MARK = "\u2060"
"""Stands before a word of a text that begins with a hyphen, and is taken off when it is read."""


app = App(
    name=_NAME,
    version=f"{_NAME} {__version__}",
    help="A local MCP server that keeps the context of your projects between chats. Without a "
    "command it serves: an MCP client starts it and speaks JSON-RPC over standard input and "
    "output; the README shows how to configure one.",
)


def _install_completion(
    *,
    shell: Literal["zsh", "bash", "fish", "powershell"] | None = None,
    output: Path | None = None,
    add_to_startup: bool = True,
) -> Path:
    from extended_memory.cli import completion

    if output is not None:
        completion.require_free(output)
    try:
        return app.install_completion(shell=shell, output=output, add_to_startup=add_to_startup)
    except OSError as error:
        raise completion.refusal(output, error) from error


# Not a subclass of App that overrides its method: cyclopts suggests a command for a mistyped one
# only where the commands are of the class of their parent.
app.command(
    create_install_completion_command(_install_completion, add_to_startup=True),
    name="--install-completion",
    help="Let the shell complete commands and options.",
)
# By name, so that a command imports no other one; hence its help stands here.

# Read and change
app.command(
    "extended_memory.cli.commands.projects:projects", help="List the projects, the last used first."
)
app.command(
    "extended_memory.cli.commands.list_:list_",
    name="list",
    help="List a project's contexts, newest first.",
)
app.command("extended_memory.cli.commands.search:search", help="Find contexts by their words.")
app.command("extended_memory.cli.commands.show:show", help="Show one context whole.")
app.command(
    "extended_memory.cli.commands.tags:tags", help="List a project's tags, the most used first."
)
app.command(
    "extended_memory.cli.commands.trash:trash", help="List what was forgotten and can be restored."
)
app.command(
    "extended_memory.cli.commands.stats:stats", help="Show how much is kept, since when, of what."
)
app.command("extended_memory.cli.commands.add:add", help="Save a context.")
app.command(
    "extended_memory.cli.commands.edit:edit", help="Change a context, its text in your editor."
)
app.command(
    "extended_memory.cli.commands.forget:forget", help="Move contexts to the trash, or delete them."
)
app.command(
    "extended_memory.cli.commands.restore:restore",
    help="Bring a context back, or an earlier text of it.",
)
app.command(
    "extended_memory.cli.commands.rename_project:rename_project",
    help="Give a project another name.",
)

# Move
app.command(
    "extended_memory.cli.commands.export:export",
    help="Write the memory to a file, or to a folder of Markdown.",
)
app.command(
    "extended_memory.cli.commands.import_:import_",
    name="import",
    help="Bring contexts in from an export, of this product or of another tool.",
)
app.command(
    "extended_memory.cli.commands.copy:copy", help="Copy every context of one store into another."
)
app.command(
    "extended_memory.cli.commands.import_redis:import_redis",
    help="Copy the memories that 0.9.0 keeps in Redis into this store.",
)

# Keep
app.command(
    "extended_memory.cli.commands.backup:backup",
    help="Copy the memory's file while servers use it.",
)
app.command(
    "extended_memory.cli.commands.backups:backups", help="List the copies beside the memory's file."
)
app.command(
    "extended_memory.cli.commands.restore_backup:restore_backup",
    help="Put a copy in place of the memory's file.",
)
app.command(
    "extended_memory.cli.commands.check:check",
    help="Look whether all that is stored fits together.",
)
app.command(
    "extended_memory.cli.commands.doctor:doctor",
    help="Say what is well, what is not, and what to do.",
)

# Install
app.command(
    "extended_memory.cli.commands.install:install",
    help="Write this server into the configuration of a client.",
)
app.command(
    "extended_memory.cli.commands.uninstall:uninstall",
    help="Take this server out of the configuration of a client.",
)


def asks_for_a_command(arguments: Sequence[str]) -> bool:
    """Say whether these arguments are a command; 0.9.0 served whatever its arguments were."""
    return arguments[0] in app


def _decoded(argument: str) -> str:
    """Read an argument as UTF-8, where the system's encoding (C, POSIX) has left bytes in it."""
    if os.name == "nt" or argument.isascii():
        return argument
    try:
        return os.fsencode(argument).decode("utf-8")
    except UnicodeError:
        return argument


def _marked_words(arguments: Sequence[str]) -> list[str]:
    """Mark the words of a text that begin with one hyphen.

    cyclopts reads ``-transactions`` as the option ``-t`` with a value, as GNU's commands do.
    """
    if arguments[0] not in _TEXT_COMMANDS:
        return list(arguments)
    return [f"{WORD_MARK}{word}" if _WORD.fullmatch(word) else word for word in arguments]


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code."""
    logs.configure("WARNING")
    # A fault of a store is logged and raised: here it is said once, as the refusal.
    logging.getLogger().handlers[0].addFilter(lambda record: record.levelno < logging.ERROR)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A pipe is read by a program, whatever the system speaks; a terminal that lacks a
            # character shows a "?".
            encoding = stream.encoding if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="replace")
    try:
        app(_marked_words([*map(_decoded, arguments)]))
        sys.stdout.flush()
    except ExtendedMemoryError as refusal:
        sys.stderr.write(f"{_NAME}: {refusal}\n")
        return _UNUSABLE_SETTINGS if isinstance(refusal, UnusableSettingError) else _FAILED
    except KeyboardInterrupt:
        sys.stderr.write(f"{_NAME}: interrupted.\n")
        return _INTERRUPTED
    except BrokenPipeError:
        # Nobody reads any more; what is left in the buffer would fail again at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return _FAILED
    except OSError as error:
        if error.errno not in _OUTPUT_ERRORS:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.stderr.write(f"{_NAME}: The answer cannot be written: {error.strerror}.\n")
        return _FAILED
    return 0
