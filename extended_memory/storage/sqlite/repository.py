"""The repository contract on SQLite."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from extended_memory.domain import (
    Change,
    Context,
    ContextChangedError,
    ContextPage,
    Finding,
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
from extended_memory.storage.contract import MemoryRepository, Tell
from extended_memory.storage.sqlite import pages, renaming, rows, statements, summary, writing
from extended_memory.storage.sqlite.file.database import Database
from extended_memory.storage.sqlite.file.engine import driver_connection
from extended_memory.storage.sqlite.models import (
    ProjectRow,
)

_PURGED_AT_A_TIME = 100


class SqlRepository(MemoryRepository):
    """Contexts in one SQLite file."""

    def __init__(self, path: Path, *, own_folder: bool = False, must_exist: bool = False) -> None:
        self._database = Database(path, own_folder=own_folder, must_exist=must_exist)

    def save(self, project: str, note: Note, *, repeat_within: timedelta) -> Context:
        """Store a context; see the contract."""
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

    def bring(self, contexts: Sequence[PortableContext]) -> int:
        """Store contexts of another store; see the contract."""
        require_storable(contexts)
        new = 0
        with self._database.writing() as database:
            for context in contexts:
                origin = {"origin": context.origin}
                if database.execute(statements.SAVE_ORIGIN_ID, origin).fetchone() is not None:
                    continue
                context_id = writing.bring(database, context)
                database.execute(statements.SAVE_ORIGIN, origin | {"context_id": context_id})
                new += 1
        return new

    def brought(self, origins: Sequence[str]) -> Mapping[str, Standing]:
        """Return which of these origins were brought before; see the contract."""
        with self._database.reading() as connection:
            rows = connection.execute(statements.ORIGINS, {"origins": origins})
            return {row.origin: Standing(place=row.place, project=row.name) for row in rows}

    def load(self, project: str, selection: Selection, *, limit: int, offset: int) -> ContextPage:
        """Return a page of contexts; see the contract."""
        with self._database.reading() as connection:
            ids, total, is_exact = pages.page(
                connection, project, selection, limit=limit, offset=offset
            )
            contexts = _contexts(connection, dict.fromkeys(ids, project))
            return ContextPage(contexts=contexts, total=total, total_is_exact=is_exact)

    def search(
        self, project: str, text: str, selection: Selection, *, limit: int, offset: int
    ) -> SearchPage:
        """Return what matches a text best; see the contract."""
        # Here, because a server that searches nothing need not load them.
        from extended_memory.storage.search import found
        from extended_memory.storage.sqlite.search import writes
        from extended_memory.storage.sqlite.search.reads import SqlIndex

        with self._database.reading() as connection:
            connection.begin()  # before the driver's own connection reads: one state for all
            database = driver_connection(connection)
            below = writes.unindexed_below(database)
            return found(
                SqlIndex(database, is_written=below != writes.EVERYTHING),
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

    def index_some(self, limit: int) -> int:
        """Index contexts that no search finds yet; see the contract."""
        from extended_memory.storage.sqlite.search import writes

        with self._database.reading() as connection:
            connection.begin()
            if writes.is_complete(driver_connection(connection)):
                return 0  # without waiting for a writer, or being one
        with self._database.writing() as database:
            return writes.index_some(database, limit)

    def get(self, ids: Sequence[int], *, project: str | None) -> tuple[Context, ...]:
        """Return the contexts with these ids; see the contract."""
        with self._database.reading() as connection:
            found = connection.execute(statements.OWNERS, {"ids": ids})
            owners = {row.id: row.name for row in found if project in (None, row.name)}
            there = [context_id for context_id in dict.fromkeys(ids) if context_id in owners]
            return _contexts(connection, {context_id: owners[context_id] for context_id in there})

    def walk(self, *, after: int, limit: int) -> tuple[Context, ...]:
        """Return contexts by rising id; see the contract."""
        with self._database.reading() as connection:
            found = connection.execute(statements.WALK, {"after": after, "limit": limit})
            owners = {row.id: row.name for row in found}
            return _contexts(connection, owners)

    def update(
        self,
        context_id: int,
        change: Change,
        *,
        project: str | None,
        last_changed: TimeSpan | None = None,
    ) -> UpdatedContext | None:
        """Change a context; see the contract."""
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

    def forget(
        self, context_id: int, *, project: str | None, permanently: bool = False
    ) -> str | None:
        """Move a context to the trash, or remove it; see the contract."""
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

    def restore(
        self, context_id: int, *, project: str | None, revision: int | None = None
    ) -> Context | None:
        """Bring a context back, or an earlier text of it; see the contract."""
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

    def revisions(
        self, context_id: int, *, project: str | None, limit: int
    ) -> tuple[Revision, ...]:
        """Return what a context was before; see the contract."""
        with self._database.reading() as connection:
            owner = connection.execute(statements.OWNER, {"id": context_id}).scalar()
            if owner is None or project not in (None, owner):
                return ()
            found = connection.execute(statements.REVISIONS, {"id": context_id, "limit": limit})
            return tuple(rows.revision(row) for row in found.mappings())

    def revised(self, ids: Sequence[int]) -> Mapping[int, tuple[Revision, ...]]:
        """Return what contexts were before; see the contract."""
        revised: dict[int, tuple[Revision, ...]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(statements.REVISED, {"ids": ids}).mappings():
                of = row["context_id"]
                revised[of] = (*revised.get(of, ()), rows.revision(row))
        return revised

    def trash(self, *, project: str | None, limit: int) -> tuple[ForgottenContext, ...]:
        """Return what is in the trash; see the contract."""
        query = statements.TRASH
        if project is not None:
            query = query.where(ProjectRow.name == project)
        with self._database.reading() as connection:
            found = connection.execute(query, {"limit": limit}).mappings()
            return tuple(rows.forgotten(row) for row in found)

    def walk_trash(self, *, after: int, limit: int) -> tuple[ForgottenContext, ...]:
        """Return what is in the trash by rising id; see the contract."""
        with self._database.reading() as connection:
            found = connection.execute(statements.WALK_TRASH, {"after": after, "limit": limit})
            return tuple(rows.forgotten(row) for row in found.mappings())

    def purge(self, *, before: datetime) -> int:
        """Remove what is old in the trash; see the contract."""
        purged = 0
        while True:
            with self._database.writing() as database:
                old = database.execute(statements.TRASH_OLD, {"before": to_milliseconds(before)})
                ids = [number for (number,) in old.fetchmany(_PURGED_AT_A_TIME)]
                writing.remove(database, ids)
            purged += len(ids)
            if len(ids) < _PURGED_AT_A_TIME:
                return purged

    def rename_project(self, old: str, new: str) -> int:
        """Let a project have another name, in one transaction; see the contract."""
        with self._database.writing() as database:
            return renaming.rename(database, old, new)

    def summary(self, project: str | None) -> Summary:
        """Say how much there is, of one state of the store; see the contract."""
        with self._database.reading() as connection:
            return summary.summary(connection, project)

    def projects(self) -> tuple[Project, ...]:
        """Return the projects; see the contract."""
        with self._database.reading() as connection:
            found = connection.execute(statements.PROJECTS).mappings()
            return tuple(rows.project(row) for row in found)

    def project(self, name: str) -> Project | None:
        """Return one project; see the contract."""
        with self._database.reading() as connection:
            found = connection.execute(statements.PROJECT, {"project": name}).mappings()
            row = found.one_or_none()
        return None if row is None else rows.project(row)

    def popular_tags(self, project: str, *, minimum_count: int, limit: int) -> TagPage:
        """Return the most used tags; see the contract."""
        values = {"project": project, "minimum": minimum_count}
        with self._database.reading() as connection:
            found = connection.execute(statements.POPULAR, values | {"limit": limit}).all()
            total = len(found)
            if total == limit:
                total = connection.execute(statements.POPULAR_TOTAL, values).scalar_one()
        tags = tuple(TagCount(tag=row.name, count=row.context_count) for row in found)
        return TagPage(tags=tags, total=total)

    def check(self, tell: Tell) -> tuple[Finding, ...]:
        """Look through the file; see the contract."""
        from extended_memory.storage.sqlite.check import rules

        with self._database.reading() as connection:
            connection.begin()
            return tuple(rules.findings(driver_connection(connection), tell))

    def repair(self, findings: Sequence[Finding]) -> None:
        """Rebuild what can be; see the contract."""
        from extended_memory.storage.sqlite.check import rules

        with self._database.writing() as database:
            rules.repair(database, findings)

    @property
    def notice(self) -> str:
        """Nothing: a file of 0.9.0 has become ours; see the contract."""
        return ""

    @property
    def answers_at_once(self) -> bool:
        """Whether the file is open; see the contract."""
        return self._database.is_open

    def prepare(self) -> None:
        """Open, make or upgrade the file now; see the contract."""
        self._database.open()

    def close(self) -> None:
        """Close the file; see the contract."""
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
    found = connection.execute(statements.CONTEXTS, {"ids": ids}).mappings()
    there = {row["id"]: row for row in found}
    tags = _tags_of(connection, ids)
    return tuple(
        rows.context(there[context_id], project=project, tags=tags[context_id])
        for context_id, project in owners.items()
        if context_id in there
    )


def _tags_of(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    tags: dict[int, list[str]] = {context_id: [] for context_id in ids}
    for context_id, name in connection.execute(statements.TAGS_OF, {"ids": ids}):
        tags[context_id].append(name)
    return {context_id: tuple(names) for context_id, names in tags.items()}
