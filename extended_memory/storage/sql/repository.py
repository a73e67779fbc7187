"""The repository contract on SQLite."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from extended_memory.domain import (
    MAXIMUM_IMPORTANCE,
    Context,
    ContextPage,
    ForeignContext,
    Project,
    TagCount,
    TagPage,
    from_milliseconds,
    to_milliseconds,
)
from extended_memory.storage.contract import MAXIMUM_COUNTED, MemoryRepository
from extended_memory.storage.sql import statements
from extended_memory.storage.sql.database import Database
from extended_memory.storage.sql.digest import content_digest
from extended_memory.storage.sql.models import ContextTagRow


class SqlRepository(MemoryRepository):
    """Contexts in one SQLite file."""

    def __init__(self, path: Path, *, own_folder: bool = False) -> None:
        self._database = Database(path, own_folder=own_folder)

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
        with self._database.writing() as database:
            now = _now()  # under the write lock, so that ids and times rise together
            values: dict[str, Any] = {
                "project": project,
                "content": content,
                "importance": importance,
                "digest": content_digest(content),
                "moment": now,
                "since": now - repeat_within // timedelta(milliseconds=1),
            }
            values["project_id"] = self._project_id(database, values)
            context_id, created_at = self._repeated(database, values, tags) or (
                self._insert(database, values, tags),
                now,
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
        new = 0
        with self._database.writing() as database:
            for context in contexts:
                origin = {"origin": context.origin}
                if database.execute(statements.SAVE_ORIGIN_ID, origin).fetchone() is not None:
                    continue
                values: dict[str, Any] = {
                    "project": context.project,
                    "content": context.content,
                    "importance": context.importance,
                    "digest": content_digest(context.content),
                    "moment": to_milliseconds(context.created_at),
                }
                values["project_id"] = self._project_id(database, values)
                context_id = self._insert(database, values, context.tags)
                database.execute(statements.SAVE_ORIGIN, origin | {"context_id": context_id})
                new += 1
        return new

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
        levels = range(minimum_importance, MAXIMUM_IMPORTANCE + 1)
        with self._database.reading() as connection:
            project_id = connection.execute(statements.PROJECT_ID, {"project": project}).scalar()
            owners: Sequence[int]
            exact = True
            if tags:
                names = {"project_id": project_id, "names": tags}
                owners = connection.execute(statements.TAG_IDS, names).scalars().all()
                total, exact = _total_with_tags(connection, owners, minimum_importance)
            else:
                owners = [] if project_id is None else [project_id]
                totals = {"project": project, "minimum": minimum_importance}
                total = connection.execute(statements.TOTAL, totals).scalar_one()
            if exact and total <= offset:
                return ContextPage(contexts=(), total=total)
            ranges = statements.page(len(levels), len(owners), tagged=bool(tags))
            bounds: dict[str, int] = {"limit": limit, "offset": offset}
            bounds |= {f"owner_{index}": owner for index, owner in enumerate(owners)}
            bounds |= {f"level_{index}": level for index, level in enumerate(levels)}
            ids = connection.execute(ranges, bounds).scalars("id").all()
            contexts = _contexts(connection, dict.fromkeys(ids, project))
            return ContextPage(contexts=contexts, total=total, total_is_exact=exact)

    def walk(self, *, after: int, limit: int) -> tuple[Context, ...]:
        """Return contexts by rising id; see the contract."""
        with self._database.reading() as connection:
            rows = connection.execute(statements.WALK, {"after": after, "limit": limit})
            owners = {row.id: row.name for row in rows}
            return _contexts(connection, owners)

    def forget(self, context_id: int, *, project: str | None) -> str | None:
        """Remove a context; see the contract."""
        with self._database.writing() as database:
            owner = database.execute(statements.FORGET_OWNER, {"id": context_id}).fetchone()
            if owner is None or project not in (None, owner[2]):
                return None
            values = {"id": context_id, "project_id": owner[0], "level": owner[1]}
            for statement in (
                statements.FORGET_TAGS,
                statements.FORGET_CONTEXT,  # and its links, by cascade
                statements.FORGET_UNUSED_TAGS,
                statements.FORGET_COUNT,
            ):
                database.execute(statement, values)
            return str(owner[2])

    def projects(self) -> tuple[Project, ...]:
        """Return the projects; see the contract."""
        with self._database.reading() as connection:
            return tuple(_project(row) for row in connection.execute(statements.PROJECTS))

    def project(self, name: str) -> Project | None:
        """Return one project; see the contract."""
        with self._database.reading() as connection:
            row = connection.execute(statements.PROJECT, {"project": name}).one_or_none()
        return None if row is None else _project(row)

    def popular_tags(self, project: str, *, minimum_count: int, limit: int) -> TagPage:
        """Return the most used tags; see the contract."""
        values = {"project": project, "minimum": minimum_count}
        with self._database.reading() as connection:
            rows = connection.execute(statements.POPULAR, values | {"limit": limit}).all()
            total = len(rows)
            if total == limit:
                total = connection.execute(statements.POPULAR_TOTAL, values).scalar_one()
        tags = tuple(TagCount(tag=row.name, count=row.context_count) for row in rows)
        return TagPage(tags=tags, total=total)

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

    def _project_id(self, database: sqlite3.Connection, values: dict[str, Any]) -> int | None:
        """Return the id of a save's project, which begins to exist if it does not."""
        row = database.execute(statements.SAVE_PROJECT_ID, values).fetchone()
        if row is not None:
            return int(row[0])
        moment = values["moment"]
        times = {"name": values["project"], "created_at": moment, "last_saved_at": moment}
        return database.execute(statements.SAVE_NEW_PROJECT, times).lastrowid

    def _repeated(
        self, database: sqlite3.Connection, values: dict[str, Any], tags: tuple[str, ...]
    ) -> tuple[int, int] | None:
        """Find the id and time of the context that this save repeats."""
        for context_id, created_at in database.execute(statements.SAVE_RECENT_EQUALS, values):
            names = database.execute(statements.SAVE_TAGS_OF, {"id": context_id})
            if tuple(name for (name,) in names) == tags:
                return context_id, created_at
        return None

    def _insert(
        self, database: sqlite3.Connection, values: dict[str, Any], tags: tuple[str, ...]
    ) -> int:
        """Insert a context with its links, and count it; return its id."""
        row = values | {"created_at": values["moment"], "context_count": 1}
        context_id = database.execute(statements.SAVE_CONTEXT, row).lastrowid
        assert context_id is not None
        if tags:
            tag_rows = [{**row, "context_id": context_id, "name": tag} for tag in tags]
            database.executemany(statements.SAVE_TAG, tag_rows)
            database.executemany(statements.SAVE_LINK, tag_rows)
        database.execute(statements.SAVE_COUNT, row)
        database.execute(statements.SAVE_PROJECT_TIMES, row)
        return context_id


def _total_with_tags(
    connection: Connection, tag_ids: Sequence[int], minimum_importance: int
) -> tuple[int, bool]:
    """Count what carries any of the tags; say whether the count is exact (see the contract)."""
    asked = ContextTagRow.tag_id.in_(tag_ids), ContextTagRow.importance >= minimum_importance
    uses = connection.execute(statements.USES.where(*asked)).scalars("count").all()
    if len(uses) <= 1 or sum(uses) > MAXIMUM_COUNTED:
        return max(uses, default=0), len(uses) <= 1
    return connection.execute(statements.CARRYING_ANY.where(*asked)).scalar_one(), True


def _contexts(connection: Connection, owners: Mapping[int, str]) -> tuple[Context, ...]:
    """Return contexts in the order of their ids, each of which comes with its project."""
    ids = list(owners)
    rows = {row.id: row for row in connection.execute(statements.CONTEXTS, {"ids": ids})}
    tags = _tags_of(connection, ids)
    return tuple(
        Context(
            id=context_id,
            project=project,
            content=rows[context_id].content,
            importance=rows[context_id].importance,
            tags=tags[context_id],
            created_at=rows[context_id].created_at,
        )
        for context_id, project in owners.items()
    )


def _tags_of(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    tags: dict[int, list[str]] = {context_id: [] for context_id in ids}
    for context_id, name in connection.execute(statements.TAGS_OF, {"ids": ids}):
        tags[context_id].append(name)
    return {context_id: tuple(names) for context_id, names in tags.items()}


def _project(row: Any) -> Project:
    return Project(
        name=row.name,
        context_count=row.context_count,
        created_at=row.created_at,
        last_saved_at=row.last_saved_at,
    )


def _now() -> int:
    """Return the time in UTC as the milliseconds that are stored."""
    return to_milliseconds(datetime.now(timezone.utc))
