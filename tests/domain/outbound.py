"""Messages on their way out of the shop, to Mrs Wang and to the fans of tea, and the worker that claims them."""

from dataclasses import replace
from datetime import timedelta

from domain.customers.commands import WithdrawConsent
from domain.customers.events import MARKETING, ConsentSource, SendReserved
from domain.deliveries.commands import (
    PlanDelivery,
)
from domain.deliveries.events import (
    DeliveryClass,
    DeliveryStarted,
)
from domain.gate import ClaimDelivery
from domain.identity import DeliveryId, Slug, SubjectId
from domain.message import Personal
from tests.domain.controls import commands
from tests.domain.controls.ids import TELEGRAM
from tests.domain.shop import Shop

OFFER, REMINDER = DeliveryId("offer"), DeliveryId("reminder")
LEASE = timedelta(seconds=45)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def offer(
    shop: Shop, delivery: DeliveryId = OFFER, kind: DeliveryClass = DeliveryClass.MARKETING
) -> PlanDelivery:
    return PlanDelivery(
        delivery=delivery,
        subject=SubjectId(f"contact-{shop.contact()}"),
        kind=kind,
        occasion=Slug("broadcast"),
        contact=shop.contact(),
        customer=shop.customer(),
        text=Personal("春茶上新"),
        not_before=shop.now,
        expires_at=shop.now + DAY,
        automatic=True,
    )


def reminder(shop: Shop) -> PlanDelivery:
    return offer(shop, REMINDER, DeliveryClass.SERVICE)


def notice(shop: Shop, delivery: DeliveryId = OFFER) -> PlanDelivery:
    subject = SubjectId(f"group-{shop.group()}")
    return replace(offer(shop, delivery), subject=subject, contact=None, customer=None, group=shop.group())


def claim(shop: Shop, delivery: DeliveryId = OFFER) -> ClaimDelivery:
    return replace(commands.CLAIM_DELIVERY, delivery=delivery, until=shop.now + LEASE)


def started(shop: Shop, plan: PlanDelivery, attempt: int = 1) -> DeliveryStarted:
    return DeliveryStarted(
        delivery=plan.delivery,
        subject=plan.subject,
        attempt=attempt,
        worker=Slug("worker-1"),
        until=shop.now + LEASE,
    )


def reserved(shop: Shop, delivery: DeliveryId = OFFER) -> SendReserved:
    return SendReserved(
        customer=shop.customer(),
        contact=shop.contact(),
        delivery=delivery,
        at=shop.now,
        channel=TELEGRAM,
    )


def stop(shop: Shop) -> WithdrawConsent:
    return WithdrawConsent(contact=shop.contact(), topic=MARKETING, source=ConsentSource.STOP_WORD)
