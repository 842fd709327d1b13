"""The dispatcher: what a command leads to, and who is named as its cause."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from domain.contacts.contact import contacts
from domain.contacts.events import ContactSeen
from domain.conversations.events import MessageReceived
from domain.customers.commands import TagCustomer, UntagCustomer
from domain.customers.customer import customers
from domain.customers.events import CustomerTagged
from domain.decider import Process, Streams
from domain.deliveries.commands import CancelDelivery
from domain.dispatch import (
    LARGE_APPEND,
    SNAPSHOT_EVERY,
    Dispatcher,
    Done,
    Failed,
    Reaction,
    Request,
    answering,
    fold,
)
from domain.errors import UnknownEvent, UnknownRecipient, VersionConflict
from domain.identity import CustomerId, DeliveryId, EventId, Slug, StreamId, Tag, stream
from domain.message import Command, Origin, Recorded
from domain.ports.event_log import Progress
from domain.ports.snapshots import MemorySnapshots, Snapshot
from domain.registry import registry
from tests.domain.controls.commands import PLAN_DELIVERY
from tests.domain.controls.ids import VIP
from tests.domain.logs import EventfulLog
from tests.domain.shop import LIN, Shop, said


@pytest.fixture
def log() -> EventfulLog:
    return EventfulLog()


@pytest.fixture
def shop(log: EventfulLog) -> Shop:
    return Shop(log=log).given(said("你好"))


def tagged(shop: Shop, tag: str = VIP) -> TagCustomer:
    return TagCustomer(customer=shop.customer(), tag=Tag(tag))


def envelope(recorded: Recorded) -> tuple[str, str, EventId | None, str | None]:
    return type(recorded.event).__name__, recorded.actor, recorded.cause, recorded.correlation


def test_whatever_follows_from_a_message_names_its_cause_and_who_did_it() -> None:
    shop = Shop()
    shop.when(said("退订", key="1"), actor="customer")
    message, seen, created, granted, withdrawn, planned = shop.recorded()
    root = message.id
    assert [envelope(recorded) for recorded in shop.recorded()] == [
        ("MessageReceived", "customer", None, None),
        ("ContactSeen", "customer", root, root),
        ("CustomerCreated", "process-new-customers", seen.id, root),
        ("ConsentGranted", "process-new-customers", seen.id, root),
        ("ConsentWithdrawn", "process-stop-words", root, root),
        ("DeliveryPlanned", "process-stop-words", root, root),
    ]
    assert {recorded.occurred_at for recorded in shop.recorded()} == {shop.now}
    assert len({message.id, seen.id, created.id, granted.id, withdrawn.id, planned.id}) == 6


def test_what_a_following_process_does_names_the_event_it_answers(shop: Shop) -> None:
    recorded = shop.recorded()[0]
    process = next(process for process in shop.processes if process.name == "auto-reply")
    context = answering(recorded, process, shop.now)
    assert context.actor == "process-auto-reply"
    assert (context.cause, context.correlation) == (recorded.id, Slug(recorded.id))
    later = replace(recorded, correlation=Slug("root"))
    assert answering(later, process, shop.now).correlation == Slug("root")


def test_imported_history_is_kept_and_causes_nothing() -> None:
    shop = Shop()
    shop.when(said("退订"), origin=Origin.IMPORT).then_kinds(MessageReceived, ContactSeen)
    assert {recorded.origin for recorded in shop.recorded()} == {Origin.IMPORT}


def test_a_process_that_is_shown_imported_history_does_nothing_but_moves_on(
    shop: Shop, log: EventfulLog
) -> None:
    imported = replace(shop.recorded()[0], origin=Origin.IMPORT)
    process = Process("greedy", (MessageReceived,), lambda *_: [tagged(shop)])
    asked = shop.request()
    reaction = Reaction(process, imported, shop.now)
    request = replace(asked, reactions=(reaction,), progress=Progress("greedy", 0, imported.position))
    assert shop.dispatcher.step([request]) == [Done()]
    assert (log.progress("greedy"), shop.all_of(CustomerTagged)) == (imported.position, [])


def test_all_commands_of_a_request_are_done_or_none(shop: Shop) -> None:
    nobody = replace(tagged(shop), customer=CustomerId("nobody"))
    failed = shop.when(tagged(shop), nobody)
    failed.then_failed("no such customer", UnknownRecipient)
    assert shop.all_of(CustomerTagged) == []
    shop.when(tagged(shop), tagged(shop), tagged(shop, "new")).then_kinds(CustomerTagged, CustomerTagged)


def test_nothing_asked_is_nothing_done(shop: Shop) -> None:
    assert shop.dispatcher.step([]) == []
    assert shop.dispatcher.step([shop.request()]) == [Done()]


def test_a_refused_command_harms_nobody_in_its_batch(shop: Shop) -> None:
    nobody = replace(tagged(shop), customer=CustomerId("nobody"))
    results = shop.batch(tagged(shop), nobody, tagged(shop, "new"), tagged(shop))
    assert [type(result) for result in results] == [Done, Failed, Done, Done]
    assert [event.tag for event in shop.all_of(CustomerTagged)] == [VIP, Tag("new")]


def test_a_damaged_stream_fails_its_own_commands_only(shop: Shop, log: EventfulLog) -> None:
    shop.given(said("hello", LIN))
    lin, wang = stream("contact", shop.contact(LIN)), shop.contact()
    fresh = Shop(log=log, identities=shop.identities)
    log.damaged.add(lin)
    results = fresh.batch(said("在吗"), said("hi", LIN), said("在吗?"))
    failed = results[1]
    assert isinstance(failed, Failed)
    assert (type(failed.error), str(failed.error)) == (
        UnknownEvent,
        f"{lin}@1 cannot be read: its key is missing",
    )
    assert [type(result) for result in results] == [Done, Failed, Done]
    assert [message.contact for message in fresh.all_of(MessageReceived)[2:]] == [wang, wang]


def test_what_came_from_a_damaged_stream_s_owner_before_is_still_a_duplicate(
    shop: Shop, log: EventfulLog
) -> None:
    first = said("hi", LIN, key="1")
    shop.given(first)
    log.damaged.add(stream("contact", shop.contact(LIN)))
    again = Shop(log=log, identities=shop.identities).when(first)
    assert (again.error, again.duplicate) == (None, True)


def test_states_of_streams_in_use_are_not_read_again(shop: Shop, log: EventfulLog) -> None:
    again, new = tagged(shop), tagged(shop, "new")
    shop.given(said("在吗"), again)
    log.reads.clear()
    shop.batch(said("在?"), again, new)
    assert log.reads == []


def test_a_long_stream_is_read_from_its_snapshot_on(shop: Shop, log: EventfulLog) -> None:
    put, taken = tagged(shop), UntagCustomer(customer=shop.customer(), tag=VIP)
    kept = MemorySnapshots()
    first, restarted = (
        Dispatcher(log, shop.identities, registry(()), shop.digest, shop.fresh, kept) for _ in range(2)
    )
    first.step([shop.request(command) for _ in range(60) for command in (put, taken)])
    customer = shop.customer()
    (snapshot,) = kept.kept.values()
    log.reads.clear()
    assert isinstance(restarted.step([shop.request(put)])[0], Done)
    assert log.reads == [(stream("customer", customer), snapshot.version)]
    assert snapshot.version >= SNAPSHOT_EVERY
    assert shop.customer_state().tags == {VIP}


def test_a_snapshot_of_another_shape_is_not_used(shop: Shop, log: EventfulLog) -> None:
    name = stream("customer", shop.customer())
    snapshots = MemorySnapshots()
    snapshots.save([Snapshot(name, 99, customers.snapshots + 1, customers.initial)])
    restarted = Dispatcher(log, shop.identities, registry(()), shop.digest, shop.fresh, snapshots)
    assert isinstance(restarted.step([shop.request(tagged(shop))])[0], Done)
    assert shop.customer_state().tags == {VIP}


def test_a_position_moves_together_with_what_it_caused_or_not_at_all(shop: Shop, log: EventfulLog) -> None:
    def request(expected: int, position: int, *commands: Command) -> Request:
        return replace(shop.request(*commands), progress=Progress("runner", expected, position))

    results = shop.dispatcher.step(
        [request(0, 3, tagged(shop)), request(2, 5, tagged(shop, "never")), request(3, 4)]
    )
    assert [type(result) for result in results] == [Done, Failed, Done]
    failed = results[1]
    assert isinstance(failed, Failed)
    assert (type(failed.error), str(failed.error)) == (
        VersionConflict,
        "others wrote the same streams 5 times: try again",
    )
    assert log.progress("runner") == 4
    assert [event.tag for event in shop.all_of(CustomerTagged)] == [VIP]


def test_a_refused_command_does_not_move_the_position(shop: Shop, log: EventfulLog) -> None:
    nobody = replace(tagged(shop), customer=CustomerId("nobody"))
    request = replace(shop.request(nobody), progress=Progress("runner", 0, 3))
    (result,) = shop.dispatcher.step([request])
    assert isinstance(result, Failed)
    assert log.progress("runner") is None


def test_what_an_event_leads_to_comes_before_the_next_command(shop: Shop) -> None:
    order: list[str] = []

    def note(name: str, command: Command | None = None) -> Process:
        def react(recorded: Recorded, _streams: Streams) -> Iterable[Command]:
            event = recorded.event
            assert isinstance(event, CustomerTagged)
            order.append(f"{name} {event.tag}")
            return [command] if command is not None and event.tag == VIP else []

        return Process(name, (CustomerTagged,), react, immediate=True)

    both = (note("first", tagged(shop, "led-to")), note("second"))
    dispatcher = Dispatcher(shop.log, shop.identities, registry(both), shop.digest, shop.fresh)
    dispatcher.step([shop.request(tagged(shop), tagged(shop, "next"))])
    assert order == [
        "first vip",
        "first led-to",
        "second led-to",
        "second vip",
        "first next",
        "second next",
    ]


def one_more(recorded: Recorded, _streams: Streams) -> Iterable[Command]:
    """Bring about what it answers."""
    assert isinstance(recorded.event, CustomerTagged)
    yield TagCustomer(customer=recorded.event.customer, tag=Tag(f"{recorded.event.tag}+"))


def test_a_loop_of_processes_is_a_bug_and_not_endless(shop: Shop, log: EventfulLog) -> None:
    loop = Process("endless", (CustomerTagged,), one_more, immediate=True)
    dispatcher = Dispatcher(log, shop.identities, registry((loop,)), shop.digest, shop.fresh)
    with pytest.raises(AssertionError, match="leads to more than 2000 commands"):
        dispatcher.step([shop.request(tagged(shop))])
    assert shop.all_of(CustomerTagged) == []


def test_one_append_holds_one_fact_that_must_be_new(shop: Shop) -> None:
    with pytest.raises(AssertionError, match="an append holds one fact that must be new"):
        shop.when(said("a"), said("b"))


def test_folding_a_stream_says_which_event_is_damaged(shop: Shop, log: EventfulLog) -> None:
    name = stream("contact", shop.contact())
    log.damaged.add(name)
    with pytest.raises(UnknownEvent, match=r"contact-.*@1 cannot be read: its key is missing"):
        fold(contacts, log.read_stream(name))


def read_again(shop: Shop, log: EventfulLog, deliveries: int) -> list[StreamId]:
    """Plan so many in one append, and return which of their streams are read when one of them is decided on next."""
    plans = [replace(PLAN_DELIVERY, delivery=DeliveryId(f"d{number}")) for number in range(deliveries)]
    assert shop.when(*plans).error is None
    log.reads.clear()
    shop.given(CancelDelivery(delivery=DeliveryId("d0"), reason=Slug("why"), rule=Slug("rule")))
    return [name for name, _ in log.reads if name.startswith("delivery-")]


def test_what_a_small_append_began_is_remembered_for_what_comes_next(shop: Shop, log: EventfulLog) -> None:
    assert read_again(shop, log, LARGE_APPEND) == []


def test_what_a_large_append_began_takes_no_memory_and_is_read_when_its_turn_comes(
    shop: Shop, log: EventfulLog
) -> None:
    assert read_again(shop, log, LARGE_APPEND + 1) == [StreamId("delivery-d0")]
    assert type(shop.recorded()[-1].event).__name__ == "DeliverySuppressed"


def test_planning_again_what_a_large_append_planned_plans_nothing(shop: Shop, log: EventfulLog) -> None:
    read_again(shop, log, LARGE_APPEND + 1)
    before = len(shop.recorded())
    shop.when(*(replace(PLAN_DELIVERY, delivery=DeliveryId(f"d{n}")) for n in range(LARGE_APPEND + 2)))
    assert [r.stream for r in shop.recorded()[before:]] == [f"delivery-d{LARGE_APPEND + 1}"]


def test_a_delivery_that_is_planned_is_taken_to_be_new_without_reading(shop: Shop, log: EventfulLog) -> None:
    log.reads.clear()
    shop.when(PLAN_DELIVERY)
    assert StreamId(f"delivery-{PLAN_DELIVERY.delivery}") not in [name for name, _ in log.reads]
    assert type(shop.recorded()[-1].event).__name__ == "DeliveryPlanned"


def test_one_that_another_process_planned_before_is_decided_again_and_planned_once(
    shop: Shop, log: EventfulLog
) -> None:
    Shop(log=log, identities=shop.identities).when(PLAN_DELIVERY)
    before, tagging = len(shop.recorded()), tagged(shop)
    planned, other = shop.batch(PLAN_DELIVERY, tagging)
    assert isinstance(planned, Done)
    assert isinstance(other, Done)
    assert [type(r.event).__name__ for r in shop.recorded()[before:]] == ["CustomerTagged"]
