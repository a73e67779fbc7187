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

from extended_memory.storage.redis import rows
from extended_memory.storage.redis.connection.store import Store
from extended_memory.storage.redis.keys import bucket, id_of
from extended_memory.storage.redis.search.writes import analyzer_version, impacts_of
from extended_memory.storage.redis.writing import (
    KEEP,
    PLACES,
    TRIES,
    Place,
    Writer,
    new_token,
    too_busy,
)

_AT_A_TIME = 1_000


class Mover:
    """What moves the contexts of a store; each step within a ``Store.use`` of its own."""

    def __init__(self, store: Store, writer: Writer) -> None:
        self._store = store
        self._keys = store.keys
        self._writer = writer

    def move(self, old: str, new: str) -> int:
        """Move all of a project to another one; return how many contexts that are not in the trash.

        What others save to the old one meanwhile stays there, or this would never end.
        """
        moved = self.finish(old)
        with self._store.use():
            last = int(self._store.ask(lambda: self._store.client.get(self._keys.sequence)) or 0)
        while True:
            contexts, trashed = (self._move_all(old, new, place, last) for place in PLACES)
            moved += contexts
            with self._store.use():
                if self._is_vacated(old, new) or not contexts + trashed:
                    return moved

    def finish(self, old: str) -> int:
        """Bring what is on the way from a project where it goes; return how many contexts."""
        with self._store.use():
            key = self._keys.moves(old)
            noted = self._store.ask(partial(self._store.client.hgetall, key))
        departed = {name: note for name, note in noted.items() if note}
        for name, note in departed.items():
            with self._store.use():
                key = self._keys.on_the_way(old, id_of(name))
                body = self._store.ask(partial(self._store.client.get, key))
                self._arrive(old, name, note, body, None)
        return sum(note.startswith(":") for note in departed.values())

    def _move_all(self, old: str, new: str, place: Place, last: int) -> int:
        """Move what is in a place and has an id up to the last one; return how many moved."""
        key = self._keys.contexts(old) if place == "contexts" else self._keys.trash(old)
        moved = left = 0
        while True:
            with self._store.use():
                zrange = partial(self._store.client.zrange, key, left, left + _AT_A_TIME - 1)
                members = self._store.ask(zrange)
                if not members:
                    return moved
            for name in members:
                with self._store.use():
                    if id_of(name) <= last and self._move(old, new, name, place):
                        moved += 1
                    else:
                        left += 1  # or it was forgotten: then another round finds what is skipped
            with self._store.use():
                self._clear(new, "", members)

    def _move(self, old: str, new: str, name: str, place: Place) -> bool:
        """Move one context; say whether it was there."""
        context_id, token = id_of(name), new_token()
        for _ in range(TRIES):
            body = self._writer.body(old, context_id, place)
            if body is None:
                return False
            context = self._store.read(body, context_id, old)
            tags = context.note.tags if place == "contexts" else ()
            impacts = impacts_of(context) if place == "contexts" else {}
            outcome, *note = self._store.run(
                "depart",
                [
                    *self._keys.of_context(old, context_id),
                    *self._keys.tagged(old, tags),
                    self._keys.moves(old),
                    self._keys.on_the_way(old, context_id),
                    *self._keys.postings(old, impacts),
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
                self._arrive(old, name, note[0], body, impacts)
            if outcome >= 0:
                return bool(outcome)
        raise too_busy(context_id)

    def _arrive(
        self, old: str, name: str, note: str, body: str | None, impacts: Mapping[str, int] | None
    ) -> None:
        """Put a context that has departed into its new project, and clear away what it left.

        Without a body, somebody else was quicker.
        """
        context_id = id_of(name)
        forgotten_at, _, new = note.partition(":")
        past = self._keys.revisions(old, context_id)
        if body is not None:
            context = self._store.read(body, context_id, new)
            entries = []
            if context.updated_at is not None:
                entries = self._store.ask(partial(self._store.client.lrange, past, 0, -1))
            self._rehome(context_id, old, new)
            self._writer.bring(
                context, entries, forgotten_at=forgotten_at, moving=name, impacts=impacts
            )
        self._clear(old, note, [name], self._keys.on_the_way(old, context_id), past)

    def _rehome(self, context_id: int, old: str, new: str) -> None:
        keys = [self._keys.project_of(bucket(context_id)), self._keys.projects]
        self._store.run("rehome", keys, [context_id, old, new])

    def _clear(self, project: str, note: str, members: list[str], *others: str) -> None:
        """Clear away what is noted of moves in a project, if it is still this; see the script."""
        self._store.run("arrived", [self._keys.moves(project), *others], [note, *members])

    def _is_vacated(self, old: str, new: str) -> bool:
        """Hand on the times of a project that everything has left; say whether it has."""
        known = partial(
            self._store.client.hmget, self._keys.project(old), "created_at", "last_saved_at"
        )
        times = self._store.ask(known)
        if None in times:
            return True
        self._store.run("widen", [self._keys.project(new)], times)
        keys = [self._keys.project(old), self._keys.contexts(old), self._keys.trash(old)]
        return bool(self._store.run("vacate", keys, times))
