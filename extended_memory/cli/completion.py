"""``--install-completion``: where its script may go."""

from pathlib import Path

from extended_memory import output
from extended_memory.cli import environment
from extended_memory.output import OutputError
from extended_memory.storage.backends import store_files

_FIRST_BYTES = 200


def require_free(path: Path) -> None:
    """Refuse to write a script over the memory, or over a file that is no such script.

    Raises:
        OutputError: it would be.
    """
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True)  # as cyclopts would: `nosuch/..` leads somewhere then
        to = output.target(path, store=store_files(environment.settings().storage))
        if to.is_taken and not _is_script(to.path):
            raise OutputError(
                f"{to.name} is there and is no completion of this program, so it was left as it "
                "is.",
                remedy="name another file.",
            )
    except OSError as error:
        raise refusal(path, error) from error


def refusal(path: Path | None, error: OSError) -> OutputError:
    """Return what the system refuses as a sentence."""
    name = path.name if path else "The script"
    return OutputError(
        f"{name} cannot be written: {error.strerror or error}. Name another file with --output."
    )


def _is_script(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.readline(_FIRST_BYTES)
    return first.startswith(b"#") and b"extended-memory-mcp" in first
