"""How the timeline takes in events."""

from collections.abc import Iterable, Sequence
from typing import Any, get_args

from sqlalchemy import Connection, and_, delete, or_, select, update

from domain.broadcasts.events import BroadcastDrafted
from domain.codes.events import CodeAssigned, CouponRedeemed
from domain.contacts.events import ContactBlocked, ContactUnblocked
from domain.conversations.events import (
    ActionReported,
    ButtonPressed,
    ConversationHandedOver,
    ConversationReturned,
    MemberJoined,
    MemberLeft,
    MessageEdited,
    MessageReceived,
    ReachabilityReported,
)
from domain.conversations.said import said as said_by
from domain.customers.events import (
    ConsentGranted,
    ConsentWithdrawn,
    CustomerAbsorbed,
    CustomerForgotten,
    CustomerMerged,
    CustomerNamed,
    CustomerTagged,
    CustomerUnmerged,
    CustomerUntagged,
    NoteAdded,
)
from domain.deliveries.delivery import RECALLED, Phase
from domain.deliveries.events import (
    DeliveryAccepted,
    DeliveryConfirmed,
    DeliveryExpired,
    DeliveryPlanned,
    DeliveryPostponed,
    DeliveryRecalled,
    DeliveryRejected,
    DeliveryStarted,
    DeliverySuppressed,
    DeliveryUnknown,
)
from domain.goals.events import GoalReached
from domain.identity import ORDER
from domain.media.events import MediaKept, MediaRefused
from domain.message import Recorded
from projections.projection import PARTY_EVENTS, RECORD_EVENTS, Parties, Projection, Row, Rows, add, of_kind
from projections.timeline.coupons import CouponEvent, Coupons
from projections.timeline.orders import ORDER_EVENTS, OrderEvent, Orders, reached
from projections.timeline.tables import BROADCASTS, FILES, IS_OF_ANOTHER, PARTIES, TIMELINE, Kind
from projections.timeline.words import WORDS, words

DeliveryMoved = (
    DeliveryStarted
    | DeliveryPostponed
    | DeliveryAccepted
    | DeliveryConfirmed
    | DeliveryRejected
    | DeliveryUnknown
    | DeliverySuppressed
    | DeliveryExpired
    | DeliveryRecalled
)
_MOVED: frozenset[type[DeliveryMoved]] = frozenset(get_args(DeliveryMoved))
_MOVING = ("position", "part", "place", "delivery", "rendered", "states")
"""What a delivery's row is known by, and what moves on."""
_MOVES_ROW = frozenset({DeliveryStarted, DeliverySuppressed, DeliveryExpired})


def _row(recorded: Recorded, kind: Kind, **values: Any) -> Row:  # noqa: ANN401  # a column's value
    """Columns that are not named are null, or what their default says."""
    return {
        "position": recorded.position,
        "place": recorded.position,
        "kind": kind.value,
        "at": recorded.occurred_at,
        "event": recorded.id,
        "actor": recorded.actor,
        **values,
    }


def _heard(recorded: Recorded, event: MessageReceived | MessageEdited | ButtonPressed) -> Row:
    """What contacts say."""
    match event:
        case MessageReceived() as said:
            return _row(
                recorded,
                Kind.MESSAGE,
                contact=said.contact,
                group_id=said.group,
                text=said.text.value,
                value=said.kind.value,
                provider_message=said.provider_message,
                forwarded=said.forwarded,
                subject=_order(said),
            )
        case MessageEdited(contact=contact, group=group, text=text, provider_message=message) as edited:
            return _row(
                recorded,
                Kind.EDIT,
                contact=contact,
                group_id=group,
                text=text.value,
                provider_message=message,
                subject=_order(edited),
            )
        case ButtonPressed(contact=contact, group=group, data=data) as pressed:
            order, told = _order(pressed), said_by(pressed) or data.value
            return _row(recorded, Kind.BUTTON, contact=contact, group_id=group, text=told, subject=order)


def _conversation(recorded: Recorded) -> Iterable[Row]:
    """What else contacts and groups do."""
    match recorded.event:
        case ReachabilityReported() | ActionReported() as done:
            yield from _action(recorded, done)
        case MemberJoined(contacts=joined, group=group):
            for part, contact in enumerate(joined):
                yield _row(recorded, Kind.JOINED, part=part, contact=contact, group_id=group)
        case MemberLeft(contact=contact, group=group):
            yield _row(recorded, Kind.LEFT, contact=contact, group_id=group)
        case ContactBlocked(contact=contact, reason=reason):
            yield _row(recorded, Kind.BLOCKED, contact=contact, value=reason)
        case ContactUnblocked(contact=contact):
            yield _row(recorded, Kind.UNBLOCKED, contact=contact)
        case ConversationHandedOver(contact=contact):
            yield _row(recorded, Kind.HANDED_OVER, contact=contact)
        case ConversationReturned(contact=contact):
            yield _row(recorded, Kind.RETURNED, contact=contact)
        case _:
            return


_ACTIONS = {
    "scanned": Kind.SCANNED,
    "opened-link": Kind.OPENED,
    "opened-mini-program": Kind.OPENED,
    "chose-subscription": Kind.CHOSE,
    "changed-subscription": Kind.CHOSE,
}
"""By what was done. The rest (where somebody is just now, every few seconds) is for machines."""


def _action(recorded: Recorded, event: ReachabilityReported | ActionReported) -> Iterable[Row]:
    """What is no message. That somebody can be reached again is told by their contact; here only that they came, by which code."""
    if isinstance(event, ReachabilityReported):
        if event.reachable and (event.opens or event.source):
            yield _row(recorded, Kind.FOLLOWED, contact=event.contact, value=event.source)
        return
    kind = _ACTIONS.get(event.action)
    if kind is Kind.SCANNED:
        yield _row(recorded, kind, contact=event.contact, value=event.source)
    elif kind is not None:
        yield _row(recorded, kind, contact=event.contact, text=_told(event.data.value), value=event.action)


def _told(data: Any) -> str | None:  # noqa: ANN401  # JSON; FORGOTTEN where its key is gone
    """Return the page that was opened, or what was chosen of what."""
    if not isinstance(data, dict):
        return None
    choices = data.get("choices")
    if not isinstance(choices, list):
        return str(data.get("url", ""))
    told = (f"{one.get('template', '')}: {one.get('choice', '')}" for one in choices if isinstance(one, dict))
    return ", ".join(told)


def _record(recorded: Recorded) -> Iterable[Row]:
    """What is noted about a customer."""
    match recorded.event:
        case CustomerTagged(customer=customer, tag=tag):
            yield _row(recorded, Kind.TAGGED, customer=customer, value=tag)
        case CustomerUntagged(customer=customer, tag=tag):
            yield _row(recorded, Kind.UNTAGGED, customer=customer, value=tag)
        case CustomerNamed(customer=customer, remark=remark):
            yield _row(recorded, Kind.NAMED, customer=customer, text=remark.value)
        case CustomerMerged(customer=customer, basis=basis):
            yield _row(recorded, Kind.MERGED, customer=customer, value=basis)
        case CustomerUnmerged(customer=customer):
            yield _row(recorded, Kind.UNMERGED, customer=customer)
        case NoteAdded(customer=customer, note=note):
            yield _row(recorded, Kind.NOTE, customer=customer, text=note.value)
        case ConsentGranted(contact=contact, topic=topic) as granted:
            yield _row(recorded, Kind.CONSENTED, contact=contact, value=topic, text=_evidence(granted))
        case ConsentWithdrawn(contact=contact, topic=topic) as ended:
            yield _row(recorded, Kind.WITHDREW, contact=contact, value=topic, text=_evidence(ended))
        case GoalReached() as goal:
            yield _row(recorded, Kind.REACHED, **reached(goal))
        case _:
            return


def _evidence(event: ConsentGranted | ConsentWithdrawn) -> str:
    """How we know: the code of the source, and the version of the text they agreed to."""
    return " ".join(filter(None, (event.source.value, event.text_version)))


def _order(event: MessageReceived | MessageEdited | ButtonPressed) -> str | None:
    return None if event.order is None else f"{ORDER}-{event.order}"


def _planned(recorded: Recorded, event: DeliveryPlanned) -> Row:
    return _row(
        recorded,
        Kind.DELIVERY,
        contact=event.contact,
        customer=event.customer if event.contact is None else None,
        group_id=event.group,
        text=None if event.text is None else event.text.value,
        value=event.kind.value,
        delivery=event.delivery,
        broadcast=event.broadcast,
        occasion=event.occasion,
        choices=None if event.choices is None else event.choices.value,
        media=event.media,
        states=[_state(recorded, Phase.PLANNED)],
        subject=None if event.subject == f"contact-{event.contact}" else event.subject,
    )


def _state(recorded: Recorded, phase: Phase, reason: str | None = None, rule: str | None = None) -> list[Any]:
    return [recorded.position, phase.value, reason, rule, recorded.occurred_at.isoformat()]


def _moved(recorded: Recorded, event: DeliveryMoved) -> list[Any]:
    match event:
        case DeliveryStarted():
            return _state(recorded, Phase.STARTED)
        case DeliveryPostponed(reason=reason, rule=rule):
            return _state(recorded, Phase.PLANNED, reason, rule)
        case DeliveryAccepted():
            return _state(recorded, Phase.ACCEPTED)
        case DeliveryConfirmed(how=how):
            return _state(recorded, Phase.CONFIRMED, how.value)
        case DeliveryRejected(reason=reason):
            return _state(recorded, Phase.REJECTED, reason)
        case DeliveryUnknown(reason=reason):
            return _state(recorded, Phase.UNKNOWN, reason)
        case DeliverySuppressed(reason=reason, rule=rule):
            return _state(recorded, Phase.SUPPRESSED, reason, rule)
        case DeliveryExpired():
            return _state(recorded, Phase.EXPIRED)
        case DeliveryRecalled():
            return _state(recorded, Phase.CONFIRMED, RECALLED)


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    parties = Parties(connection, PARTIES, batch)
    new = {event.delivery for event in of_kind(batch, {DeliveryPlanned})}
    moved = {event.delivery for event in of_kind(batch, _MOVED)}
    deliveries = Rows(connection, TIMELINE, moved - new, by=TIMELINE.c.delivery, only=_MOVING)
    orders, coupons = Orders(connection, batch), Coupons(connection, batch)
    rows: list[Row] = []
    broadcasts: list[Row] = []
    files: list[Row] = []
    for recorded in batch:
        match recorded.event:
            case MessageReceived() | MessageEdited() | ButtonPressed() as heard:
                rows.append(_heard(recorded, heard))
            case DeliveryPlanned() as planned:
                rows.append(deliveries.put(_planned(recorded, planned)))
            case BroadcastDrafted(broadcast=broadcast, text=text):
                broadcasts.append({"broadcast": broadcast, "position": recorded.position, "text": text.value})
            case MediaKept() | MediaRefused() as settled:
                files.append(_file(settled))
            case event if isinstance(event, DeliveryMoved):
                row = deliveries[event.delivery]
                row["states"] = [*row["states"], _moved(recorded, event)]
                if isinstance(event, DeliveryStarted):
                    row["rendered"] = None if event.rendered is None else event.rendered.value
                if type(event) in _MOVES_ROW:
                    row["place"] = recorded.position
            case event if type(event) in PARTY_EVENTS:
                parties.note(event)
            case event if isinstance(event, OrderEvent):
                told = orders.columns(event)
                if told is not None:
                    rows.append(orders.keep(_row(recorded, told[0], **told[1])))
            case event if isinstance(event, CouponEvent):
                told = coupons.columns(event)
                if told is not None:
                    rows.append(_row(recorded, told[0], **told[1]))
            case CustomerAbsorbed() as absorbed:
                parties.note(absorbed)
            case _:
                parties.note(recorded.event)
                rows.extend(_conversation(recorded))
                rows.extend(_record(recorded))
    add(connection, FILES, files)
    orders.save()
    _save(connection, rows, broadcasts)
    deliveries.save()
    parties.save()


def _forget(connection: Connection, event: CustomerForgotten) -> None:
    """What was said goes. A delivery's row stays without its text: it may still have an outcome to come."""
    about = or_(
        TIMELINE.c.contact.in_(event.contacts),
        TIMELINE.c.customer.in_(event.customers),
        and_(IS_OF_ANOTHER, TIMELINE.c.subject.in_(event.subjects)),
    )
    connection.execute(delete(WORDS).where(WORDS.c.rowid.in_(select(TIMELINE.c.position).where(about))))
    connection.execute(delete(TIMELINE).where(about, TIMELINE.c.delivery.is_(None)))
    connection.execute(update(TIMELINE).where(about).values(text=None, rendered=None, choices=None))
    connection.execute(delete(FILES).where(FILES.c.contact.in_(event.contacts)))
    connection.execute(delete(PARTIES).where(PARTIES.c.party.in_([*event.contacts, *event.customers])))


def _file(event: MediaKept | MediaRefused) -> Row:
    row: Row = {"media": event.media, "message": event.message, "contact": event.contact}
    nothing = dict.fromkeys(("kind", "content_type", "size", "name", "reason"))
    match event:
        case MediaRefused(reason=reason):
            return row | nothing | {"reason": reason}
        case MediaKept():
            return row | {
                "kind": event.kind.value,
                "content_type": event.content_type.value,
                "size": event.size,
                "name": None if event.name is None else event.name.value,
                "reason": None,
            }


def _save(connection: Connection, rows: Sequence[Row], broadcasts: Sequence[Row]) -> None:
    """Insert all but the deliveries, which save themselves since the batch may have moved them on."""
    add(connection, TIMELINE, (row for row in rows if "delivery" not in row))
    add(connection, BROADCASTS, broadcasts)
    told = [(row["position"], row["text"]) for row in (*rows, *broadcasts) if row.get("text")]
    # What we say to many is taken apart once.
    found = {text: words(text) for text in {text for _, text in told}}
    add(connection, WORDS, ({"rowid": at, "words": found[text]} for at, text in told if found[text]))


timeline = Projection(
    name="timeline",
    version=8,
    tables=(TIMELINE, BROADCASTS, FILES, PARTIES, WORDS),
    listens_to=frozenset(
        {
            *PARTY_EVENTS,
            *RECORD_EVENTS,
            *ORDER_EVENTS,
            GoalReached,
            CodeAssigned,
            CouponRedeemed,
            CustomerMerged,
            MessageReceived,
            MessageEdited,
            ButtonPressed,
            ReachabilityReported,
            ActionReported,
            MemberJoined,
            MemberLeft,
            ContactBlocked,
            ContactUnblocked,
            ConversationHandedOver,
            ConversationReturned,
            CustomerTagged,
            CustomerUntagged,
            CustomerNamed,
            NoteAdded,
            ConsentGranted,
            ConsentWithdrawn,
            BroadcastDrafted,
            MediaKept,
            MediaRefused,
            DeliveryPlanned,
            DeliveryStarted,
            DeliveryPostponed,
            DeliveryAccepted,
            DeliveryConfirmed,
            DeliveryRejected,
            DeliveryUnknown,
            DeliverySuppressed,
            DeliveryExpired,
            DeliveryRecalled,
            CustomerForgotten,
        }
    ),
    apply=_apply,
    forget=_forget,
)
