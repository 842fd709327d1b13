"""/forget: whoever asks for it is forgotten, for good. What it takes to keep that promise is bot/forgetting.py's."""

from collections.abc import Callable

from bot.commands.arguments import argument
from bot.commands.command import Call, OperatorCommand, Reply
from bot.commands.customers import Follows, label, whom
from domain.contacts.suppression import address_digest
from domain.forgetting import ForgetCustomer
from domain.identity import Digest, OperatorId
from domain.operators.events import CommandOutcome, Role
from projections import due
from projections.audit import orders_about, schedules_for
from projections.engine import Views
from projections.people.customers import Customer

YES = "--yes"


def _forget(call: Call) -> Reply:
    rest, confirmed = _without_yes(call.rest, confirmed=call.confirmed)
    customer, _ = whom(call, rest, Follows.NOTHING)
    number = f"#{customer.number}"
    if not confirmed:
        asked = call.say(
            "Forget {customer}? Messages, names, notes and files are destroyed on all their channels, for good. "
            "If they write again, they are somebody new."
        )
        again = ((call.say("Forget for good"), f"/{call.name} {number} {YES}"),)
        return Reply(asked.format(customer=label(customer)), outcome=CommandOutcome.ASKED, choices=(again,))
    command = forgetting(call.office.views, customer, call.office.digest, call.operator.id, call.order)
    told = call.say(
        "{customer} is forgotten: within a minute nothing personal about them is stored any more."
    )
    # Told by number, and under the operator's own key: everything else that this command says is destroyed with them.
    return Reply(told.format(customer=number), (command,), customers=())


def _without_yes(rest: str, *, confirmed: bool) -> tuple[str, bool]:
    words = rest.split()
    if words and argument(words[-1]) == YES:
        return rest.rstrip().removesuffix(words[-1]).rstrip(), True
    return rest, confirmed


def forgetting(
    views: Views,
    customer: Customer,
    digest: Callable[..., Digest],
    operator: OperatorId,
    order: Digest,
) -> ForgetCustomer:
    """Return the command that forgets a customer as the views show them. ``order``: the one that asks for it goes too."""
    addresses = tuple(
        (contact.id, address_digest(digest, contact.channel, contact.account, contact.external_id))
        for contact in customer.contacts
    )
    with views.read() as connection:
        records = [customer.id, *(other.id for other in customer.merged)]
        return ForgetCustomer(
            customer=customer.id,
            addresses=addresses,
            orders=(*orders_about(connection, records), order),
            deliveries=tuple(due.open_to(connection, [contact.id for contact in customer.contacts])),
            schedules=tuple(schedules_for(connection, records)),
            operator=operator,
        )


forget = OperatorCommand(
    name="forget",
    role=Role.MANAGER,
    usage=("/forget CUSTOMER [--yes]",),
    help="destroy everything personal about a customer, for good",
    run=_forget,
    words=("遗忘",),
)
