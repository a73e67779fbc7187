"""The steps that change a store: an id is reserved, a context is put under it, changed or moved.

On a cluster a save takes two steps, because an id is the whole store's and a context its
project's: they lie on different servers. A crash between them leaves an id that nothing has.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Literal

from extended_memory.domain import (
    Context,
    Note,
    Revision,
    UpdatedContext,
    from_milliseconds,
    to_milliseconds,
)
from extended_memory.errors import (
    StoreError,
)
from extended_memory.storage.contract import MAXIMUM_REPEAT_WINDOW
from extended_memory.storage.redis import rows
from extended_memory.storage.redis.connection.store import Store
from extended_memory.storage.redis.keys import IDS_PER_HASH, LAYOUT, Keys, bucket, id_of, member
from extended_memory.storage.redis.search.writes import analyzer_version, impacts_of
from extended_memory.version import __version__

_MILLISECOND = timedelta(milliseconds=1)
KEEP = MAXIMUM_REPEAT_WINDOW // _MILLISECOND
"""How many milliseconds it is known what was done of late."""

TRIES = 50
"""How often a call looks again where a context changed between two of its steps.

Of several that change one context at once, one succeeds each time they try.
"""

Place = Literal["contexts", "trash"]
PLACES: tuple[Place, ...] = ("contexts", "trash")


class Writer:
    """What changes the contexts of a store; to be used within ``Store.use``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys = store.keys
        self._bucket = 0
        self._next = 0
        self._ahead = timedelta(0)
        """How far the server's clock is ahead of ours, where it was found to be on another day."""

    def reserve(self, project: str, origin: str = "") -> tuple[str, int]:
        """Give a new id, or the one of an origin; see ``scripts/reserve.lua``."""
        while True:
            outcome, number = self._store.run(
                "reserve",
                [*self._keys.of_ids(self._bucket), self._keys.origins],
                [self._bucket, IDS_PER_HASH, project, origin, LAYOUT, __version__],
            )
            if outcome != "elsewhere":
                return outcome, int(number)
            self._bucket = int(number)

    def save(self, project: str, note: Note, *, repeat_within: timedelta) -> Context:
        """Store a note under the next id, with the server's time; return it as stored.

        Or return the context that it repeats.
        """
        if self._next and not self._store.is_cluster:
            # One script instead of two: it is told which id is the next, and does nothing where
            # somebody else was given that one.
            stored = self._put(
                self._next, project, note, repeat_within=repeat_within, is_guess=True
            )
            if stored is not None:
                return stored
        reserved = self.reserve(project)[1]
        return self.put(reserved, project, note, repeat_within=repeat_within)

    def put(
        self, context_id: int, project: str, note: Note, *, repeat_within: timedelta
    ) -> Context:
        """Store a note under the id that was reserved for it; return it as stored.

        It gets the server's time. Or return the context that it repeats.
        """
        while True:
            stored = self._put(context_id, project, note, repeat_within=repeat_within)
            if stored is not None:
                return stored
            # The context that it repeated was forgotten since, or the ids' server lost some of
            # its last writes in a failover, and this project's did not.
            context_id = self.reserve(project)[1]

    def _put(
        self,
        context_id: int,
        project: str,
        note: Note,
        *,
        repeat_within: timedelta,
        is_guess: bool = False,
    ) -> Context | None:
        """Store a note under an id; return None where that cannot be: see ``save.lua``."""
        context, outcome, found = self._ask_to_save(
            context_id, project, note, repeat_within, is_guess=is_guess
        )
        if outcome == "saved":
            self._next = context_id + 1
            return replace(context, created_at=from_milliseconds(int(found[0])))
        if outcome == "other":
            self._next = int(found[0])
        if outcome == "repeated":
            body = self.body(project, id_of(found[1]), "contexts")
            if body is not None:
                return self._store.read(body, id_of(found[1]), project)
        return None

    def _ask_to_save(
        self,
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
            today = datetime.now(timezone.utc) + self._ahead
            context = Context(id=context_id, project=project, note=note, created_at=today)
            keys, values = save_request(
                self._keys, context, token, repeat_within, is_guess=is_guess
            )
            outcome, *found = self._store.run("save", keys, values)
            if outcome != "day":
                return context, outcome, found
            self._ahead = from_milliseconds(int(found[0])) - datetime.now(timezone.utc)

    def bring(
        self,
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
            keys, values = bring_request(
                self._keys,
                context,
                past,
                new_token(),
                forgotten_at=forgotten_at,
                moving=moving,
                impacts=impacts,
            )
            (outcome,) = self._store.run("arrive" if moving else "bring", keys, values)
            if outcome == "stored":
                return context.id
            # The ids' server lost some of its last writes in a failover, and this project's did
            # not; or what was brought by a call that broke off was changed since.
            context = replace(context, id=self.reserve(context.project)[1])

    def settle(self, origin: str, context_id: int) -> None:
        """Note that what came from an origin is stored."""
        self._store.ask(
            partial(self._store.client.hset, self._keys.origins, origin, str(context_id))
        )

    def change(
        self, project: str, context_id: int, place: Place, become: Callable[[Context], Note]
    ) -> UpdatedContext | None:
        """Give a context another note, and take it out of the trash if it is there.

        Return None where it is not in that place. ``become`` may be called again, where the
        context has changed meanwhile.
        """
        token = new_token()
        for _ in range(TRIES):
            body = self.body(project, context_id, place)
            if body is None:
                return None
            old = self._store.read(body, context_id, project)
            note = become(old)
            if note == old.note and place == "contexts":
                return UpdatedContext(context=old, revision=None)
            held = impacts_of(old) if place == "contexts" else {}
            impacts = impacts_of(replace(old, note=note))
            lost = [term for term in held if term not in impacts]
            altered = {term: one for term, one in impacts.items() if held.get(term) != one}
            outcome, *found = self._store.run(
                "change",
                [
                    *self._keys.of_context(project, context_id),
                    *self._keys.tagged(project, (*old.note.tags, *note.tags)),
                    *self._keys.postings(project, (*lost, *altered)),
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
                changed = self._store.read(found[0], context_id, project)
                return UpdatedContext(context=changed, revision=found[1])
            if outcome == 0:
                return None
        raise too_busy(context_id)

    def forget(self, project: str, context_id: int, place: Place, *, permanently: bool) -> bool:
        """Move a context to the trash, or remove it; say whether it was in that place."""
        token = new_token()
        for _ in range(TRIES):
            body = self.body(project, context_id, place)
            if body is None:
                return False
            old = self._store.read(body, context_id, project)
            terms = impacts_of(old) if place == "contexts" else ()
            removed: int = self._store.run(
                "forget",
                [
                    *self._keys.of_context(project, context_id),
                    *self._keys.tagged(project, old.note.tags),
                    *self._keys.postings(project, terms),
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

    def revisions(self, project: str, context_id: int, limit: int) -> tuple[Revision, ...]:
        """Return what a context was before its last changes, the newest first."""
        key = self._keys.revisions(project, context_id)
        entries = self._store.ask(partial(self._store.client.lrange, key, -limit, -1))
        with self._store.sound(context_id):
            return tuple(rows.read_revision(entry) for entry in reversed(entries))

    def revision(self, project: str, context_id: int, number: int) -> Revision | None:
        """Return what a context was before one change."""
        key = self._keys.revisions(project, context_id)
        entry = self._store.ask(partial(self._store.client.lindex, key, number - 1))
        with self._store.sound(context_id):
            return None if entry is None else rows.read_revision(entry)

    def body(self, project: str, context_id: int, place: Place) -> str | None:
        """Return what is stored of a context in a place, None where it is not there."""
        key = (
            self._keys.body(project, context_id)
            if place == "contexts"
            else self._keys.trashed(project, context_id)
        )
        body: str | None = self._store.ask(partial(self._store.client.get, key))
        return body


def save_request(
    keys: Keys, context: Context, token: str, repeat_within: timedelta, *, is_guess: bool = False
) -> tuple[list[str], list[str | int]]:
    """Return the keys and the arguments of ``save.lua``; see ``Writer.put``."""
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


def bring_request(
    keys: Keys,
    context: Context,
    past: Sequence[str],
    token: str,
    *,
    forgotten_at: str = "",
    moving: str = "",
    impacts: Mapping[str, int] | None = None,
) -> tuple[list[str], list[str | int]]:
    """Return the keys and the arguments of ``_bring.lua``; see ``Writer.bring``."""
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
