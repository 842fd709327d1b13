"""/recall: what was sent is taken back from people's screens, where the channel can; what waits does not leave."""

from bot.commands.command import Call, OperatorCommand, Reply, Usage
from bot.commands.resolve import DELIVERY, meant
from domain.broadcasts.commands import CancelBroadcast
from domain.campaigns.commands import RecallCampaign
from domain.deliveries.commands import AskRecall
from domain.errors import UnknownRecipient
from domain.identity import BroadcastId, CampaignId
from domain.operators.events import Role
from projections.deliveries import broadcasts_listed

CAMPAIGN, BROADCAST = "campaign", "broadcast"
SHORT_ID = 8
LISTED = 100


def _recall(call: Call) -> Reply:
    kind, colon, name = call.rest.strip().partition(":")
    if not colon or not name or " " in name:
        raise Usage("")
    match kind.casefold():
        case "delivery" | "消息":
            return _one(call, name)
        case "campaign" | "活动":
            said = call.say("The campaign is cancelled; what went out is taken back where the channel can.")
            recall = RecallCampaign(campaign=CampaignId(name), operator=call.operator.id)
            return Reply(said, (recall,))
        case "broadcast" | "群发":
            return _broadcast(call, name)
        case _:
            raise Usage("")


def _one(call: Call, name: str) -> Reply:
    found = meant(call, name.lower(), lambda id_: f"/{call.name} {DELIVERY}:{id_}")
    if found.customer is not None:
        call.mentioned.append(found.customer)
    said = call.say("It is taken back if the channel can; /timeline shows whether it was.")
    return Reply(said, (AskRecall(delivery=found.id, operator=call.operator.id),))


def _broadcast(call: Call, name: str) -> Reply:
    with call.office.views.read() as connection:
        known = [one.id for one in broadcasts_listed(connection, LISTED) if one.id.startswith(name.lower())]
    if len(known) != 1:
        told = call.say("There is no broadcast {broadcast}, or several begin so: /stats lists them.")
        raise UnknownRecipient(told.format(broadcast=name))
    said = call.say("The broadcast is cancelled; what went out is taken back where the channel can.")
    return Reply(said, (CancelBroadcast(broadcast=BroadcastId(known[0]), recall=True),))


recall = OperatorCommand(
    name="recall",
    role=Role.MARKETER,
    usage=("/recall delivery:ID", "/recall campaign:ID", "/recall broadcast:ID"),
    help="take back what was sent, where the channel can",
    run=_recall,
    words=("撤回",),
)
