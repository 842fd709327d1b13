"""Brings the tables beside the log, and the vault's, to their newest version when Siyu starts.

Alembic takes 150 ms to import, so it is only asked once a glance at its version table shows that there is something to do.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, create_engine, exc, inspect, pool, text
from sqlalchemy.schema import CreateSchema

Tree = Literal["log", "vault"]

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
PATIENCE_S = 60
"""How long a process waits for another one that is migrating."""


def upgrade(
    database: str, tree: Tree, schema: str | None = None, first: Callable[[], None] = lambda: None
) -> None:
    """Make the newest tables, in ``schema`` on PostgreSQL; several processes may start at once.

    ``database``: an SQLAlchemy URL. ``first`` runs before, under the same lock, when there is anything to do. Raises SQLAlchemy's errors.
    """
    engine = create_engine(database, poolclass=pool.NullPool)
    with engine.connect().execution_options(schema_translate_map={None: schema}) as connection:
        if _version(connection, schema) == newest(tree):
            return
        if schema is not None:
            _lock(connection, tree, schema)
            connection.execute(CreateSchema(schema, if_not_exists=True))
            connection.commit()  # a session's lock outlasts the transaction: it ends with the connection
        first()
        _migrate(connection, tree, schema)
        connection.commit()


def newest(tree: Tree) -> str:
    """Return the version of the tables that this Siyu knows; later ones are larger."""
    return max(path.stem for path in (MIGRATIONS / tree / "versions").glob("*.py")).partition("_")[0]


def _version(connection: Connection, schema: str | None) -> str | None:
    if not inspect(connection).has_table("alembic_version", schema=schema):
        return None
    table = "alembic_version" if schema is None else f'"{schema}".alembic_version'
    version: str | None = connection.execute(text(f"SELECT version_num FROM {table}")).scalar()  # noqa: S608  # our own names
    return version


def _lock(connection: Connection, tree: Tree, schema: str) -> None:
    key = int.from_bytes(hashlib.sha256(f"siyu migrates {tree} {schema}".encode()).digest()[:8], signed=True)
    connection.execute(text(f"SET lock_timeout = '{PATIENCE_S}s'"))
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})


def _migrate(connection: Connection, tree: Tree, schema: str | None) -> None:
    from alembic import command  # noqa: PLC0415  # slow to import, and seldom needed
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection, "schema": schema})
    config.set_main_option("script_location", str(MIGRATIONS / tree).replace("%", "%%"))
    command.upgrade(config, "head")


def run_migrations() -> None:
    """What alembic calls (by env.py of a tree) with its context set up."""
    from alembic import context  # noqa: PLC0415  # as above

    attributes = context.config.attributes
    context.configure(connection=attributes["connection"], version_table_schema=attributes["schema"])
    with context.begin_transaction():
        context.run_migrations()


UNREACHABLE = (exc.OperationalError, exc.InterfaceError, exc.TimeoutError)
"""What SQLAlchemy says about a database that is away, full or locked."""
