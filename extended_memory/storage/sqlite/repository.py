"""The repository contract on SQLite."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
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
    TagPage,
    TimeSpan,
    UpdatedContext,
    from_milliseconds,
    require_storable,
    to_milliseconds,
)
from extended_memory.flaws import Finding
from extended_memory.storage.contract import MemoryRepository, Tell
from extended_memory.storage.sqlite import pages, queries, rows, statements, writing
from extended_memory.storage.sqlite.file.database import Database
from extended_memory.storage.sqlite.file.engine import driver_connection
from extended_memory.storage.sqlite.models import ProjectRow

_PURGED_AT_A_TIME = 100


class SqliteRepository(MemoryRepository):
    """Contexts in one SQLite file."""

    def __init__(self, path: Path, *, own_folder: bool = False, must_exist: bool = False) -> None:
        self._database = Database(path, own_folder=own_folder, must_exist=must_exist)

    @override
    def save(self, project: str, note: Note, *, repeat_within: timedelta) -> Context:
        with self._database.writing() as database:
            moment = writing.now()  # under the write lock, so that ids and times rise together
            project_id = writing.make_project(database, project, moment)
            since = moment - repeat_within // timedelta(milliseconds=1)
            repeated = _repeated(database, note, project_id=project_id, since=since)
            if repeated is not None:
                return repeated
            context_id = writing.insert(database, note, project_id=project_id, created_at=moment)
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
                if database.execute(statements.IMPORTED_ID, origin).fetchone() is not None:
                    continue
                context_id = writing.add_imported(database, context)
                database.execute(statements.INSERT_ORIGIN, origin | {"context_id": context_id})
                new += 1
        return new

    @override
    def imported_origins(self, origins: Sequence[str]) -> Mapping[str, Standing]:
        with self._database.reading() as connection:
            found = connection.execute(queries.STANDINGS, {"origins": origins}).mappings()
            return {row["origin"]: rows.standing(row) for row in found}

    @override
    def load(self, project: str, selection: Selection, *, limit: int, offset: int) -> ContextPage:
        with self._database.reading() as connection:
            ids, total, is_exact = pages.page(
                connection, project, selection, limit=limit, offset=offset
            )
            there = _contexts(connection, ids)
        contexts = tuple(there[context_id] for context_id in ids if context_id in there)
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
                SqliteIndex(database, is_written=below != writes.ABOVE_EVERY_ID),
                partial(_contexts, connection),
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
            there = _contexts(connection, ids)
        found = (there[context_id] for context_id in dict.fromkeys(ids) if context_id in there)
        return tuple(context for context in found if project in (None, context.project))

    @override
    def contexts_after(
        self, *, after: int, limit: int, projects: Collection[str] | None = None
    ) -> tuple[Context, ...]:
        query = queries.contexts_after(projects)
        with self._database.reading() as connection:
            found = connection.execute(query, {"after": after, "limit": limit}).mappings()
            return tuple(rows.context(row) for row in found)

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
            revised = writing.revise(database, old, note)
            last = database.execute(statements.LAST_REVISION_NUMBER, {"id": context_id})
            return UpdatedContext(context=revised, revision=rows.scalar(last))

    @override
    def forget(
        self, context_id: int, *, project: str | None, permanently: bool = False
    ) -> str | None:
        with self._database.writing() as database:
            context = writing.read(database, context_id, project=project)
            if context is not None:
                writing.move_to_trash(database, context, forgotten_at=writing.now())
            elif permanently:
                context = writing.read_trash(database, context_id, project=project)
            if context is None:
                return None
            if permanently:
                writing.purge(database, [context_id])
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
                database.execute(statements.DELETE_FORGOTTEN, {"id": context_id})
                writing.insert_again(database, context)
            elif earlier is not None:
                context = writing.read(database, context_id, project=project)
            if context is None or earlier is None or earlier == context.note:
                return context
            return writing.revise(database, context, earlier)

    @override
    def revisions(
        self, context_id: int, *, project: str | None, limit: int
    ) -> tuple[Revision, ...]:
        with self._database.reading() as connection:
            owner = _owners(connection, [context_id]).get(context_id)
            if owner is None or project not in (None, owner):
                return ()
            values = {"id": context_id, "limit": limit}
            found = connection.execute(queries.REVISIONS_OF_ONE, values).mappings()
            return tuple(rows.revision(row) for row in found)

    @override
    def revisions_of(
        self, ids: Sequence[int], *, projects: Collection[str] | None = None
    ) -> Mapping[int, tuple[Revision, ...]]:
        revised: dict[int, tuple[Revision, ...]] = {}
        with self._database.reading() as connection:
            if projects is not None:
                owners = _owners(connection, ids)
                ids = [context_id for context_id in ids if owners.get(context_id) in projects]
            query = queries.REVISIONS_OF_SEVERAL
            for row in connection.execute(query, {"ids": list(ids)}).mappings():
                context_id = row["context_id"]
                revised[context_id] = (*revised.get(context_id, ()), rows.revision(row))
        return revised

    @override
    def trash(self, *, project: str | None, limit: int) -> tuple[ForgottenContext, ...]:
        query = queries.TRASH_BY_TIME
        if project is not None:
            query = query.where(ProjectRow.name == project)
        with self._database.reading() as connection:
            found = connection.execute(query, {"limit": limit}).mappings()
            return tuple(rows.forgotten_context(row) for row in found)

    @override
    def trash_after(
        self, *, after: int, limit: int, projects: Collection[str] | None = None
    ) -> tuple[ForgottenContext, ...]:
        query = queries.trash_after(projects)
        with self._database.reading() as connection:
            found = connection.execute(query, {"after": after, "limit": limit})
            return tuple(rows.forgotten_context(row) for row in found.mappings())

    @override
    def purge(self, *, before: datetime) -> int:
        purged = 0
        while True:
            with self._database.writing() as database:
                moment = {"before": to_milliseconds(before)}
                old = database.execute(statements.FORGOTTEN_BEFORE, moment)
                ids = [number for (number,) in old.fetchmany(_PURGED_AT_A_TIME)]
                writing.purge(database, ids)
            purged += len(ids)
            if len(ids) < _PURGED_AT_A_TIME:
                return purged

    @override
    def rename_project(self, old: str, new: str) -> int:
        # Here, because few starts rename a project, and its statements take long to compile.

        # Here, because few starts rename a project, and its statements take long to compile.
        from extended_memory.storage.sqlite import renaming

        with self._database.writing() as database:
            return renaming.rename(database, old, new)

    @override
    def summary(self, project: str | None) -> Summary:
        from extended_memory.storage.sqlite.summary import summary

        with self._database.reading() as connection:
            return summary(connection, project)

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
            found = connection.execute(queries.POPULAR_TAGS, values | {"limit": limit})
            tags = tuple(map(rows.tag_count, found))
            total = len(tags)
            if total == limit:
                total = connection.execute(queries.POPULAR_TAG_COUNT, values).scalar_one()
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
    database: sqlite3.Connection, note: Note, *, project_id: int, since: int
) -> Context | None:
    """Return the context that a save of a note repeats, None where there is none."""
    values = rows.note_values(note) | {"project_id": project_id, "since": since}
    for (context_id,) in database.execute(statements.RECENT_EQUALS, values):
        context = writing.read(database, context_id, project=None)
        if context is not None and context.note == note:
            return context
    return None


def _contexts(connection: Connection, ids: Sequence[int]) -> dict[int, Context]:
    """Return the contexts of some ids that are there, by their ids."""
    if not ids:
        return {}
    found = connection.execute(queries.CONTEXTS_BY_ID, {"ids": ids}).mappings()
    return {row["id"]: rows.context(row) for row in found}


def _owners(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    """Return the projects of some contexts by their ids, in the trash or not."""
    found = connection.execute(queries.OWNERS, {"ids": ids}).mappings()
    return {row["id"]: row["project"] for row in found}
