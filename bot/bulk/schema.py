"""Procrastinate's tables and ours beside them, in a schema of their own: made by whoever comes first."""

from importlib.resources import files
from pathlib import PurePath
from typing import Final

import psycopg
from procrastinate.schema import SchemaManager
from psycopg.sql import SQL, Identifier, Literal

from domain.errors import StoreUnavailable

SCHEMA: Final = "bulk"
OPTIONS: Final = f"-c search_path={SCHEMA}"
PATIENCE_S: Final = 60
"""How long a process waits for another one that makes them."""
MIGRATIONS: Final = "procrastinate.sql.migrations"
LINES: Final = """
    CREATE TABLE siyu_lines (
        job bigint NOT NULL REFERENCES procrastinate_jobs (id) ON DELETE CASCADE,
        number integer NOT NULL,
        sealed bytea NOT NULL,
        PRIMARY KEY (job, number)
    )
"""
_UNFINISHED: Final = "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"


def version() -> str:
    """Return by what the tables of the installed Procrastinate are known: its newest migration."""
    return max(PurePath(file.name).stem for file in files(MIGRATIONS).iterdir() if file.name.endswith(".sql"))


def prepare(url: str) -> None:
    """Make the tables where there are none, and anew where an older Procrastinate made them: jobs that are over are no loss.

    Raises StoreUnavailable where jobs of an older one still wait, or the database is away.
    """
    try:
        with psycopg.connect(url, options=OPTIONS) as connection:
            connection.execute(SQL("SET lock_timeout = {}").format(Literal(f"{PATIENCE_S}s")))
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('siyu makes bulk'))")
            _make(connection)
    except psycopg.Error as error:
        raise StoreUnavailable("the database of bulk work cannot be reached: {why}", why=error) from None


def _make(connection: psycopg.Connection) -> None:
    made = connection.execute(
        "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s", (SCHEMA,)
    ).fetchone()
    if made == (version(),):
        return
    if made is not None:
        if _waiting(connection):
            raise StoreUnavailable(
                "jobs of an older Procrastinate still wait: let it end them before the upgrade"
            )
        connection.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(SCHEMA)))
    connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(SCHEMA)))
    connection.execute(SchemaManager.get_schema())
    connection.execute(LINES)
    connection.execute(SQL("COMMENT ON SCHEMA {} IS {}").format(Identifier(SCHEMA), Literal(version())))


def _waiting(connection: psycopg.Connection) -> int:
    (table,) = connection.execute("SELECT to_regclass('procrastinate_jobs')").fetchone() or (None,)
    if table is None:
        return 0
    (count,) = connection.execute(_UNFINISHED).fetchone() or (0,)
    return int(count)
