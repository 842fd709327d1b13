"""Copies of the log's and the vault's tables. A copy is an SQLite file, whatever store it comes from or goes to.

SQLite is copied by its online backup, page by page, PostgreSQL table by table; both show one moment, while others go on writing.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Identifier, Literal

from bot.eventlog.postgres import SCHEMA, writers_lock
from bot.eventlog.sqlite import SqliteDatastore, SqliteRecorder
from bot.eventlog.vault_tables import VaultDatabase

VAULT_SCHEMA = "vault"
PAGES_AT_ONCE = 1_000
BREATH_S = 0.005
"""Between two steps, so that whoever writes gets the disk, too."""
ROWS_AT_ONCE = 5_000
CONNECT_TIMEOUT_S = 5
NUMBERED = {"stored_events": ("rowid", "notification_id"), "identities": ("serial", "serial")}
"""Tables whose rows are numbered: the column in SQLite, and in PostgreSQL, where a sequence goes on from it."""
BESIDE = "alembic_version"
"""What the store itself keeps."""

Progress = Callable[[int, int], None]


class _Table(NamedTuple):
    name: str
    columns: tuple[str, ...]
    numbers: tuple[str, str] | None

    @property
    def here(self) -> tuple[str, ...]:
        """Its columns in SQLite."""
        implicit = self.numbers is not None and self.numbers[0] not in self.columns
        return (self.numbers[0], *self.columns) if implicit and self.numbers else self.columns

    @property
    def there(self) -> tuple[str, ...]:
        """The same columns in PostgreSQL."""
        known = dict([self.numbers]) if self.numbers else {}
        return tuple(known.get(column, column) for column in self.here)


def copy_sqlite(source: Path, target: Path, progress: Progress) -> None:
    """Copy a file that others may write meanwhile; the copy has no write-ahead log. Raises sqlite3.Error, OSError."""
    target.touch(mode=0o600)
    live = sqlite3.connect(f"file:{quote(str(source))}?mode=ro", uri=True, isolation_level=None)
    with closing(live), closing(sqlite3.connect(target, isolation_level=None)) as copy:
        # A read transaction holds the moment: otherwise each commit of others would begin the backup anew.
        live.execute("BEGIN")
        live.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        live.backup(
            copy,
            pages=PAGES_AT_ONCE,
            sleep=BREATH_S,
            progress=lambda _status, remaining, total: progress(total - remaining, total),
        )
        live.execute("ROLLBACK")
        copy.execute("PRAGMA journal_mode = DELETE")


def copy_log(url: str, target: Path, progress: Progress) -> None:
    """Copy the log from PostgreSQL. Raises psycopg.Error, sqlite3.Error, OSError."""
    target.touch(mode=0o600)
    tables = SqliteRecorder(SqliteDatastore(target))
    tables.prepare()
    tables.close()
    _fetch(url, SCHEMA, target, progress)


def copy_vault(url: str, target: Path, progress: Progress) -> None:
    """Copy the vault from PostgreSQL. Raises as ``copy_log``."""
    VaultDatabase(target, VAULT_SCHEMA).close()
    _fetch(url, VAULT_SCHEMA, target, progress)


def _fetch(url: str, schema: str, target: Path, progress: Progress) -> None:
    with closing(sqlite3.connect(target, isolation_level=None)) as copy, connected(url) as server:
        copy.execute("PRAGMA journal_mode = DELETE")
        copy.execute("BEGIN")
        server.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        tables = list(_tables(copy))
        total, done = sum(_count(server, schema, table) for table in tables), 0
        for table in tables:
            insert = _insert(table)
            copy.execute(f'DELETE FROM "{table.name}"')  # noqa: S608  # our own names
            with server.cursor(name="siyu_backup") as rows:
                rows.execute(_select(schema, table))
                while page := rows.fetchmany(ROWS_AT_ONCE):
                    copy.executemany(insert, page)
                    done += len(page)
                    progress(done, total)
        server.execute("COMMIT")
        copy.execute("COMMIT")


def fill_log(url: str, source: Path) -> bool:
    """Put a copy of the log into PostgreSQL, whose tables are there; its views, which are another log's, go. All of it or nothing.

    Returns False, having changed nothing, where there are events already. Raises psycopg.Error, sqlite3.Error.
    """
    with connected(url) as server, server.transaction():
        server.execute("SELECT pg_advisory_xact_lock(%s)", (writers_lock(SCHEMA),))
        if _count(server, SCHEMA, _Table("stored_events", (), None)):
            return False
        server.execute("DROP SCHEMA IF EXISTS views CASCADE")
        _fill(server, SCHEMA, source)
    return True


def fill_vault(url: str, source: Path) -> None:
    """Put a copy of the vault into PostgreSQL, whose tables are there and empty. Raises psycopg.Error, sqlite3.Error."""
    with connected(url) as server, server.transaction():
        _fill(server, VAULT_SCHEMA, source)


def _fill(server: Connection[TupleRow], schema: str, source: Path) -> None:
    with closing(sqlite3.connect(source, isolation_level=None)) as copy:
        for table in _tables(copy):
            name = SQL("{}.{}").format(Identifier(schema), Identifier(table.name))
            server.execute(SQL("DELETE FROM {}").format(name))
            columns = SQL(", ").join(map(Identifier, table.there))
            put = SQL("COPY {} ({}) FROM STDIN").format(name, columns)
            order = f" ORDER BY {table.numbers[0]}" if table.numbers else ""
            listed = ", ".join(table.here)
            rows = copy.execute(f'SELECT {listed} FROM "{table.name}"{order}')  # noqa: S608  # our own names
            with server.cursor().copy(put) as into:
                for row in rows:
                    into.write_row(row)
            if table.numbers:
                server.execute(_go_on(name, f"{schema}.{table.name}", table.numbers[1]))


def _go_on(name: Composed, table: str, column: str) -> Composed:
    """Let the numbers go on behind the largest one."""
    return SQL(
        "SELECT setval(pg_get_serial_sequence({table}, {name}), (SELECT max({column}) FROM {rows})) "
        "WHERE EXISTS (SELECT FROM {rows})"
    ).format(table=Literal(table), name=Literal(column), column=Identifier(column), rows=name)


@contextmanager
def connected(url: str) -> Iterator[Connection[TupleRow]]:
    """Yield a connection of its own, in autocommit mode. Raises psycopg.Error."""
    address = url.replace("postgresql+psycopg:", "postgresql:", 1)
    with psycopg.connect(
        address, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, application_name="siyu backup"
    ) as server:
        yield server


def _tables(copy: sqlite3.Connection) -> Iterator[_Table]:
    names = copy.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name != ? ORDER BY name",
        (BESIDE,),
    )
    for (name,) in names.fetchall():
        columns = copy.execute("SELECT name FROM pragma_table_info(?)", (name,)).fetchall()
        yield _Table(name, tuple(column for (column,) in columns), NUMBERED.get(name))


def _insert(table: _Table) -> str:
    places = ", ".join("?" * len(table.here))
    return f'INSERT INTO "{table.name}" ({", ".join(table.here)}) VALUES ({places})'  # noqa: S608  # our own names


def _select(schema: str, table: _Table) -> Composed:
    columns = SQL(", ").join(map(Identifier, table.there))
    order = SQL(" ORDER BY {}").format(Identifier(table.numbers[1])) if table.numbers else SQL("")
    return SQL("SELECT {} FROM {}.{}{}").format(columns, Identifier(schema), Identifier(table.name), order)


def _count(server: Connection[TupleRow], schema: str, table: _Table) -> int:
    counted = SQL("SELECT count(*) FROM {}.{}").format(Identifier(schema), Identifier(table.name))
    row = server.execute(counted).fetchone()
    return int(row[0]) if row else 0
