"""/resolve: an operator found out what became of a delivery that may have been sent."""

from collections.abc import Callable

from bot.commands.arguments import first_word
from bot.commands.command import Ambiguous, Call, OperatorCommand, Reply, Usage
from bot.commands.find import snippet
from bot.commands.timeline import phase_said
from domain.deliveries.commands import ResolveDelivery
from domain.deliveries.delivery import Phase
from domain.errors import Rejected, UnknownRecipient
from domain.identity import DeliveryId
from domain.operators.events import Role
from projections.deliveries import Delivery, delivery

OUTCOMES = {"sent": True, "已发送": True, "not-sent": False, "未发送": False}
DELIVERY = "delivery"
SHORT_ID = 8


def _resolve(call: Call) -> Reply:
    word, outcome = first_word(call.rest)
    kind, _, name = word.rpartition(":")
    sent = OUTCOMES.get(outcome.strip().casefold())
    if kind not in {"", DELIVERY} or not name or sent is None:
        raise Usage("")
    found = meant(call, name.lower(), lambda id_: f"/{call.name} {DELIVERY}:{id_} {outcome}")
    if found.customer is not None:
        call.mentioned.append(found.customer)
    if found.phase is not Phase.UNKNOWN:
        told = call.say(
            "This delivery is {state}: only one of which nobody knows whether it was sent can be resolved."
        )
        raise Rejected(told.format(state=phase_said(call, found.phase)))
    said = call.say("Noted: it was sent.") if sent else call.say("Noted: it was not sent.")
    return Reply(said, (ResolveDelivery(delivery=found.id, sent=sent),))


def meant(call: Call, name: str, again: Callable[[str], str]) -> Delivery:
    """Return the delivery of an id or a beginning of it. ``again``: the line with another id. Raises UnknownRecipient, Ambiguous."""
    with call.office.views.read() as connection:
        found = delivery(connection, DeliveryId(name))
    if not found:
        raise UnknownRecipient(call.say("There is no delivery {delivery}.").format(delivery=name))
    if len(found) > 1:
        told = call.say("Which delivery do you mean by {delivery}?").format(delivery=name)
        call.mentioned.extend(one.customer for one in found if one.customer is not None)
        raise Ambiguous(told, [(_shown(one), again(one.id)) for one in found])
    return found[0]


def _shown(found: Delivery) -> str:
    return f"{DELIVERY}:{found.id[:SHORT_ID]}  {snippet(found.text)}"


resolve = OperatorCommand(
    name="resolve",
    role=Role.MANAGER,
    usage=("/resolve delivery:ID sent|not-sent",),
    help="say what became of a message nobody knows about",
    run=_resolve,
    words=("核实",),
)
