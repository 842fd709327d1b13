"""The small tables beside the log."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "log",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("incarnation", sa.Integer, nullable=False),
    )
    op.create_table(
        "progress",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
    )
    for table in ("cursors", "pacing"):
        op.create_table(
            table, sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False)
        )
