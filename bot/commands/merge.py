"""/merge and /unmerge: two customers are one person, or were not after all."""

import re
from collections.abc import Sequence

from bot.commands.arguments import argument
from bot.commands.command import Ambiguous, Call, OperatorCommand, Reply, Usage
from bot.commands.customers import Follows, label, whom
from domain.customers.commands import MergeCustomers, UnmergeCustomer
from domain.customers.events import MARKETING
from domain.errors import Rejected
from domain.identity import CustomerId
from domain.operators.events import CommandOutcome, Role
from domain.processes.identifying import PHONE
from projections.people.customers import Customer, customer, customers_by_id, record
from projections.people.records import MergedAway
from projections.suggestions import USERNAME, Suggestion, suggested
from projections.tags import tags_of

SHOWN = 8
YES = "--yes"
_NUMBER = re.compile(r"#([0-9]{1,9})")


def suggestions(call: Call) -> Reply:
    """Return who may be one person, each with a button that compares the two."""
    with call.office.views.read() as connection:
        found = suggested(connection, SHOWN)
        known = {
            one.id: one
            for one in customers_by_id(
                connection, {customer for pair in found for customer in pair.customers}
            )
        }
    pairs = [(pair, _older_first(pair, known)) for pair in found if known.keys() >= set(pair.customers)]
    call.mentioned.extend(known)
    if not pairs:
        return Reply(call.say("Nobody seems to be here twice."))
    lines = [call.say("These may be one person:")]
    lines += [f"{label(a)} · {label(b)}: {_in_common(call, pair)}" for pair, (a, b) in pairs]
    buttons = [(f"#{a.number} · #{b.number}", f"/merge #{a.number} #{b.number}") for _, (a, b) in pairs]
    rows: tuple[dict[str, object], ...] = tuple(
        {"customers": [a.number, b.number], "kind": pair.kind} for pair, (a, b) in pairs
    )
    return Reply("\n".join(lines), choices=tuple((button,) for button in buttons), rows=rows)


def _older_first(pair: Suggestion, known: dict[CustomerId, Customer]) -> list[Customer]:
    return sorted((known[one] for one in pair.customers), key=lambda one: one.number)


def _in_common(call: Call, pair: Suggestion) -> str:
    said = {
        PHONE: call.say("the same phone number"),
        USERNAME: call.say("the same user name on two channels"),
    }
    return said.get(pair.kind, call.say("the same account at the provider"))


# --- merge ---------------------------------------------------------------------------------------------------------


def _merge(call: Call) -> Reply:
    last = (call.rest.split() or [""])[-1]
    confirmed = argument(last) == YES
    rest = call.rest[: call.rest.rindex(last)].strip() if confirmed else call.rest
    if not rest:
        return suggestions(call)
    stays, behind = whom(call, rest, Follows.WORD)
    other, _ = whom(call, behind, Follows.NOTHING)
    if stays.id == other.id:
        raise Rejected(call.say("These are one customer already."))
    if stays.is_staff or other.is_staff:
        raise Rejected(call.say("One of the two is one of us: operators are nobody's customers."))
    if confirmed or call.confirmed:
        told = call.say("{customer} is one customer now. /unmerge #{number} undoes it.")
        merge = MergeCustomers(customer=stays.id, other=other.id)
        return Reply(told.format(customer=label(stays), number=other.number), (merge,))
    asked = call.say("Merge them? Messages and notes of both are kept, and /unmerge undoes it.")
    yes = (call.say("Merge"), f"/merge #{stays.number} #{other.number} {YES}")
    lines = [*_preview(call, stays, other), asked]
    return Reply("\n".join(lines), outcome=CommandOutcome.ASKED, choices=((yes,),))


def _preview(call: Call, stays: Customer, other: Customer) -> Sequence[str]:
    with call.office.views.read() as connection:
        tags = sorted({held.tag for one in (stays, other) for held in tags_of(connection, one.id)})
    places = [f"{c.channel} {c.name}".strip() for one in (stays, other) for c in one.contacts]
    lines = [
        call.say("{other} becomes part of {customer}.").format(other=label(other), customer=label(stays)),
        call.say("Accounts: {accounts}").format(accounts=", ".join(places)),
    ]
    if tags:
        lines.append(call.say("Tags: {tags}").format(tags=", ".join(tags)))
    return [*lines, _consent(call, stays, other)]


def _consent(call: Call, stays: Customer, other: Customer) -> str:
    standing = [
        consent.granted for one in (stays, other) for consent in one.consents if consent.topic == MARKETING
    ]
    if not all(standing):
        return call.say("One of them unsubscribed: neither account gets offers any more.")
    if standing:
        return call.say("Offers go to them once, and count for one person.")
    return call.say("Neither agreed to offers.")


# --- un-merge ------------------------------------------------------------------------------------------------------


def _unmerge(call: Call) -> Reply:
    part, whole = _meant(call)
    told = call.say(
        "#{number} is a customer of its own again, with its accounts and tags. What was tagged meanwhile stays with {customer}."
    )
    return Reply(told.format(number=part.number, customer=label(whole)), (UnmergeCustomer(customer=part.id),))


def _meant(call: Call) -> tuple[MergedAway, Customer]:
    """Return the record that leaves, and whom: the one that is named by its number, or the only one there is."""
    if not call.rest and call.replying_to is None:
        raise Usage("")
    number = _NUMBER.fullmatch(argument(call.rest.strip()))
    if number is not None:
        with call.office.views.read() as connection:
            part = record(connection, int(number[1]))
            whole = None if part is None else customer(connection, part.id)
        if part is not None and whole is not None:
            call.mentioned.append(whole.id)
            return part, whole
    whole, _ = whom(call, call.rest, Follows.NOTHING)
    if not whole.merged:
        raise Rejected(call.say("{customer} was not merged with anybody.").format(customer=label(whole)))
    if len(whole.merged) > 1:
        raise Ambiguous(
            call.say("Who shall be on their own again?"),
            [(f"#{part.number} {part.remark}".rstrip(), f"/unmerge #{part.number}") for part in whole.merged],
        )
    return whole.merged[0], whole


merge = OperatorCommand(
    name="merge",
    role=Role.MANAGER,
    usage=("/merge [CUSTOMER CUSTOMER]",),
    help="make one customer of two, or see who may be one person",
    run=_merge,
    words=("合并",),
)
unmerge = OperatorCommand(
    name="unmerge",
    role=Role.MANAGER,
    usage=("/unmerge CUSTOMER",),
    help="make two customers again of one that was merged",
    run=_unmerge,
    words=("拆分",),
)
