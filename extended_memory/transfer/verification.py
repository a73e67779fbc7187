"""The verification of a copy: is everything in the store that was copied into it?"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from extended_memory.domain import PortableContext, to_milliseconds
from extended_memory.store_service import StoreService
from extended_memory.transfer.snapshot import everything


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The outcome of a verification, in numbers of contexts."""

    same: int
    """They are there exactly as they were given."""
    changed: int
    """They were there before, and became something else in one of both stores since."""
    missing: int
    """They were given and are not there: the copy is not whole."""


class Copied:
    """The contexts given to a store, remembered by hashes, to be compared with those it holds."""

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
