"""The repository contract on Redis and Valkey."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from typing_extensions import override

from extended_memory.domain import (
    Change,
    Context,
    ContextChangedError,
    ContextPage,
    ForgottenContext,
    Note,
    PortableContext,
    Project,
    Revision,
    SearchPage,
    Selection,
    Standing,
    Summary,
    TagCount,
    TagPage,
    TimeSpan,
    UpdatedContext,
    from_milliseconds,
    require_storable,
    to_milliseconds,
)
from extended_memory.flaws import Finding
from extended_memory.storage.contract import MemoryRepository, Tell
from extended_memory.storage.redis import pages, rows
from extended_memory.storage.redis.connection.client import Client
from extended_memory.storage.redis.connection.store import Store
from extended_memory.storage.redis.keys import Keys, id_of
from extended_memory.storage.redis.reading import Reader
from extended_memory.storage.redis.renaming import Mover
from extended_memory.storage.redis.search.writes import Indexer
from extended_memory.storage.redis.summary import summary
from extended_memory.storage.redis.writing import PLACES, Writer

_AT_A_TIME = 1_000
"""How many projects are asked for before others get a turn."""

_LOOKS = 4
"""How often a load looks again where a context was forgotten between its two steps."""

_LEGACY_NOTICE = (
    "This Redis server also holds memories that extended-memory-mcp 0.9.0 saved and this release "
    "does not read: tell the user that `extended-memory-mcp import-redis URL` in a terminal brings "
    "them over (the README says how)."
)


class RedisRepository(MemoryRepository):
    """Contexts in a Redis or Valkey server, behind Sentinel, or in a cluster."""

    def __init__(self, url: str, *, key_prefix: str, may_evict: bool = False) -> None:
        self._keys = Keys(key_prefix)
        self._store = Store(url, self._keys, may_evict=may_evict)
        self._reader = Reader(self._store)
        self._writer = Writer(self._store)
        self._mover = Mover(self._store, self._writer)
        self._indexer = Indexer(self._store)

    @override
    def save(self, project: str, note: Note, *, repeat_within: timedelta) -> Context:
        with self._store.use():
            return self._writer.save(project, note, repeat_within=repeat_within)

    @override
    def add_imported(self, contexts: Sequence[PortableContext]) -> int:
        require_storable(contexts)
        return sum(self._add_imported(context) for context in contexts)

    @override
    def imported_origins(self, origins: Sequence[str]) -> Mapping[str, Standing]:
        with self._store.use():
            return self._reader.imported_origins(origins)

    @override
    def load(self, project: str, selection: Selection, *, limit: int, offset: int) -> ContextPage:
        with self._store.use():
            for _ in range(_LOOKS):
                ids, total, is_exact = pages.page(
                    self._store, project, selection, limit=limit, offset=offset
                )
                contexts = self._reader.contexts(project, ids)
                if len(contexts) == len(ids):
                    break  # none was forgotten since the ids were read
        return ContextPage(contexts=contexts, total=total, total_is_exact=is_exact)

    @override
    def search(
        self, project: str, text: str, selection: Selection, *, limit: int, offset: int
    ) -> SearchPage:
        from extended_memory.storage.redis.search.reads import RedisIndex
        from extended_memory.storage.search import found

        def fetch(ids: Sequence[int]) -> dict[int, Context]:
            return {context.id: context for context in self._reader.contexts(project, ids)}

        with self._store.use():
            unindexed, has_index = self._indexer.state(project)
            if not has_index:
                return SearchPage(unindexed=unindexed)
            return found(
                RedisIndex(self._store),
                fetch,
                project,
                text,
                selection,
                limit=limit,
                offset=offset,
                unindexed=unindexed,
            )

    @override
    def index_newest(self, limit: int) -> int:
        with self._store.use():
            return self._indexer.index_newest(self._reader.project_names(), limit)

    @override
    def get(self, ids: Sequence[int], *, project: str | None) -> tuple[Context, ...]:
        found: dict[int, Context] = {}
        with self._store.use():
            owners = self._reader.owners(ids)
            for owner in set(owners.values()) if project is None else {project}:
                here = [context_id for context_id, of in owners.items() if of == owner]
                found |= {context.id: context for context in self._reader.contexts(owner, here)}
        return tuple(found[context_id] for context_id in dict.fromkeys(ids) if context_id in found)

    @override
    def contexts_after(
        self, *, after: int, limit: int, projects: Collection[str] | None = None
    ) -> tuple[Context, ...]:
        with self._store.use():
            found = self._reader.all_after(after, limit, projects, self._reader.contexts)
        return tuple(sorted(found, key=lambda context: context.id)[:limit])

    @override
    def trash_after(
        self, *, after: int, limit: int, projects: Collection[str] | None = None
    ) -> tuple[ForgottenContext, ...]:
        with self._store.use():
            found = self._reader.all_after(after, limit, projects, self._reader.trashed)
        return tuple(sorted(found, key=lambda forgotten: forgotten.context.id)[:limit])

    @override
    def revisions_of(
        self, ids: Sequence[int], *, projects: Collection[str] | None = None
    ) -> Mapping[int, tuple[Revision, ...]]:
        with self._store.use():
            return self._reader.revisions_of(ids, projects)

    @override
    def rename_project(self, old: str, new: str) -> int:
        return 0 if old == new else self._mover.move(old, new)

    @override
    def summary(self, project: str | None) -> Summary:
        with self._store.use():
            names = self._reader.project_names() if project is None else [project]
        return summary(self._store, self._reader, names)

    @override
    def update(
        self,
        context_id: int,
        change: Change,
        *,
        project: str | None,
        last_changed: TimeSpan | None = None,
    ) -> UpdatedContext | None:
        def become(old: Context) -> Note:
            if last_changed is not None and old.last_changed_at not in last_changed:
                raise ContextChangedError(old)
            return change.applied_to(old.note)

        with self._store.use():
            owner = self._owner(context_id, project)
            if owner is None:
                return None
            return self._writer.change(owner, context_id, "contexts", become)

    @override
    def forget(
        self, context_id: int, *, project: str | None, permanently: bool = False
    ) -> str | None:
        with self._store.use():
            owner = self._owner(context_id, project)
            if owner is None:
                return None
            forgotten = self._writer.forget(
                owner, context_id, "contexts", permanently=permanently
            ) or (permanently and self._writer.forget(owner, context_id, "trash", permanently=True))
        return owner if forgotten else None

    @override
    def restore(
        self, context_id: int, *, project: str | None, revision: int | None = None
    ) -> Context | None:
        with self._store.use():
            owner = self._owner(context_id, project)
            if owner is None:
                return None
            if revision is None:
                restored = self._writer.change(owner, context_id, "trash", lambda old: old.note)
                return None if restored is None else restored.context
            earlier = self._writer.revision(owner, context_id, revision)
            if earlier is None:
                return None
            restored = self._writer.change(
                owner, context_id, "trash", lambda _: earlier.note
            ) or self._writer.change(owner, context_id, "contexts", lambda _: earlier.note)
            return None if restored is None else restored.context

    @override
    def revisions(
        self, context_id: int, *, project: str | None, limit: int
    ) -> tuple[Revision, ...]:
        with self._store.use():
            owner = self._owner(context_id, project)
            return () if owner is None else self._writer.revisions(owner, context_id, limit)

    @override
    def trash(self, *, project: str | None, limit: int) -> tuple[ForgottenContext, ...]:
        with self._store.use():
            names = [project] if project is not None else self._reader.project_names()
            found = sorted(
                (
                    (moment, id_of(name), owner)
                    for owner in names
                    for name, moment in self._store.ask(
                        partial(
                            self._store.client.zrevrangebyscore,
                            self._keys.trash(owner),
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
            trashed = [
                forgotten
                for _, context_id, owner in found
                for forgotten in self._reader.trashed(owner, [context_id])
            ]
        return tuple(trashed)

    @override
    def purge(self, *, before: datetime) -> int:
        purged = 0
        with self._store.use():
            for project in self._reader.project_names():
                old = self._store.ask(
                    partial(
                        self._store.client.zrangebyscore,
                        self._keys.trash(project),
                        "-inf",
                        f"({to_milliseconds(before)}",
                    )
                )
                for name in old:
                    purged += self._writer.forget(project, id_of(name), "trash", permanently=True)
        return purged

    @override
    def projects(self) -> tuple[Project, ...]:
        with self._store.use():
            names = self._reader.project_names()
            held = [
                project
                for start in range(0, len(names), _AT_A_TIME)
                for project in self._projects(names[start : start + _AT_A_TIME])
            ]
        held.sort(key=lambda project: project.last_saved_at, reverse=True)
        return tuple(held)

    @override
    def project(self, name: str) -> Project | None:
        with self._store.use():
            return next(iter(self._projects([name])), None)

    @override
    def popular_tags(self, project: str, *, minimum_count: int, limit: int) -> TagPage:
        with self._store.use():
            total, flat = self._store.run(
                "popular", [self._keys.tag_counts(project)], [-minimum_count, limit]
            )
        counted = zip(flat[::2], flat[1::2], strict=True)
        tags = tuple(TagCount(tag=tag, count=-int(count)) for tag, count in counted)
        return TagPage(tags=tags, total=total)

    @override
    def check(self, tell: Tell) -> tuple[Finding, ...]:
        from extended_memory.storage.redis.check.rules import Checker

        with self._store.use():
            return Checker(self._store, tell).findings(self._reader.project_names())

    @override
    def repair(self, findings: Sequence[Finding]) -> None:
        from extended_memory.storage.redis.check.repair import Mender

        with self._store.use():
            projects = self._reader.project_names()
        for project in projects:
            self._mover.finish(project)
        with self._store.use():
            Mender(self._store).repair(projects)

    @property
    @override
    def notice(self) -> str:
        return _LEGACY_NOTICE if self._store.holds_legacy else ""

    @property
    @override
    def is_quick(self) -> bool:
        return False  # a network may lie in between, and a server that hangs

    @override
    def prepare(self) -> None:
        with self._store.use():
            return

    @override
    def close(self) -> None:
        self._store.close()

    def _add_imported(self, context: PortableContext) -> bool:
        with self._store.use():
            outcome, context_id = self._writer.reserve(context.project, context.origin)
            if outcome == "known":
                return False
            if outcome == "pending":
                owner = self._reader.owner(context_id)
                if owner not in (None, context.project):
                    # It moved to another project since, or now it is to go to another one.
                    if self._is_stored(owner, context_id):
                        self._writer.settle(context.origin, context_id)
                        return False
                    _, context_id = self._writer.reserve(context.project)
            brought = Context(
                id=context_id,
                project=context.project,
                note=context.note,
                created_at=context.created_at,
                updated_at=context.updated_at,
            )
            forgotten_at = context.forgotten_at
            stored_id = self._writer.bring(
                brought,
                rows.revisions(context.created_at, context.revisions),
                forgotten_at="" if forgotten_at is None else str(to_milliseconds(forgotten_at)),
            )
            self._writer.settle(context.origin, stored_id)
            return True

    def _is_stored(self, project: str, context_id: int) -> bool:
        return any(self._writer.body(project, context_id, place) is not None for place in PLACES)

    def _owner(self, context_id: int, project: str | None) -> str | None:
        """Return the project to look for an id in: the one asked, or the one it was given in."""
        if project is not None:
            return project  # the key of a context names its project
        return self._reader.owner(context_id)

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
