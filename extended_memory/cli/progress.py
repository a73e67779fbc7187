"""The progress of a command, as a bar on standard error; in a pipe, nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def shown_progress(task: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar for one task; give a function that takes what is done, and the total.

    A total of 0 is one that is not known.
    """
    with shown_steps(task) as tell:
        yield partial(tell, task)


@contextmanager
def shown_steps(first: str) -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar for several steps, one after the other.

    The function that is given takes the step, what is done of it, and its total, 0 if unknown.
    """
    with progress() as bar:
        shown = bar.add_task(first, total=None)

        def tell(step: str, done: int, total: int) -> None:
            bar.update(shown, description=step.capitalize(), completed=done, total=total or None)

        yield tell


def progress() -> Progress:
    """Return a bar with the count and the time that is left, on stderr; in a pipe, nothing."""
    console = Console(stderr=True, emoji=False)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
