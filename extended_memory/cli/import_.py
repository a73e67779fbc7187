"""``import``: brings contexts in from an export of this product, or of another tool."""

import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from os.path import expanduser
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.progress import Progress

from extended_memory.cli import arriving, moving, screen, surroundings
from extended_memory.domain import MAXIMUM_CONTENT_BYTES
from extended_memory.service import MemoryService
from extended_memory.settings import SqliteLocation
from extended_memory.transfer import formats
from extended_memory.transfer.reading import Damaged, Found, Item, LeftOut, TransferError

_STDIN = "-"
_BATCH_BYTES = 4 * 2**20
_SHOWN = 20
"""How many of the places that could not be read are named."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """One thing to import: its name as it was given, where it lies, its form and its size."""

    name: str
    path: Path
    form: formats.Format
    size: int


@dataclass(slots=True, kw_only=True)
class _Tally:
    """What became of a source, counted while it is read."""

    found: int = 0
    new: int = 0
    lost_tags: int = 0
    split: int = 0
    damaged_count: int = 0
    damaged: list[Damaged] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def import_(
    *sources: str,
    form: Annotated[Form | None, Parameter(name="--from")] = None,
    project: str = "",
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    """Bring contexts in from an export of this product, or of another tool.

    What a source is, is recognised. What is there already stays as it is, so a second run adds
    what is new alone, and one that was interrupted is completed by the next.

    Parameters
    ----------
    sources
        Files or folders; - is standard input.
    form
        What the sources are, where it is not recognised.
    project
        Put everything into this project.
    dry_run
        Say what would be imported, and import nothing.
    as_json
        Print the report as one JSON object.
    """
    if not sources:
        raise TransferError("Say what to import: a file, a folder, or - for standard input.")
    with ExitStack() as stack:
        given = [stack.enter_context(_source(name, form or "")) for name in sources]
        memory = stack.enter_context(surroundings.opened())
        into = moving.project_name(project)
        if into or memory.pinned is not None:
            into = memory.project_for(into)
        store = surroundings.settings().storage
        # A trial makes no file, not even an empty one.
        empty = dry_run and isinstance(store, SqliteLocation) and not store.path.exists()
        there_until = 0
        if not empty:
            memory.prepare()  # what the log has to say of the store comes before the bar
            there_until = arriving.last_id(memory)
        importer = _Importer(memory, into, there_until, dry_run=dry_run, empty=empty)
        tallies = []
        with surroundings.progress() as progress:
            for source in given:
                with _readable(source.name):
                    tallies.append((source, importer.run(source, progress)))
    _tell(tallies, dry_run=dry_run, as_json=as_json)


class _Importer:
    """Brings sources into a memory, batch by batch; each context is there whole or not at all."""

    def __init__(
        self, memory: MemoryService, project: str, there_until: int, *, dry_run: bool, empty: bool
    ) -> None:
        self._memory = memory
        self._project = project
        self._there_until = there_until
        self._dry_run = dry_run
        self._empty = empty

    def run(self, source: _Source, progress: Progress) -> _Tally:
        """Import a source; return what became of it."""
        tally = _Tally()
        task = progress.add_task(
            "Looking" if self._dry_run else "Importing", total=source.size or None
        )
        batch: list[Found] = []
        size = 0
        for item in source.form.read(source.path):
            progress.advance(task, isinstance(item, Damaged | LeftOut) or item.part == 1)
            found = _noted(tally, item)
            if found is None:
                continue
            if self._project:
                found = replace(found, context=replace(found.context, project=self._project))
            batch.append(found)
            size += len(found.context.content)
            if len(batch) == moving.BATCH or size > _BATCH_BYTES:
                tally.new += self._bring(batch)
                batch, size = [], 0
        tally.new += self._bring(batch)
        return tally

    def _bring(self, batch: list[Found]) -> int:
        if not batch:
            return 0
        if self._empty:
            return len({found.context.origin for found in batch})
        new = arriving.new_of(self._memory, batch, there_until=self._there_until)
        return len(new) if self._dry_run or not new else self._memory.bring(new)


def _noted(tally: _Tally, item: Item) -> Found | None:
    """Count an item; return it where it is a context."""
    if isinstance(item, LeftOut):
        tally.left_out[item.kind] += 1
        return None
    if isinstance(item, Damaged):
        tally.damaged_count += 1
        if len(tally.damaged) < _SHOWN:
            tally.damaged.append(item)
        return None
    tally.found += 1
    tally.lost_tags += item.lost_tags
    tally.split += item.part == 2
    return item


@contextmanager
def _source(name: str, form: str) -> Iterator[_Source]:
    """Give a source; standard input is kept in a file meanwhile, for it is read twice."""
    with ExitStack() as stack:
        if name == _STDIN:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            path = folder / "standard input"
            with path.open("xb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
        else:
            path = Path(expanduser(name))
        with _readable(name):
            if not path.exists():
                raise TransferError(f"There is no {name}: check the path.")
            recognised = formats.format_of(path, form)
            size = recognised.size(path)
        yield _Source(name=name, path=path, form=recognised, size=size)


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Turn what the system refuses into a sentence."""
    try:
        yield
    except OSError as error:
        raise TransferError(f"{name} cannot be read: {error.strerror or error}.") from error


def _tell(tallies: list[tuple[_Source, _Tally]], *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        screen.show_json(
            {
                "dry_run": dry_run,
                "found": sum(tally.found for _, tally in tallies),
                "imported": sum(tally.new for _, tally in tallies),
                "sources": [_values(source, tally) for source, tally in tallies],
            }
        )
    else:
        for source, tally in tallies:
            screen.say("\n".join(_report(source, tally, dry_run=dry_run)))
    damaged = [(source, tally) for source, tally in tallies if tally.damaged_count]
    if not damaged:
        return
    for source, tally in damaged:
        for one in tally.damaged:
            screen.note(f"{source.name}, {one.place}: {one.why}.")
    count = sum(tally.damaged_count for _, tally in damaged)
    rest = "would be imported" if dry_run else "was imported"
    raise TransferError(f"{count:,} could not be read; the rest {rest}.")


def _values(source: _Source, tally: _Tally) -> dict[str, Any]:
    return {
        "source": source.name,
        "format": source.form.name,
        "found": tally.found,
        "imported": tally.new,
        "there_before": tally.found - tally.new,
        "unreadable": tally.damaged_count,
        "unreadable_places": [{"place": one.place, "why": one.why} for one in tally.damaged],
        "left_out": dict(tally.left_out),
        "lost_tags": tally.lost_tags,
        "split": tally.split,
    }


def _report(source: _Source, tally: _Tally, *, dry_run: bool) -> list[str]:
    done = "would be imported" if dry_run else "imported"
    lines = [
        f"{tally.new:,} of {tally.found:,} contexts {done} from {source.name}, {source.form.title}."
    ]
    if tally.found > tally.new:
        before = "are there" if dry_run else "were there before"
        lines.append(f"{tally.found - tally.new:,} {before}.")
    if tally.split:
        lines.append(
            f"{tally.split:,} were longer than {MAXIMUM_CONTENT_BYTES:,} bytes and became several."
        )
    if tally.lost_tags:
        lines.append(f"{tally.lost_tags:,} tags did not come along: too long, or too many of one.")
    lines += [f"{count:,} left out: {kind}." for kind, count in sorted(tally.left_out.items())]
    return lines
