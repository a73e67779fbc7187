"""Copies one store into another, batch by batch."""

from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile

from extended_memory.domain import PortableContext
from extended_memory.store_service import StoreService
from extended_memory.transfer.snapshot import batches, everything
from extended_memory.transfer.verification import Copied


def copy_store(
    old: StoreService, store: StoreService, advance: Callable[[int], object], *, only: str = ""
) -> Copied:
    """Copy a store into another one; return what was copied.

    Args:
        old: The first store, which is only read.
        store: The second one. It leaves out what it holds already.
        advance: Is told how many more contexts outside of the trash were read.
        only: The one project that is copied, "" for all.
    """
    copied = Copied()
    last = 0
    for batch in batches(everything(old)):
        # A context lies there under its own id where both are one store, or where one began as a
        # copy of the other's file.
        there = _between(store, last, max(batch))
        last = max(batch)
        some = {number: one for number, one in batch.items() if only in ("", one.project)}
        missing = {number: one for number, one in some.items() if there.get(number) != one}
        for number, one in missing.items():
            if one.unstorable_time is not None:
                copied.refused.append(number)
                del some[number]
        takable = [one for number, one in missing.items() if number in some]
        copied.add(list(some.values()), store.add_imported(takable))
        advance(sum(one.forgotten_at is None for one in some.values()))
    return copied


def copy_batches(
    read: Iterable[Sequence[PortableContext]],
    store: StoreService,
    advance: Callable[[int], object],
    *,
    only: str = "",
) -> Copied:
    """Copy contexts that were read elsewhere into a store, as ``copy_store`` does."""
    copied = Copied()
    for contexts in read:
        some = [context for context in contexts if only in ("", context.project)]
        copied.add(some, store.add_imported(some))
        advance(len(contexts))
    return copied


def _between(store: StoreService, after: int, last: int) -> dict[int, PortableContext]:
    """Return what has an id in a range."""
    return dict(takewhile(lambda each: each[0] <= last, everything(store, after=after)))
