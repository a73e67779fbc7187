"""The repository contract on SQLite."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Insert,
    func,
    select,
)

from extended_memory.domain import (
    MAXIMUM_IMPORTANCE,
    Context,
    ContextPage,
    Project,
    TagCount,
    TagPage,
)
from extended_memory.storage.contract import MemoryRepository
from extended_memory.storage.sql import statements
from extended_memory.storage.sql.database import Database
from extended_memory.storage.sql.digest import content_digest
from extended_memory.storage.sql.models import (
    ContextTagRow,
    from_milliseconds,
    to_milliseconds,
)


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
        with self._database.writing() as connection:
            now = _now()  # under the write lock, so that ids and times rise together
            project_id = connection.execute(statements.PROJECT_ID, {"project": project}).scalar()
            if project_id is None:
                project_id = _inserted(
                    connection,
                    statements.ADD_PROJECT,
                    {"name": project, "created_at": now, "last_saved_at": now},
                )
            row = {
                "project_id": project_id,
                "importance": importance,
                "digest": content_digest(content),
                "content": content,
            }
            repeated = self._repeated(connection, row, tags, since=now - repeat_within)
            context_id, created_at = repeated or (None, now)
            if context_id is None:
                context_id = self._insert(connection, row, tags, now)
        return Context(
            id=context_id,
            project=project,
            content=content,
            importance=importance,
            tags=tags,
            created_at=created_at,
        )

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
            if tags:
                names = {"project_id": project_id, "names": tags}
                owners = connection.execute(statements.TAG_IDS, names).scalars().all()
                total = _total_with_tags(connection, owners, minimum_importance)
            else:
                owners = [] if project_id is None else [project_id]
                totals = {"project": project, "minimum": minimum_importance}
                total = connection.execute(statements.TOTAL, totals).scalar_one()
            if total <= offset:
                return ContextPage(contexts=(), total=total)
            ranges = statements.page(len(levels), len(owners), tagged=bool(tags))
            bounds: dict[str, int] = {"limit": limit, "offset": offset}
            bounds |= {f"owner_{index}": owner for index, owner in enumerate(owners)}
            bounds |= {f"level_{index}": level for index, level in enumerate(levels)}
            ids = connection.execute(ranges, bounds).scalars("id").all()
            return ContextPage(contexts=_contexts(connection, project, ids), total=total)

    def forget(self, context_id: int, *, project: str | None) -> str | None:
        """Remove a context; see the contract."""
        with self._database.writing() as connection:
            owner = connection.execute(statements.OWNER, {"id": context_id}).one_or_none()
            if owner is None or project not in (None, owner.name):
                return None
            tag_ids = connection.execute(statements.TAG_IDS_OF, {"id": context_id}).scalars().all()
            connection.execute(statements.DROP_CONTEXT, {"id": context_id})
            connection.execute(
                statements.UNCOUNT_CONTEXT, {"project": owner.project_id, "level": owner.importance}
            )
            if tag_ids:
                keys = [{"tag_id": tag_id} for tag_id in tag_ids]
                connection.execute(statements.UNCOUNT_TAG, keys)
                connection.execute(statements.DROP_UNUSED_TAG, keys)
            return str(owner.name)

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
    def is_open(self) -> bool:
        """Whether the file is open; see the contract."""
        return self._database.is_open

    def prepare(self) -> None:
        """Open, make or upgrade the file now; see the contract."""
        self._database.open()

    def close(self) -> None:
        """Close the file; see the contract."""
        self._database.close()

    def _repeated(
        self, connection: Connection, row: dict[str, Any], tags: tuple[str, ...], since: datetime
    ) -> tuple[int, datetime] | None:
        """Find the context that this save repeats."""
        equals = connection.execute(statements.RECENT_EQUALS, row | {"since": since}).all()
        if not equals:
            return None
        tags_of = _tags_of(connection, [equal.id for equal in equals])
        return next(
            ((equal.id, equal.created_at) for equal in equals if tags_of[equal.id] == tags), None
        )

    def _insert(
        self, connection: Connection, row: dict[str, Any], tags: tuple[str, ...], now: datetime
    ) -> int:
        """Insert a context with its links, and count it."""
        project_id, importance = row["project_id"], row["importance"]
        context_id = _inserted(connection, statements.ADD_CONTEXT, row | {"created_at": now})
        if tags:
            connection.execute(
                statements.COUNT_TAG,
                [{"project_id": project_id, "name": tag, "context_count": 1} for tag in tags],
            )
            names = {"project_id": project_id, "names": tags}
            connection.execute(
                statements.ADD_LINK,
                [
                    {
                        "tag_id": tag_id,
                        "importance": importance,
                        "created_at": now,
                        "context_id": context_id,
                    }
                    for tag_id in connection.execute(statements.TAG_IDS, names).scalars()
                ],
            )
        connection.execute(
            statements.COUNT_CONTEXT,
            {"project_id": project_id, "importance": importance, "context_count": 1},
        )
        connection.execute(statements.TOUCH_PROJECT, {"key": project_id, "moment": now})
        return context_id


def _inserted(connection: Connection, statement: Insert, row: dict[str, Any]) -> int:
    """Insert a row and return its id."""
    key = connection.execute(statement, row).inserted_primary_key
    assert key is not None
    return int(key[0])


def _total_with_tags(
    connection: Connection, tag_ids: Sequence[int], minimum_importance: int
) -> int:
    if not tag_ids:
        return 0
    # One tag links a context once, so only several tags need the costlier distinct count.
    ids = ContextTagRow.context_id
    count = func.count(ids) if len(tag_ids) == 1 else func.count(ids.distinct())
    return connection.execute(
        select(count).where(
            ContextTagRow.tag_id.in_(tag_ids), ContextTagRow.importance >= minimum_importance
        )
    ).scalar_one()


def _contexts(connection: Connection, project: str, ids: Sequence[int]) -> tuple[Context, ...]:
    """Return contexts in the order of their ids' list."""
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
        for context_id in ids
    )


def _tags_of(connection: Connection, ids: Iterable[int]) -> dict[int, tuple[str, ...]]:
    ids = list(ids)
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


def _now() -> datetime:
    """Return the time in UTC, to the millisecond that is stored."""
    return from_milliseconds(to_milliseconds(datetime.now(timezone.utc)))
