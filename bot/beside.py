"""What runs beside the conversations, with providers that know tags or people, and with other systems: joined from the house."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

import structlog

from bot.hooks.examining import gauges, state_of, way_out
from bot.hooks.hook import Hook
from bot.hooks.settings import HookSettings, hooks_of
from bot.hooks.standing import Standing
from bot.house import House
from bot.reading import SqlTagLedger
from bot.staff import Staff, phone
from bot.texts import told
from channels.channel import Adapter
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass
from domain.dispatch import Failed, Request
from domain.identity import (
    Address,
    BroadcastId,
    CampaignId,
    ContactId,
    DeliveryId,
    Party,
    Slug,
    SubjectId,
)
from domain.message import Personal
from domain.operators.events import Role
from projections.deliveries import left_of
from scheduler.follower import Follower
from scheduler.profiles import Acquaintance, Knowing
from scheduler.recalling import Recaller, Recalling
from scheduler.tag_sync import Mirrors, TagSync

RECALLS, PROFILES, TAGS = "recalls", "profiles", "tag-sync"
"""What those who follow the log for this are called there."""
NOTICE_LIVES = timedelta(hours=24)

log_ = structlog.get_logger(__name__)

Adapters = Callable[[], Sequence[Adapter]]
"""Those that are open now."""


def tag_sync(house: House, adapters: Adapters) -> TagSync:
    """Return what keeps tags equal on both sides."""

    def mirrors() -> Mirrors:
        return {(a.channel, a.account): a.tags for a in adapters() if a.tags is not None}

    ledger = SqlTagLedger(house.views, house.catch_up)
    return TagSync(mirrors, ledger, Follower(TAGS, house.log, house.submit, house.clock), time.monotonic)


def recaller(house: House, adapters: Adapters) -> Recaller:
    """Return what takes messages back."""

    def recalling() -> Recalling:
        return {(a.channel, a.account): a.recalls for a in adapters() if a.recalls is not None}

    def left(of: CampaignId | BroadcastId, after: DeliveryId | None, limit: int) -> Sequence[DeliveryId]:
        house.catch_up()
        with house.views.read() as connection:
            return left_of(connection, of, after, limit)

    follower = Follower(RECALLS, house.log, house.submit, house.clock)
    return Recaller(recalling, left, house.log, house.vault, follower)


def acquaintance(house: House, adapters: Adapters) -> Acquaintance:
    """Return what asks providers after new people."""

    def knowing() -> Knowing:
        return {(a.channel, a.account): a.profiles for a in adapters() if a.profiles is not None}

    def address_of(contact: ContactId) -> Address | None:
        return house.vault.address_of(Party.CONTACT, contact)

    follower = Follower(PROFILES, house.log, house.submit, house.clock)
    return Acquaintance(knowing, address_of, follower, house.digest, time.monotonic)


def hooks(house: House) -> list[Hook]:
    """Return what tells other systems, as they are configured. Raises BadSettings."""
    tell = partial(tell_managers, house)
    made = [Hook(one, house, tell, time.monotonic, random.random) for one in hooks_of(house.variables)]
    house.metrics.further = partial(gauges, made)
    return made


async def tell_managers(house: House, hook: HookSettings, stands: Standing, position: int) -> None:
    """Let those who may set it right know that a hook was stopped. Raises StoreUnavailable, Overloaded."""
    plans = await asyncio.to_thread(_notices, house, hook, stands, position)
    for plan in plans:
        result = await house.submit(Request(house.context("process-hooks"), (plan,)))
        if isinstance(result, Failed):
            log_.warning("hooks.not_told", hook=hook.name, error=type(result.error).__name__)


def _notices(house: House, hook: HookSettings, stands: Standing, position: int) -> list[PlanDelivery]:
    house.catch_up()
    now, plans = house.clock(), []
    members = [m for m in Staff(house.log).team().members.values() if m.role.includes(Role.MANAGER)]
    with house.views.read() as connection:
        phones = [found for m in members if (found := phone(connection, m.contacts, now)) is not None]
    said = told(
        "✗ The hook {hook}: {state}. {way_out}",
        hook=hook.name,
        state=state_of(stands),
        way_out=way_out(hook, position),
    )
    occasion = f"hook:{hook.name}:{stands.failing_since}"
    for to in phones:
        plan = PlanDelivery(
            delivery=DeliveryId(house.digest("delivery", occasion, to.contact.id, "", "")),
            subject=SubjectId(f"contact-{to.contact.id}"),
            kind=DeliveryClass.REPLY,
            occasion=Slug("notice"),
            contact=to.contact.id,
            customer=to.contact.customer,
            text=Personal(house.texts.shown(said, to.contact.language)),
            not_before=now,
            expires_at=now + NOTICE_LIVES,
            verbatim=True,
            even_at_night=True,
        )
        plans.append(plan)
    return plans
