"""The statements by which the search index is written, as SQL for the driver's own connection."""

from sqlalchemy import (
    ColumnElement,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
    update,
)

from extended_memory.storage.sqlite.compilation import ONE, ZERO, compiled, json_rows, json_values
from extended_memory.storage.sqlite.models import (
    ContextRow,
    PostingRow,
    ProjectRow,
    RecentPostingRow,
    StoreFactRow,
    TermRow,
)
from extended_memory.storage.sqlite.rows import NOTE_COLUMNS
from extended_memory.storage.sqlite.search.postings import RECENT_DF, TABLES

FACTS = compiled(
    select(StoreFactRow.name, StoreFactRow.value).where(
        StoreFactRow.name.in_((literal_column("'analyzer'"), literal_column("'unindexed_below'")))
    )
)
SET_FACT = compiled(insert(StoreFactRow).prefix_with("OR REPLACE"), "name", "value")

# --- What a context has; ``impacts`` is an object of terms, ``terms`` a list.

_impacts = json_rows(bindparam("impacts"))
ADD_TERMS = compiled(
    insert(TermRow)
    .prefix_with("OR IGNORE")
    .from_select(
        ["project_id", "df", "term"], select(bindparam("project_id"), ZERO, _impacts.c.key)
    )
)
ADD_POSTINGS = compiled(
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
MOVE_RECENT = (
    compiled(
        update(TermRow)
        .where(TermRow.id.in_(select(RecentPostingRow.term_id)))
        .values(df=TermRow.df + RECENT_DF)
    ),
    compiled(
        insert(PostingRow)
        .prefix_with("OR REPLACE")
        .from_select(["term_id", "context_id", "impact"], select(RecentPostingRow))
    ),
    compiled(delete(RecentPostingRow)),
)


def _are_of_context(
    postings: type[PostingRow] | type[RecentPostingRow],
) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for the postings of a context in one table."""
    terms = select(TermRow.id).where(
        TermRow.project_id == bindparam("project_id"), TermRow.term.in_(json_values("terms"))
    )
    return postings.term_id.in_(terms), postings.context_id == bindparam("context_id")


REMOVE_CONTEXT = (
    compiled(
        update(TermRow)
        .where(TermRow.id.in_(select(PostingRow.term_id).where(*_are_of_context(PostingRow))))
        .values(df=TermRow.df - ONE)
    ),
    compiled(delete(PostingRow).where(*_are_of_context(PostingRow))),
    compiled(delete(RecentPostingRow).where(*_are_of_context(RecentPostingRow))),
    compiled(
        delete(TermRow).where(
            TermRow.project_id == bindparam("project_id"),
            TermRow.term.in_(json_values("terms")),
            TermRow.df == ZERO,
            ~exists().where(RecentPostingRow.term_id == TermRow.id),
        )
    ),
)

# --- Everything anew.

DROP_POSTINGS = tuple(compiled(delete(table)) for table in TABLES)
DROP_TERMS = compiled(delete(TermRow))
HIGHEST_ID = compiled(select(func.max(ContextRow.id)))
UNINDEXED = compiled(
    select(*NOTE_COLUMNS)
    .where(ContextRow.id < bindparam("below"))
    .order_by(ContextRow.id.desc())
    .limit(bindparam("limit"))
    .offset(ZERO)
)
# +0, or SQLite would count the rows themselves, contents and all, and not an index of them.
COUNT_BELOW = compiled(
    select(func.count()).select_from(ContextRow).where(ContextRow.id + ZERO < bindparam("below"))
)
COUNT_BELOW_IN_PROJECT = compiled(
    select(func.count())
    .select_from(ContextRow)
    .join(ProjectRow, ProjectRow.id == ContextRow.project_id)
    .where(ProjectRow.name == bindparam("project"), ContextRow.id + ZERO < bindparam("below"))
)
