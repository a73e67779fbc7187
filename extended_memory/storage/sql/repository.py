"""The repository contract on SQLite."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Connection,
    Insert,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    union,
    union_all,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from extended_memory.domain import (
    MAXIMUM_IMPORTANCE,
    Context,
    ContextPage,
    Project,
    TagCount,
    TagPage,
)
from extended_memory.storage.contract import MemoryRepository
from extended_memory.storage.sql.database import Database
from extended_memory.storage.sql.digest import content_digest
from extended_memory.storage.sql.models import (
    ContextCountRow,
    ContextRow,
    ContextTagRow,
    ProjectRow,
    TagRow,
    from_milliseconds,
    to_milliseconds,
)

# Statements are built once: SQLAlchemy then finds their SQL without walking them again.
_PROJECT_ID = select(ProjectRow.id).where(ProjectRow.name == bindparam("project"))
_ADD_PROJECT = insert(ProjectRow)
_TOUCH_PROJECT = (
    update(ProjectRow)
    .where(ProjectRow.id == bindparam("key"))
    .values(last_saved_at=bindparam("moment"))
)
_RECENT_EQUALS = (
    select(ContextRow.id, ContextRow.created_at)
    .where(
        ContextRow.digest == bindparam("digest"),
        ContextRow.created_at >= bindparam("since"),
        ContextRow.project_id == bindparam("project_id"),
        ContextRow.importance == bindparam("importance"),
        ContextRow.content == bindparam("content"),
    )
    .order_by(ContextRow.id.desc())
)
_ADD_CONTEXT = insert(ContextRow)
_COUNT_CONTEXT = upsert(ContextCountRow).on_conflict_do_update(
    index_elements=[ContextCountRow.project_id, ContextCountRow.importance],
    set_={"context_count": ContextCountRow.context_count + 1},
)
_UNCOUNT_CONTEXT = (
    update(ContextCountRow)
    .where(
        ContextCountRow.project_id == bindparam("project"),
        ContextCountRow.importance == bindparam("level"),
    )
    .values(context_count=ContextCountRow.context_count - 1)
)
_COUNT_TAG = upsert(TagRow).on_conflict_do_update(
    index_elements=[TagRow.project_id, TagRow.name],
    set_={"context_count": TagRow.context_count + 1},
)
_TAG_IDS = select(TagRow.id).where(
    TagRow.project_id == bindparam("project_id"),
    TagRow.name.in_(bindparam("names", expanding=True)),
)
_ADD_LINK = insert(ContextTagRow)
_TAGS_OF = (
    select(ContextTagRow.context_id, TagRow.name)
    .join(TagRow, TagRow.id == ContextTagRow.tag_id)
    .where(ContextTagRow.context_id.in_(bindparam("ids", expanding=True)))
    .order_by(ContextTagRow.context_id, TagRow.name)
)
_CONTEXTS = select(
    ContextRow.id, ContextRow.content, ContextRow.importance, ContextRow.created_at
).where(ContextRow.id.in_(bindparam("ids", expanding=True)))
_OWNER = (
    select(ContextRow.project_id, ContextRow.importance, ProjectRow.name)
    .join(ProjectRow, ProjectRow.id == ContextRow.project_id)
    .where(ContextRow.id == bindparam("id"))
)
_TAG_IDS_OF = select(ContextTagRow.tag_id).where(ContextTagRow.context_id == bindparam("id"))
_UNCOUNT_TAG = (
    update(TagRow)
    .where(TagRow.id == bindparam("tag_id"))
    .values(context_count=TagRow.context_count - 1)
)
_DROP_UNUSED_TAG = delete(TagRow).where(TagRow.id == bindparam("tag_id"), TagRow.context_count == 0)
_DROP_CONTEXT = delete(ContextRow).where(ContextRow.id == bindparam("id"))
_PROJECTS = (
    select(
        ProjectRow.name,
        func.sum(ContextCountRow.context_count).label("context_count"),
        ProjectRow.created_at,
        ProjectRow.last_saved_at,
    )
    .join(ContextCountRow, ContextCountRow.project_id == ProjectRow.id)
    .group_by(ProjectRow.id)
    .having(func.sum(ContextCountRow.context_count) > 0)
    .order_by(ProjectRow.last_saved_at.desc(), ProjectRow.name)
)
_PROJECT = _PROJECTS.where(ProjectRow.name == bindparam("project"))
_TOTAL = (
    select(func.coalesce(func.sum(ContextCountRow.context_count), 0))
    .join(ProjectRow, ProjectRow.id == ContextCountRow.project_id)
    .where(
        ProjectRow.name == bindparam("project"),
        ContextCountRow.importance >= bindparam("minimum"),
    )
)
_POPULAR = (
    select(TagRow.name, TagRow.context_count)
    .join(ProjectRow, ProjectRow.id == TagRow.project_id)
    .where(ProjectRow.name == bindparam("project"), TagRow.context_count >= bindparam("minimum"))
    .order_by(text("context_count DESC"), TagRow.name)
    .limit(bindparam("limit"))
)
_POPULAR_TOTAL = (
    select(func.count())
    .select_from(TagRow)
    .join(ProjectRow, ProjectRow.id == TagRow.project_id)
    .where(ProjectRow.name == bindparam("project"), TagRow.context_count >= bindparam("minimum"))
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
            project_id = connection.execute(_PROJECT_ID, {"project": project}).scalar()
            if project_id is None:
                project_id = _inserted(
                    connection,
                    _ADD_PROJECT,
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
            project_id = connection.execute(_PROJECT_ID, {"project": project}).scalar()
            owners: Sequence[int]
            if tags:
                names = {"project_id": project_id, "names": tags}
                owners = connection.execute(_TAG_IDS, names).scalars().all()
                total = _total_with_tags(connection, owners, minimum_importance)
            else:
                owners = [] if project_id is None else [project_id]
                totals = {"project": project, "minimum": minimum_importance}
                total = connection.execute(_TOTAL, totals).scalar_one()
            if total <= offset:
                return ContextPage(contexts=(), total=total)
            ranges = _page(len(levels), len(owners), tagged=bool(tags))
            bounds: dict[str, int] = {"limit": limit, "offset": offset}
            bounds |= {f"owner_{index}": owner for index, owner in enumerate(owners)}
            bounds |= {f"level_{index}": level for index, level in enumerate(levels)}
            ids = connection.execute(ranges, bounds).scalars("id").all()
            return ContextPage(contexts=_contexts(connection, project, ids), total=total)

    def forget(self, context_id: int, *, project: str | None) -> str | None:
        """Remove a context; see the contract."""
        with self._database.writing() as connection:
            owner = connection.execute(_OWNER, {"id": context_id}).one_or_none()
            if owner is None or project not in (None, owner.name):
                return None
            tag_ids = connection.execute(_TAG_IDS_OF, {"id": context_id}).scalars().all()
            connection.execute(_DROP_CONTEXT, {"id": context_id})
            connection.execute(
                _UNCOUNT_CONTEXT, {"project": owner.project_id, "level": owner.importance}
            )
            if tag_ids:
                keys = [{"tag_id": tag_id} for tag_id in tag_ids]
                connection.execute(_UNCOUNT_TAG, keys)
                connection.execute(_DROP_UNUSED_TAG, keys)
            return str(owner.name)

    def projects(self) -> tuple[Project, ...]:
        """Return the projects; see the contract."""
        with self._database.reading() as connection:
            return tuple(_project(row) for row in connection.execute(_PROJECTS))

    def project(self, name: str) -> Project | None:
        """Return one project; see the contract."""
        with self._database.reading() as connection:
            row = connection.execute(_PROJECT, {"project": name}).one_or_none()
        return None if row is None else _project(row)

    def popular_tags(self, project: str, *, minimum_count: int, limit: int) -> TagPage:
        """Return the most used tags; see the contract."""
        values = {"project": project, "minimum": minimum_count}
        with self._database.reading() as connection:
            rows = connection.execute(_POPULAR, values | {"limit": limit}).all()
            total = len(rows)
            if total == limit:
                total = connection.execute(_POPULAR_TOTAL, values).scalar_one()
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
        equals = connection.execute(_RECENT_EQUALS, row | {"since": since}).all()
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
        context_id = _inserted(connection, _ADD_CONTEXT, row | {"created_at": now})
        if tags:
            connection.execute(
                _COUNT_TAG,
                [{"project_id": project_id, "name": tag, "context_count": 1} for tag in tags],
            )
            names = {"project_id": project_id, "names": tags}
            connection.execute(
                _ADD_LINK,
                [
                    {
                        "tag_id": tag_id,
                        "importance": importance,
                        "created_at": now,
                        "context_id": context_id,
                    }
                    for tag_id in connection.execute(_TAG_IDS, names).scalars()
                ],
            )
        connection.execute(
            _COUNT_CONTEXT,
            {"project_id": project_id, "importance": importance, "context_count": 1},
        )
        connection.execute(_TOUCH_PROJECT, {"key": project_id, "moment": now})
        return context_id


def _inserted(connection: Connection, statement: Insert, row: dict[str, Any]) -> int:
    """Insert a row and return its id."""
    key = connection.execute(statement, row).inserted_primary_key
    assert key is not None
    return int(key[0])


@lru_cache(maxsize=256)
def _page(levels: int, owners: int, *, tagged: bool) -> CompoundSelect[datetime, int]:
    """Return the statement for the ids of one page, newest first.

    One ordered range of an index for each importance (and each tag): SQLite merges them lazily,
    so it reads ``offset + limit`` entries, however many match. With tags, UNION also makes a
    context that carries several of them come once.
    """
    ranges = []
    for owner in range(owners):
        for level in range(levels):
            if tagged:
                one = select(ContextTagRow.created_at, ContextTagRow.context_id.label("id")).where(
                    ContextTagRow.tag_id == bindparam(f"owner_{owner}"),
                    ContextTagRow.importance == bindparam(f"level_{level}"),
                )
            else:
                one = select(ContextRow.created_at, ContextRow.id.label("id")).where(
                    ContextRow.project_id == bindparam(f"owner_{owner}"),
                    ContextRow.importance == bindparam(f"level_{level}"),
                )
            ranges.append(one)
    return (
        (union if tagged else union_all)(*ranges)
        .order_by(text("created_at DESC"), text("id DESC"))
        .limit(bindparam("limit"))
        .offset(bindparam("offset"))
    )


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
    rows = {row.id: row for row in connection.execute(_CONTEXTS, {"ids": ids})}
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
    for context_id, name in connection.execute(_TAGS_OF, {"ids": ids}):
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
