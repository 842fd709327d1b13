"""/link: two accounts of one person. A customer sends a code from the other account; operators pass one on, or note a phone."""

from datetime import timedelta

from bot.commands.arguments import argument, first_word
from bot.commands.command import NOBODY, Ambiguous, Call, OperatorCommand, Reply
from bot.commands.customers import Follows, label, reached_by, whom
from bot.commands.merge import suggestions
from domain.contacts.commands import IssueLinkCode, RedeemLinkCode
from domain.contacts.contact import LINK_TRIES_WITHIN, MOST_LINK_TRIES
from domain.errors import NotAllowed, Rejected
from domain.identity import ContactId, CustomerId, Digest
from domain.operators.events import CommandOutcome, Role
from domain.processes.identifying import PHONE, identified_by
from projections.link_codes import LinkCode, open_code, refusals
from projections.people.contacts import contact as contact_of
from projections.people.contacts import contacts_by_id
from projections.people.customers import Customer, customer
from projections.people.find import find

PHONES = {PHONE, "电话", "手机"}
SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""What nobody mistakes for another."""
CODE_SIGNS = 8
CODE_LIVES = timedelta(minutes=15)


def _link(call: Call) -> Reply:
    if call.operator.id == NOBODY:
        return _redeem(call) if call.rest else _code_for_customer(call)
    if not call.rest and call.replying_to is None:
        return suggestions(call)
    *before, last = call.rest.split() or [""]
    kind, colon, number = argument(last).partition(":")
    if colon and kind.casefold() in PHONES and (before or call.replying_to is not None):
        return _phone(call, call.rest[: call.rest.rindex(last)].strip(), number)
    found, _ = whom(call, call.rest, Follows.NOTHING)
    issue, code = _issue(call, found.id, None)
    told = call.say(
        "{customer} shall send this from their other account within {minutes} minutes:\n/link {code}"
    )
    return Reply(told.format(customer=label(found), minutes=_minutes(), code=code), (issue,))


# --- codes ---------------------------------------------------------------------------------------------------------


def _issue(call: Call, owner: CustomerId, contact: ContactId | None) -> tuple[IssueLinkCode, str]:
    """Return the command that makes the code of this very request, and the code."""
    number = int(call.derived("link-code"), 16)
    code = "".join(SIGNS[number // len(SIGNS) ** place % len(SIGNS)] for place in range(CODE_SIGNS))
    expires_at = call.now + CODE_LIVES
    return IssueLinkCode(
        code=_digest(call, code), customer=owner, contact=contact, expires_at=expires_at
    ), code


def _digest(call: Call, code: str) -> Digest:
    return call.office.digest("link-code", code.upper())


def _minutes() -> int:
    return int(CODE_LIVES.total_seconds() // 60)


def _sender(call: Call) -> ContactId:
    if call.operator.contact is None:
        raise NotAllowed(
            call.say("Send this in a private chat with the bot, from the account that shall be yours.")
        )
    return call.operator.contact


def _code_for_customer(call: Call) -> Reply:
    contact = _sender(call)
    with call.office.views.read() as connection:
        known = contact_of(connection, contact)
    if known is None:
        raise Rejected(call.say("Write to us first, then ask again."))
    issue, code = _issue(call, known.customer, contact)
    told = call.say("Send us this from your other account within {minutes} minutes:\n/link {code}")
    return Reply(told.format(minutes=_minutes(), code=code), (issue,))


def _redeem(call: Call) -> Reply:
    """Whether a code exists is told to nobody: wrong, used and expired ones read the same, and only so many may be tried."""
    said, more = first_word(call.rest)
    if more:
        raise NotAllowed(call.say("Only operators may do this."))
    contact, code = _sender(call), _digest(call, said)
    with call.office.views.read() as connection:
        tried = refusals(connection, contact, call.now - LINK_TRIES_WITHIN)
        given = open_code(connection, code, call.now)
    if tried >= MOST_LINK_TRIES:
        raise NotAllowed(call.say("Too many wrong codes. Try again in an hour."))
    if given is not None and given.contact == contact:
        raise Rejected(call.say("Send this code from your other account, not from here."))
    redeem = RedeemLinkCode(code=code, contact=contact)
    if given is None or not _leads_elsewhere(call, given, contact):
        told = call.say("This code is wrong, used or expired.")
        return Reply(told, (redeem,), outcome=CommandOutcome.REFUSED)
    return Reply(call.say("Done: your accounts belong together now."), (redeem,))


def _leads_elsewhere(call: Call, given: LinkCode, contact: ContactId) -> bool:
    with call.office.views.read() as connection:
        known = contacts_by_id(connection, [c for c in (contact, given.contact) if c is not None])
        theirs = known[given.contact].customer if given.contact in known else given.customer
        owner = customer(connection, theirs)
    mine = known.get(contact)
    return owner is not None and not owner.is_staff and mine is not None and mine.customer != owner.id


# --- phones --------------------------------------------------------------------------------------------------------


def _phone(call: Call, said: str, number: str) -> Reply:
    """An operator's word is no proof: whoever else has the number is suggested, and linked by nobody but a person."""
    try:
        found, _ = whom(call, said, Follows.NOTHING)
    except Ambiguous as error:
        again = [(shown, f"{command} {PHONE}:{number}") for shown, command in error.candidates]
        raise Ambiguous(str(error), again) from None
    dialled = call.office.dialled(number)
    contact = reached_by(found)
    if dialled is None or contact is None:
        raise Rejected(call.say("{number} is no phone number that can be dialled.").format(number=number))
    note = identified_by(contact.id, PHONE, dialled, verified=False, digest=call.office.digest)
    lines = [call.say("Noted: {customer} has the phone number {number}.")]
    lines[0] = lines[0].format(customer=label(found), number=dialled)
    with call.office.views.read() as connection:
        others = [other for other in find(connection, f"{PHONE}:{dialled}") if other.id != found.id]
    call.mentioned.extend(other.id for other in others)
    lines += [_may_be(call, other) for other in others]
    return Reply("\n".join(lines), (note,), choices=tuple((_merge(call, found, other),) for other in others))


def _may_be(call: Call, other: Customer) -> str:
    return call.say("{customer} has it too: perhaps they are one person.").format(customer=label(other))


def _merge(call: Call, one: Customer, other: Customer) -> tuple[str, str]:
    older, younger = sorted((one, other), key=lambda found: found.number)
    return call.say("Compare {customer}").format(
        customer=label(other)
    ), f"/merge #{older.number} #{younger.number}"


link = OperatorCommand(
    name="link",
    role=Role.AGENT,
    usage=("/link [CUSTOMER]", "/link CUSTOMER phone:NUMBER", "/link CODE"),
    help="join the accounts of one person: a code to pass on, or who may be one",
    run=_link,
    words=("关联", "绑定账号"),
)
