"""A decision may name an account, a cause, a party or an amount, and be a part of a split; people keep views of the queue."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0003", "0002"


def upgrade() -> None:
    """Two tables more; the first has no rows of decisions that were taken before."""
    op.create_table(
        "decision_terms",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("to", sa.String, nullable=False),
        sa.Column("split", sa.String, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "saved_views",
        sa.Column("person", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("address", sa.Text, nullable=False),
        if_not_exists=True,
    )
