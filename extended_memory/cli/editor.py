"""A text in a file of its own, for the person's editor."""

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from extended_memory.cli import console
from extended_memory.errors import ExtendedMemoryError


class EditorError(ExtendedMemoryError):
    """The editor cannot be used; the sentence says what to set."""


@contextmanager
def draft(text: str, *, name: str) -> Iterator[Path]:
    """Give a file that holds a text and that its owner alone can read.

    It is removed in the end. Where an error ends the block after the text was changed, the file
    stays, and a line on standard error names it.
    """
    folder = Path(tempfile.mkdtemp(prefix="extended-memory-"))  # of mode 0700
    path = folder / f"{name}.md"
    path.touch(mode=0o600)
    path.write_bytes(text.encode())
    is_kept = False
    try:
        yield path
    except BaseException:
        is_kept = path.exists() and path.read_bytes() != text.encode()
        if is_kept:
            console.note(f"Your text is kept in {path}.")
        raise
    finally:
        if not is_kept:
            shutil.rmtree(folder)


def edit_file(path: Path, command: str) -> str:
    """Open a file in an editor, wait for its end, and return the text of the file.

    Editors end a file with a line end; it is left out where the text had none before.

    Raises:
        EditorError: there is no such editor, it failed, or it saved no UTF-8.
    """
    had_line_end = path.read_bytes().endswith(b"\n")
    words = _split_command(command)
    # Ctrl-C is for the editor; a handler, unlike SIG_IGN, is not passed on to it.
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        ended = subprocess.run([*words, str(path)], check=False)  # noqa: S603  (the person's own)
    except OSError as error:
        raise EditorError(
            f'The editor "{words[0]}" cannot be started.',
            remedy="set EDITOR to one that can, such as nano.",
        ) from error
    finally:
        signal.signal(signal.SIGINT, before)
    if ended.returncode:
        raise EditorError(
            f'The editor "{words[0]}" ended with exit code {ended.returncode}; nothing was changed.'
        )
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError as error:
        raise EditorError("The file was removed in the editor; nothing was changed.") from error
    except UnicodeDecodeError as error:
        raise EditorError(
            "The editor saved no UTF-8.", remedy="set its encoding to UTF-8."
        ) from error
    return text if had_line_end else text.removesuffix("\n").removesuffix("\r")


def _split_command(command: str) -> list[str]:
    """Split a command line into words, as the system's shell does."""
    is_posix = os.name != "nt"
    try:
        words = shlex.split(command, posix=is_posix)
    except ValueError as error:
        raise EditorError(
            f"EDITOR cannot be understood ({error}).", remedy="check its quotes."
        ) from error
    if not words:
        raise EditorError(
            "There is no editor to open it in.", remedy="set EDITOR to yours, such as EDITOR=nano."
        )
    return words if is_posix else [word.strip('"') for word in words]
