"""How the view of campaigns takes in events."""

from collections.abc import Sequence
from typing import assert_never, get_args

from sqlalchemy import Connection, delete, or_, update

from domain.campaigns.events import CampaignDrafted, RunStarted
from domain.contacts.events import ContactLinked
from domain.customers.events import CustomerAbsorbed, CustomerForgotten, CustomerUnmerged
from domain.deliveries.events import DeliveryPlanned
from domain.message import Recorded
from domain.purchases.events import OrderPlaced
from projections.campaigns.deeds import Done, OrderTold, note_outcomes
from projections.campaigns.followed import compute
from projections.campaigns.recipients import DeliveryMoved, is_of_campaign, moved, planned
from projections.campaigns.stages import CampaignMoved, RunMoved, note_campaigns, note_runs
from projections.campaigns.tables import CAMPAIGNS, OUTCOMES, PARTIES, RECIPIENTS, RUNS
from projections.projection import PARTY_EVENTS, RECORD_EVENTS, Parties, Projection, Rows, of_kind

Linked = ContactLinked | CustomerAbsorbed | CustomerUnmerged
_LINKED: frozenset[type[Linked]] = frozenset(get_args(Linked))
_OF_DELIVERIES: frozenset[type[DeliveryPlanned | DeliveryMoved]] = frozenset(
    {DeliveryPlanned, *get_args(DeliveryMoved)}
)


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    told = [recorded for recorded in batch if type(recorded.event) not in _OF_DELIVERIES]  # most are
    note_campaigns(connection, told)
    note_runs(connection, told)
    plans = [event for event in of_kind(batch, {DeliveryPlanned}) if is_of_campaign(event)]
    parties = Parties(connection, PARTIES, batch, also=(p.group or p.contact or "" for p in plans))
    deliveries = (event.delivery for event in of_kind(batch, _OF_DELIVERIES))
    recipients = Rows(connection, RECIPIENTS, deliveries)
    touched: set[str | None] = set()
    for recorded in batch:
        match recorded.event:
            case DeliveryPlanned() as event:
                if is_of_campaign(event):
                    channel, _ = parties.place_of(event.group or event.contact or "") or (None, None)
                    recipients.put(planned(recorded, event, channel))
            case event if isinstance(event, DeliveryMoved):
                known = recipients.get(event.delivery)
                if known is not None and moved(known, recorded, event):
                    touched.add(known["contact"])
            case event:
                parties.note(event)
    recipients.save()
    parties.save()
    touched |= note_outcomes(connection, told)
    linked = {party for event in of_kind(told, _LINKED) for party in _linked(event)}
    everybody = {party for party in touched | linked if party}
    if everybody:
        compute(connection, everybody, linked=bool(linked))


def _linked(event: Linked) -> Sequence[str]:
    match event:
        case ContactLinked(contact=contact, customer=customer, before=before):
            return (contact, customer, before)
        case CustomerAbsorbed(parts=parts) | CustomerUnmerged(parts=parts):
            return [part.customer for part in parts]
        case _:
            assert_never(event)


def _forget(connection: Connection, event: CustomerForgotten) -> None:
    """Rows stay, and count; nothing in them says who it was, and nothing that they do later is held against them."""
    theirs = or_(RECIPIENTS.c.contact.in_(event.contacts), RECIPIENTS.c.customer.in_(event.customers))
    connection.execute(update(RECIPIENTS).where(theirs).values(contact=None, customer=None))
    done = or_(OUTCOMES.c.contact.in_(event.contacts), OUTCOMES.c.customer.in_(event.customers))
    connection.execute(delete(OUTCOMES).where(done))
    connection.execute(delete(PARTIES).where(PARTIES.c.party.in_([*event.contacts, *event.customers])))


campaign_results = Projection(
    name="campaign_results",
    version=1,
    tables=(CAMPAIGNS, RUNS, RECIPIENTS, OUTCOMES, PARTIES),
    listens_to=frozenset(
        {
            *PARTY_EVENTS,
            *RECORD_EVENTS,
            CampaignDrafted,
            *get_args(CampaignMoved),
            RunStarted,
            *get_args(RunMoved),
            DeliveryPlanned,
            *get_args(DeliveryMoved),
            OrderPlaced,
            *get_args(OrderTold),
            *get_args(Done),
            CustomerForgotten,
        }
    ),
    apply=_apply,
    forget=_forget,
)
