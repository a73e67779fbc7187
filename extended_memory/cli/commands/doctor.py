"""``doctor``: checks the installation; every problem comes with its remedy."""

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
from extended_memory.counts import noun
from extended_memory.doctor import clients, folder, installation, round_trip
from extended_memory.errors import (
    Diagnosis,
    ExtendedMemoryError,
    SettingsError,
)
from extended_memory.settings import SqliteLocation
from extended_memory.storage.backends import diagnoses as store_diagnoses

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
    code is 0 where there is no problem and 1 where there is one. The JSON is for an issue.
    """
    logging.disable(logging.ERROR)  # a diagnosis says what the log would say of a store
    found = []
    shown = ""
    out = console.out()
    with _status(out):
        for part, diagnosis in _diagnoses():
            found.append((part, diagnosis))
            if not as_json:
                _show(out, diagnosis, title="" if part == shown else _TITLES[part])
                shown = part
    problems = sum(diagnosis.level == "problem" for _, diagnosis in found)
    warnings = sum(diagnosis.level == "warning" for _, diagnosis in found)
    if as_json:
        diagnoses = [_values(part, diagnosis) for part, diagnosis in found]
        console.show_json({"problems": problems, "warnings": warnings, "remarks": diagnoses})
    else:
        counts = f"{_counted(problems, 'problem')}, {_counted(warnings, 'warning')}."
        console.say(f"\n{counts[0].upper()}{counts[1:]}")
    if problems:
        raise ProblemsFoundError("what is marked PROBLEM has its remedy below it.")


def _diagnoses() -> Iterator[tuple[str, Diagnosis]]:
    """Give every diagnosis with the part that it is about."""
    machine = environment.machine()
    for diagnosis in installation.diagnoses(machine.environment):
        yield "installation", diagnosis
    for diagnosis in round_trip.diagnoses(machine.environment):
        yield "server", diagnosis
    location = None
    try:
        location = environment.settings().storage
    except SettingsError as refusal:
        yield "memory", Diagnosis.of(refusal)
    if location is not None:
        for diagnosis in store_diagnoses(location):
            yield "memory", diagnosis
    if isinstance(location, SqliteLocation):
        path = location.path
        needed = path.stat().st_size if exists(path) else 0
        for diagnosis in folder.diagnoses(path.parent, needed):
            yield "memory", diagnosis
    for diagnosis in clients.diagnoses(machine, location):
        yield "clients", diagnosis


def _status(out: Console) -> AbstractContextManager[object]:
    """Return a sign that the command is at work: below the diagnoses, or on stderr."""
    if out.is_terminal:
        return out.status("Looking")
    console = Console(stderr=True, emoji=False)
    return console.status("Looking") if sys.stderr.isatty() else nullcontext()


def _show(out: Console, diagnosis: Diagnosis, *, title: str) -> None:
    """Print a diagnosis: its mark, the fact, and below it the remedy."""
    if title:
        out.print(Text(f"\n{title}", "bold"))
    texts = [diagnosis.fact]
    texts += [f'It said: "{diagnosis.detail}"'] if diagnosis.detail else []
    texts += [f"-> {diagnosis.remedy}"] if diagnosis.remedy else []
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
    mark = _MARKS[diagnosis.level]
    out.print(Text.assemble(mark, " " * (_INDENT - len(mark)), lines[0]), soft_wrap=True)
    for line in lines[1:]:
        out.print(Text(" " * _INDENT + line), soft_wrap=True)


def _values(part: str, diagnosis: Diagnosis) -> dict[str, str]:
    return {
        "part": part,
        "level": diagnosis.level,
        "fact": _without_home(diagnosis.fact),
        "remedy": _without_home(diagnosis.remedy),
    }


def _without_home(text: str) -> str:
    """Return a text in which the home directory, which names a person, is written as ``~``."""
    return text.replace(str(Path.home()), "~")


def _counted(count: int, singular: str) -> str:
    return f"{count or 'no'} {noun(count, singular)}"
