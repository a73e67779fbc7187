"""What is read of contexts by their ids: they themselves, the trash, revisions, owners, all."""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, Literal, TypeVar

from extended_memory.domain import (
    Context,
    ForgottenContext,
    Revision,
    Standing,
    from_milliseconds,
)
from extended_memory.storage.redis import rows
from extended_memory.storage.redis.connection.client import Client
from extended_memory.storage.redis.connection.store import Store
from extended_memory.storage.redis.keys import bucket, member

_LISTS_AT_A_TIME = 100
"""How many lists of revisions are asked for at once."""

PENDING = "pending:"
"""What stands before the id of an origin until its context is stored."""

Place = Literal["contexts", "trash", "gone"]

_T = TypeVar("_T")


class Reader:
    """What reads the contexts of a store; to be used within ``Store.use``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys = store.keys

    def contexts(self, project: str, ids: Sequence[int]) -> tuple[Context, ...]:
        """Return the contexts of these ids that are still there, in their order."""
        found = self._bodies([self._keys.body(project, context_id) for context_id in ids])
        return tuple(
            self._store.read(body, context_id, project)
            for context_id, body in zip(ids, found, strict=True)
            if body is not None
        )

    def trashed(self, project: str, ids: Sequence[int]) -> tuple[ForgottenContext, ...]:
        """Return what is in the trash under these ids, in their order."""
        if not ids:
            return ()
        key, members = self._keys.trash(project), [member(context_id) for context_id in ids]
        marks = self._store.ask(partial(self._store.client.zmscore, key, members))
        there = {one: mark for one, mark in zip(ids, marks, strict=True) if mark is not None}
        found = self._bodies([self._keys.trashed(project, context_id) for context_id in there])
        return tuple(
            ForgottenContext(
                context=self._store.read(body, context_id, project),
                forgotten_at=from_milliseconds(int(since)),
            )
            for (context_id, since), body in zip(there.items(), found, strict=True)
            if body is not None  # it was not restored since
        )

    def revisions_of(
        self, ids: Sequence[int], projects: Collection[str] | None
    ) -> dict[int, tuple[Revision, ...]]:
        """Return the revisions, oldest first, of those that have any."""
        owners = [
            each for each in self.owners(ids).items() if projects is None or each[1] in projects
        ]
        revised: dict[int, tuple[Revision, ...]] = {}
        for start in range(0, len(owners), _LISTS_AT_A_TIME):
            some = owners[start : start + _LISTS_AT_A_TIME]
            keys = [self._keys.revisions(owner, context_id) for context_id, owner in some]
            lists = self._lists(keys)
            for (context_id, _), entries in zip(some, lists, strict=True):
                if entries:
                    with self._store.sound(context_id):
                        revised[context_id] = tuple(map(rows.read_revision, entries))
        return revised

    def all_after(
        self,
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
        last = int(self._store.ask(lambda: self._store.client.get(self._keys.sequence)) or 0)
        for number in range(bucket(after + 1), bucket(last) + 1):
            key = self._keys.project_of(number)
            owners = self._store.ask(partial(self._store.client.hgetall, key))
            ids: dict[str, list[int]] = {}
            for context_id in sorted(int(field) for field in owners):
                if context_id > after:
                    ids.setdefault(owners[str(context_id)], []).append(context_id)
            for project, of_project in ids.items():
                if projects is None or project in projects:
                    found += fetch(project, of_project)
            if len(found) >= limit:
                break
        return found

    def imported_origins(self, origins: Sequence[str]) -> dict[str, Standing]:
        """Return where the contexts of origins are; of what is pending, only what is stored."""
        if not origins:
            return {}
        notes = self._store.ask(partial(self._store.client.hmget, self._keys.origins, origins))
        noted = {one: note for one, note in zip(origins, notes, strict=True) if note is not None}
        ids = {one: int(note.removeprefix(PENDING)) for one, note in noted.items()}
        owners = self.owners(list(ids.values()))
        found = self.together(
            lambda client: [
                client.exists(key)
                for context_id, owner in owners.items()
                for key in (
                    self._keys.body(owner, context_id),
                    self._keys.trashed(owner, context_id),
                )
            ]
        )
        places: dict[int, Place] = {}
        for context_id, body, trashed in zip(owners, found[::2], found[1::2], strict=True):
            places[context_id] = "contexts" if body else "trash" if trashed else "gone"
        return {
            origin: Standing(place=place, project=owners.get(ids[origin]))
            for origin, note in noted.items()
            for place in [places.get(ids[origin], "gone")]
            if place != "gone" or not note.startswith(PENDING)
        }

    def owner(self, context_id: int) -> str | None:
        """Return the project that an id is in, None where it was never given."""
        key = self._keys.project_of(bucket(context_id))
        owner: str | None = self._store.ask(partial(self._store.client.hget, key, str(context_id)))
        return owner

    def owners(self, ids: Sequence[int]) -> dict[int, str]:
        """Return the projects that ids are in."""
        fields = [(self._keys.project_of(bucket(one)), str(one)) for one in ids]
        found = self.together(lambda client: [client.hget(*field) for field in fields])
        owners = zip(ids, found, strict=True)
        return {context_id: owner for context_id, owner in owners if owner is not None}

    def project_names(self) -> list[str]:
        """Return the names of projects, also of those that hold nothing any more, sorted."""
        return sorted(self._store.ask(partial(self._store.client.smembers, self._keys.projects)))

    def together(self, questions: Callable[[Client], object]) -> list[Any]:
        """Return the answers to several questions that are sent at once."""

        def ask() -> list[Any]:
            with self._store.client.pipeline(transaction=False) as pipeline:
                questions(pipeline)
                replies: list[Any] = pipeline.execute()
                return replies

        return self._store.ask(ask)

    def _lists(self, keys: Sequence[str]) -> list[list[str]]:
        return self.together(lambda client: [client.lrange(key, 0, -1) for key in keys])

    def _bodies(self, keys: Sequence[str]) -> list[str | None]:
        if not keys:
            return []
        found: list[str | None] = self._store.ask(lambda: self._store.client.mget(keys))
        for key in [key for key, body in zip(keys, found, strict=True) if body is None]:
            # MGET gives nothing also where something else lies under the key; GET says so.
            self._store.ask(partial(self._store.client.get, key))
        return found
