"""``doctor``: says what is well and what is not, each with what to do about it."""

import logging
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from os.path import exists
from pathlib import Path
from textwrap import wrap

from rich.console import Console
from rich.text import Text

from extended_memory.cli import console, environment, options
from extended_memory.doctor import clients, folder, installation, round_trip
from extended_memory.domain import ExtendedMemoryError, Remark, SettingsError, complaint
from extended_memory.settings import SqliteLocation
from extended_memory.storage.backends import remarks as of_the_store

_MARKS = {
    "ok": Text("ok", "green"),
    "warning": Text("warning", "bold yellow"),
    "problem": Text("PROBLEM", "bold red"),
}
_INDENT = 8
_TITLES = {
    "installation": "What is installed",
    "server": "The server",
    "memory": "The memory",
    "clients": "The clients",
}


class ProblemsFoundError(ExtendedMemoryError):
    """The doctor found a problem: the command ends with 1."""


def doctor(*, as_json: options.Json = False) -> None:
    """Say what is well with this installation, what is not, and what to do about it.

    It looks at versions, the memory, its folder or its Redis, and every client that is configured,
    and lets a server remember something in a store of its own. The memory is neither made nor
    changed. What it says holds nothing that was saved, no project's name and no secret. The exit
    code is 0 where there is no problem and 1 where there is one.

    Parameters
    ----------
    as_json
        Print one JSON object, to be pasted into an issue.
    """
    logging.disable(logging.ERROR)  # what the log would say of a store is said here
    found = []
    shown = ""
    out = console.out()
    with _looking(out):
        for part, remark in _remarks():
            found.append((part, remark))
            if not as_json:
                _show(out, remark, title="" if part == shown else _TITLES[part])
                shown = part
    problems = sum(remark.level == "problem" for _, remark in found)
    warnings = sum(remark.level == "warning" for _, remark in found)
    if as_json:
        remarks = [_values(part, remark) for part, remark in found]
        console.show_json({"problems": problems, "warnings": warnings, "remarks": remarks})
    else:
        counts = f"{_counted(problems, 'problem')}, {_counted(warnings, 'warning')}."
        console.say(f"\n{counts[0].upper()}{counts[1:]}")
    if problems:
        raise ProblemsFoundError("what is marked PROBLEM has its remedy below it.")


def _remarks() -> Iterator[tuple[str, Remark]]:
    """Give every remark with the part that it is about."""
    machine = environment.machine()
    for remark in installation.remarks(machine.environment):
        yield "installation", remark
    for remark in round_trip.remarks(machine.environment):
        yield "server", remark
    location = None
    try:
        location = environment.settings().storage
    except SettingsError as refusal:
        yield "memory", complaint(refusal)
    if location is not None:
        for remark in of_the_store(location):
            yield "memory", remark
    if isinstance(location, SqliteLocation):
        path = location.path
        needed = path.stat().st_size if exists(path) else 0
        for remark in folder.remarks(path.parent, needed):
            yield "memory", remark
    for remark in clients.remarks(machine, location):
        yield "clients", remark


def _looking(out: Console) -> AbstractContextManager[object]:
    """Say that something is being done, where a person sees it: below the remarks, or on stderr."""
    if out.is_terminal:
        return out.status("Looking")
    return Console(stderr=True).status("Looking") if sys.stderr.isatty() else nullcontext()


def _show(out: Console, remark: Remark, *, title: str) -> None:
    """Print a remark: its mark, the fact, and below it the remedy."""
    if title:
        out.print(Text(f"\n{title}", "bold"))
    texts = [remark.fact]
    texts += [f'It said: "{remark.detail}"'] if remark.detail else []
    texts += [f"-> {remark.remedy}"] if remark.remedy else []
    lines = [
        line
        for text in texts
        # A path or a command stays whole, to be copied.
        for line in wrap(
            _without_home(text),
            max(out.width - _INDENT, _INDENT),
            break_long_words=False,
            break_on_hyphens=False,
        )
    ]
    mark = _MARKS[remark.level]
    out.print(Text.assemble(mark, " " * (_INDENT - len(mark)), lines[0]), soft_wrap=True)
    for line in lines[1:]:
        out.print(Text(" " * _INDENT + line), soft_wrap=True)


def _values(part: str, remark: Remark) -> dict[str, str]:
    return {
        "part": part,
        "level": remark.level,
        "fact": _without_home(remark.fact),
        "remedy": _without_home(remark.remedy),
    }


def _without_home(text: str) -> str:
    """Return a text in which the home directory, which names a person, is written as ``~``."""
    return text.replace(str(Path.home()), "~")


def _counted(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"
