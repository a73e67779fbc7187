"""A whole store, as another one takes it: its contexts and its trash, with what they were."""

from collections.abc import Iterator
from datetime import datetime
from heapq import merge
from itertools import islice

from extended_memory.domain import Context, PortableContext, Revision
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
