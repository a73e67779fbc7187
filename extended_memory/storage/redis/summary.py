"""The numbers of a store: contexts are read in pieces, so that nobody waits for long."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial

from extended_memory.domain import Context, Summary, week_of
from extended_memory.storage.redis import reading
from extended_memory.storage.redis.connection.store import Store
from extended_memory.storage.redis.keys import id_of

_AT_A_TIME = 500


def summary(store: Store, projects: Sequence[str]) -> Summary:
    """Return how much some projects hold."""
    importances: Counter[int] = Counter()
    weeks: Counter[date] = Counter()
    moments = []
    content_bytes = trash_count = revision_count = 0
    for project in projects:
        for ids in _pieces(store, store.keys.contexts(project)):
            with store.use():
                contexts = reading.contexts(store, project, ids)
                revision_count += _revisions(store, contexts)
            importances.update(context.note.importance for context in contexts)
            weeks.update(week_of(context.created_at) for context in contexts)
            content_bytes += sum(len(context.note.content.encode()) for context in contexts)
            if times := [context.created_at for context in contexts]:
                moments += [min(times), max(times)]
                moments = [min(moments), max(moments)]
        for ids in _pieces(store, store.keys.trash(project)):
            with store.use():
                trashed = [forgotten.context for forgotten in reading.trashed(store, project, ids)]
                revision_count += _revisions(store, trashed)
            trash_count += len(trashed)
    return Summary(
        context_count=importances.total(),
        trash_count=trash_count,
        revision_count=revision_count,
        content_bytes=content_bytes,
        by_importance=dict(sorted(importances.items())),
        by_week=tuple(sorted(weeks.items())),
        oldest=moments[0] if moments else None,
        newest=moments[1] if moments else None,
    )


def _pieces(store: Store, key: str) -> Iterator[list[int]]:
    """Give the ids in a ZSET in pieces."""
    start = 0
    while True:
        with store.use():
            zrange = partial(store.client.zrange, key, start, start + _AT_A_TIME - 1)
            members = store.ask(zrange)
        if not members:
            return
        yield [id_of(name) for name in members]
        start += len(members)


def _revisions(store: Store, contexts: Sequence[Context]) -> int:
    """Return how many revisions some contexts of one project have."""
    keys = [
        store.keys.revisions(context.project, context.id)
        for context in contexts
        if context.updated_at is not None
    ]
    if not keys:
        return 0
    return sum(reading.together(store, lambda client: [client.llen(key) for key in keys]))
