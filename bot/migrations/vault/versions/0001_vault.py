"""Keys, identities, and the installation's secret."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "keys",
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("key_id", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("wrapped", sa.LargeBinary),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "identities",
        sa.Column(
            "serial", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("address", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("party", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("identities_by_id", "identities", ["party", "id", "serial"])
    op.create_table(
        "secrets",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
    )
