"""The content of a context as a person gives it."""

import sys

from extended_memory.cli import console, options
from extended_memory.cli.errors import RefusedError
from extended_memory.protocol import arguments


def checked_content(text: str) -> str:
    """Return a content that may be saved.

    Raises:
        RefusedError: it is blank, too long or no Unicode.
    """
    try:
        return str(options.read_argument(arguments.Content, text, name="The text"))
    except ValueError as error:
        raise RefusedError(str(error)) from error


def standard_input() -> str:
    """Read a content from the standard input, without its last line end.

    Raises:
        RefusedError: it is not UTF-8.
    """
    if sys.stdin.isatty():
        console.note("Write what to remember; Ctrl-D on a line of its own ends it.")
    try:
        text = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise RefusedError(
            "The standard input is not UTF-8.", remedy="convert it, with iconv."
        ) from error
    return text.removesuffix("\n").removesuffix("\r")
