"""Whom a broadcast would reach, counted before it is confirmed: by the very policy that judges each message when it goes out."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.commands.audience import Many
from bot.commands.command import Call
from bot.commands.customers import reached_by
from domain.broadcasts.events import AudienceKind
from domain.customers.events import MARKETING
from domain.deliveries.events import DeliveryClass
from domain.identity import Channel, ContactId, Slug
from domain.policies.frequency_cap import WEEK, Spent
from domain.policies.may_contact import Allow, Facts, Refuse, Wait, may_contact
from projections.consents import standing
from projections.people.contacts import Contact
from projections.people.customers import listed
from projections.reservations import reserved
from projections.tags import holders

PAGE = 500
NEVER_WROTE = Slug("never-wrote")


@dataclass(slots=True)
class Preview:
    """``reached``: people by channel. ``left_out``: how many for which reason. ``capped``: those who wait for their cap, or miss it."""

    reached: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    capped: int = 0

    @property
    def count(self) -> int:
        """How many it reaches."""
        return self.reached.total()


def preview(call: Call, audience: Many, not_before: datetime) -> Preview:
    """Judge everyone who is meant as the gate would when the message may go out: at its time, or at the end of the quiet hours."""
    controls = call.office.controls
    at = controls.quiet.end_after(not_before, controls.zone)
    found = Preview()
    for channel, facts in (
        _group(call, audience, at) if audience.group is not None else _people(call, audience, at)
    ):
        match may_contact(facts, controls):
            case Allow():
                found.reached[channel] += 1
            case Wait():
                found.capped += 1
            case Refuse(reason=reason):
                found.left_out[reason] += 1
    return found


def _group(call: Call, audience: Many, at: datetime) -> Iterator[tuple[str, Facts]]:
    group = audience.group
    if group is None:
        return
    with call.office.views.read() as connection:
        sent = reserved(connection, [group.id], at - WEEK).get(group.id, [])
    yield group.channel, _facts(at, to_group=True, unreachable=group.gone, sent=sent)


def _people(call: Call, audience: Many, at: datetime) -> Iterator[tuple[str, Facts]]:
    among = holders(audience.tag) if audience.kind is AudienceKind.TAG and audience.tag is not None else None
    after = 0
    with call.office.views.snapshot() as connection:
        while page := listed(connection, among=among, after=after, limit=PAGE):
            after = page[-1].number
            spent = reserved(connection, [customer.id for customer in page], at - WEEK)
            agreed = standing(
                connection, [one.id for customer in page for one in customer.contacts], MARKETING
            )
            willing = {contact for contact, (agrees, _) in agreed.items() if agrees}
            for customer in page:
                contact = reached_by(customer, willing)
                yield _person(contact, at, spent.get(customer.id, []), agreed)


def _person(
    contact: Contact | None,
    at: datetime,
    sent: Iterable[Spent],
    agreed: Mapping[ContactId, tuple[bool, bool]],
) -> tuple[str, Facts]:
    consents, withdrew = agreed.get(contact.id, (False, False)) if contact is not None else (False, False)
    facts = _facts(
        at,
        unreachable=_unreachable(contact),
        consents=consents,
        withdrew=withdrew,
        channel=contact.channel if contact is not None else None,
        sent=sent,
        last_heard=contact.last_in if contact is not None else None,
    )
    return contact.channel if contact is not None else "", facts


def _unreachable(contact: Contact | None) -> Slug | None:
    if contact is None:
        return NEVER_WROTE
    return contact.blocked or (None if contact.private else NEVER_WROTE)


def _facts(
    at: datetime,
    *,
    to_group: bool = False,
    unreachable: Slug | None = None,
    consents: bool = False,
    withdrew: bool = False,
    sent: Iterable[Spent] = (),
    channel: Channel | None = None,
    last_heard: datetime | None = None,
) -> Facts:
    return Facts(
        now=at,
        kind=DeliveryClass.MARKETING,
        automatic=True,
        by_operator=False,
        even_at_night=False,
        to_group=to_group,
        unreachable=unreachable,
        consents=consents,
        withdrew=withdrew,
        cancelled=False,
        defect=None,
        human_until=None,
        sent=list(sent),
        window=None,
        last_heard=last_heard,
        channel=channel,
    )


def told(call: Call, found: Preview) -> list[str]:
    """Return the preview as lines."""
    lines = [
        call.say("Reaches {count}: {channels}").format(
            count=found.count, channels=_counts(found.reached.items())
        )
    ]
    if not found.count:
        lines = [call.say("Reaches nobody now.")]
    if found.left_out:
        reasons = ((reason_said(call, reason), count) for reason, count in found.left_out.most_common())
        said = call.say("Left out {count}: {reasons}")
        lines.append(said.format(count=found.left_out.total(), reasons=_counts(reasons)))
    if found.capped:
        said = call.say(
            "Had their share of messages: {count}. They get it later, or not at all if that is too late."
        )
        lines.append(said.format(count=found.capped))
    return lines


def _counts(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts)


class Speaker(Protocol):
    """Whoever translates for somebody."""

    @property
    def say(self) -> Callable[[str], str]:
        """Translate one of our texts."""
        ...


def reason_said(call: Speaker, reason: str) -> str:
    """Return why somebody is not written to, in words; a provider's own reasons stay as they are."""
    said = {
        "no-consent": call.say("never agreed"),
        "opted-out": call.say("unsubscribed"),
        "blocked": call.say("blocked us"),
        "deactivated": call.say("account gone"),
        "never-wrote": call.say("never wrote in private"),
        "dormant": call.say("silent for half a year"),
        "frequency-cap": call.say("had their share of messages"),
        "quiet-hours": call.say("quiet hours"),
        "human-talking": call.say("a person is talking with them"),
        "cancelled": call.say("cancelled"),
        "holdout": call.say("drawn to get nothing of it, to compare with"),
        "global-holdout": call.say("drawn to get no offers at all, to compare with"),
        "group-share": call.say("the group had its share of promotion"),
        "outranked": call.say("a more important message comes first"),
        "merged-duplicate": call.say("this person had it already"),
        "missing_variable": call.say("a variable is empty"),
        "broken_template": call.say("the text cannot be filled in"),
        "no-route": call.say("none of the ways to them is open"),
        "mass-needs-two": call.say("a mass message needs two people who get the same"),
        "expired": call.say("its time passes before it may go"),
        "no-text": call.say("it has no text for them"),
        "window-closed": call.say("the time to answer is over"),
        "bot-left": call.say("we left the group"),
        "media-gone": call.say("its file is gone"),
        "window-used-up": call.say("the channel allows no more before they write"),
        "not-following": call.say("does not follow us any more"),
        "no-code-left": call.say("no code was left for them"),
        "codes-expired": call.say("the codes had expired"),
        "codes-in-doubt": call.say("nobody knew which codes had been given out"),
        "codes-are-for-one": call.say("a code is for one customer, not for a group"),
    }
    return said.get(reason, reason)
