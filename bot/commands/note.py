"""/note and /name: what we write down about a customer, and what we call them."""

from bot.commands.command import Call, OperatorCommand, Reply, Usage
from bot.commands.customers import Follows, label, whom
from bot.commands.questions import ask_for
from domain.customers.commands import AddNote, NameCustomer
from domain.errors import Rejected
from domain.message import Personal
from domain.operators.events import Role, Verb

LONGEST_NOTE = 4_000
LONGEST_REMARK = 64


def _note(call: Call) -> Reply:
    asked = ask_for(call, Verb.NOTE)
    if asked is not None:
        return asked
    customer, text = whom(call, call.rest, Follows.TEXT)
    _checked(call, text, LONGEST_NOTE)
    said = call.say("Noted for {customer}.").format(customer=label(customer))
    note = AddNote(customer=customer.id, operator=call.operator.id, note=Personal(text))
    return Reply(said, (note,))


def _name(call: Call) -> Reply:
    customer, text = whom(call, call.rest, Follows.TEXT)
    remark = " ".join(text.split())
    _checked(call, remark, LONGEST_REMARK)
    said = call.say("{customer} is called {name} now.").format(customer=label(customer), name=remark)
    return Reply(said, (NameCustomer(customer=customer.id, remark=Personal(remark)),))


def _checked(call: Call, text: str, longest: int) -> None:
    if not text.strip():
        raise Usage("")
    if len(text) > longest:
        told = call.say("This text has {units} characters, {longest} are possible: shorten it by {over}.")
        raise Rejected(told.format(units=len(text), longest=longest, over=len(text) - longest))


note = OperatorCommand(
    name="note",
    role=Role.AGENT,
    usage=("/note CUSTOMER TEXT",),
    help="write something down about a customer",
    run=_note,
    words=("备注",),
)
name = OperatorCommand(
    name="name",
    role=Role.AGENT,
    usage=("/name CUSTOMER REMARK",),
    help="say what we call a customer",
    run=_name,
    words=("称呼",),
)
