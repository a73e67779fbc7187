"""The repository contract on SQLite."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection
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
from extended_memory.storage.sqlite import (
    pages,
    queries,
    renaming,
    rows,
    statements,
    summary,
    writing,
)
from extended_memory.storage.sqlite.file.database import Database
from extended_memory.storage.sqlite.file.engine import driver_connection
from extended_memory.storage.sqlite.models import ContextRow, ProjectRow, TrashRow

_PURGED_AT_A_TIME = 100


class SqliteRepository(MemoryRepository):
    """Contexts in one SQLite file."""

    def __init__(self, path: Path, *, own_folder: bool = False, must_exist: bool = False) -> None:
        self._database = Database(path, own_folder=own_folder, must_exist=must_exist)

    @override
    def save(self, project: str, note: Note, *, repeat_within: timedelta) -> Context:
        with self._database.writing() as database:
            moment = writing.now()  # under the write lock, so that ids and times rise together
            of_project = writing.project_id(database, project, moment)
            since = moment - repeat_within // timedelta(milliseconds=1)
            repeated = self._repeated(database, note, of_project, since)
            if repeated is not None:
                return repeated
            context_id = writing.put_in(database, note, of_project=of_project, created_at=moment)
        return Context(
            id=context_id, project=project, note=note, created_at=from_milliseconds(moment)
        )

    @override
    def add_imported(self, contexts: Sequence[PortableContext]) -> int:
        require_storable(contexts)
        new = 0
        with self._database.writing() as database:
            for context in contexts:
                origin = {"origin": context.origin}
                if database.execute(statements.SAVE_ORIGIN_ID, origin).fetchone() is not None:
                    continue
                context_id = writing.add_imported(database, context)
                database.execute(statements.SAVE_ORIGIN, origin | {"context_id": context_id})
                new += 1
        return new

    @override
    def imported_origins(self, origins: Sequence[str]) -> Mapping[str, Standing]:
        with self._database.reading() as connection:
            rows = connection.execute(queries.ORIGINS, {"origins": origins})
            return {row.origin: Standing(place=row.place, project=row.name) for row in rows}

    @override
    def load(self, project: str, selection: Selection, *, limit: int, offset: int) -> ContextPage:
        with self._database.reading() as connection:
            ids, total, is_exact = pages.page(
                connection, project, selection, limit=limit, offset=offset
            )
            contexts = _contexts(connection, dict.fromkeys(ids, project))
            return ContextPage(contexts=contexts, total=total, total_is_exact=is_exact)

    @override
    def search(
        self, project: str, text: str, selection: Selection, *, limit: int, offset: int
    ) -> SearchPage:
        # Here, because a server that searches nothing need not load them.
        from extended_memory.storage.search import found
        from extended_memory.storage.sqlite.search import writes
        from extended_memory.storage.sqlite.search.reads import SqliteIndex

        with self._database.reading() as connection:
            connection.begin()  # before the driver's own connection reads: one state for all
            database = driver_connection(connection)
            below = writes.unindexed_below(database)
            return found(
                SqliteIndex(database, is_written=below != writes.EVERYTHING),
                lambda ids: {
                    context.id: context
                    for context in _contexts(connection, dict.fromkeys(ids, project))
                },
                project,
                text,
                selection,
                limit=limit,
                offset=offset,
                unindexed=writes.count_below(database, below, project),
            )

    @override
    def index_newest(self, limit: int) -> int:
        from extended_memory.storage.sqlite.search import writes

        with self._database.reading() as connection:
            connection.begin()
            if writes.is_complete(driver_connection(connection)):
                return 0  # without waiting for a writer, or being one
        with self._database.writing() as database:
            return writes.index_newest(database, limit)

    @override
    def get(self, ids: Sequence[int], *, project: str | None) -> tuple[Context, ...]:
        with self._database.reading() as connection:
            found = connection.execute(queries.OWNERS, {"ids": ids})
            owners = {row.id: row.name for row in found if project in (None, row.name)}
            there = [context_id for context_id in dict.fromkeys(ids) if context_id in owners]
            return _contexts(connection, {context_id: owners[context_id] for context_id in there})

    @override
    def contexts_after(
        self, *, after: int, limit: int, projects: Collection[str] | None = None
    ) -> tuple[Context, ...]:
        query = queries.CONTEXTS_AFTER
        if projects is not None:
            query = query.where(queries.is_in(ContextRow, projects))
        with self._database.reading() as connection:
            found = connection.execute(query, {"after": after, "limit": limit})
            owners = {row.id: row.name for row in found}
            return _contexts(connection, owners)

    @override
    def update(
        self,
        context_id: int,
        change: Change,
        *,
        project: str | None,
        last_changed: TimeSpan | None = None,
    ) -> UpdatedContext | None:
        with self._database.writing() as database:
            old = writing.read(database, context_id, project=project)
            if old is None:
                return None
            if last_changed is not None and old.last_changed_at not in last_changed:
                raise ContextChangedError(old)
            note = change.applied_to(old.note)
            if note == old.note:
                return UpdatedContext(context=old, revision=None)
            changed = writing.change(database, old, note)
            (number,) = database.execute(
                statements.CHANGE_LAST_REVISION, {"id": context_id}
            ).fetchone()
            return UpdatedContext(context=changed, revision=number)

    @override
    def forget(
        self, context_id: int, *, project: str | None, permanently: bool = False
    ) -> str | None:
        with self._database.writing() as database:
            context = writing.read(database, context_id, project=project)
            if context is not None:
                writing.to_trash(database, context, forgotten_at=writing.now())
            elif permanently:
                context = writing.read_trash(database, context_id, project=project)
            if context is None:
                return None
            if permanently:
                writing.remove(database, [context_id])
            return context.project

    @override
    def restore(
        self, context_id: int, *, project: str | None, revision: int | None = None
    ) -> Context | None:
        with self._database.writing() as database:
            earlier = None
            if revision is not None:
                earlier = writing.read_revision(database, context_id, revision)
                if earlier is None:
                    return None
            context = writing.read_trash(database, context_id, project=project)
            if context is not None:
                database.execute(statements.TRASH_TAKE, {"id": context_id})
                writing.put_back(database, context)
            elif earlier is not None:
                context = writing.read(database, context_id, project=project)
            if context is None or earlier is None or earlier == context.note:
                return context
            return writing.change(database, context, earlier)

    @override
    def revisions(
        self, context_id: int, *, project: str | None, limit: int
    ) -> tuple[Revision, ...]:
        with self._database.reading() as connection:
            owner = connection.execute(queries.OWNER, {"id": context_id}).scalar()
            if owner is None or project not in (None, owner):
                return ()
            found = connection.execute(queries.REVISIONS, {"id": context_id, "limit": limit})
            return tuple(rows.revision(row) for row in found.mappings())

    @override
    def revisions_of(
        self, ids: Sequence[int], *, projects: Collection[str] | None = None
    ) -> Mapping[int, tuple[Revision, ...]]:
        revised: dict[int, tuple[Revision, ...]] = {}
        with self._database.reading() as connection:
            asked = ids if projects is None else _within(connection, ids, projects)
            query = queries.REVISIONS_OF
            for row in connection.execute(query, {"ids": list(asked)}).mappings():
                of = row["context_id"]
                revised[of] = (*revised.get(of, ()), rows.revision(row))
        return revised

    @override
    def trash(self, *, project: str | None, limit: int) -> tuple[ForgottenContext, ...]:
        query = queries.TRASH
        if project is not None:
            query = query.where(ProjectRow.name == project)
        with self._database.reading() as connection:
            found = connection.execute(query, {"limit": limit}).mappings()
            return tuple(rows.forgotten(row) for row in found)

    @override
    def trash_after(
        self, *, after: int, limit: int, projects: Collection[str] | None = None
    ) -> tuple[ForgottenContext, ...]:
        query = queries.TRASH_AFTER
        if projects is not None:
            query = query.where(queries.is_in(TrashRow, projects))
        with self._database.reading() as connection:
            found = connection.execute(query, {"after": after, "limit": limit})
            return tuple(rows.forgotten(row) for row in found.mappings())

    @override
    def purge(self, *, before: datetime) -> int:
        purged = 0
        while True:
            with self._database.writing() as database:
                old = database.execute(statements.TRASH_OLD, {"before": to_milliseconds(before)})
                ids = [number for (number,) in old.fetchmany(_PURGED_AT_A_TIME)]
                writing.remove(database, ids)
            purged += len(ids)
            if len(ids) < _PURGED_AT_A_TIME:
                return purged

    @override
    def rename_project(self, old: str, new: str) -> int:
        with self._database.writing() as database:
            return renaming.rename(database, old, new)

    @override
    def summary(self, project: str | None) -> Summary:
        with self._database.reading() as connection:
            return summary.summary(connection, project)

    @override
    def projects(self) -> tuple[Project, ...]:
        with self._database.reading() as connection:
            found = connection.execute(queries.PROJECTS).mappings()
            return tuple(rows.project(row) for row in found)

    @override
    def project(self, name: str) -> Project | None:
        with self._database.reading() as connection:
            found = connection.execute(queries.PROJECT, {"project": name}).mappings()
            row = found.one_or_none()
        return None if row is None else rows.project(row)

    @override
    def popular_tags(self, project: str, *, minimum_count: int, limit: int) -> TagPage:
        values = {"project": project, "minimum": minimum_count}
        with self._database.reading() as connection:
            found = connection.execute(queries.POPULAR, values | {"limit": limit}).all()
            total = len(found)
            if total == limit:
                total = connection.execute(queries.POPULAR_TOTAL, values).scalar_one()
        tags = tuple(TagCount(tag=row.name, count=row.context_count) for row in found)
        return TagPage(tags=tags, total=total)

    @override
    def check(self, tell: Tell) -> tuple[Finding, ...]:
        from extended_memory.storage.sqlite.check import rules

        with self._database.reading() as connection:
            connection.begin()
            return tuple(rules.findings(driver_connection(connection), tell))

    @override
    def repair(self, findings: Sequence[Finding]) -> None:
        from extended_memory.storage.sqlite.check import rules

        with self._database.writing() as database:
            rules.repair(database, findings)

    @property
    @override
    def notice(self) -> str:
        return ""

    @property
    @override
    def is_quick(self) -> bool:
        return self._database.is_open

    @override
    def prepare(self) -> None:
        self._database.open()

    @override
    def close(self) -> None:
        self._database.close()

    def _repeated(
        self, database: sqlite3.Connection, note: Note, of_project: int, since: int
    ) -> Context | None:
        """Find the context that this save repeats."""
        values = rows.of_note(note) | {"project_id": of_project, "since": since}
        for (context_id,) in database.execute(statements.SAVE_RECENT_EQUALS, values):
            context = writing.read(database, context_id, project=None)
            if context is not None and context.note == note:
                return context
        return None


def _contexts(connection: Connection, owners: Mapping[int, str]) -> tuple[Context, ...]:
    """Return the contexts that are there in the order of their ids, which come with projects."""
    ids = list(owners)
    if not ids:
        return ()
    found = connection.execute(queries.CONTEXTS, {"ids": ids}).mappings()
    there = {row["id"]: row for row in found}
    tags = _tags_of(connection, ids)
    return tuple(
        rows.context(there[context_id], project=project, tags=tags[context_id])
        for context_id, project in owners.items()
        if context_id in there
    )


def _within(
    connection: Connection, ids: Collection[int], projects: Collection[str]
) -> frozenset[int]:
    """Return those of some ids whose context is in one of the projects, in the trash or not."""
    values = {"ids": list(ids), "projects": list(projects)}
    return frozenset(connection.execute(queries.WITHIN, values).scalars())


def _tags_of(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    tags: dict[int, list[str]] = {context_id: [] for context_id in ids}
    for context_id, name in connection.execute(queries.TAGS_OF, {"ids": ids}):
        tags[context_id].append(name)
    return {context_id: tuple(names) for context_id, names in tags.items()}
