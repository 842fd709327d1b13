"""What operators send: the text checked, the recipient and the moment put into one planned delivery, and how that is told."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.commands.command import Call, Usage
from bot.commands.customers import label
from bot.commands.remaining import remaining
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass
from domain.errors import Rejected
from domain.identity import DeliveryId, Slug, SubjectId
from domain.message import Personal
from projections.groups import Group
from projections.people.contacts import Contact
from projections.people.customers import Customer

LONGEST_UNITS = 4_096
"""UTF-16 code units of one message: the shortest limit of our channels (Telegram's sendMessage), so that nothing is cut."""
EXPIRES_AFTER = timedelta(hours=24)
"""Of its time: what an operator wants said now helps nobody a day later (delivery.md, "Classes")."""
OPERATOR_SEND = Slug("send")
SHORT_ID = 8


@dataclass(frozen=True, slots=True)
class Recipient:
    """A contact of a customer, or a group."""

    customer: Customer | None = None
    contact: Contact | None = None
    group: Group | None = None

    @property
    def subject(self) -> SubjectId:
        """Whose key seals the message."""
        if self.group is not None:
            return SubjectId(f"group-{self.group.id}")
        return SubjectId(f"contact-{self.contact.id if self.contact is not None else ''}")

    @property
    def shown(self) -> str:
        """Who it is, in a few words."""
        if self.group is not None:
            return f"{self.group.title} ({self.group.channel})"
        return label(self.customer) if self.customer is not None else ""


def checked(call: Call, text: str) -> str:
    """Return a message's text. Raises Usage for an empty one, Rejected for a broken template or one that is too long."""
    if not text.strip():
        raise Usage("")
    fault = call.office.render_check(text)
    if fault is not None:
        raise Rejected(call.say("This text cannot be filled in: {fault}").format(fault=fault))
    units = len(text.encode("utf-16-le")) // 2
    if units > LONGEST_UNITS:
        told = call.say("This text has {units} characters, {longest} are possible: shorten it by {over}.")
        raise Rejected(told.format(units=units, longest=LONGEST_UNITS, over=units - LONGEST_UNITS))
    return text


def planned(
    call: Call,
    to: Recipient,
    text: str,
    kind: DeliveryClass,
    occasion: Slug,
    *,
    not_before: datetime | None = None,
    even_at_night: bool = False,
    service_reason: str | None = None,
) -> PlanDelivery:
    """Return the delivery that this request makes; ``not_before`` None: now."""
    begins = not_before or call.now
    return PlanDelivery(
        delivery=DeliveryId(call.derived("delivery")),
        subject=to.subject,
        kind=kind,
        occasion=occasion,
        contact=to.contact.id if to.contact is not None else None,
        customer=to.customer.id if to.customer is not None else None,
        group=to.group.id if to.group is not None else None,
        text=Personal(text),
        not_before=begins,
        expires_at=begins + EXPIRES_AFTER,
        even_at_night=even_at_night,
        operator=call.operator.id,
        service_reason=Personal(service_reason) if service_reason else None,
    )


def told(call: Call, to: Recipient, plan: PlanDelivery) -> str:
    """Return what the operator reads of a planned delivery: to whom, when, what will keep it waiting, and what may follow it.

    Who answers a card reads only that it is on its way.
    """
    name = f"delivery:{plan.delivery[:SHORT_ID]}"
    if call.replying_to is not None and to.customer is not None and plan.not_before <= call.now:
        lines = [f"✓ #{to.customer.number}"]
    elif plan.not_before <= call.now:
        lines = [call.say("On its way to {recipient}. {delivery}").format(recipient=to.shown, delivery=name)]
    else:
        said = call.say("Goes to {recipient} at {time}. {delivery}")
        lines = [said.format(recipient=to.shown, time=call.clock.shown(plan.not_before), delivery=name)]
    night = quiet_until(call, plan)
    if night is not None:
        lines.append(night)
    return "\n".join([*lines, *(_unreachable(call, to) or _window(call, to, plan))])


def _window(call: Call, to: Recipient, plan: PlanDelivery) -> list[str]:
    if to.contact is None or plan.not_before > call.now:
        return []
    left = remaining(call.office.views, to.contact.id, call.clock, spending=1)
    return [] if left is None else [left]


def quiet_until(call: Call, plan: PlanDelivery) -> str | None:
    """Return what to say where quiet hours will delay a message, None where they will not."""
    marketing = plan.kind is DeliveryClass.MARKETING
    if not marketing and (plan.kind is DeliveryClass.REPLY or plan.even_at_night):
        return None
    controls = call.office.controls
    ends = controls.quiet.end_after(plan.not_before, controls.zone)
    if ends <= plan.not_before:
        return None
    if marketing:
        return call.say("Quiet hours: it waits until {time}.").format(time=call.clock.shown(ends))
    said = call.say("Quiet hours: it waits until {time}; --even-at-night sends it on time.")
    return said.format(time=call.clock.shown(ends))


def _unreachable(call: Call, to: Recipient) -> list[str]:
    if to.group is not None:
        gone = to.group.gone is not None
        return [call.say("We are not in this group any more: it will not arrive.")] if gone else []
    if to.contact is None or not to.contact.private:
        return [call.say("They never wrote to us in private: it will not arrive unless they do.")]
    if to.contact.blocked is not None:
        return [call.say("They blocked us: it will not arrive unless they write again.")]
    return []
