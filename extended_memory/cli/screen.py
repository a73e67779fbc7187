"""What a command prints on standard output: lines and tables for a person, JSON for a script."""

import json
import sys

from rich import box
from rich.console import Console
from rich.table import Table

from extended_memory.domain import SettingsError


def out() -> Console:
    """Return the console of standard output, which colours nothing in a pipe."""
    return Console(highlight=False)


def say(text: str) -> None:
    """Print a line as it is, whatever the width."""
    Console(soft_wrap=True, highlight=False).print(text, markup=False)


def note(text: str) -> None:
    """Tell the person something that is not the answer, on standard error."""
    Console(stderr=True, soft_wrap=True, highlight=False).print(text, markup=False)


def show_json(value: object) -> None:
    """Print a value as one line of JSON."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def table(*columns: str) -> Table:
    """Return a table without lines, its columns named."""
    return Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)


def ask(question: str) -> bool:
    """Ask a person to agree; refuse where nobody can answer.

    Raises:
        SettingsError: the standard input is no terminal.
    """
    if not sys.stdin.isatty():
        raise SettingsError(f"{question} Nobody is there to be asked: say it with --yes.")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
