"""The tables, as SQLAlchemy models: contexts, tags, projects, their links and counts.

Three decisions shape them:

- A tag belongs to a project, so a query by tag cannot reach another project's contexts.
- Importance and time are repeated in the links, so that both filters of a load are prefixes of
  one index: a page is a merge of at most ten ordered ranges, whatever the size of the store.
- Counts are kept, not counted: by project and importance, by tag, and by term.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, MetaData, Text, text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from extended_memory.domain import from_milliseconds, to_milliseconds


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, stored as whole milliseconds since 1970 in UTC.

    SQLite has no type for times and gives back naive ones; an integer also sorts exactly.
    """

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Return what the database stores."""
        return None if value is None else to_milliseconds(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Return what the program reads."""
        return None if value is None else from_milliseconds(value)


class Base(DeclarativeBase):
    """The tables of a store."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class ProjectRow(Base):
    """A project: the name contexts are kept apart by."""

    __tablename__ = "projects"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_saved_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ContextRow(Base):
    """A context. AUTOINCREMENT: SQLite would give the id of a deleted last row again."""

    __tablename__ = "contexts"
    __table_args__ = (
        CheckConstraint("importance BETWEEN 1 AND 10", name="importance"),
        Index(None, "project_id", "importance", "created_at"),
        Index(None, "project_id", "created_at"),  # who is next to it, of any importance
        Index(None, "content_hash"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey(ProjectRow.id))
    importance: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    content_hash: Mapped[int] = mapped_column("digest", key="content_hash")
    """The first eight bytes of the content's BLAKE2b, to find an equal content quickly."""
    content: Mapped[str] = mapped_column(Text)
    updated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class TagRow(Base):
    """A tag of one project and the number of contexts that carry it."""

    __tablename__ = "tags"
    __table_args__ = (
        Index(None, "project_id", "name", unique=True),
        # DESC, or "most used first, then by name" could not be read off the index.
        Index("ix_tags_popularity", "project_id", text("context_count DESC"), "name"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey(ProjectRow.id))
    name: Mapped[str] = mapped_column(Text)
    context_count: Mapped[int]


class ContextTagRow(Base):
    """A link between a context and a tag, with the context's importance and time repeated."""

    __tablename__ = "context_tags"
    __table_args__ = (
        Index(None, "context_id", "tag_id", unique=True),
        {"sqlite_with_rowid": False},
    )

    tag_id: Mapped[int] = mapped_column(ForeignKey(TagRow.id), primary_key=True)
    importance: Mapped[int] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    context_id: Mapped[int] = mapped_column(
        ForeignKey(ContextRow.id, ondelete="CASCADE"), primary_key=True
    )


class ContextCountRow(Base):
    """The number of contexts of one importance in a project."""

    __tablename__ = "context_counts"
    __table_args__ = ({"sqlite_with_rowid": False},)

    project_id: Mapped[int] = mapped_column(ForeignKey(ProjectRow.id), primary_key=True)
    importance: Mapped[int] = mapped_column(primary_key=True)
    context_count: Mapped[int]


class TermRow(Base):
    """A term that contexts of one project have.

    ``df`` is how many of them, but for those whose postings are recent ones.
    """

    __tablename__ = "terms"
    __table_args__ = (Index(None, "project_id", "term", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    df: Mapped[int]
    term: Mapped[str] = mapped_column(Text)


class PostingRow(Base):
    """The weight of a term in a context.

    The index has no foreign keys. One to a context would need an index by context, as large as
    the table. And where there is one, SQLite deletes row by row what it otherwise drops by the
    page, when everything is indexed anew.
    """

    __tablename__ = "postings"
    __table_args__ = ({"sqlite_with_rowid": False},)

    term_id: Mapped[int] = mapped_column(primary_key=True)
    context_id: Mapped[int] = mapped_column(primary_key=True)
    impact: Mapped[int]


class RecentPostingRow(Base):
    """A posting of a context that was put in lately; all of its postings are here.

    Nearly each posting of a context lies on a page of its own among all others: a save would write
    all these pages. Here they lie together, until those of many contexts are moved at once.
    """

    __tablename__ = "recent_postings"
    __table_args__ = ({"sqlite_with_rowid": False},)

    term_id: Mapped[int] = mapped_column(primary_key=True)
    context_id: Mapped[int] = mapped_column(primary_key=True)
    impact: Mapped[int]


class RevisionRow(Base):
    """The note of a context before a change; the context may be in the trash."""

    __tablename__ = "revisions"
    __table_args__ = (Index(None, "context_id", "number", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    context_id: Mapped[int]
    number: Mapped[int]
    importance: Mapped[int]
    replaced_at: Mapped[datetime] = mapped_column(UtcDateTime)
    tags: Mapped[str] = mapped_column(Text)
    """A JSON array."""
    content: Mapped[str] = mapped_column(Text)


class TrashRow(Base):
    """A forgotten context, in a table of its own: no query of contexts can see it by mistake."""

    __tablename__ = "trash"
    __table_args__ = (Index(None, "forgotten_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey(ProjectRow.id))
    importance: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    forgotten_at: Mapped[datetime] = mapped_column(UtcDateTime)
    tags: Mapped[str] = mapped_column(Text)
    """A JSON array."""
    content: Mapped[str] = mapped_column(Text)


class OriginRow(Base):
    """Where an imported context came from; it stays when the context is forgotten.

    ``context_id`` of one that was forgotten for good is minus the id of the project it was in.
    """

    __tablename__ = "origins"
    __table_args__ = ({"sqlite_with_rowid": False},)

    origin: Mapped[str] = mapped_column(Text, primary_key=True)
    context_id: Mapped[int]


class StoreFactRow(Base):
    """A fact about the file itself, such as the release that last changed its structure."""

    __tablename__ = "store_facts"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class LegacyValueRow(Base):
    """A value of an earlier release that has no place in this one, kept so that none is lost."""

    __tablename__ = "legacy_values"

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(Text)
    source_id: Mapped[str] = mapped_column(Text)
    value: Mapped[str] = mapped_column(Text)
