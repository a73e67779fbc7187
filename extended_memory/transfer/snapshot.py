"""A whole store, as another one takes it: its contexts and its trash, with what they were."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from heapq import merge
from itertools import islice

from extended_memory.domain import Context, PortableContext, Revision, to_milliseconds
from extended_memory.store_service import StoreService
from extended_memory.transfer.origins import origin_of

BATCH = 500

Listed = tuple[Context, datetime | None]
"""A context, and since when it is in the trash."""


def everything(
    store: StoreService, *, after: int = 0, project: str = ""
) -> Iterator[tuple[int, PortableContext]]:
    """Give what has an id above one, with its id, by rising id; perhaps of one project."""
    contexts, trash = _contexts(store, after, project), _trash(store, after, project)
    both = merge(contexts, trash, key=lambda each: each[0].id)
    while some := list(islice(both, BATCH)):
        revised = store.revisions_of([context.id for context, _ in some])
        for context, forgotten_at in some:
            yield context.id, _portable(context, revised.get(context.id, ()), forgotten_at)


def batches(found: Iterator[tuple[int, PortableContext]]) -> Iterator[dict[int, PortableContext]]:
    """Give what is found in portions that a store takes at once."""
    while some := dict(islice(found, BATCH)):
        yield some


def _contexts(store: StoreService, after: int, project: str) -> Iterator[Listed]:
    while contexts := store.contexts_after(after=after, limit=BATCH, project=project):
        yield from ((context, None) for context in contexts)
        after = contexts[-1].id


def _trash(store: StoreService, after: int, project: str) -> Iterator[Listed]:
    while trashed := store.trash_after(after=after, limit=BATCH, project=project):
        yield from ((one.context, one.forgotten_at) for one in trashed)
        after = trashed[-1].context.id


def _portable(
    context: Context, revisions: tuple[Revision, ...], forgotten_at: datetime | None
) -> PortableContext:
    return PortableContext(
        origin=origin_of(context.id, context.created_at, context.note.content, revisions),
        project=context.project,
        note=context.note,
        created_at=context.created_at,
        updated_at=context.updated_at,
        revisions=revisions,
        forgotten_at=forgotten_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What was found of a copy in the store that it went to."""

    same: int
    """So many are there exactly as they were given."""
    changed: int
    """So many were there before, and have become something else in one of both stores since."""
    missing: int
    """So many were given and are not there: the copy is not whole."""


class Copied:
    """What was given to a store, remembered by digests, to be compared with what it holds then."""

    def __init__(self) -> None:
        self.found = self.new = self.in_trash = 0
        """How many there were, how many the store did not have, how many are in the trash."""
        self.refused: list[int] = []
        """The ids of those whose times no store takes; they are not among the found."""
        self._batches: list[tuple[list[int], int]] = []

    def add(self, contexts: Sequence[PortableContext], new: int) -> None:
        """Take note of a batch, and of how many of it the store did not have."""
        self.found += len(contexts)
        self.new += new
        self.in_trash += sum(context.forgotten_at is not None for context in contexts)
        self._batches.append(([_digest(context) for context in contexts], new))

    def compared(self, store: StoreService, advance: Callable[[], object]) -> Comparison:
        """Read a store and compare; ``advance`` is called for each context outside the trash."""
        there: Counter[int] = Counter()
        for _, context in everything(store):
            there[_digest(context)] += 1
            if context.forgotten_at is None:
                advance()
        same = changed = missing = 0
        for digests, new in self._batches:
            unlike = 0
            for digest in digests:
                unlike += not there[digest]
                there[digest] -= there[digest] > 0
            # What was there before may have been changed, or forgotten, in either store.
            changed_here = min(unlike, len(digests) - new)
            same, changed = same + len(digests) - unlike, changed + changed_here
            missing += unlike - changed_here
        return Comparison(same=same, changed=changed, missing=missing)


def _digest(context: PortableContext) -> int:
    """Return 64 bits of everything about a context but where it came from."""
    values = (
        context.project,
        context.note,
        _milliseconds(context.created_at),
        _milliseconds(context.updated_at),
        _milliseconds(context.forgotten_at),
        [(past.note, _milliseconds(past.replaced_at)) for past in context.revisions],
    )
    return int.from_bytes(blake2b(repr(values).encode(), digest_size=8).digest(), "big")


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else to_milliseconds(moment)
