"""An option is declared once, in ``cli/options.py``, and reads the same in every command."""

from collections import defaultdict
from collections.abc import Iterator
from inspect import Parameter, signature
from typing import get_type_hints

import pytest
from cyclopts import Argument

from extended_memory.cli import app, options

COMMANDS = [name for name in app.app if not name.startswith("-")]

MEANINGS = {
    "--importance": 3,  # of a new context, from now on, and at least
    "--name": 2,  # of a new entry, and of the only one to take out
    "--project": 4,  # to work in, to look at alone, to import into, and to pin
    "--tag": 2,  # of a new context, and of those that are meant
}
"""How many things an option means, where it is more than one."""

ALIASES = [alias for name, alias in vars(options).items() if name != "Switch"]
"""The annotations of options that several commands may have; a switch is described by its own."""


def options_of(command: str) -> Iterator[Argument]:
    """Give the options of a command, those of its filters too."""
    for argument in app.app[command].assemble_argument_collection(parse_docstring=True):
        if argument.show and argument.name.startswith("--"):
            yield argument


def own_options(command: str) -> set[str]:
    """Return the options that a command declares by itself."""
    function = app.app[command].default_command
    assert function is not None
    hints = get_type_hints(function, include_extras=True)
    own = {
        name
        for name, parameter in signature(function).parameters.items()
        if parameter.kind is Parameter.KEYWORD_ONLY and hints[name] not in ALIASES
    }
    return {option.name for option in options_of(command) if option.field_info.name in own}


def test_an_option_has_one_type_and_one_help_for_each_of_its_meanings() -> None:
    readings: dict[str, set[tuple[str, str | None]]] = defaultdict(set)
    for command in COMMANDS:
        for option in options_of(command):
            readings[option.name].add((str(option.hint), option.parameter.help))
    several = {name: len(found) for name, found in readings.items() if len(found) > 1}
    assert several == MEANINGS


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_declares_no_option_that_another_one_has(command: str) -> None:
    of_others = {
        option.name for other in COMMANDS if other != command for option in options_of(other)
    }
    assert not own_options(command) & of_others


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_has_its_help(command: str) -> None:
    assert [option.name for option in options_of(command) if not option.parameter.help] == []
