"""Reads by id: contexts, trash, revisions, origins, and the project an id belongs to.

To be used within ``Store.use``.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Literal, TypeVar

from extended_memory.domain import (
    Context,
    ForgottenContext,
    Project,
    Revision,
    Standing,
    from_milliseconds,
    to_milliseconds,
)
from extended_memory.storage.redis import rows
from extended_memory.storage.redis.connection.client import Client
from extended_memory.storage.redis.connection.store import Store
from extended_memory.storage.redis.keys import bucket, id_of, member

_PROJECTS_AT_A_TIME = 1_000
"""How many projects are asked for before others get a turn."""

_LISTS_AT_A_TIME = 100
"""How many lists of revisions are asked for at once."""

PENDING = "pending:"
"""The prefix of an origin's id until its context is stored."""

Place = Literal["contexts", "trash"]
PLACES: tuple[Place, ...] = ("contexts", "trash")

_T = TypeVar("_T")


def contexts(store: Store, project: str, ids: Sequence[int]) -> tuple[Context, ...]:
    """Return the contexts of these ids that are still there, in their order."""
    found = _bodies(store, [store.keys.body(project, context_id) for context_id in ids])
    return tuple(
        store.read(body, context_id, project)
        for context_id, body in zip(ids, found, strict=True)
        if body is not None
    )


def trashed(store: Store, project: str, ids: Sequence[int]) -> tuple[ForgottenContext, ...]:
    """Return what is in the trash under these ids, in their order."""
    if not ids:
        return ()
    key, members = store.keys.trash(project), [member(context_id) for context_id in ids]
    marks = store.ask(partial(store.client.zmscore, key, members))
    there = {one: mark for one, mark in zip(ids, marks, strict=True) if mark is not None}
    found = _bodies(store, [store.keys.trashed(project, context_id) for context_id in there])
    return tuple(
        ForgottenContext(
            context=store.read(body, context_id, project),
            forgotten_at=from_milliseconds(int(since)),
        )
        for (context_id, since), body in zip(there.items(), found, strict=True)
        if body is not None  # it was not restored since
    )


def revisions_of(
    store: Store, ids: Sequence[int], projects: Collection[str] | None
) -> dict[int, tuple[Revision, ...]]:
    """Return the revisions, oldest first, of those that have any."""
    owned = [each for each in owners(store, ids).items() if projects is None or each[1] in projects]
    revised: dict[int, tuple[Revision, ...]] = {}
    for start in range(0, len(owned), _LISTS_AT_A_TIME):
        some = owned[start : start + _LISTS_AT_A_TIME]
        keys = [store.keys.revisions(owner, context_id) for context_id, owner in some]
        lists = _lists(store, keys)
        for (context_id, _), entries in zip(some, lists, strict=True):
            if entries:
                with store.sound(context_id):
                    revised[context_id] = tuple(map(rows.read_revision, entries))
    return revised


def all_after(
    store: Store,
    after: int,
    limit: int,
    projects: Collection[str] | None,
    fetch: Callable[[str, Sequence[int]], Sequence[_T]],
) -> list[_T]:
    """Return at least ``limit`` of what lies under ids above one, or all that is left.

    ``fetch`` gives what a project has under some ids. Whatever has a lower id than the rest
    is among what is returned; it is in no order.
    """
    found: list[_T] = []
    last = int(store.ask(lambda: store.client.get(store.keys.sequence)) or 0)
    for number in range(bucket(after + 1), bucket(last) + 1):
        key = store.keys.project_of(number)
        owned = store.ask(partial(store.client.hgetall, key))
        ids: dict[str, list[int]] = {}
        for context_id in sorted(int(field) for field in owned):
            if context_id > after:
                ids.setdefault(owned[str(context_id)], []).append(context_id)
        for project, of_project in ids.items():
            if projects is None or project in projects:
                found += fetch(project, of_project)
        if len(found) >= limit:
            break
    return found


def imported_origins(store: Store, origins: Sequence[str]) -> dict[str, Standing]:
    """Return where the contexts of origins are; of what is pending, only what is stored."""
    if not origins:
        return {}
    notes = store.ask(partial(store.client.hmget, store.keys.origins, origins))
    noted = {one: note for one, note in zip(origins, notes, strict=True) if note is not None}
    ids = {one: int(note.removeprefix(PENDING)) for one, note in noted.items()}
    owned = owners(store, list(ids.values()))
    found = together(
        store,
        lambda client: [
            client.exists(key)
            for context_id, owner in owned.items()
            for key in (
                store.keys.body(owner, context_id),
                store.keys.trashed(owner, context_id),
            )
        ],
    )
    places: dict[int, Literal["contexts", "trash", "gone"]] = {}
    for context_id, body, trashed in zip(owned, found[::2], found[1::2], strict=True):
        places[context_id] = "contexts" if body else "trash" if trashed else "gone"
    return {
        origin: Standing(place=place, project=owned.get(ids[origin]))
        for origin, note in noted.items()
        for place in [places.get(ids[origin], "gone")]
        if place != "gone" or not note.startswith(PENDING)
    }


def owner(store: Store, context_id: int) -> str | None:
    """Return the project that an id is in, None where it was never given."""
    key = store.keys.project_of(bucket(context_id))
    owner: str | None = store.ask(partial(store.client.hget, key, str(context_id)))
    return owner


def owners(store: Store, ids: Sequence[int]) -> dict[int, str]:
    """Return the projects that ids are in."""
    fields = [(store.keys.project_of(bucket(one)), str(one)) for one in ids]
    found = together(store, lambda client: [client.hget(*field) for field in fields])
    each = zip(ids, found, strict=True)
    return {context_id: owner for context_id, owner in each if owner is not None}


def project_names(
    store: Store,
) -> list[str]:
    """Return the names of projects, also of those that hold nothing any more, sorted."""
    return sorted(store.ask(partial(store.client.smembers, store.keys.projects)))


def together(store: Store, questions: Callable[[Client], object]) -> list[Any]:
    """Return the answers to several questions that are sent at once."""

    def ask() -> list[Any]:
        with store.client.pipeline(transaction=False) as pipeline:
            questions(pipeline)
            replies: list[Any] = pipeline.execute()
            return replies

    return store.ask(ask)


def _lists(store: Store, keys: Sequence[str]) -> list[list[str]]:
    return together(store, lambda client: [client.lrange(key, 0, -1) for key in keys])


def _bodies(store: Store, keys: Sequence[str]) -> list[str | None]:
    if not keys:
        return []
    found: list[str | None] = store.ask(lambda: store.client.mget(keys))
    for key in [key for key, body in zip(keys, found, strict=True) if body is None]:
        # MGET gives nothing also where something else lies under the key; GET says so.
        store.ask(partial(store.client.get, key))
    return found


def trash(store: Store, names: Sequence[str], limit: int) -> tuple[ForgottenContext, ...]:
    """Return what is in the trash of some projects, the last forgotten first."""
    found = sorted(
        (
            (moment, id_of(name), owner)
            for owner in names
            for name, moment in store.ask(
                partial(
                    store.client.zrevrangebyscore,
                    store.keys.trash(owner),
                    "+inf",
                    "-inf",
                    start=0,
                    num=limit,
                    withscores=True,
                )
            )
        ),
        reverse=True,
    )[:limit]
    return tuple(
        forgotten
        for _, context_id, owner in found
        for forgotten in trashed(store, owner, [context_id])
    )


def forgotten_before(store: Store, project: str, moment: datetime) -> list[int]:
    """Return the ids of what came into the trash of a project before a time."""
    key, end = store.keys.trash(project), f"({to_milliseconds(moment)}"
    names = store.ask(partial(store.client.zrangebyscore, key, "-inf", end))
    return [id_of(name) for name in names]


def projects(store: Store, names: Sequence[str]) -> list[Project]:
    """Return those of the projects that hold contexts, in the order of the names."""
    return [
        project
        for start in range(0, len(names), _PROJECTS_AT_A_TIME)
        for project in _projects(store, names[start : start + _PROJECTS_AT_A_TIME])
    ]


def body(store: Store, project: str, context_id: int, place: Place) -> str | None:
    """Return what is stored of a context in a place, None where it is not there."""
    key = (
        store.keys.body(project, context_id)
        if place == "contexts"
        else store.keys.trashed(project, context_id)
    )
    body: str | None = store.ask(partial(store.client.get, key))
    return body


def revisions(store: Store, project: str, context_id: int, limit: int) -> tuple[Revision, ...]:
    """Return what a context was before its last changes, the newest first."""
    key = store.keys.revisions(project, context_id)
    entries = store.ask(partial(store.client.lrange, key, -limit, -1))
    with store.sound(context_id):
        return tuple(rows.read_revision(entry) for entry in reversed(entries))


def revision(store: Store, project: str, context_id: int, number: int) -> Revision | None:
    """Return what a context was before one change."""
    key = store.keys.revisions(project, context_id)
    entry = store.ask(partial(store.client.lindex, key, number - 1))
    with store.sound(context_id):
        return None if entry is None else rows.read_revision(entry)


def _projects(store: Store, names: Sequence[str]) -> list[Project]:
    def ask_each(client: Client) -> list[Any]:
        asked: list[Any] = []
        for name in names:
            asked.append(client.zcard(store.keys.contexts(name)))
            asked.append(client.hmget(store.keys.project(name), "created_at", "last_saved_at"))
        return asked

    def ask() -> list[Any]:
        if store.is_cluster:
            # Its pipeline would ask again for each name, and wait each time, if a node hangs.
            return ask_each(store.client)
        with store.client.pipeline(transaction=False) as pipeline:
            ask_each(pipeline)
            replies: list[Any] = pipeline.execute()
            return replies

    found = store.ask(ask)
    return [
        Project(
            name=name,
            context_count=count,
            created_at=from_milliseconds(int(created_at)),
            last_saved_at=from_milliseconds(int(last_saved_at)),
        )
        for name, count, (created_at, last_saved_at) in zip(
            names, found[::2], found[1::2], strict=True
        )
        if count and created_at and last_saved_at  # a server that may evict drops any key
    ]
