"""The output of commands: lines and tables for a person, JSON for a script.

A stored text may hold sequences that steer a terminal. They are replaced by signs, but for
``write``, which prints the text itself to who asks for it.
"""

import json
import re
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text
from typing_extensions import override

from extended_memory.errors import SettingsError
from extended_memory.protocol.replies import local_time

_NARROW = 60
"""A terminal of fewer columns has room for the most important ones alone."""

_WIDE = 100
"""A terminal of at least this many columns has room for everything."""

_BLOCKS = " ▏▎▍▌▋▊▉█"
_COLUMNS = " ▁▂▃▄▅▆▇█"

_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1 but for tab and line feed: ESC and CSI are of them
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # the order of what is written
    "\ud800-\udfff]"
)
_CONTROL_PICTURES = 0x2400  # of 0x00 to 0x1f, in this order


def out() -> Console:
    """Return the console of standard output, which colours, cuts and wraps nothing in a pipe."""
    console = Console(highlight=False, emoji=False)
    console.soft_wrap = not console.is_terminal
    return console


def is_narrow(console: Console) -> bool:
    """Say whether a terminal has room for the most important columns alone."""
    return console.is_terminal and console.width < _NARROW


def is_wide(console: Console) -> bool:
    """Say whether there is room for everything: in a wide terminal, and where nothing is cut."""
    return not console.is_terminal or console.width >= _WIDE


def when(console: Console, moment: datetime) -> str:
    """Return a time, or its day where there is less room."""
    return local_time(moment) if is_wide(console) else f"{local_time(moment):.10}"


def say(text: str) -> None:
    """Print a line, whatever the width."""
    Console(soft_wrap=True, highlight=False, emoji=False).print(clean(text), markup=False)


def note(text: str) -> None:
    """Tell the person something that is not the answer, on standard error."""
    console = Console(stderr=True, highlight=False, emoji=False)
    console.print(clean(text), markup=False, soft_wrap=not console.is_terminal)


def show_json(value: object) -> None:
    """Print a value as one line of JSON, in UTF-8."""
    text = json.dumps(value, ensure_ascii=False)
    write(_STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")


def write(text: str) -> None:
    """Write a text as it is, in UTF-8, whatever the system's encoding and line ends are."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def clean(text: str) -> str:
    """Return a text with a sign in place of each character that steers a terminal."""
    return _STEERING.sub(_picture, text)


def one_line(text: str) -> str:
    """Return a text on one line, fit for a terminal."""
    return clean(" ".join(text.split()))


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return cell_len(text)


def cut(text: str, most: int) -> str:
    """Return a text on one line, cut to at most a number of columns of a terminal."""
    line = one_line(text)
    return line if cell_len(line) <= most else set_cell_size(line, most - 1).rstrip() + "…"


def table(*columns: str | Column) -> Table:
    """Return a table without lines, its columns named; in a pipe, rows between tabs.

    Cells are texts as they are, each on one line; for styles give a ``rich.text.Text``.
    """
    expand = any(isinstance(column, Column) and column.ratio for column in columns)
    return _Rows(
        *columns,
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        padding=(0, 1, 0, 0),
        expand=expand,
    )


def number(name: str) -> Column:
    """Return a column of numbers, which is never cut."""
    return Column(name, justify="right", no_wrap=True)


def short(name: str, *, width: int | None = None) -> Column:
    """Return a column that is shown whole, or up to a width."""
    return Column(name, no_wrap=True, overflow="ellipsis", max_width=width)


def rest(name: str) -> Column:
    """Return the column that takes the remaining width, cut to a line."""
    return Column(name, no_wrap=True, overflow="ellipsis", ratio=1)


def bar(value: int, most: int, width: int) -> str:
    """Return a bar across, as long as its share of the most; something for any value above 0."""
    eighths = max(round(8 * width * value / most), 1) if value else 0
    full, part = divmod(eighths, 8)
    return _BLOCKS[8] * full + _BLOCKS[part].strip()


def columns(values: Sequence[int], height: int) -> list[str]:
    """Return bars upright, one for each value, as lines from the top."""
    most = max([*values, 1])
    eighths = [max(round(8 * height * value / most), 1) if value else 0 for value in values]
    return [
        "".join(_COLUMNS[min(max(size - 8 * line, 0), 8)] for size in eighths)
        for line in reversed(range(height))
    ]


def ask(question: str) -> bool:
    """Ask a person to agree; refuse where nobody can answer.

    Raises:
        SettingsError: the standard input is no terminal.
    """
    if not sys.stdin.isatty():
        raise SettingsError(f"{question} Nobody is there to be asked.", remedy="say it with --yes.")
    sys.stderr.write(f"{clean(question)} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


class Safe:
    """Something to print of which nothing steers the terminal."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Print it with the text of each piece made fit for a terminal."""
        for text, style, control in console.render(self._inner, options):
            yield Segment(text if control else clean(text), style, control)


class _Rows(Table):
    """A table whose cells are texts, not markup."""

    @override
    def add_row(self, *cells: Any, **options: Any) -> None:
        super().add_row(
            *(Text(one_line(cell)) if isinstance(cell, str) else cell for cell in cells), **options
        )

    @override
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Print the table in a terminal, and elsewhere rows that ``cut`` and ``grep`` read."""
        if console.is_terminal:
            yield from super().__rich_console__(console, options)
            return
        for row in zip(*(column.cells for column in self.columns), strict=True):
            yield Segment("\t".join(str(cell) for cell in row) + "\n")


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    return "\N{SYMBOL FOR DELETE}" if code == 0x7F else "\N{REPLACEMENT CHARACTER}"
