"""The two tables of postings: those of recent contexts, and those of all others."""

from sqlalchemy import func, select

from extended_memory.storage.sqlite.models import PostingRow, RecentPostingRow, TermRow

TABLES = (PostingRow, RecentPostingRow)
"""All postings of one context are in one of them."""

RECENT_DF = (
    select(func.count())
    .where(RecentPostingRow.term_id == TermRow.id)
    .correlate(TermRow)
    .scalar_subquery()
)
"""In how many recent contexts a term is: ``df`` counts the others."""
