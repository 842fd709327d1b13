"""What a customer is made of: the records that were merged into one, and what each would take along.

Properties, shown by tests/domain/test_linking_machine.py:

- **Tags**: a customer has the tags of all parts. One given while they are linked belongs to the record that stays; one taken away is taken
  from all. So after an un-merge each has what it had, without what was taken away meanwhile, and the one that stayed has what was given.
- **Consent**: the strictest wins. Merged, a withdrawal of any part holds for all. A withdrawal made while linked is kept by every part, so
  no un-merge brings marketing back. A new opt-in while linked ends the withdrawals of the others only for as long as they are linked to
  the record that gave it: apart again, only that record agreed. A part agrees for its own contact only: being linked lets nobody write
  to a contact that agreed to nothing.
- **Topics**: agreeing to the umbrella covers each topic that was not ended by itself; ending the umbrella ends all. A topic may be taken up
  again alone: that lifts the umbrella's withdrawal for this topic and no other.
- **Reservations**: made while linked they are kept by every part, so an un-merge gives nobody a second message for the cap of one.
- **Zone, language**: those of the record that stays, else those of whoever came first and has any; what is told while they are linked is
  told of the record that stays, and so comes before what was known. Apart again, each has its own.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from domain.customers.events import MARKETING, CustomerDescribed, Lift, Part, Reservation
from domain.identity import ContactId, CustomerId, DeliveryId, Locale, Slug, Tag, ZoneName

T = TypeVar("T")
Parts = tuple[Part, ...]
"""The one that stays, whose id is the customer's, comes first."""


def linked(parts: Parts) -> frozenset[ContactId]:
    """Return the contacts behind a customer."""
    return frozenset(contact for part in parts for contact in part.contacts)


def tags(parts: Parts) -> frozenset[Tag]:
    """Return the tags by hand."""
    return frozenset(tag for part in parts for tag in part.tags)


def withdrawn(parts: Parts) -> frozenset[Slug]:
    """Return the topics that the person ended and did not take up again."""
    here = {part.customer for part in parts}
    return frozenset(topic for part in parts for topic in part.withdrawn if not _lifted(part, topic, here))


def consents(parts: Parts) -> frozenset[Slug]:
    """Return the topics that the person agreed to, by any contact."""
    return frozenset(topic for part in parts for topic in part.consents if not is_ended(parts, topic))


def is_ended(parts: Parts, topic: Slug) -> bool:
    """Whether the person ended a topic, by itself or with all others, and did not take it up again."""
    here = {part.customer for part in parts}

    def ends(part: Part) -> bool:
        taken_up = _lifted(part, topic, here)
        alone = topic in part.withdrawn and not taken_up
        with_all = MARKETING in part.withdrawn and not taken_up and not _lifted(part, MARKETING, here)
        return alone or with_all

    return any(map(ends, parts))


def agrees(parts: Parts, contact: ContactId, topic: Slug) -> bool:
    """Whether the person may be written to about a topic by this contact."""
    agreed_to = speaking_as(parts, contact).consents if parts else ()  # of the forgotten nothing is left
    return (topic in agreed_to or MARKETING in agreed_to) and not is_ended(parts, topic)


def zone(parts: Parts) -> ZoneName | None:
    """Return where they live, as far as somebody told; None where nobody did."""
    return next((part.zone for part in parts if part.zone is not None), None)


def language(parts: Parts) -> Locale | None:
    """Return what they read, as far as somebody told; None where nobody did."""
    return next((part.language for part in parts if part.language is not None), None)


def reservations(parts: Parts) -> tuple[Reservation, ...]:
    """Return what spent the cap lately, each delivery once, oldest first."""
    held = {spent.delivery: spent for part in parts for spent in part.reservations}
    return tuple(sorted(held.values(), key=lambda spent: (spent.at, spent.delivery)))


def _lifted(part: Part, topic: Slug, by: Iterable[CustomerId]) -> bool:
    return any(lift.topic == topic and lift.by in by for lift in part.lifted)


def speaking_as(parts: Parts, contact: ContactId) -> Part:
    """Return the part that a contact belongs to; the one that stays for a contact that came with none."""
    return next((part for part in parts if contact in part.contacts), parts[0])


def described(parts: Parts, told: CustomerDescribed) -> Parts:
    """Note what somebody told, for the record that stays."""
    me = parts[0]
    known = replace(
        me, zone=told.zone or me.zone, language=told.language or me.language, described=told.digest
    )
    return (known, *parts[1:])


def tagged(parts: Parts, tag: Tag) -> Parts:
    """Give a tag to the record that stays."""
    return (replace(parts[0], tags=_with(parts[0].tags, tag)), *parts[1:])


def untagged(parts: Parts, tag: Tag) -> Parts:
    """Take a tag from all."""
    return _each(parts, lambda part: replace(part, tags=_without(part.tags, tag)))


def agreed(parts: Parts, contact: ContactId, topic: Slug) -> Parts:
    """Let the person agree, speaking through one contact."""
    me = speaking_as(parts, contact).customer

    def hear(part: Part) -> Part:
        lifted = tuple(lift for lift in part.lifted if lift.topic != topic or lift.by != me)
        if part.customer == me:
            lifted = tuple(lift for lift in lifted if lift.topic != topic)
            agreed_to, ended = _with(part.consents, topic), _without(part.withdrawn, topic)
            part = replace(part, consents=agreed_to, withdrawn=ended, lifted=lifted)
        ends_it = topic in part.withdrawn or MARKETING in part.withdrawn
        return replace(part, lifted=(*lifted, Lift(topic=topic, by=me))) if ends_it else part

    return _each(parts, hear)


def ended(parts: Parts, topic: Slug) -> Parts:
    """Let the person withdraw: for every part; the umbrella's withdrawal ends every topic."""
    everything = topic == MARKETING

    def hear(part: Part) -> Part:
        return replace(
            part,
            consents=() if everything else _without(part.consents, topic),
            withdrawn=_with(part.withdrawn, topic),
            lifted=() if everything else tuple(lift for lift in part.lifted if lift.topic != topic),
        )

    return _each(parts, hear)


def reserved(parts: Parts, spent: Reservation, kept: Callable[[Reservation], bool]) -> Parts:
    """Spend the cap of every part; of older reservations those are kept that ``kept`` says."""

    def spend(part: Part) -> Part:
        recent = tuple(old for old in part.reservations if kept(old) and old.delivery != spent.delivery)
        return replace(part, reservations=(*recent, spent))

    return _each(parts, spend)


def released(parts: Parts, delivery: DeliveryId) -> Parts:
    """Give the cap back to every part."""

    def give_back(part: Part) -> Part:
        return replace(
            part, reservations=tuple(spent for spent in part.reservations if spent.delivery != delivery)
        )

    return _each(parts, give_back)


def joined(staying: Parts, other: Parts) -> Parts:
    """Return what a customer is made of who takes in another."""
    return (*staying, replace(other[0], into=staying[0].customer), *other[1:])


def parted(parts: Parts, other: CustomerId) -> tuple[Parts, Parts]:
    """Return (those who stay, those who go with ``other``, it first): what was merged into it before goes too."""
    going = {other}
    for _ in parts:  # a chain is at most as long as there are parts
        going |= {part.customer for part in parts if part.into in going}
    first = next(replace(part, into=None) for part in parts if part.customer == other)
    gone = (first, *(part for part in parts if part.customer in going and part.customer != other))
    left = tuple(part for part in parts if part.customer not in going)
    return _among_themselves(left), _among_themselves(gone)


def _among_themselves(parts: Parts) -> Parts:
    """What somebody said who is not one of them any more lifts nothing."""
    here = {part.customer for part in parts}
    return _each(parts, lambda part: replace(part, lifted=tuple(x for x in part.lifted if x.by in here)))


def _each(parts: Parts, change: Callable[[Part], Part]) -> Parts:
    return tuple(change(part) for part in parts)


def _with(values: tuple[T, ...], value: T) -> tuple[T, ...]:
    return values if value in values else (*values, value)


def _without(values: tuple[T, ...], value: T) -> tuple[T, ...]:
    return tuple(other for other in values if other != value)
