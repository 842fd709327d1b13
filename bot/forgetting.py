"""Forgetting, carried out: what ``CustomerForgotten`` promised is destroyed, at once, by every process, and again at every start.

The event comes first, so a crash in between costs nothing: whoever starts next finds the promise in the log (and in the view of it) and
keeps it, also where an old vault was restored. Nothing here asks whether it was done before: all of it may be done again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from bot.commands.customers import label
from bot.commands.forget import YES, forgetting
from bot.commands.forget import forget as forget_command
from bot.eventlog.codec import raw_subject
from bot.house import House
from bot.ids import fresh_id
from bot.texts import Told, told
from domain.forgetting import ForgetCustomer
from domain.identity import Digest, OperatorId, Slug, stream
from domain.message import Personal
from domain.operators.commands import RecordCommand
from domain.operators.events import CommandOutcome
from projections.forgotten import Forgotten, promised
from projections.people.customers import Customer

RAW_KEPT = timedelta(days=30)
"""Raw payloads are kept until so long after their month ended, then nobody can read them any more."""
RAW_MONTHS_LOOKED_AT = 120
"""An installation may have stood still for ten years."""
CLEAN_TO = "forgotten"
"""The cursor beside the log: up to which position everything promised has left the disk."""
STATES = ("customer", "contact", "conversation")
"""Streams whose states may be kept beside the log."""


@dataclass(frozen=True, slots=True)
class Destroyed:
    """What was destroyed now: keys (with who is behind them), files. What had been destroyed before is not counted."""

    keys: int = 0
    files: int = 0


def forget(house: House, customer: Customer, operator: OperatorId) -> Destroyed:
    """Forget a customer, as the views show them, and wait until all of it is destroyed.

    Raises Rejected for one of us, StoreUnavailable: once the promise is recorded, the rest is done later.
    """
    request = house.digest("command", operator, fresh_id())
    record = RecordCommand(
        request=request,
        operator=operator,
        command=Slug(forget_command.name),
        line=Personal(f"/{forget_command.name} #{customer.number} {YES}"),
        outcome=CommandOutcome.DONE,
        order=request,
    )
    house.do(f"operator-{operator}", promise(house, customer, operator, request), record)
    return complete(house)


def lines(house: House, customer: Customer, operator: OperatorId, *, confirmed: bool) -> Iterator[Told]:
    """Forget a customer and tell what was destroyed; where nobody confirmed it, only say who it would be."""
    if not confirmed:
        yield told("this would be forgotten for good: {customer}", customer=label(customer))
        return
    destroyed = forget(house, customer, operator)
    yield told(
        "forgotten: #{number}; contacts: {contacts}", number=customer.number, contacts=len(customer.contacts)
    )
    yield told(
        "destroyed: keys {keys}, files {files}, and what the views showed",
        keys=destroyed.keys,
        files=destroyed.files,
    )
    yield told("Backups made before hold it until they expire and their vault is gone too: docs/privacy.md")


def promise(house: House, customer: Customer, operator: OperatorId, order: Digest) -> ForgetCustomer:
    """Return the command that records the promise; what it takes to keep it is ``complete``'s."""
    return forgetting(house.views, customer, house.digest, operator, order)


def complete(house: House) -> Destroyed:
    """Keep every promise there is, and return what was left to destroy. Blocking. Raises StoreUnavailable; then it is done later."""
    house.catch_up()
    with house.views.read() as connection:
        promises = promised(connection)
    if not promises:
        return Destroyed()
    last = promises[-1].position
    with house.cleaning:
        destroyed = _destroy(house, promises)
        if last > int(house.log.get_cursor(CLEAN_TO) or 0):
            house.views.scrub()
            house.vault.scrub()
            house.log.set_cursor(CLEAN_TO, str(last))
        house.forgotten_to = last
    return destroyed


def pending(house: House) -> bool:
    """Whether somebody was forgotten whom this process may still remember. Raises StoreUnavailable."""
    with house.views.read() as connection:
        return bool(promised(connection, house.forgotten_to))


def _destroy(house: House, promises: list[Forgotten]) -> Destroyed:
    """All keys, since an old vault may have come back; what is this process's own, once. Views have dropped their rows by themselves."""
    keys = house.vault.destroy_all(subject for promise in promises for subject in promise.subjects)
    house.log.forget_recent()
    house.dispatcher.forget_states()
    new = [promise for promise in promises if promise.position > house.forgotten_to]
    theirs = [subject for promise in new for subject in promise.subjects]
    files = sum(house.media.destroy(subject) for subject in theirs)
    names = [subject.partition("-")[2] for subject in theirs]
    house.snapshots.forget([stream(category, name) for category in STATES for name in names])
    return Destroyed(len(keys), files)


def destroy_old_raw_keys(house: House) -> None:
    """Destroy the keys of raw payloads whose time is over. Blocking. Raises StoreUnavailable."""
    ended = house.clock() - RAW_KEPT
    months = []
    for _ in range(RAW_MONTHS_LOOKED_AT):
        ended = ended.replace(day=1) - timedelta(days=1)
        months.append(raw_subject(ended))
    house.vault.destroy_all(months)
