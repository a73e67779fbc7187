"""The user's own instructions: a text or Markdown file, read at each first load."""

from pathlib import Path

from extended_memory import placeholders
from extended_memory.domain import CustomInstructions

MAXIMUM_BYTES = 64 * 1024


def read(path: Path | None) -> CustomInstructions:
    """Read the file that CUSTOM_INSTRUCTION_PATH names; nothing here breaks a load."""
    if path is None:
        return CustomInstructions()
    try:
        if path.exists() and not path.is_file():
            return _problem("is no file")
        with path.open("rb") as file:  # at most one byte too many, however large the file is
            content = file.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        if found := placeholders.in_path(str(path)):
            return _problem(f'is not there: nothing has replaced "{found.text}" in its path')
        return _problem(f"cannot be read ({error.strerror or 'input/output error'})")
    if len(content) > MAXIMUM_BYTES:
        return _problem(f"has more than {MAXIMUM_BYTES:,} bytes")
    try:
        return CustomInstructions(text=content.decode("utf-8-sig").strip())
    except UnicodeDecodeError:
        return _problem("is not text in UTF-8")


def _problem(what: str) -> CustomInstructions:
    return CustomInstructions(
        problem=f"Custom instructions were not loaded: the file of CUSTOM_INSTRUCTION_PATH {what}."
    )
