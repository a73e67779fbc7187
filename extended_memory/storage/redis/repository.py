"""The repository contract on Redis and Valkey."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import Any

from extended_memory.domain import (
    Context,
    ContextPage,
    ForeignContext,
    Project,
    StoreError,
    TagCount,
    TagPage,
    from_milliseconds,
    to_milliseconds,
)
from extended_memory.storage.contract import (
    MAXIMUM_COUNTED,
    MAXIMUM_REPEAT_WINDOW,
    MemoryRepository,
)
from extended_memory.storage.redis import bodies
from extended_memory.storage.redis.client import Client
from extended_memory.storage.redis.keys import IDS_PER_HASH, LAYOUT, Keys, bucket, id_of, member
from extended_memory.storage.redis.store import Store
from extended_memory.version import __version__

_MILLISECOND = timedelta(milliseconds=1)
_AT_A_TIME = 1_000
"""How many contexts a script walks over, or projects are asked for, before others get a turn."""

_TRIES = 4
"""How often a call looks again where a context changed between two of its steps."""

_LEGACY_NOTICE = (
    "This Redis server also holds memories that extended-memory-mcp 0.9.0 saved and this release "
    "does not read: tell the user that `extended-memory-mcp import-redis URL` in a terminal brings "
    "them over (the README says how)."
)


class RedisRepository(MemoryRepository):
    """Contexts in a Redis or Valkey server, behind Sentinel, or in a cluster.

    A save takes two steps, because an id is the whole store's and a context its project's: on a
    cluster they lie on different servers. A crash between them leaves an id that nothing has.
    """

    def __init__(self, url: str, *, key_prefix: str, may_evict: bool = False) -> None:
        self._keys = Keys(key_prefix)
        self._store = Store(url, self._keys, may_evict=may_evict)
        self._bucket = 0

    def save(
        self,
        project: str,
        content: str,
        *,
        importance: int,
        tags: tuple[str, ...],
        repeat_within: timedelta,
    ) -> Context:
        """Store a context; see the contract."""
        with self._store.use():
            context_id, created_at = self._put(
                project,
                self._reserve(project)[1],
                bodies.rest(content, importance, tags),
                importance=importance,
                tags=tags,
                repeat_within=str(repeat_within // _MILLISECOND),
            )
        return Context(
            id=context_id,
            project=project,
            content=content,
            importance=importance,
            tags=tags,
            created_at=from_milliseconds(created_at),
        )

    def bring(self, contexts: Sequence[ForeignContext]) -> int:
        """Store contexts of another store; see the contract."""
        return sum(self._bring(context) for context in contexts)

    def load(
        self,
        project: str,
        *,
        minimum_importance: int,
        tags: tuple[str, ...],
        limit: int,
        offset: int,
    ) -> ContextPage:
        """Return a page of contexts; see the contract."""
        keys = self._keys.tagged(project, tags) if tags else [self._keys.contexts(project)]
        with self._store.use():
            for _ in range(_TRIES):
                total, exact, members = self._members(
                    keys, minimum_importance, limit=limit, offset=offset
                )
                contexts = self._contexts(project, [id_of(name) for name in members])
                if len(contexts) == len(members):
                    break  # none was forgotten since the members were read
        return ContextPage(contexts=contexts, total=total, total_is_exact=exact)

    def walk(self, *, after: int, limit: int) -> tuple[Context, ...]:
        """Return contexts by rising id; see the contract."""
        found: list[Context] = []
        with self._store.use():
            last = int(self._store.ask(lambda: self._store.client.get(self._keys.sequence)) or 0)
            for number in range(bucket(after + 1), bucket(last) + 1):
                owners = self._store.ask(
                    partial(self._store.client.hgetall, self._keys.project_of(number))
                )
                ids: dict[str, list[int]] = {}
                for context_id in sorted(int(field) for field in owners):
                    if context_id > after:
                        ids.setdefault(owners[str(context_id)], []).append(context_id)
                contexts = (self._contexts(project, of) for project, of in ids.items())
                found += sorted(chain.from_iterable(contexts), key=lambda context: context.id)
                if len(found) >= limit:
                    break
        return tuple(found[:limit])

    def forget(self, context_id: int, *, project: str | None) -> str | None:
        """Remove a context; see the contract."""
        token = f"forgot:{secrets.token_hex(8)}"
        with self._store.use():
            owner = self._owner(context_id)
            if owner is None or project not in (None, owner):
                return None
            for _ in range(_TRIES):
                body = self._store.ask(
                    lambda: self._store.client.get(self._keys.body(owner, context_id))
                )
                if body is None:
                    return None
                removed = self._remove(owner, self._read(body, context_id, owner), body, token)
                if removed >= 0:
                    return owner if removed else None
        raise StoreError(
            f"#{context_id} was changed by others again and again, so it was not forgotten: try "
            "again."
        )

    def projects(self) -> tuple[Project, ...]:
        """Return the projects; see the contract."""
        with self._store.use():
            names = self._store.ask(
                lambda: sorted(self._store.client.smembers(self._keys.projects))
            )
            held = [
                project
                for start in range(0, len(names), _AT_A_TIME)
                for project in self._projects(names[start : start + _AT_A_TIME])
            ]
        held.sort(key=lambda project: project.last_saved_at, reverse=True)
        return tuple(held)

    def project(self, name: str) -> Project | None:
        """Return one project; see the contract."""
        with self._store.use():
            return next(iter(self._projects([name])), None)

    def popular_tags(self, project: str, *, minimum_count: int, limit: int) -> TagPage:
        """Return the most used tags; see the contract."""
        with self._store.use():
            total, flat = self._store.run(
                "popular", [self._keys.tag_counts(project)], [-minimum_count, limit]
            )
        counted = zip(flat[::2], flat[1::2], strict=True)
        tags = tuple(TagCount(tag=tag, count=-int(count)) for tag, count in counted)
        return TagPage(tags=tags, total=total)

    @property
    def notice(self) -> str:
        """Where memories of 0.9.0 lie on this server; see the contract."""
        return _LEGACY_NOTICE if self._store.holds_legacy else ""

    @property
    def answers_at_once(self) -> bool:
        """Never: a network may lie in between, and a server that hangs; see the contract."""
        return False

    def prepare(self) -> None:
        """Connect now; see the contract."""
        with self._store.use():
            return

    def close(self) -> None:
        """Close every connection; see the contract."""
        self._store.close()

    def _reserve(self, project: str, origin: str = "") -> tuple[str, int]:
        """Give a new id, or the one of an origin; see ``scripts/reserve.lua``."""
        while True:
            outcome, number = self._store.run(
                "reserve",
                [
                    self._keys.sequence,
                    self._keys.projects,
                    self._keys.project_of(self._bucket),
                    self._keys.origins,
                    self._keys.meta,
                ],
                [self._bucket, IDS_PER_HASH, project, origin, LAYOUT, __version__],
            )
            if outcome != "elsewhere":
                return outcome, int(number)
            self._bucket = int(number)

    def _put(
        self,
        project: str,
        context_id: int,
        rest: str,
        *,
        importance: int,
        tags: tuple[str, ...],
        created_at: str = "",
        repeat_within: str = "",
    ) -> tuple[int, int]:
        """Store a context under its id; return the id and the time that are stored.

        They are others where this save repeats another one.
        """
        keys = [
            self._keys.body(project, context_id),
            self._keys.contexts(project),
            self._keys.tag_counts(project),
            self._keys.project(project),
            self._keys.recent(project),
            self._keys.digests(project),
            *self._keys.tagged(project, tags),
        ]
        outcome, *found = self._store.run(
            "save",
            keys,
            [
                member(context_id),
                importance,
                created_at,
                rest,
                bodies.digest(rest),
                repeat_within,
                MAXIMUM_REPEAT_WINDOW // _MILLISECOND,
                *tags,
            ],
        )
        if outcome == "repeated":
            return id_of(found[1]), int(found[0])
        if outcome == "saved":
            return context_id, int(found[0])
        if bodies.ends_with(found[0], rest):  # by an earlier try, whose reply was lost
            return context_id, to_milliseconds(self._read(found[0], context_id, project).created_at)
        # The ids' server lost some of its last writes in a failover, and this project's did not.
        return self._put(
            project,
            self._reserve(project)[1],
            rest,
            importance=importance,
            tags=tags,
            created_at=created_at,
            repeat_within=repeat_within,
        )

    def _bring(self, context: ForeignContext) -> bool:
        with self._store.use():
            outcome, context_id = self._reserve(context.project, context.origin)
            if outcome == "known":
                return False
            stored_id, _ = self._put(
                context.project,
                context_id,
                bodies.rest(context.content, context.importance, context.tags),
                importance=context.importance,
                tags=context.tags,
                created_at=str(to_milliseconds(context.created_at)),
            )
            self._store.ask(
                lambda: self._store.client.hset(self._keys.origins, context.origin, str(stored_id))
            )
            return True

    def _members(
        self, keys: Sequence[str], minimum_importance: int, *, limit: int, offset: int
    ) -> tuple[int, bool, list[str]]:
        """Return the total, whether it is exact, and the members of one page, newest first."""
        found: list[str] = []
        walked, last = 0, ("", "")
        while True:
            wanted = min(offset + limit - walked, _AT_A_TIME)
            total, exact, *flat = self._store.run(
                "page", keys, [minimum_importance, wanted, MAXIMUM_COUNTED, *last]
            )
            members = flat[::2]
            found += members[max(offset - walked, 0) :]
            walked += len(members)
            if len(members) < wanted or walked == offset + limit or (exact and offset >= total):
                return total, bool(exact), found
            last = (flat[-1], flat[-2])

    def _contexts(self, project: str, ids: Sequence[int]) -> tuple[Context, ...]:
        """Return the contexts of these ids that are still there, in their order."""
        if not ids:
            return ()
        keys = [self._keys.body(project, context_id) for context_id in ids]
        found = self._store.ask(lambda: self._store.client.mget(keys))
        for key in [key for key, body in zip(keys, found, strict=True) if body is None]:
            # MGET gives nothing also where something else lies under the key; GET says so.
            self._store.ask(partial(self._store.client.get, key))
        return tuple(
            self._read(body, context_id, project)
            for context_id, body in zip(ids, found, strict=True)
            if body is not None
        )

    def _remove(self, project: str, context: Context, body: str, token: str) -> int:
        """Remove a context that is still the body; see ``scripts/forget.lua``."""
        keys = [
            self._keys.body(project, context.id),
            self._keys.contexts(project),
            self._keys.tag_counts(project),
            self._keys.recent(project),
            self._keys.digests(project),
            *self._keys.tagged(project, context.tags),
        ]
        name = member(context.id)
        digest = bodies.digest(bodies.rest(context.content, context.importance, context.tags))
        removed: int = self._store.run(
            "forget", keys, [body, name, f"{digest}:{name}", token, *context.tags]
        )
        return removed

    def _owner(self, context_id: int) -> str | None:
        """Return the project in which an id was given."""
        key = self._keys.project_of(bucket(context_id))
        owner: str | None = self._store.ask(lambda: self._store.client.hget(key, str(context_id)))
        return owner

    def _projects(self, names: Sequence[str]) -> list[Project]:
        """Return those of the projects that hold contexts, in the order of the names."""

        def ask_each(client: Client) -> list[Any]:
            asked: list[Any] = []
            for name in names:
                asked.append(client.zcard(self._keys.contexts(name)))
                asked.append(client.hmget(self._keys.project(name), "created_at", "last_saved_at"))
            return asked

        def ask() -> list[Any]:
            if self._store.is_cluster:
                # Its pipeline would ask again for each name, and wait each time, if a node hangs.
                return ask_each(self._store.client)
            with self._store.client.pipeline(transaction=False) as pipeline:
                ask_each(pipeline)
                replies: list[Any] = pipeline.execute()
                return replies

        found = self._store.ask(ask)
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

    def _read(self, body: str, context_id: int, project: str) -> Context:
        try:
            return bodies.read(body, context_id=context_id, project=project)
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"#{context_id} on {self._store.name} is damaged, and it was left as it is: "
                "restore the server's data from a backup."
            ) from error
