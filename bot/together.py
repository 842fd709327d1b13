"""What the processes on one PostgreSQL share the work by."""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from bot.eventlog.bell import PostgresBell
from bot.eventlog.leadership import PostgresLeadership
from bot.eventlog.leases import PostgresLeases
from bot.eventlog.postgres import SCHEMA
from bot.eventlog.postgres_store import PostgresStore
from domain.identity import Slug
from domain.ports.leases import Leases
from scheduler.leader import Leadership


@dataclass(frozen=True, slots=True)
class Together:
    """``holder``: this process's name among the others. ``bell``: makes one, of what is called when it rings."""

    leases: Leases
    leadership: Leadership
    bell: Callable[[Callable[[], None]], PostgresBell]
    holder: Slug

    def close(self) -> None:
        """Give back connections."""
        self.leadership.give_up()
        self.leases.close()


def open_together(url: str) -> Together:
    """Return what the processes on this database have in common. It connects when it is first asked."""
    connect = PostgresStore(url, SCHEMA).connect
    return Together(
        leases=PostgresLeases(connect, SCHEMA),
        leadership=PostgresLeadership(connect, SCHEMA),
        bell=lambda heard: PostgresBell(connect, f"siyu_{SCHEMA}_views", heard),
        # Unique among machines and over time: what a process that was killed had is not the next one's.
        holder=Slug(f"w{os.getpid()}-{secrets.token_hex(4)}"),
    )
