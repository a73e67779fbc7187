"""Brings exports into a store, and counts what became of each."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from extended_memory.store_service import StoreService
from extended_memory.transfer import duplicates
from extended_memory.transfer.duplicates import Place
from extended_memory.transfer.formats import catalogue
from extended_memory.transfer.formats.item import Damaged, Found, Item, LeftOut

_BATCH = 200
"""How many contexts are held at once, each with all of its earlier texts."""

_BATCH_BYTES = 4 * 2**20

_SHOWN = 20
"""How many of the places that could not be read are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One thing to import: its name as it was given, what it is, and its size."""

    name: str
    opened: catalogue.Opened
    size: int


@dataclass(slots=True, kw_only=True)
class Tally:
    """The fate of a source's contexts, counted while it is read."""

    found: int = 0
    new: int = 0
    places: Counter[Place] = field(default_factory=Counter)
    """Where what is not new is."""
    lost_tags: int = 0
    undated: int = 0
    split: int = 0
    damaged_count: int = 0
    damaged: list[Damaged] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def note(self, item: Item) -> None:
        """Count what a reader gave."""
        if isinstance(item, Found):
            self.found += 1
            self.lost_tags += item.lost_tags
            self.undated += item.is_undated
            self.split += item.part == 2
        elif isinstance(item, LeftOut):
            self.left_out[item.kind] += 1
        else:
            self.damaged_count += 1
            if len(self.damaged) < _SHOWN:
                self.damaged.append(item)


class Importer:
    """Brings sources into a store, batch by batch; each context is there whole or not at all.

    Args:
        store: The store; what it holds already stays as it is.
        project: The project that everything is put into, "" for its own.
        there_until: The last id before the import, as ``duplicates.last_id`` gives it.
        dry_run: Count what would be imported, and import nothing.
        empty: There is no store yet, so that everything would be new.
    """

    def __init__(
        self, store: StoreService, project: str, there_until: int, *, dry_run: bool, empty: bool
    ) -> None:
        self._store = store
        self._project = project
        self._there_until = there_until
        self._dry_run = dry_run
        self._empty = empty

    def run(self, source: Source, advance: Callable[[int], object]) -> Tally:
        """Import a source; return what became of it.

        Args:
            source: What is read.
            advance: Is told how many more of ``source.size`` things were read.

        Raises:
            TransferError: it is not what it seemed to be.
            OSError: it cannot be read on.
        """
        tally = Tally()
        batch: list[Found] = []
        size = 0
        for item in source.opened.items():
            advance(not isinstance(item, Found) or item.part == 1)
            tally.note(item)
            if not isinstance(item, Found):
                continue
            found = item
            if self._project:
                found = replace(found, context=replace(found.context, project=self._project))
            batch.append(found)
            size += len(found.context.note.content)
            if len(batch) == _BATCH or size > _BATCH_BYTES:
                self._add(batch, tally)
                batch, size = [], 0
        self._add(batch, tally)
        return tally

    def _add(self, batch: list[Found], tally: Tally) -> None:
        if self._empty:
            tally.new += len({found.context.origin for found in batch})
        elif batch:
            new, places = duplicates.sorted_out(
                self._store, batch, within=self._project, there_until=self._there_until
            )
            tally.places.update(places)
            tally.new += len(new) if self._dry_run or not new else self._store.add_imported(new)
