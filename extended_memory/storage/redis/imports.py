"""Contexts of another store: each is put under an id of this one, once for its origin.

To be used within ``Store.use``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from extended_memory.domain import Context, PortableContext, to_milliseconds
from extended_memory.storage.redis import ids, reading, rows
from extended_memory.storage.redis.connection.store import Store
from extended_memory.storage.redis.keys import Keys, member
from extended_memory.storage.redis.search.writes import analyzer_version, impacts_of
from extended_memory.storage.redis.writing import KEEP, new_token


def add(store: Store, context: PortableContext) -> bool:
    """Store a context that was not imported yet; say whether it was not."""
    outcome, context_id = ids.reserve(store, context.project, context.origin)
    if outcome == "known":
        return False
    if outcome == "pending":
        owner = reading.owner(store, context_id)
        if owner not in (None, context.project):
            # It moved to another project since, or now it is to go to another one.
            if _is_stored(store, owner, context_id):
                _settle(store, context.origin, context_id)
                return False
            _, context_id = ids.reserve(store, context.project)
    imported = Context(
        id=context_id,
        project=context.project,
        note=context.note,
        created_at=context.created_at,
        updated_at=context.updated_at,
    )
    forgotten_at = context.forgotten_at
    stored_id = put(
        store,
        imported,
        rows.revisions(context.created_at, context.revisions),
        forgotten_at="" if forgotten_at is None else str(to_milliseconds(forgotten_at)),
    )
    _settle(store, context.origin, stored_id)
    return True


def _is_stored(store: Store, project: str, context_id: int) -> bool:
    return any(
        reading.body(store, project, context_id, place) is not None for place in reading.PLACES
    )


def put(
    store: Store,
    context: Context,
    past: Sequence[str],
    *,
    forgotten_at: str,
    moving: str = "",
    impacts: Mapping[str, int] | None = None,
) -> int:
    """Store a context as it was elsewhere, with its revisions; return the id it has then.

    ``forgotten_at`` is since when it is in the trash, or "". ``moving`` is the member by which
    a move between projects notes it, or ""; ``impacts`` is what its terms weigh, if known.
    """
    while True:
        keys, values = put_request(
            store.keys,
            context,
            past,
            new_token(),
            forgotten_at=forgotten_at,
            moving=moving,
            impacts=impacts,
        )
        (outcome,) = store.run("arrive" if moving else "bring", keys, values)
        if outcome == "stored":
            return context.id
        # The ids' server lost some of its last writes in a failover, and this project's did
        # not; or what was brought by a call that broke off was changed since.
        context = replace(context, id=ids.reserve(store, context.project)[1])


def _settle(store: Store, origin: str, context_id: int) -> None:
    """Note that what came from an origin is stored."""
    store.ask(partial(store.client.hset, store.keys.origins, origin, str(context_id)))


def put_request(
    keys: Keys,
    context: Context,
    past: Sequence[str],
    token: str,
    *,
    forgotten_at: str = "",
    moving: str = "",
    impacts: Mapping[str, int] | None = None,
) -> tuple[list[str], list[str | int]]:
    """Return the keys and the arguments of ``_bring.lua``; see ``put``."""
    tags = () if forgotten_at else context.note.tags
    if impacts is None:
        impacts = {} if forgotten_at else impacts_of(context)
    of_all = [
        *keys.of_context(context.project, context.id),
        *keys.tagged(context.project, tags),
        keys.moves(context.project),
        keys.on_the_way(context.project, context.id),
        *keys.postings(context.project, impacts),
    ]
    return of_all, [
        member(context.id),
        context.note.importance,
        rows.whole(context.note, context.created_at, context.updated_at),
        rows.digest(context.note),
        KEEP,
        token,
        analyzer_version(),
        forgotten_at,
        moving,
        len(tags),
        len(past),
        *tags,
        *past,
        *impacts.values(),
    ]
