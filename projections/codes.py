"""Codes: the pools and what is left of them, and of each code, known by its keyed hash, who has it and whether it was redeemed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Boolean, Column, Connection, Integer, String, Table, insert, select, update

from domain.codes.events import (
    CodeAssigned,
    CodesAdded,
    CouponRedeemed,
    PoolDoubted,
    PoolExpirySet,
    PoolSettled,
)
from domain.customers.events import CustomerForgotten
from domain.identity import CampaignId, CustomerId, DeliveryId, Digest, Slug
from domain.message import Recorded
from projections.projection import KEYS_PER_QUERY, Projection, Rows
from projections.schema import METADATA, Utc

POOLS = Table(
    "code_pools",
    METADATA,
    Column("pool", String, primary_key=True),
    Column("added", Integer, nullable=False, default=0),
    Column("taken", Integer, nullable=False, default=0),
    Column("redeemed", Integer, nullable=False, default=0),
    Column("expires_at", Utc),
    Column("passed", Integer, nullable=False, default=0),
    Column("doubted", Boolean, nullable=False, default=False),
)
CODES = Table(
    "codes",
    METADATA,
    Column("place", String, primary_key=True),
    Column("code", String, nullable=False, index=True),
    Column("pool", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("campaign", String, index=True),
    Column("customer", String, index=True),
    Column("delivery", String),
    Column("given_at", Utc),
    Column("redeemed_at", Utc),
)
"""``place``: pool and number. Two pools that are filled at the same moment may hold the same code: whoever redeems it first has it."""


@dataclass(frozen=True, slots=True)
class Pool:
    """How a pool stands. ``taken``: given to somebody; ``redeemed``: of these.

    ``passed``: those up to this number are given to nobody any more. ``doubted``: a restored log does not know which were given out.
    """

    name: Slug
    added: int
    taken: int
    redeemed: int
    expires_at: datetime | None
    passed: int
    doubted: bool

    @property
    def withdrawn(self) -> int:
        """How many were passed over, as somebody may have them since before a restore."""
        return self.passed - self.taken

    def left(self, now: datetime) -> int:
        """How many people can still get one."""
        expired = self.expires_at is not None and now >= self.expires_at
        return 0 if expired or self.doubted else self.added - self.passed


@dataclass(frozen=True, slots=True)
class Coupon:
    """A code that somebody was given. ``customer``: the record it was given to, None where it was forgotten."""

    code: Digest
    pool: Slug
    number: int
    campaign: CampaignId
    delivery: DeliveryId
    customer: CustomerId | None
    given_at: datetime
    redeemed_at: datetime | None
    expires_at: datetime | None

    def expired(self, now: datetime) -> bool:
        """Whether its pool counts no more."""
        return self.expires_at is not None and now >= self.expires_at


_CodeMoved = CodeAssigned | CouponRedeemed
_PoolMoved = CodesAdded | PoolExpirySet | PoolDoubted | PoolSettled | _CodeMoved


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    events = [(recorded, recorded.event) for recorded in batch if isinstance(recorded.event, _PoolMoved)]
    moved = [event for _, event in events]
    for added in (event for event in moved if isinstance(event, CodesAdded)):
        numbered = enumerate(added.digests, added.first)
        rows = [
            {"place": _place(added.pool, number), "code": code, "pool": added.pool, "number": number}
            for number, code in numbered
        ]
        connection.execute(insert(CODES), rows)
    pools = Rows(connection, POOLS, (event.pool for event in moved))
    places = (_place(event.pool, event.number) for event in moved if isinstance(event, _CodeMoved))
    codes = Rows(connection, CODES, places)
    for recorded, event in events:
        pool = pools.open(event.pool)
        match event:
            case CodesAdded(digests=digests):
                pool["added"] += len(digests)
            case PoolExpirySet(expires_at=expires_at):
                pool["expires_at"] = expires_at
            case PoolDoubted():
                pool["doubted"] = True
            case PoolSettled(through=through):
                pool.update(doubted=False, passed=max(pool["passed"], through))
            case CodeAssigned(campaign=campaign, customer=customer, delivery=delivery):
                pool.update(taken=pool["taken"] + 1, passed=event.number)
                given = {"campaign": campaign, "customer": customer, "delivery": delivery}
                codes[_place(event.pool, event.number)].update(given, given_at=recorded.occurred_at)
            case CouponRedeemed(at=at):
                pool["redeemed"] += 1
                codes[_place(event.pool, event.number)]["redeemed_at"] = at
    pools.save()
    codes.save()


def _place(pool: Slug, number: int) -> str:
    return f"{pool}:{number}"


def _forget(connection: Connection, event: CustomerForgotten) -> None:
    """That a code was given stays: it can still be redeemed, and nobody is told by whom."""
    connection.execute(update(CODES).where(CODES.c.customer.in_(event.customers)).values(customer=None))


codes = Projection(
    name="codes",
    version=2,
    tables=(POOLS, CODES),
    listens_to=frozenset(
        {
            CodesAdded,
            PoolExpirySet,
            PoolDoubted,
            PoolSettled,
            CodeAssigned,
            CouponRedeemed,
            CustomerForgotten,
        }
    ),
    apply=_apply,
    forget=_forget,
)


def pools_listed(connection: Connection) -> list[Pool]:
    """Return every pool, by name."""
    return [Pool(*row) for row in connection.execute(select(POOLS).order_by(POOLS.c.pool))]


def pool_named(connection: Connection, name: str) -> Pool | None:
    """Return the pool of this name, None where there is none."""
    row = connection.execute(select(POOLS).where(POOLS.c.pool == name)).first()
    return None if row is None else Pool(*row)


def known(connection: Connection, codes: Collection[Digest]) -> dict[Digest, Slug]:
    """Return which of these codes are in a pool already, and in which one."""
    wanted = list(codes)
    found: dict[Digest, Slug] = {}
    for start in range(0, len(wanted), KEYS_PER_QUERY):
        among = CODES.c.code.in_(wanted[start : start + KEYS_PER_QUERY])
        found.update((row.code, row.pool) for row in connection.execute(select(CODES).where(among)))
    return found


def numbers(connection: Connection, pool: Slug, codes: Collection[Digest]) -> dict[Digest, int]:
    """Return which of these codes are in this pool, and their places in it."""
    wanted = list(codes)
    found: dict[Digest, int] = {}
    for start in range(0, len(wanted), KEYS_PER_QUERY):
        among = CODES.c.code.in_(wanted[start : start + KEYS_PER_QUERY])
        rows = connection.execute(select(CODES).where(among, CODES.c.pool == pool))
        found.update((row.code, row.number) for row in rows)
    return found


def coupon(connection: Connection, code: Digest) -> Coupon | None:
    """Return the code of this keyed hash, if somebody was given it."""
    statement = (
        select(CODES, POOLS.c.expires_at)
        .join(POOLS, POOLS.c.pool == CODES.c.pool)
        .where(CODES.c.code == code, CODES.c.given_at.is_not(None))
        .order_by(CODES.c.given_at, CODES.c.place)
    )
    row = connection.execute(statement).mappings().first()
    return None if row is None else Coupon(**{name: row[name] for name in Coupon.__dataclass_fields__})
