"""The queries of a search, as SQL for the driver's own connection."""

from functools import lru_cache

from sqlalchemy import ColumnElement, Select, bindparam, case, desc, func, select, true, union_all
from sqlalchemy.orm import aliased

from extended_memory.storage.sqlite.compilation import ONE, ZERO, compiled, json_rows, json_values
from extended_memory.storage.sqlite.models import (
    ContextCountRow,
    ContextRow,
    ContextTagRow,
    PostingRow,
    RecentPostingRow,
    TagRow,
    TermRow,
)
from extended_memory.storage.sqlite.search.postings import RECENT_DF, TABLES

TERMS = compiled(
    select(TermRow.term, TermRow.id, TermRow.df + RECENT_DF).where(
        TermRow.project_id == bindparam("project_id"), TermRow.term.in_(json_values("terms"))
    )
)
CONTEXT_COUNT = compiled(
    select(func.coalesce(func.sum(ContextCountRow.context_count), ZERO)).where(
        ContextCountRow.project_id == bindparam("project_id")
    )
)
_important = case(
    (ContextCountRow.importance >= bindparam("level"), ContextCountRow.context_count), else_=ZERO
)
IMPORTANT_COUNT = compiled(
    select(
        func.coalesce(func.sum(_important), ZERO),
        func.coalesce(func.sum(ContextCountRow.context_count), ZERO),
    ).where(ContextCountRow.project_id == bindparam("project_id"))
)
IMPORTANT_IDS = compiled(
    select(ContextRow.id).where(
        ContextRow.id.in_(json_values("ids")), ContextRow.importance >= bindparam("level")
    )
)
VOCABULARY = compiled(
    select(TermRow.term)
    .where(
        TermRow.project_id == bindparam("project_id"),
        TermRow.term >= bindparam("first"),
        TermRow.term < bindparam("beyond"),
        func.length(TermRow.term).between(bindparam("shortest"), bindparam("longest")),
    )
    .order_by(TermRow.term)
    .limit(bindparam("limit"))
    .offset(ZERO)
)
MATCHES = compiled(
    union_all(
        *(
            select(row.context_id, row.term_id).where(
                row.term_id.in_(json_values("terms")), row.context_id.in_(json_values("ids"))
            )
            for row in TABLES
        )
    )
)


def _neighbour(*, is_after: bool) -> list[ColumnElement[int]]:
    """Return the id and the time of the context that comes before or after in its project.

    First the one of the same time, then the one of another: where an import brought thousands of
    one time, SQLite would walk through them for ``(created_at, id) < (?, ?)``.
    """
    other = aliased(ContextRow, name="other")
    if is_after:
        same_time, another_time = other.id > ContextRow.id, other.created_at > ContextRow.created_at
        order = (other.created_at.asc(), other.id.asc())
    else:
        same_time, another_time = other.id < ContextRow.id, other.created_at < ContextRow.created_at
        order = (other.created_at.desc(), other.id.desc())
    same_time &= other.created_at == ContextRow.created_at
    return [
        func.coalesce(
            *(
                select(column)
                .where(other.project_id == ContextRow.project_id, condition)
                .order_by(*order)
                .limit(ONE)
                .offset(ZERO)
                .correlate(ContextRow)
                .scalar_subquery()
                for condition in (same_time, another_time)
            )
        )
        for column in (other.id, other.created_at)
    ]


PLACES = compiled(
    select(
        ContextRow.id,
        ContextRow.importance,
        ContextRow.created_at,
        *_neighbour(is_after=False),
        *_neighbour(is_after=True),
    )
    # +0, or SQLite would look for them among all contexts of the project.
    .where(
        ContextRow.id.in_(json_values("ids")),
        ContextRow.project_id + ZERO == bindparam("project_id"),
    )
)


@lru_cache
def best(
    *, recent: bool, alone: bool, groups: bool, others: int, filtered: bool, tagged: bool
) -> str:
    """Return the SQL for the scores and ids of the best contexts, recent ones or all others.

    ``single`` is an object of term ids and their weights; ``alone`` says that it is of one. With
    ``groups``, ``groups`` is a list of such objects, one for each group of several terms.
    ``others`` is the number of groups that do not find: the terms of each are a list, ``other_0``
    and so on, and its weight is ``weight_0`` and so on. Then the best
    without these groups are returned, in no order; the score with them is a third column.
    """
    postings = RecentPostingRow if recent else PostingRow
    single = json_rows(bindparam("single"))
    gains = (
        select(postings.context_id, (single.c.value * postings.impact).label("gain"))
        .select_from(single)
        .join(postings, postings.term_id == single.c.key)
    )
    gained = (union_all(gains, _group_gains(postings)) if groups else gains).subquery("gained")
    # One term finds each context once: nothing is to be summed, which takes most of the time.
    score = (gained.c.gain if alone else func.sum(gained.c.gain)).label("score")
    found = select(score, gained.c.context_id)
    if not alone:
        found = found.group_by(gained.c.context_id)
    if tagged or filtered:
        # +0, or SQLite would look for each that is selected among the postings of each term.
        found = found.where((gained.c.context_id + ZERO).in_(_selected(tagged=tagged)))
    found = (
        found.order_by(desc("score"), gained.c.context_id.desc())
        .limit(bindparam("limit"))
        .offset(ZERO)
    )
    if not others:
        return compiled(found)
    first = found.subquery("found")
    total = first.c.score + _added(postings, first.c.context_id, others)
    return compiled(select(first.c.score, first.c.context_id, total))


def _group_gains(postings: type[PostingRow] | type[RecentPostingRow]) -> Select[int, int]:
    """Return the statement for what each group of several terms adds to each context."""
    group = json_rows(bindparam("groups"))
    term = json_rows(group.c.value)
    return (
        select(postings.context_id, func.max(term.c.value * postings.impact).label("gain"))
        .select_from(group)
        .join(term, true())
        .join(postings, postings.term_id == term.c.key)
        .group_by(group.c.key, postings.context_id)
    )


def _added(
    postings: type[PostingRow] | type[RecentPostingRow],
    context_id: ColumnElement[int],
    others: int,
) -> ColumnElement[int]:
    """Return what the groups that do not find add to a context."""
    added: ColumnElement[int] = ZERO
    for number in range(others):
        largest = select(func.max(postings.impact)).where(
            postings.term_id.in_(json_values(f"other_{number}")), postings.context_id == context_id
        )
        added += func.coalesce(largest.scalar_subquery(), ZERO) * bindparam(f"weight_{number}")
    return added


def _selected(*, tagged: bool) -> Select[int]:
    """Return the statement for the ids of a selection."""
    if tagged:
        return (
            select(ContextTagRow.context_id)
            .join(TagRow, TagRow.id == ContextTagRow.tag_id)
            .where(
                TagRow.project_id == bindparam("project_id"),
                TagRow.name.in_(json_values("tags")),
                ContextTagRow.importance.in_(json_values("levels")),
                ContextTagRow.created_at >= bindparam("since"),
                ContextTagRow.created_at < bindparam("until"),
            )
        )
    return select(ContextRow.id).where(
        ContextRow.project_id == bindparam("project_id"),
        ContextRow.importance.in_(json_values("levels")),
        ContextRow.created_at >= bindparam("since"),
        ContextRow.created_at < bindparam("until"),
    )
