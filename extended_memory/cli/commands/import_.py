"""``import``: brings contexts in from an export of this product, or of another tool."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from os.path import expanduser
from pathlib import Path
from typing import IO, Annotated, Literal

from cyclopts import Parameter

from extended_memory.cli import console, environment, import_report, options
from extended_memory.cli.progress import progress
from extended_memory.transfer import duplicates
from extended_memory.transfer.formats import catalogue
from extended_memory.transfer.formats.item import TransferError
from extended_memory.transfer.importer import Importer, Source

Form = Literal[
    "jsonl",
    "markdown",
    "server-memory",
    "mcp-memory-keeper",
    "basic-memory",
    "mcp-memory-service",
    "openmemory",
    "claude",
]


def import_(
    source: options.Place,
    /,
    *more: options.Place,
    form: Annotated[Form | None, Parameter(name="--from")] = None,
    project: options.IntoProject = "",
    dry_run: options.Switch = False,
    as_json: options.Json = False,
) -> None:
    """Bring contexts in from an export of this product, or of another tool.

    What a source is, is recognised, also compressed with gzip or zip. What is there already, or
    moved to another project, stays as it is, so a second run adds what is new alone, and one that
    was interrupted is completed by the next.

    Parameters
    ----------
    source
        A file or a folder; - is standard input.
    more
        Others.
    form
        What they are, where it is not recognised.
    dry_run
        Say what would be imported, and import nothing.
    """
    with ExitStack() as stack:
        given = [stack.enter_context(_source(name, form or "")) for name in (source, *more)]
        store = stack.enter_context(environment.opened_store(missing="made"))
        into = store.scope.within(project) or ""
        # A trial makes no file, not even an empty one.
        empty = dry_run and environment.is_store_missing()
        there_until = 0
        if not empty:
            store.prepare()  # what the log has to say of the store comes before the bar
            there_until = duplicates.last_id(store)
        importer = Importer(store, into, there_until, dry_run=dry_run, empty=empty)
        doing = "Looking" if dry_run else "Importing"
        tallies = []
        with _completed_later(), progress() as bar:
            for one in given:
                with _readable(one.name):
                    task = bar.add_task(doing, total=one.size or None)
                    tally = importer.run(one, partial(bar.advance, task))
                    tallies.append((one, tally))
    import_report.tell(tallies, dry_run=dry_run, as_json=as_json)


@contextmanager
def _source(name: str, form: str) -> Iterator[Source]:
    """Give a source, unpacked and recognised."""
    with ExitStack() as stack:
        with _readable(name):
            given: Path | IO[bytes] = sys.stdin.buffer
            if name != options.STANDARD:
                given = Path(expanduser(name))
                if not given.exists():
                    raise TransferError(f"There is no {name}.", remedy="check the path.")
            opened = stack.enter_context(catalogue.opened(given, form))
            size = opened.size()
        yield Source(name=name, opened=opened, size=size)


@contextmanager
def _completed_later() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        console.note("What was imported so far stays; the same command imports the rest.")
        raise


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Turn what the system refuses into a sentence."""
    try:
        yield
    except OSError as error:
        raise TransferError(f"{name} cannot be read: {error.strerror or error}.") from error
