"""Create the tables of a store, and adopt what 0.9.0 or an older install left in the file."""

import sqlalchemy as sa
from alembic import op

from extended_memory.storage.sqlite.schema import adopt

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; where the file holds earlier ones, carry their rows over."""
    connection = op.get_bind()
    earlier = adopt.set_aside(connection)
    op.create_table(
        "projects",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("last_saved_at", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_projects"),
        sa.UniqueConstraint("name", name="uq_projects_name"),
    )
    op.create_table(
        "contexts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("importance", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.CheckConstraint("importance BETWEEN 1 AND 10", name="ck_contexts_importance"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_contexts_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_contexts"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "tags",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("context_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_tags_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_tags"),
    )
    op.create_table(
        "context_tags",
        sa.Column("tag_id", sa.Integer(), nullable=False),
        sa.Column("importance", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("context_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["context_id"],
            ["contexts.id"],
            name="fk_context_tags_context_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name="fk_context_tags_tag_id"),
        sa.PrimaryKeyConstraint(
            "tag_id", "importance", "created_at", "context_id", name="pk_context_tags"
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "context_counts",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("importance", sa.Integer(), nullable=False),
        sa.Column("context_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_context_counts_project_id"
        ),
        sa.PrimaryKeyConstraint("project_id", "importance", name="pk_context_counts"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "store_facts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_store_facts"),
    )
    op.create_table(
        "legacy_values",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_legacy_values"),
    )
    if earlier is not None:
        adopt.carry_over(connection, earlier)
    # Indexes come last: filling a table is faster without them.
    op.create_index(
        "ix_contexts_project_id_importance_created_at",
        "contexts",
        ["project_id", "importance", "created_at"],
    )
    op.create_index("ix_contexts_digest", "contexts", ["digest"])
    op.create_index("ix_tags_project_id_name", "tags", ["project_id", "name"], unique=True)
    op.create_index(
        "ix_tags_popularity", "tags", ["project_id", sa.text("context_count DESC"), "name"]
    )
    op.create_index(
        "ix_context_tags_context_id_tag_id", "context_tags", ["context_id", "tag_id"], unique=True
    )


def downgrade() -> None:
    """Refuse: the tables hold what people saved, and a backup of before lies beside the file."""
    raise RuntimeError("The first revision cannot be taken back; use the backup beside the file.")
