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
    case,
    column,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.orm import aliased

from extended_memory.storage.sqlite.models import (
    ContextCountRow,
    ContextRow,
    ContextTagRow,
    PostingRow,
    ProjectRow,
    RecentPostingRow,
    StoreFactRow,
    TagRow,
    TermRow,
)
from extended_memory.storage.sqlite.rows import stored
from extended_memory.storage.sqlite.statements import prepared

_POSTINGS = (PostingRow, RecentPostingRow)
"""Where a posting may be. All of one context are in one of them."""

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
    insert(TermRow)
    .prefix_with("OR IGNORE")
    .from_select(["project_id", "df", "term"], select(bindparam("project_id"), _NO, _impacts.c.key))
)
ADD_POSTINGS = prepared(
    insert(RecentPostingRow)
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
_recent_df = (
    select(func.count())
    .where(RecentPostingRow.term_id == TermRow.id)
    .correlate(TermRow)
    .scalar_subquery()
)
MOVE_RECENT = (
    prepared(
        update(TermRow)
        .where(TermRow.id.in_(select(RecentPostingRow.term_id)))
        .values(df=TermRow.df + _recent_df)
    ),
    prepared(
        insert(PostingRow)
        .prefix_with("OR REPLACE")
        .from_select(["term_id", "context_id", "impact"], select(RecentPostingRow))
    ),
    prepared(delete(RecentPostingRow)),
)


def _had(postings: type[PostingRow] | type[RecentPostingRow]) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for a context's postings in one table."""
    terms = select(TermRow.id).where(
        TermRow.project_id == bindparam("project_id"), TermRow.term.in_(_values("terms"))
    )
    return postings.term_id.in_(terms), postings.context_id == bindparam("context_id")


TAKE_OUT = (
    prepared(
        update(TermRow)
        .where(TermRow.id.in_(select(PostingRow.term_id).where(*_had(PostingRow))))
        .values(df=TermRow.df - _ONE)
    ),
    prepared(delete(PostingRow).where(*_had(PostingRow))),
    prepared(delete(RecentPostingRow).where(*_had(RecentPostingRow))),
    prepared(
        delete(TermRow).where(
            TermRow.project_id == bindparam("project_id"),
            TermRow.term.in_(_values("terms")),
            TermRow.df == _NO,
            ~exists().where(RecentPostingRow.term_id == TermRow.id),
        )
    ),
)

# --- Everything anew.

DROP_POSTINGS = tuple(prepared(delete(postings)) for postings in _POSTINGS)
DROP_TERMS = prepared(delete(TermRow))
HIGHEST_ID = prepared(select(func.max(ContextRow.id)))
UNINDEXED = prepared(
    select(
        *stored(ContextRow),
        select(func.json_group_array(TagRow.name))
        .join(ContextTagRow, ContextTagRow.tag_id == TagRow.id)
        .where(ContextTagRow.context_id == ContextRow.id)
        .correlate(ContextRow)
        .scalar_subquery()
        .label("tags"),
    )
    .where(ContextRow.id < bindparam("below"))
    .order_by(ContextRow.id.desc())
    .limit(bindparam("limit"))
    .offset(_NO)
)
# +0, or SQLite would count the rows themselves, contents and all, and not an index of them.
COUNT_BELOW = prepared(
    select(func.count()).select_from(ContextRow).where(ContextRow.id + _NO < bindparam("below"))
)
COUNT_BELOW_OF = prepared(
    select(func.count())
    .select_from(ContextRow)
    .join(ProjectRow, ProjectRow.id == ContextRow.project_id)
    .where(ProjectRow.name == bindparam("project"), ContextRow.id + _NO < bindparam("below"))
)

# --- Reads.

PROJECT_ID = prepared(select(ProjectRow.id).where(ProjectRow.name == bindparam("project")))
TERMS = prepared(
    select(TermRow.term, TermRow.id, TermRow.df + _recent_df).where(
        TermRow.project_id == bindparam("project_id"), TermRow.term.in_(_values("terms"))
    )
)
TOTAL_OF = prepared(
    select(func.coalesce(func.sum(ContextCountRow.context_count), _NO)).where(
        ContextCountRow.project_id == bindparam("project_id")
    )
)
_of_level = case(
    (ContextCountRow.importance >= bindparam("level"), ContextCountRow.context_count), else_=_NO
)
SHARE = prepared(
    select(
        func.coalesce(func.sum(_of_level), _NO),
        func.coalesce(func.sum(ContextCountRow.context_count), _NO),
    ).where(ContextCountRow.project_id == bindparam("project_id"))
)
LEVEL = prepared(
    select(ContextRow.id).where(
        ContextRow.id.in_(_values("ids")), ContextRow.importance >= bindparam("level")
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
    union_all(
        *(
            select(row.context_id, row.term_id).where(
                row.term_id.in_(_values("terms")), row.context_id.in_(_values("ids"))
            )
            for row in _POSTINGS
        )
    )
)


def _next_to(*, is_after: bool) -> list[ColumnElement[int]]:
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
                select(what)
                .where(other.project_id == ContextRow.project_id, condition)
                .order_by(*order)
                .limit(_ONE)
                .offset(_NO)
                .correlate(ContextRow)
                .scalar_subquery()
                for condition in (same_time, another_time)
            )
        )
        for what in (other.id, other.created_at)
    ]


PLACES = prepared(
    select(
        ContextRow.id,
        ContextRow.importance,
        ContextRow.created_at,
        *_next_to(is_after=False),
        *_next_to(is_after=True),
    )
    # +0, or SQLite would look for them among all contexts of the project.
    .where(
        ContextRow.id.in_(_values("ids")), ContextRow.project_id + _NO == bindparam("project_id")
    )
)


@lru_cache
def best(
    *, recent: bool, alone: bool, groups: bool, others: int, filtered: bool, tagged: bool
) -> str:
    """Return the SQL for the ids and scores of the best contexts, recent ones or all others.

    ``single`` is an object of term ids and their weights, ``alone`` says that it is of one; with
    ``groups``, ``groups`` is a list of such objects, one for each group of several terms.
    ``others`` is the number of groups that do not find: the terms of each are a list, ``other_0``
    and so on, and its weight is ``weight_0`` and so on. Then what all of them add is in a third
    column, and those that are best without it are returned, in no order.
    """
    postings = RecentPostingRow if recent else PostingRow
    single = _each(bindparam("single"))
    gains = (
        select(postings.context_id, (single.c.value * postings.impact).label("gain"))
        .select_from(single)
        .join(postings, postings.term_id == single.c.key)
    )
    gained = (union_all(gains, _group_gains(postings)) if groups else gains).subquery("gained")
    # One term finds each context once: nothing is to be summed, which takes most of the time.
    score = (gained.c.gain if alone else func.sum(gained.c.gain)).label("score")
    found = select(gained.c.context_id, score)
    if not alone:
        found = found.group_by(gained.c.context_id)
    if tagged or filtered:
        # +0, or SQLite would look for each that passes among the postings of each term.
        found = found.where((gained.c.context_id + _NO).in_(_passing(tagged=tagged)))
    if not others:
        return prepared(
            found.order_by(text("score DESC"), gained.c.context_id.desc())
            .limit(bindparam("limit"))
            .offset(_NO)
        )
    newest = gained.c.context_id.desc()
    best_found = found.order_by(text("score DESC"), newest).limit(bindparam("limit")).offset(_NO)
    first = best_found.subquery("found")
    total = first.c.score + _added(postings, first.c.context_id, others)
    return prepared(select(first.c.context_id, first.c.score, total))


def _group_gains(postings: type[PostingRow] | type[RecentPostingRow]) -> Select[int, int]:
    """Return the statement for what each group of several terms adds to each context."""
    group = _each(bindparam("groups"))
    term = _each(group.c.value)
    return (
        select(postings.context_id, func.max(term.c.value * postings.impact).label("gain"))
        .select_from(group)
        .join(term, text("true"))
        .join(postings, postings.term_id == term.c.key)
        .group_by(group.c.key, postings.context_id)
    )


def _added(
    postings: type[PostingRow] | type[RecentPostingRow],
    context_id: ColumnElement[int],
    others: int,
) -> ColumnElement[int]:
    """Return what the groups that do not find add to a context."""
    added: ColumnElement[int] = _NO
    for number in range(others):
        largest = select(func.max(postings.impact)).where(
            postings.term_id.in_(_values(f"other_{number}")), postings.context_id == context_id
        )
        added += func.coalesce(largest.scalar_subquery(), _NO) * bindparam(f"weight_{number}")
    return added


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
