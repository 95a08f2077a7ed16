"""Decisions are about events of several items, and can be taken back."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    """Two tables; databases of the time between have them without a mark."""
    op.create_table(
        "decision_items",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("event", sa.String, nullable=False),
        sa.Column("row", sa.String, nullable=False),
        sa.Column("entry", sa.Integer, nullable=False),
        sa.Column("items", sa.Text, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "decisions_taken_back",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("period", sa.String, nullable=False),
        sa.Column("taken_back_by", sa.String, nullable=False),
        sa.Column("entry", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        if_not_exists=True,
    )
