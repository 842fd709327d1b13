"""A campaign seen as one customer would get it: shown, or sent to the operator who asks and to nobody else."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bot.campaigns.variables import said_of
from bot.commands.arguments import option
from bot.commands.command import Call, Reply, Usage
from bot.commands.customers import Follows, called, reached_by, sealed_under, whom
from bot.commands.prospects import A_CODE
from bot.commands.prospects import whom as meant_by
from domain.campaigns.campaign import OPEN, CampaignState
from domain.campaigns.commands import TestCampaign
from domain.campaigns.composing import Copy, compose
from domain.campaigns.events import CampaignDrafted
from domain.campaigns.plan import CONTROL, Content, content_for
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass
from domain.errors import CannotRender, Rejected, UnknownRecipient
from domain.identity import Channel, ContactId, DeliveryId, Locale, Slug
from domain.message import Command, Personal
from projections.consents import standing
from projections.operators import Operator, named, team
from projections.people.contacts import Contact, contacts_by_id
from projections.people.customers import Customer, customers_by_id
from projections.profiles_known import known_of

TEST: Final = Slug("campaign-test")
TEST_LIVES: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Whose copy it is, and what they get of each variant."""

    customer: Customer
    contact: Contact
    copies: tuple[tuple[Slug, Content, Copy], ...]


def preview(call: Call, state: CampaignState, rest: str) -> Reply:
    """Show what a customer would get; without one, what the first of those meant would."""
    seen = _seen(call, state, rest)
    head = call.say("For {customer}, on {channel}:").format(
        customer=called(seen.customer), channel=seen.contact.channel
    )
    shown = [
        f"[{variant}] {copy.in_words}" if len(seen.copies) > 1 else copy.in_words
        for variant, _, copy in seen.copies
    ]
    return Reply("\n".join([head, *shown]), about=sealed_under(seen.contact.id))


def trial(call: Call, state: CampaignState, rest: str) -> Reply:
    """Send each variant, as a customer would get it, to the operator who asks, or to the one that ``--to`` names."""
    to, rest = _operator(call, rest)
    seen = _seen(call, state, rest)
    phone = _phone(call, to)
    plans: list[Command] = [_planned(call, seen, phone, *one) for one in seen.copies]
    tested = () if state.stage not in OPEN else (_tested(call, state),)
    told = (
        call.say("On its way to you, as {customer} would get it.")
        if to is None
        else call.say("On its way to {operator}, as {customer} would get it.")
    )
    name = "" if to is None else to.name
    said = told.format(customer=called(seen.customer), operator=name)
    return Reply(said, (*plans, *tested), about=sealed_under(seen.contact.id))


def _tested(call: Call, state: CampaignState) -> TestCampaign:
    return TestCampaign(campaign=_drafted(state).campaign, operator=call.operator.id)


def _drafted(state: CampaignState) -> CampaignDrafted:
    if state.drafted is None:
        raise UnknownRecipient("no such campaign")
    return state.drafted


def _operator(call: Call, rest: str) -> tuple[Operator | None, str]:
    """Return who gets the test where that is not whoever asks, and what follows."""
    found = option(rest)
    with call.office.views.read() as connection:
        if found is not None:
            name, behind = found
            word, _, left = behind.strip().partition(" ")
            if name != "to" or not word:
                raise Usage("")
            operator = named(connection, word)
            if operator is None:
                raise UnknownRecipient(call.say("No operator is called {name}.").format(name=word))
            return operator, left
        bound = [member for member in team(connection) if member.contacts]
    if call.operator.contact is not None:
        return None, rest
    if len(bound) != 1:
        raise Rejected(call.say("Say who gets it: --to OPERATOR, who has to be bound (/bind)."))
    return bound[0], rest


def _phone(call: Call, to: Operator | None) -> Contact:
    """Return the account of the operator that was heard from last. Raises Rejected where none can be reached."""
    mine = [call.operator.contact] if to is None else list(to.contacts)
    with call.office.views.read() as connection:
        known = contacts_by_id(connection, [one for one in mine if one is not None]).values()
    reachable = [one for one in known if one.private and one.blocked is None]
    if not reachable:
        raise Rejected(call.say("Say who gets it: --to OPERATOR, who has to be bound (/bind)."))
    return max(reachable, key=lambda one: one.last_in or one.first_seen)


def _seen(call: Call, state: CampaignState, rest: str) -> _Seen:
    drafted = _drafted(state)
    if rest.strip():
        customer, _ = whom(call, rest, Follows.NOTHING)
    else:
        customer = _first(call, drafted)
        call.mentioned.append(customer.id)
    with call.office.views.read() as connection:
        stands = standing(connection, [one.id for one in customer.contacts], drafted.topic)
        profile = known_of(connection, [customer.id]).get(customer.id)
    contact = reached_by(customer, {one for one, (agrees, _) in stands.items() if agrees})
    if contact is None:
        raise Rejected(
            call.say("{customer} has no account to be reached by.").format(customer=called(customer))
        )
    variants = [arm.variant for arm in drafted.arms] or [CONTROL]
    locale = (profile and profile.language) or contact.language or Locale("")
    copies = tuple(_copy(call, drafted, variant, customer, contact, locale) for variant in variants)
    return _Seen(customer, contact, copies)


def _first(call: Call, drafted: CampaignDrafted) -> Customer:
    """Return the first one who is meant. Raises Rejected where nobody is."""
    page = () if drafted.selection.groups else call.office.audience.page(meant_by(drafted), 0, 1)
    with call.office.views.read() as connection:
        found = customers_by_id(connection, [one.customer for one in page])
    if not found:
        raise Rejected(call.say("Nobody is meant whom it could be shown for: name a customer."))
    return found[0]


def _copy(
    call: Call, drafted: CampaignDrafted, variant: Slug, customer: Customer, contact: Contact, locale: Locale
) -> tuple[Slug, Content, Copy]:
    content = content_for(drafted.contents.value, variant, Channel(contact.channel), locale)
    if content is None:
        raise Rejected(call.say("It says nothing on {channel}.").format(channel=contact.channel))
    variables = {
        **said_of(call.office.brand, customer, contact),
        **({"code": A_CODE} if drafted.codes else {}),
    }
    try:
        return variant, content, compose(content, variables, call.office.outreach.render, {})
    except CannotRender:
        told = call.say("For {customer} a variable is empty and has no fallback: they would be left out.")
        raise Rejected(told.format(customer=called(customer))) from None


def _planned(
    call: Call, seen: _Seen, phone: Contact, variant: Slug, content: Content, copy: Copy
) -> PlanDelivery:
    """Its text holds what only the customer's channel shows as buttons: a test is a message of ours to one of us."""
    rows = [[part for choice in row for part in choice] for row in copy.choices]
    return PlanDelivery(
        delivery=DeliveryId(call.derived("campaign-test", variant)),
        subject=sealed_under(seen.contact.id),
        kind=DeliveryClass.SERVICE,
        occasion=TEST,
        contact=ContactId(phone.id),
        customer=phone.customer,
        text=Personal(copy.in_words),
        choices=Personal(rows) if rows else None,
        not_before=call.now,
        expires_at=call.now + TEST_LIVES,
        verbatim=True,
        even_at_night=True,
        operator=call.operator.id,
        media=content.media,
    )
