"""How contexts move from one project to another, each on its own, and none is lost on the way.

Two projects may lie on two servers of a cluster, so a move is several steps: a context departs,
which takes it out of everything of its project in one script and notes there where it goes; the
whole store is told its new project; it arrives, which puts it into everything of that project and
notes that it has; what it left behind is cleared away. From its departure to its arrival no call
sees it. A call that is killed in between leaves at most one context on the way, and a note of it
where it left: the next call brings it to its project first. The note of the arrival says that it
need not arrive again, also where it was changed or forgotten for good since.
"""

from collections.abc import Mapping
from functools import partial

from extended_memory.storage.redis import imports, reading, rows
from extended_memory.storage.redis.connection.store import Store
from extended_memory.storage.redis.keys import bucket, id_of
from extended_memory.storage.redis.search.writes import analyzer_version, impacts_of
from extended_memory.storage.redis.writing import KEEP, TRIES, new_token, too_busy

_AT_A_TIME = 1_000


def move(store: Store, old: str, new: str) -> int:
    """Move all of a project to another one; return how many contexts that are not in the trash.

    What others save to the old one meanwhile stays there, or this would never end.
    """
    moved = finish(store, old)
    with store.use():
        last = int(store.ask(lambda: store.client.get(store.keys.sequence)) or 0)
    while True:
        contexts, trashed = (_move_all(store, old, new, place, last) for place in reading.PLACES)
        moved += contexts
        with store.use():
            if _is_vacated(store, old, new) or not contexts + trashed:
                return moved


def finish(store: Store, old: str) -> int:
    """Bring what is on the way from a project where it goes; return how many contexts."""
    with store.use():
        key = store.keys.moves(old)
        noted = store.ask(partial(store.client.hgetall, key))
    departed = {name: note for name, note in noted.items() if note}
    for name, note in departed.items():
        with store.use():
            key = store.keys.on_the_way(old, id_of(name))
            body = store.ask(partial(store.client.get, key))
            _arrive(store, old, name, note, body, None)
    return sum(note.startswith(":") for note in departed.values())


def _move_all(store: Store, old: str, new: str, place: reading.Place, last: int) -> int:
    """Move what is in a place and has an id up to the last one; return how many moved."""
    key = store.keys.contexts(old) if place == "contexts" else store.keys.trash(old)
    moved = left = 0
    while True:
        with store.use():
            zrange = partial(store.client.zrange, key, left, left + _AT_A_TIME - 1)
            members = store.ask(zrange)
            if not members:
                return moved
        for name in members:
            with store.use():
                if id_of(name) <= last and _move(store, old, new, name, place):
                    moved += 1
                else:
                    left += 1  # or it was forgotten: then another round finds what is skipped
        with store.use():
            _clear(store, new, "", members)


def _move(store: Store, old: str, new: str, name: str, place: reading.Place) -> bool:
    """Move one context; say whether it was there."""
    context_id, token = id_of(name), new_token()
    for _ in range(TRIES):
        body = reading.body(store, old, context_id, place)
        if body is None:
            return False
        context = store.read(body, context_id, old)
        tags = context.note.tags if place == "contexts" else ()
        impacts = impacts_of(context) if place == "contexts" else {}
        outcome, *note = store.run(
            "depart",
            [
                *store.keys.of_context(old, context_id),
                *store.keys.tagged(old, tags),
                store.keys.moves(old),
                store.keys.on_the_way(old, context_id),
                *store.keys.postings(old, impacts),
            ],
            [
                body,
                name,
                rows.digest(context.note),
                token,
                place,
                new,
                KEEP,
                analyzer_version(),
                *tags,
            ],
        )
        if outcome == 1:
            _arrive(store, old, name, note[0], body, impacts)
        if outcome >= 0:
            return bool(outcome)
    raise too_busy(context_id)


def _arrive(
    store: Store,
    old: str,
    name: str,
    note: str,
    body: str | None,
    impacts: Mapping[str, int] | None,
) -> None:
    """Put a context that has departed into its new project, and clear away what it left.

    Without a body, somebody else was quicker.
    """
    context_id = id_of(name)
    forgotten_at, _, new = note.partition(":")
    past = store.keys.revisions(old, context_id)
    if body is not None:
        context = store.read(body, context_id, new)
        entries = []
        if context.updated_at is not None:
            entries = store.ask(partial(store.client.lrange, past, 0, -1))
        _rehome(store, context_id, old, new)
        imports.put(
            store, context, entries, forgotten_at=forgotten_at, moving=name, impacts=impacts
        )
    _clear(store, old, note, [name], store.keys.on_the_way(old, context_id), past)


def _rehome(store: Store, context_id: int, old: str, new: str) -> None:
    keys = [store.keys.project_of(bucket(context_id)), store.keys.projects]
    store.run("rehome", keys, [context_id, old, new])


def _clear(store: Store, project: str, note: str, members: list[str], *others: str) -> None:
    """Clear away what is noted of moves in a project, if it is still this; see the script."""
    store.run("arrived", [store.keys.moves(project), *others], [note, *members])


def _is_vacated(store: Store, old: str, new: str) -> bool:
    """Hand on the times of a project that everything has left; say whether it has."""
    known = partial(store.client.hmget, store.keys.project(old), "created_at", "last_saved_at")
    times = store.ask(known)
    if None in times:
        return True
    store.run("widen", [store.keys.project(new)], times)
    keys = [store.keys.project(old), store.keys.contexts(old), store.keys.trash(old)]
    return bool(store.run("vacate", keys, times))
