"""What a card's buttons ask for: the next message of an operator is the answer, the tag or the note. /cancel ends that."""

import re
from datetime import timedelta

from bot.commands.arguments import first_word
from bot.commands.command import Call, OperatorCommand, Reply
from bot.commands.customers import Follows, called, reached_by, sealed_under, whom
from domain.operators.commands import AskForAnswer, EndAnswer
from domain.operators.events import CommandOutcome, Role, Verb

WAITS = timedelta(minutes=10)
"""Whoever writes later than this may mean something else."""
_NUMBER = re.compile(r"#[0-9]{1,9}")


def ask_for(call: Call, verb: Verb) -> Reply | None:
    """Return the question, where a command says only whom it is about; None where it says the rest too, or nobody could be asked."""
    word, rest = first_word(call.rest)
    only_whom = not rest and (_NUMBER.fullmatch(word) if word else call.replying_to is not None)
    if call.operator.contact is None or not only_whom:
        return None
    customer, _ = whom(call, call.rest, Follows.NOTHING)
    said = {
        Verb.REPLY: call.say("What shall I tell {customer}? Write it now. /cancel: nothing"),
        Verb.TAG: call.say("Which tag for {customer}? Write it now. /cancel: none"),
        Verb.NOTE: call.say("What shall I note about {customer}? Write it now. /cancel: nothing"),
    }
    question = AskForAnswer(
        contact=call.operator.contact, customer=customer.id, verb=verb, until=call.now + WAITS
    )
    contact = reached_by(customer)
    about = sealed_under(contact.id) if contact is not None else None
    return Reply(said[verb].format(customer=called(customer)), (question,), CommandOutcome.ASKED, about=about)


def _cancel(call: Call) -> Reply:
    contact = call.operator.contact
    said = call.say("All right: nothing is asked of you any more.")
    return Reply(said, (EndAnswer(contact=contact),) if contact is not None else ())


cancel = OperatorCommand(
    name="cancel",
    role=Role.VIEWER,
    usage=("/cancel",),
    help="write nothing after all, when a card's button asked for it",
    run=_cancel,
    words=("取消",),
)
