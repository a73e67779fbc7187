"""``--install-completion``: the files that its script may be written to."""

from pathlib import Path

from extended_memory import output
from extended_memory.cli import environment
from extended_memory.output import OutputError
from extended_memory.storage.backends import store_files

_FIRST_BYTES = 200


def require_free(path: Path) -> None:
    """Refuse a path that the script must not be written to.

    Raises:
        OutputError: it is a file of the memory, or is there and no such script.
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
    """Return the error for a script that the system does not let be written."""
    name = path.name if path else "The script"
    return OutputError(
        f"{name} cannot be written: {error.strerror or error}. Name another file with --output."
    )


def _is_script(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.readline(_FIRST_BYTES)
    return first.startswith(b"#") and b"extended-memory-mcp" in first
