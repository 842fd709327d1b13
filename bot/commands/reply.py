"""/reply and /bot: a person answers, and hands back to the bot."""

from bot.commands.command import Call, OperatorCommand, Reply
from bot.commands.customers import Follows, label, reached_by, whom
from bot.commands.messages import Recipient, checked, planned, told
from bot.commands.questions import ask_for
from domain.conversations.commands import ReturnToBot
from domain.deliveries.events import DeliveryClass
from domain.operators.events import Role, Verb
from domain.processes.handover import OPERATOR_REPLY


def _reply(call: Call) -> Reply:
    asked = ask_for(call, Verb.REPLY)
    if asked is not None:
        return asked
    customer, text = whom(call, call.rest, Follows.TEXT)
    to = Recipient(customer=customer, contact=reached_by(customer))
    text = checked(call, text)
    plan = planned(call, to, text, DeliveryClass.REPLY, OPERATOR_REPLY, even_at_night=True)
    return Reply(told(call, to, plan), (plan,))


def _hand_back(call: Call) -> Reply:
    customer, _ = whom(call, call.rest, Follows.NOTHING)
    said = call.say("The bot answers {customer} again.").format(customer=label(customer))
    return Reply(said, tuple(ReturnToBot(contact=contact.id) for contact in customer.contacts))


reply = OperatorCommand(
    name="reply",
    role=Role.AGENT,
    usage=("/reply CUSTOMER TEXT",),
    help="answer a customer; the bot keeps silent for a while",
    run=_reply,
    words=("回复",),
)
hand_back = OperatorCommand(
    name="bot",
    role=Role.AGENT,
    usage=("/bot CUSTOMER",),
    help="let the bot answer a customer again",
    run=_hand_back,
    words=("转机器人",),
)
