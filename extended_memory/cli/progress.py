"""The progress of a command, as a bar on standard error; in a pipe, nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Tell(Protocol):
    """Takes how much is done of how much, 0 where that is not known, and what is being done."""

    def __call__(self, done: int, total: int, *, what: str = "") -> None:
        """Show it."""


@contextmanager
def shown_progress(what: str) -> Iterator[Tell]:
    """Show what is being done; give what is told of it."""
    with progress() as bar:
        task = bar.add_task(what, total=None)

        def tell(done: int, total: int, *, what: str = what) -> None:
            bar.update(task, description=what, completed=done, total=total or None)

        yield tell


def progress() -> Progress:
    """Return a bar with the count and the time that is left, on stderr; in a pipe, nothing."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
