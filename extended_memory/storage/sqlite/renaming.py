"""A project gets another name, or becomes one with the project that has it.

A project that has the name alone takes it in one row. Two become one in a few statements, however
much they hold. Of a tag or a term that both have, the links go from one row to the other; all other
rows change their project. Postings take most of the time: the smaller project goes to the larger.
"""

import sqlite3
from collections.abc import Iterator
from typing import Final

from sqlalchemy import Integer, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.orm import InstrumentedAttribute, aliased

from extended_memory.storage.sqlite import rows
from extended_memory.storage.sqlite.compilation import ZERO, compiled
from extended_memory.storage.sqlite.models import (
    Base,
    ContextCountRow,
    ContextRow,
    ContextTagRow,
    OriginRow,
    PostingRow,
    ProjectRow,
    RecentPostingRow,
    TagRow,
    TermRow,
    TrashRow,
)

_SOURCE: Final = bindparam("source", type_=Integer)
_TARGET: Final = bindparam("target", type_=Integer)

_PROJECTS: Final = compiled(
    select(
        ProjectRow.name,
        ProjectRow.id,
        select(func.coalesce(func.sum(ContextCountRow.context_count), ZERO))
        .where(ContextCountRow.project_id == ProjectRow.id)
        .scalar_subquery()
        .label("context_count"),
    ).where(ProjectRow.name.in_((bindparam("old"), bindparam("new"))))
)
_RENAME: Final = compiled(
    update(ProjectRow).where(ProjectRow.id == _TARGET).values(name=bindparam("new"))
)


def _counts_joined() -> Iterator[str]:
    """Give the statements that add the counts of a project's contexts to those of another."""
    row = upsert(ContextCountRow).from_select(
        ["project_id", "importance", "context_count"],
        select(_TARGET, ContextCountRow.importance, ContextCountRow.context_count).where(
            ContextCountRow.project_id == _SOURCE
        ),
    )
    yield compiled(
        row.on_conflict_do_update(
            index_elements=["project_id", "importance"],
            set_={"context_count": ContextCountRow.context_count + row.excluded.context_count},
        )
    )
    yield compiled(delete(ContextCountRow).where(ContextCountRow.project_id == _SOURCE))


def _names_joined(
    table: type[TagRow] | type[TermRow],
    name: InstrumentedAttribute[str],
    count: InstrumentedAttribute[int],
    references: dict[type[Base], InstrumentedAttribute[int]],
) -> Iterator[str]:
    """Give the statements that move rows with names to a project that may have some of them.

    ``references`` are the tables that refer to such a row, and the columns that hold its id.
    """
    here, there = aliased(table, name="here"), aliased(table, name="there")
    here_name, there_name = getattr(here, name.key), getattr(there, name.key)
    is_shared = (there.project_id == _TARGET) & (there_name == here_name)
    for link, reference in references.items():
        others = [column for column in rows.column_names(link) if column != reference.key]
        yield compiled(
            insert(link).from_select(
                [reference.key, *others],
                select(there.id, *(getattr(link, column) for column in others))
                .select_from(here)
                .join(there, is_shared)
                .join(link, reference == here.id)
                .where(here.project_id == _SOURCE)
                .order_by(there.id),
            )
        )
        shared = select(here.id).join(there, is_shared).where(here.project_id == _SOURCE)
        yield compiled(delete(link).where(reference.in_(shared)))
    is_here = here.project_id == _SOURCE
    added = select(getattr(here, count.key)).where(is_here, here_name == name).scalar_subquery()
    yield compiled(
        update(table)
        .where(table.project_id == _TARGET, name.in_(select(here_name).where(is_here)))
        .values({count: count + added})
    )
    yield compiled(
        delete(table).where(
            table.project_id == _SOURCE,
            name.in_(select(there_name).where(there.project_id == _TARGET)),
        )
    )
    yield _moved(table)


def _moved(table: type[ContextRow] | type[TrashRow] | type[TagRow] | type[TermRow]) -> str:
    """Return the statement that gives all rows of a project to another one."""
    return compiled(update(table).where(table.project_id == _SOURCE).values(project_id=_TARGET))


def _times_joined() -> str:
    """Return the statement that makes a project as old and as new as both were."""
    source = aliased(ProjectRow, name="source")
    created_at, last_saved_at = (
        select(column).where(source.id == _SOURCE).scalar_subquery()
        for column in (source.created_at, source.last_saved_at)
    )
    return compiled(
        update(ProjectRow)
        .where(ProjectRow.id == _TARGET)
        .values(
            created_at=func.min(ProjectRow.created_at, created_at),
            last_saved_at=func.max(ProjectRow.last_saved_at, last_saved_at),
        )
    )


_JOIN: Final = (
    _moved(ContextRow),
    _moved(TrashRow),
    # Of what was forgotten for good.
    compiled(update(OriginRow).where(OriginRow.context_id == -_SOURCE).values(context_id=-_TARGET)),
    *_counts_joined(),
    *_names_joined(
        TagRow, TagRow.name, TagRow.context_count, {ContextTagRow: ContextTagRow.tag_id}
    ),
    *_names_joined(
        TermRow,
        TermRow.term,
        TermRow.df,
        {PostingRow: PostingRow.term_id, RecentPostingRow: RecentPostingRow.term_id},
    ),
    _times_joined(),
    compiled(delete(ProjectRow).where(ProjectRow.id == _SOURCE)),
)


def rename(database: sqlite3.Connection, old: str, new: str) -> int:
    """Let a project have another name; return how many contexts it held."""
    found = rows.named(database).execute(_PROJECTS, {"old": old, "new": new})
    projects = {row["name"]: row for row in found}
    if old not in projects or old == new:
        return 0
    moved: int = projects[old]["context_count"]
    target = projects[old]["id"]
    if new in projects:
        source, others = projects[new]["id"], projects[new]["context_count"]
        if moved <= others:
            source, target = target, source
        for statement in _JOIN:
            database.execute(statement, {"source": source, "target": target})
    database.execute(_RENAME, {"new": new, "target": target})
    return moved
