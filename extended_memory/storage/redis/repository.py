"""The repository contract on Redis and Valkey."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

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
    require_storable,
)
from extended_memory.flaws import Finding
from extended_memory.storage.contract import MemoryRepository, Tell
from extended_memory.storage.redis import imports, pages, reading, renaming, writing
from extended_memory.storage.redis.connection.store import Store
from extended_memory.storage.redis.keys import Keys
from extended_memory.storage.redis.search import writes
from extended_memory.storage.redis.summary import summary

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
        self._store = Store(url, Keys(key_prefix), may_evict=may_evict)

    @override
    def save(self, project: str, note: Note, *, repeat_within: timedelta) -> Context:
        with self._store.use():
            return writing.save(self._store, project, note, repeat_within=repeat_within)

    @override
    def add_imported(self, contexts: Sequence[PortableContext]) -> int:
        require_storable(contexts)
        added = 0
        for context in contexts:
            with self._store.use():
                added += imports.add(self._store, context)
        return added

    @override
    def imported_origins(self, origins: Sequence[str]) -> Mapping[str, Standing]:
        with self._store.use():
            return reading.imported_origins(self._store, origins)

    @override
    def load(self, project: str, selection: Selection, *, limit: int, offset: int) -> ContextPage:
        with self._store.use():
            for _ in range(_LOOKS):
                ids, total, is_exact = pages.page(
                    self._store, project, selection, limit=limit, offset=offset
                )
                contexts = reading.contexts(self._store, project, ids)
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
            return {context.id: context for context in reading.contexts(self._store, project, ids)}

        with self._store.use():
            unindexed, has_index = writes.state(self._store, project)
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
            return writes.index_newest(self._store, reading.project_names(self._store), limit)

    @override
    def get(self, ids: Sequence[int], *, project: str | None) -> tuple[Context, ...]:
        found: dict[int, Context] = {}
        with self._store.use():
            owners = reading.owners(self._store, ids)
            for owner in set(owners.values()) if project is None else {project}:
                here = [context_id for context_id, of in owners.items() if of == owner]
                found |= {
                    context.id: context for context in reading.contexts(self._store, owner, here)
                }
        return tuple(found[context_id] for context_id in dict.fromkeys(ids) if context_id in found)

    @override
    def contexts_after(
        self, *, after: int, limit: int, projects: Collection[str] | None = None
    ) -> tuple[Context, ...]:
        with self._store.use():
            found = reading.all_after(
                self._store, after, limit, projects, partial(reading.contexts, self._store)
            )
        return tuple(sorted(found, key=lambda context: context.id)[:limit])

    @override
    def trash_after(
        self, *, after: int, limit: int, projects: Collection[str] | None = None
    ) -> tuple[ForgottenContext, ...]:
        with self._store.use():
            found = reading.all_after(
                self._store, after, limit, projects, partial(reading.trashed, self._store)
            )
        return tuple(sorted(found, key=lambda forgotten: forgotten.context.id)[:limit])

    @override
    def revisions_of(
        self, ids: Sequence[int], *, projects: Collection[str] | None = None
    ) -> Mapping[int, tuple[Revision, ...]]:
        with self._store.use():
            return reading.revisions_of(self._store, ids, projects)

    @override
    def rename_project(self, old: str, new: str) -> int:
        return 0 if old == new else renaming.move(self._store, old, new)

    @override
    def summary(self, project: str | None) -> Summary:
        with self._store.use():
            names = reading.project_names(self._store) if project is None else [project]
        return summary(self._store, names)

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
            return writing.change(self._store, owner, context_id, "contexts", become)

    @override
    def forget(
        self, context_id: int, *, project: str | None, permanently: bool = False
    ) -> str | None:
        with self._store.use():
            owner = self._owner(context_id, project)
            if owner is None:
                return None
            take = partial(writing.forget, self._store, owner, context_id)
            forgotten = take("contexts", permanently=permanently) or (
                permanently and take("trash", permanently=True)
            )
        return owner if forgotten else None

    @override
    def restore(
        self, context_id: int, *, project: str | None, revision: int | None = None
    ) -> Context | None:
        with self._store.use():
            owner = self._owner(context_id, project)
            if owner is None:
                return None
            put = partial(writing.change, self._store, owner, context_id)
            if revision is None:
                restored = put("trash", lambda old: old.note)
                return None if restored is None else restored.context
            earlier = reading.revision(self._store, owner, context_id, revision)
            if earlier is None:
                return None
            restored = put("trash", lambda _: earlier.note) or put(
                "contexts", lambda _: earlier.note
            )
            return None if restored is None else restored.context

    @override
    def revisions(
        self, context_id: int, *, project: str | None, limit: int
    ) -> tuple[Revision, ...]:
        with self._store.use():
            owner = self._owner(context_id, project)
            return () if owner is None else reading.revisions(self._store, owner, context_id, limit)

    @override
    def trash(self, *, project: str | None, limit: int) -> tuple[ForgottenContext, ...]:
        with self._store.use():
            names = [project] if project is not None else reading.project_names(self._store)
            return reading.trash(self._store, names, limit)

    @override
    def purge(self, *, before: datetime) -> int:
        purged = 0
        with self._store.use():
            for project in reading.project_names(self._store):
                for context_id in reading.forgotten_before(self._store, project, before):
                    purged += writing.forget(
                        self._store, project, context_id, "trash", permanently=True
                    )
        return purged

    @override
    def projects(self) -> tuple[Project, ...]:
        with self._store.use():
            names = reading.project_names(self._store)
            held = reading.projects(self._store, names)
        held.sort(key=lambda project: project.last_saved_at, reverse=True)
        return tuple(held)

    @override
    def project(self, name: str) -> Project | None:
        with self._store.use():
            return next(iter(reading.projects(self._store, [name])), None)

    @override
    def popular_tags(self, project: str, *, minimum_count: int, limit: int) -> TagPage:
        with self._store.use():
            total, flat = self._store.run(
                "popular", [self._store.keys.tag_counts(project)], [-minimum_count, limit]
            )
        counted = zip(flat[::2], flat[1::2], strict=True)
        tags = tuple(TagCount(tag=tag, count=-int(count)) for tag, count in counted)
        return TagPage(tags=tags, total=total)

    @override
    def check(self, tell: Tell) -> tuple[Finding, ...]:
        from extended_memory.storage.redis.check.rules import Inspection

        with self._store.use():
            return Inspection(self._store, tell).findings(reading.project_names(self._store))

    @override
    def repair(self, findings: Sequence[Finding]) -> None:
        from extended_memory.storage.redis.check import repair

        with self._store.use():
            projects = reading.project_names(self._store)
        for project in projects:
            renaming.finish(self._store, project)
        with self._store.use():
            repair.repair(self._store, projects)

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

    def _owner(self, context_id: int, project: str | None) -> str | None:
        """Return the project to look for an id in: the one asked, or the one it was given in."""
        if project is not None:
            return project  # the key of a context names its project
        return reading.owner(self._store, context_id)
