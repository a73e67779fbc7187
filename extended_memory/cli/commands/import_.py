"""``import``: brings contexts in from an export of this product, or of another tool."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from os.path import expanduser
from pathlib import Path
from typing import IO, Annotated, Literal

from cyclopts import Parameter
from rich.progress import Progress

from extended_memory.cli import console, environment, import_report, moving
from extended_memory.cli.import_report import Source, Tally
from extended_memory.cli.progress import progress
from extended_memory.store_service import StoreService
from extended_memory.transfer import duplicates
from extended_memory.transfer.formats import catalogue
from extended_memory.transfer.formats.item import Found, TransferError

_BATCH_BYTES = 4 * 2**20

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
    source: moving.Place,
    /,
    *more: moving.Place,
    form: Annotated[Form | None, Parameter(name="--from")] = None,
    project: str = "",
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
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
    project
        Put everything into this project that is not there, whatever other projects hold.
    dry_run
        Say what would be imported, and import nothing.
    as_json
        Print the report as one JSON object.
    """
    with ExitStack() as stack:
        given = [stack.enter_context(_source(name, form or "")) for name in (source, *more)]
        store = stack.enter_context(environment.opened_store(missing="made"))
        into = moving.project_name(project)
        into = store.scope.within(into) or ""
        # A trial makes no file, not even an empty one.
        empty = dry_run and environment.is_empty_place()
        there_until = 0
        if not empty:
            store.prepare()  # what the log has to say of the store comes before the bar
            there_until = duplicates.last_id(store)
        importer = _Importer(store, into, there_until, dry_run=dry_run, empty=empty)
        tallies = []
        with _completed_later(), progress() as bar:
            for one in given:
                with _readable(one.name):
                    tallies.append((one, importer.run(one, bar)))
    import_report.tell(tallies, dry_run=dry_run, as_json=as_json)


class _Importer:
    """Brings sources into a store, batch by batch; each context is there whole or not at all."""

    def __init__(
        self, store: StoreService, project: str, there_until: int, *, dry_run: bool, empty: bool
    ) -> None:
        self._store = store
        self._project = project
        self._there_until = there_until
        self._dry_run = dry_run
        self._empty = empty

    def run(self, source: Source, bar: Progress) -> Tally:
        """Import a source; return what became of it."""
        tally = Tally()
        task = bar.add_task("Looking" if self._dry_run else "Importing", total=source.size or None)
        batch: list[Found] = []
        size = 0
        for item in source.opened.items():
            bar.advance(task, not isinstance(item, Found) or item.part == 1)
            tally.note(item)
            if not isinstance(item, Found):
                continue
            found = item
            if self._project:
                found = replace(found, context=replace(found.context, project=self._project))
            batch.append(found)
            size += len(found.context.note.content)
            if len(batch) == moving.BATCH or size > _BATCH_BYTES:
                self._bring(batch, tally)
                batch, size = [], 0
        self._bring(batch, tally)
        return tally

    def _bring(self, batch: list[Found], tally: Tally) -> None:
        if self._empty:
            tally.new += len({found.context.origin for found in batch})
        elif batch:
            new, places = duplicates.sorted_out(
                self._store, batch, within=self._project, there_until=self._there_until
            )
            tally.places.update(places)
            tally.new += len(new) if self._dry_run or not new else self._store.add_imported(new)


@contextmanager
def _source(name: str, form: str) -> Iterator[Source]:
    """Give a source, unpacked and recognised."""
    with ExitStack() as stack:
        with _readable(name):
            given: Path | IO[bytes] = sys.stdin.buffer
            if name != moving.STANDARD:
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
