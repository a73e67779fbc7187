"""Remember where an imported context came from, so that a second import adds nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; ids in it may be of contexts that were forgotten since."""
    op.create_table(
        "origins",
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("context_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("origin", name="pk_origins"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Refuse: without the table an import would add everything once more."""
    raise RuntimeError("A revision cannot be taken back; use the backup beside the file.")
