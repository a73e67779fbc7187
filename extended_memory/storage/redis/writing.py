"""The steps that change a store: a note is put under an id, changed, moved to the trash.

To be used within ``Store.use``.

On a cluster a save takes two steps, because an id is the whole store's and a context its
project's: they lie on different servers. A crash between them leaves an id that nothing has.
"""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from extended_memory.domain import (
    Context,
    Note,
    UpdatedContext,
    from_milliseconds,
    to_milliseconds,
)
from extended_memory.errors import (
    StoreError,
)
from extended_memory.storage.contract import MAXIMUM_REPEAT_WINDOW
from extended_memory.storage.redis import ids, reading, rows
from extended_memory.storage.redis.connection.store import Store
from extended_memory.storage.redis.keys import LAYOUT, Keys, bucket, id_of, member
from extended_memory.storage.redis.search.writes import analyzer_version, impacts_of
from extended_memory.version import __version__

_MILLISECOND = timedelta(milliseconds=1)
KEEP = MAXIMUM_REPEAT_WINDOW // _MILLISECOND
"""How many milliseconds it is known what was done of late."""

TRIES = 50
"""How often a call looks again where a context changed between two of its steps.

Of several that change one context at once, one succeeds each time they try.
"""


def save(store: Store, project: str, note: Note, *, repeat_within: timedelta) -> Context:
    """Store a note under the next id, with the server's time; return it as stored.

    Or return the context that it repeats.
    """
    if store.hints.next_id and not store.is_cluster:
        # One script instead of two: it is told which id is the next, and does nothing where
        # somebody else was given that one.
        stored = _put(
            store, store.hints.next_id, project, note, repeat_within=repeat_within, is_guess=True
        )
        if stored is not None:
            return stored
    reserved = ids.reserve(store, project)[1]
    return put(store, reserved, project, note, repeat_within=repeat_within)


def put(
    store: Store, context_id: int, project: str, note: Note, *, repeat_within: timedelta
) -> Context:
    """Store a note under the id that was reserved for it; return it as stored.

    It gets the server's time. Or return the context that it repeats.
    """
    while True:
        stored = _put(store, context_id, project, note, repeat_within=repeat_within)
        if stored is not None:
            return stored
        # The context that it repeated was forgotten since, or the ids' server lost some of
        # its last writes in a failover, and this project's did not.
        context_id = ids.reserve(store, project)[1]


def _put(
    store: Store,
    context_id: int,
    project: str,
    note: Note,
    *,
    repeat_within: timedelta,
    is_guess: bool = False,
) -> Context | None:
    """Store a note under an id; return None where that cannot be: see ``save.lua``."""
    context, outcome, found = _ask_to_save(
        store, context_id, project, note, repeat_within, is_guess=is_guess
    )
    if outcome == "saved":
        store.hints.next_id = context_id + 1
        return replace(context, created_at=from_milliseconds(int(found[0])))
    if outcome == "other":
        store.hints.next_id = int(found[0])
    if outcome == "repeated":
        body = reading.body(store, project, id_of(found[1]), "contexts")
        if body is not None:
            return store.read(body, id_of(found[1]), project)
    return None


def _ask_to_save(
    store: Store,
    context_id: int,
    project: str,
    note: Note,
    repeat_within: timedelta,
    *,
    is_guess: bool,
) -> tuple[Context, str, list[str]]:
    """Run ``save.lua``; return the context as it was sent, and the answer.

    A context is found by its date as well, and the server is the one to give it a time: so
    the script says where it is another day there than we took it for.
    """
    token = new_token()
    while True:
        today = datetime.now(timezone.utc) + store.hints.ahead
        context = Context(id=context_id, project=project, note=note, created_at=today)
        keys, values = save_request(store.keys, context, token, repeat_within, is_guess=is_guess)
        outcome, *found = store.run("save", keys, values)
        if outcome != "day":
            return context, outcome, found
        store.hints.ahead = from_milliseconds(int(found[0])) - datetime.now(timezone.utc)


def change(
    store: Store,
    project: str,
    context_id: int,
    place: reading.Place,
    become: Callable[[Context], Note],
) -> UpdatedContext | None:
    """Give a context another note, and take it out of the trash if it is there.

    Return None where it is not in that place. ``become`` may be called again, where the
    context has changed meanwhile.
    """
    token = new_token()
    for _ in range(TRIES):
        body = reading.body(store, project, context_id, place)
        if body is None:
            return None
        old = store.read(body, context_id, project)
        note = become(old)
        if note == old.note and place == "contexts":
            return UpdatedContext(context=old, revision=None)
        held = impacts_of(old) if place == "contexts" else {}
        impacts = impacts_of(replace(old, note=note))
        lost = [term for term in held if term not in impacts]
        altered = {term: one for term, one in impacts.items() if held.get(term) != one}
        outcome, *found = store.run(
            "change",
            [
                *store.keys.of_context(project, context_id),
                *store.keys.tagged(project, (*old.note.tags, *note.tags)),
                *store.keys.postings(project, (*lost, *altered)),
            ],
            [
                body,
                member(context_id),
                rows.digest(old.note),
                token,
                place,
                note.importance,
                "" if note == old.note else rows.rest(note),
                rows.digest(note),
                KEEP,
                analyzer_version(),
                len(old.note.tags),
                len(note.tags),
                len(lost),
                *old.note.tags,
                *note.tags,
                *altered.values(),
            ],
        )
        if outcome == 1:
            changed = store.read(found[0], context_id, project)
            return UpdatedContext(context=changed, revision=found[1])
        if outcome == 0:
            return None
    raise too_busy(context_id)


def forget(
    store: Store, project: str, context_id: int, place: reading.Place, *, permanently: bool
) -> bool:
    """Move a context to the trash, or remove it; say whether it was in that place."""
    token = new_token()
    for _ in range(TRIES):
        body = reading.body(store, project, context_id, place)
        if body is None:
            return False
        old = store.read(body, context_id, project)
        terms = impacts_of(old) if place == "contexts" else ()
        removed: int = store.run(
            "forget",
            [
                *store.keys.of_context(project, context_id),
                *store.keys.tagged(project, old.note.tags),
                *store.keys.postings(project, terms),
            ],
            [
                body,
                member(context_id),
                rows.digest(old.note),
                token,
                place,
                "" if permanently else "trash",
                KEEP,
                analyzer_version(),
                *old.note.tags,
            ],
        )
        if removed >= 0:
            return bool(removed)
    raise too_busy(context_id)


def save_request(
    keys: Keys, context: Context, token: str, repeat_within: timedelta, *, is_guess: bool = False
) -> tuple[list[str], list[str | int]]:
    """Return the keys and the arguments of ``save.lua``; see ``put``."""
    impacts = impacts_of(context)
    first, last = _day(context.created_at)
    of_all = [
        *keys.of_context(context.project, context.id),
        *keys.tagged(context.project, context.note.tags),
        *(keys.of_ids(bucket(context.id)) if is_guess else ()),
        *keys.postings(context.project, impacts),
    ]
    return of_all, [
        member(context.id),
        context.note.importance,
        rows.rest(context.note),
        rows.digest(context.note),
        repeat_within // _MILLISECOND,
        KEEP,
        token,
        analyzer_version(),
        first,
        last,
        context.id if is_guess else "",
        context.project,
        LAYOUT,
        __version__,
        len(context.note.tags),
        *context.note.tags,
        *impacts.values(),
    ]


def _day(moment: datetime) -> tuple[int, int]:
    """Return the first and the last millisecond of a day in UTC."""
    first = to_milliseconds(moment.replace(hour=0, minute=0, second=0, microsecond=0))
    return first, first + timedelta(days=1) // _MILLISECOND - 1


def new_token() -> str:
    """Return what tells a call from every other one; no digest looks like it."""
    return f"call:{secrets.token_hex(8)}"


def too_busy(context_id: int) -> StoreError:
    """Return the refusal of a call that others were quicker than again and again."""
    return StoreError(
        f"#{context_id} was changed by others again and again, so it was left as it is.",
        remedy="try again.",
    )
