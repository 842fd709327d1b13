"""Where things are registered: literal tuples, nothing registers itself."""

from collections.abc import Iterable
from typing import Any

from domain.broadcasts.broadcast import broadcasts
from domain.campaigns.campaign import campaigns
from domain.campaigns.run import FANNING, runs
from domain.codes.coupon import REDEEMING, coupons
from domain.codes.holding import holdings
from domain.codes.pool import pools, takings
from domain.contacts.contact import contacts
from domain.contacts.identifier import identifiers
from domain.contacts.link_code import link_codes
from domain.contacts.suppression import suppressions
from domain.conversations.conversation import conversations, inbound
from domain.customers.customer import customers
from domain.decider import Decider, Handler, Process
from domain.deliveries.delivery import deliveries
from domain.dispatch import Registry
from domain.forgetting import FORGETTING
from domain.gate import GATE
from domain.goals.goal import goals
from domain.groups.group import groups
from domain.installation.installation import installation
from domain.intake import INTAKE
from domain.linking import LINKING
from domain.media.media import media
from domain.mirrors.mirror import mirrors
from domain.operators.desk import desks, digests, mutes
from domain.operators.exports import exports
from domain.operators.roster import FIRST, audit, roster
from domain.purchases.claim import claims
from domain.purchases.purchase import purchases
from domain.purchasing import PURCHASING
from domain.receipts.receipt import receipts
from domain.restoring import RESTORING
from domain.rules.rulebook import rulebook
from domain.schedules.schedule import schedules, slots

DECIDERS: tuple[Decider[Any], ...] = (
    inbound,
    contacts,
    identifiers,
    link_codes,
    suppressions,
    customers,
    conversations,
    deliveries,
    groups,
    roster,
    audit,
    exports,
    desks,
    mutes,
    digests,
    rulebook,
    broadcasts,
    campaigns,
    runs,
    schedules,
    slots,
    installation,
    mirrors,
    media,
    purchases,
    claims,
    goals,
    receipts,
    pools,
    takings,
    holdings,
    coupons,
)
HANDLERS: tuple[Handler, ...] = (
    INTAKE,
    GATE,
    *FANNING,
    FORGETTING,
    RESTORING,
    FIRST,
    REDEEMING,
    *LINKING,
    *PURCHASING,
)

EVENT_TYPES: dict[str, type] = {slug: event for decider in DECIDERS for slug, event in decider.events}
"""Slug and version of every event the log may hold today, with its class. Older versions are upcast by bot/eventlog/upcasters.py."""


def registry(processes: Iterable[Process]) -> Registry:
    """Return what the dispatcher decides with. ``processes`` come from bootstrap, joined with matching and rendering."""
    return Registry.build(DECIDERS, HANDLERS, processes)
