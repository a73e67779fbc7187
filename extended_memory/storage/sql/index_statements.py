"""The statements of the search index, as SQL for the driver's own connection.

A search runs seven of them and a save three, and SQLAlchemy takes longer to run a short statement
than SQLite does (see ``statements.prepared``). Whatever comes in numbers comes as one JSON value,
so that a statement is the same text however many there are.
"""

from functools import lru_cache

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Text,
    bindparam,
    cast,
    column,
    delete,
    func,
    insert,
    literal_column,
    select,
    text,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.orm import aliased

from extended_memory.storage.sql.models import (
    ContextCountRow,
    ContextRow,
    ContextTagRow,
    PostingRow,
    ProjectRow,
    StoreFactRow,
    TagRow,
    TermRow,
)
from extended_memory.storage.sql.statements import prepared

_NO = literal_column("0", Integer)
_ONE = literal_column("1", Integer)


def _each(json: ColumnElement[str]) -> FromClause:
    """Return the elements of a JSON array, or the keys and values of an object, as rows."""
    return func.json_each(json).table_valued(column("key", Text), column("value", Integer))


def _values(name: str) -> Select[int]:
    return select(_each(bindparam(name)).c.value)


FACTS = prepared(
    select(StoreFactRow.name, StoreFactRow.value).where(
        StoreFactRow.name.in_((literal_column("'analyzer'"), literal_column("'unindexed_below'")))
    )
)
SET_FACT = prepared(insert(StoreFactRow).prefix_with("OR REPLACE"), "name", "value")

# --- What a context has, put in and taken out; ``impacts`` is an object of terms, ``terms`` a list.

_impacts = _each(bindparam("impacts"))
ADD_TERMS = prepared(
    upsert(TermRow)
    .from_select(
        ["project_id", "df", "term"],
        # Without a condition SQLite would read ON CONFLICT as one of a join.
        select(bindparam("project_id"), _ONE, _impacts.c.key).where(text("true")),
    )
    .on_conflict_do_update(
        index_elements=["project_id", "term"], set_={"df": TermRow.df + _ONE}
    )
)
ADD_POSTINGS = prepared(
    insert(PostingRow)
    .prefix_with("OR REPLACE")
    .from_select(
        ["term_id", "context_id", "impact"],
        select(TermRow.id, bindparam("context_id"), _impacts.c.value)
        .select_from(_impacts)
        .join(
            TermRow,
            (TermRow.project_id == bindparam("project_id")) & (TermRow.term == _impacts.c.key),
        )
        .order_by(TermRow.id),
    )
)
_terms_taken_out = select(TermRow.id).where(
    TermRow.project_id == bindparam("project_id"), TermRow.term.in_(_values("terms"))
)
TAKE_FROM_TERMS = prepared(
    update(TermRow)
    .where(
        TermRow.id.in_(
            select(PostingRow.term_id).where(
                PostingRow.term_id.in_(_terms_taken_out),
                PostingRow.context_id == bindparam("context_id"),
            )
        )
    )
    .values(df=TermRow.df - _ONE)
)
TAKE_POSTINGS = prepared(
    delete(PostingRow).where(
        PostingRow.term_id.in_(_terms_taken_out), PostingRow.context_id == bindparam("context_id")
    )
)
TAKE_UNUSED_TERMS = prepared(
    delete(TermRow).where(
        TermRow.project_id == bindparam("project_id"),
        TermRow.term.in_(_values("terms")),
        TermRow.df == _NO,
    )
)
PROJECT_ID_OF = prepared(select(ContextRow.project_id).where(ContextRow.id == bindparam("id")))

# --- Everything anew.

DROP_POSTINGS = prepared(delete(PostingRow))
DROP_TERMS = prepared(delete(TermRow))
HIGHEST_ID = prepared(select(func.max(ContextRow.id)))
UNINDEXED = prepared(
    select(
        ContextRow.id,
        ContextRow.project_id,
        ContextRow.created_at,
        ContextRow.content,
        select(func.json_group_array(TagRow.name))
        .join(ContextTagRow, ContextTagRow.tag_id == TagRow.id)
        .where(ContextTagRow.context_id == ContextRow.id)
        .correlate(ContextRow)
        .scalar_subquery(),
    )
    .where(ContextRow.id < bindparam("below"))
    .order_by(ContextRow.id.desc())
    .limit(bindparam("limit"))
    .offset(_NO)
)
# +0, or SQLite would count the rows themselves, contents and all, and not an index of them.
COUNT_UNINDEXED = prepared(
    select(func.count()).select_from(ContextRow).where(ContextRow.id + _NO < bindparam("below"))
)
COUNT_UNINDEXED_OF = prepared(
    select(func.count())
    .select_from(ContextRow)
    .join(ProjectRow, ProjectRow.id == ContextRow.project_id)
    .where(ProjectRow.name == bindparam("project"), ContextRow.id + _NO < bindparam("below"))
)

# --- Reads.

TERMS = prepared(
    select(TermRow.term, TermRow.id, TermRow.df).where(
        TermRow.project_id == bindparam("project_id"), TermRow.term.in_(_values("terms"))
    )
)
TOTAL_OF = prepared(
    select(func.coalesce(func.sum(ContextCountRow.context_count), _NO)).where(
        ContextCountRow.project_id == bindparam("project_id")
    )
)
VOCABULARY = prepared(
    select(TermRow.term)
    .where(
        TermRow.project_id == bindparam("project_id"),
        TermRow.term >= bindparam("first"),
        TermRow.term < bindparam("beyond"),
        func.length(TermRow.term).between(bindparam("shortest"), bindparam("longest")),
    )
    .order_by(TermRow.term)
    .limit(bindparam("limit"))
    .offset(_NO)
)
MATCHES = prepared(
    select(PostingRow.context_id, PostingRow.term_id).where(
        PostingRow.term_id.in_(_values("terms")), PostingRow.context_id.in_(_values("ids"))
    )
)


def _next_to(context: type[ContextRow], *, is_after: bool) -> list[ColumnElement[int]]:
    """Return the id and the time of the context that comes before or after in its project."""
    other = aliased(ContextRow, name="other")
    place, own = tuple_(other.created_at, other.id), tuple_(context.created_at, context.id)
    return [
        select(what)
        .where(other.project_id == context.project_id, place > own if is_after else place < own)
        .order_by(
            *((other.created_at, other.id) if is_after else (other.created_at.desc(), other.id.desc()))
        )
        .limit(_ONE)
        .offset(_NO)
        .scalar_subquery()
        for what in (other.id, other.created_at)
    ]


PLACES = prepared(
    select(
        ContextRow.id,
        ContextRow.importance,
        ContextRow.created_at,
        *_next_to(ContextRow, is_after=False),
        *_next_to(ContextRow, is_after=True),
    )
    # +0, or SQLite would look for them among all contexts of the project.
    .where(
        ContextRow.id.in_(_values("ids")), ContextRow.project_id + _NO == bindparam("project_id")
    )
)


@lru_cache
def best(*, groups: bool, others: bool, filtered: bool, tagged: bool) -> str:
    """Return the SQL for the ids and scores of the best contexts.

    ``single`` is an object of term ids and weights; with ``groups``, ``groups`` is a list of such
    objects, one for each group; with ``others``, ``others`` are groups that do not find, and
    ``most`` what they can add at most.
    """
    single = _each(bindparam("single"))
    gains = select(PostingRow.context_id, (single.c.value * PostingRow.impact).label("gain"))
    gains = gains.select_from(single).join(
        PostingRow, PostingRow.term_id == cast(single.c.key, Integer)
    )
    arms = gains
    if groups:
        group, term, gain = _group("groups")
        arms = union_all(
            gains,
            select(PostingRow.context_id, gain.label("gain"))
            .select_from(group)
            .join(term, text("true"))
            .join(PostingRow, PostingRow.term_id == cast(term.c.key, Integer))
            .group_by(group.c.key, PostingRow.context_id),
        )
    gained = arms.subquery("gained")
    score = func.sum(gained.c.gain)
    found = select(gained.c.context_id, score.label("score")).group_by(gained.c.context_id)
    if tagged or filtered:
        found = found.where((gained.c.context_id + _NO).in_(_passing(tagged=tagged)))
    if not others:
        return prepared(
            found.order_by(text("score DESC"), gained.c.context_id.desc())
            .limit(bindparam("limit"))
            .offset(_NO)
        )
    first = found.cte("found")
    last = select(first.c.score).order_by(first.c.score.desc()).limit(_ONE).offset(bindparam("last"))
    group, term, gain = _group("others")
    added = (
        select(gain.label("gain"))
        .select_from(group)
        .join(term, text("true"))
        .join(
            PostingRow,
            (PostingRow.term_id == cast(term.c.key, Integer))
            & (PostingRow.context_id == first.c.context_id),
        )
        .correlate(first)
        .group_by(group.c.key)
        .subquery("added")
    )
    total = first.c.score + func.coalesce(
        select(func.sum(added.c.gain)).correlate(first).scalar_subquery(), _NO
    )
    return prepared(
        select(first.c.context_id, total.label("total"))
        # What the others can add lifts nobody else among the best.
        .where(first.c.score >= func.coalesce(last.scalar_subquery(), _NO) - bindparam("most"))
        .order_by(text("total DESC"), first.c.context_id.desc())
        .limit(bindparam("limit"))
        .offset(_NO)
    )


def _group(name: str) -> tuple[FromClause, FromClause, ColumnElement[int]]:
    """Return the groups of a list, the terms of a group, and what a group adds to a score."""
    group = _each(bindparam(name))
    term = _each(group.c.value)
    return group, term, func.max(term.c.value * PostingRow.impact)


def _passing(*, tagged: bool) -> Select[int]:
    """Return the statement for the ids that pass the filters."""
    if tagged:
        return (
            select(ContextTagRow.context_id)
            .join(TagRow, TagRow.id == ContextTagRow.tag_id)
            .where(
                TagRow.project_id == bindparam("project_id"),
                TagRow.name.in_(_values("tags")),
                ContextTagRow.importance.in_(_values("levels")),
                ContextTagRow.created_at >= bindparam("since"),
                ContextTagRow.created_at < bindparam("until"),
            )
        )
    return select(ContextRow.id).where(
        ContextRow.project_id == bindparam("project_id"),
        ContextRow.importance.in_(_values("levels")),
        ContextRow.created_at >= bindparam("since"),
        ContextRow.created_at < bindparam("until"),
    )
