"""Index the words of contexts, so that they can be searched."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, empty: a server fills them while it serves, however large the store."""
    op.create_table(
        "terms",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("df", sa.Integer(), nullable=False),
        sa.Column("term", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_terms"),
    )
    op.create_index("ix_terms_project_id_term", "terms", ["project_id", "term"], unique=True)
    for name in ("postings", "recent_postings"):
        op.create_table(
            name,
            sa.Column("term_id", sa.Integer(), nullable=False),
            sa.Column("context_id", sa.Integer(), nullable=False),
            sa.Column("impact", sa.Integer(), nullable=False),
            sa.PrimaryKeyConstraint("term_id", "context_id", name=f"pk_{name}"),
            sqlite_with_rowid=False,
        )
    op.create_index("ix_contexts_project_id_created_at", "contexts", ["project_id", "created_at"])


def downgrade() -> None:
    """Refuse: releases before this one would save contexts that no search finds."""
    raise RuntimeError("A revision cannot be taken back; use the backup beside the file.")
