from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.snapshots import SqlSnapshots
from domain.customers.commands import CreateCustomer, TagCustomer
from domain.customers.customer import CustomerState, customers
from domain.customers.events import MARKETING, CustomerTagged, Lift, Part, Reservation
from domain.dispatch import SNAPSHOT_EVERY, Dispatcher, Done, Request
from domain.identity import ContactId, CustomerId, DeliveryId, KeyedHash, Slug, StreamId, Tag, stream
from domain.message import Context, Recorded
from domain.ports.event_log import MemoryEventLog
from domain.ports.identities import MemoryIdentities
from domain.ports.snapshots import MemorySnapshots, Snapshot, Snapshots
from domain.registry import EVENT_TYPES, registry
from projections.engine import Views

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANN = CustomerId("ann")
STREAM = stream("customer", ANN)
STATE = CustomerState(
    id=ANN,
    parts=(
        Part(
            customer=ANN,
            contacts=(ContactId("c"),),
            tags=(Tag("vip"),),
            withdrawn=(MARKETING,),
            lifted=(Lift(topic=MARKETING, by=CustomerId("bob")),),
            reservations=(Reservation(DeliveryId("d"), NOW),),
        ),
        Part(customer=CustomerId("bob"), into=ANN),
    ),
    parted=frozenset({CustomerId("cai")}),
)


@pytest.fixture
def log() -> MemoryEventLog:
    return MemoryEventLog({event: slug for slug, event in EVENT_TYPES.items()})


@pytest.fixture(params=["sqlite", "postgres"])
def stored(request: pytest.FixtureRequest, tmp_path: Path, log: MemoryEventLog) -> Iterator[SqlSnapshots]:
    where = tmp_path / "views.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    views = Views(where)
    yield SqlSnapshots(views, log)
    views.close()


def test_a_snapshot_comes_back_as_it_was_kept(stored: SqlSnapshots) -> None:
    stored.save([Snapshot(STREAM, 100, 1, STATE)])
    stored.flush()
    stored.save([Snapshot(STREAM, 200, 1, STATE)])
    stored.flush()
    assert stored.load(STREAM, CustomerState, 1) == Snapshot(STREAM, 200, 1, STATE)


def test_a_snapshot_of_another_shape_stream_or_incarnation_is_none(
    stored: SqlSnapshots, log: MemoryEventLog
) -> None:
    stored.save([Snapshot(STREAM, 100, 1, STATE)])
    stored.flush()
    assert stored.load(STREAM, CustomerState, 2) is None
    assert stored.load(StreamId("customer-bob"), CustomerState, 1) is None
    log.new_incarnation()
    assert stored.load(STREAM, CustomerState, 1) is None


def test_nothing_is_written_before_the_flush(stored: SqlSnapshots) -> None:
    stored.save([Snapshot(STREAM, 100, 1, STATE)])
    assert stored.load(STREAM, CustomerState, 1) is None


def dispatcher(log: MemoryEventLog, snapshots: Snapshots) -> Dispatcher:
    ids = iter(range(1_000_000))
    return Dispatcher(
        log,
        MemoryIdentities(lambda: str(next(ids))),
        registry(()),
        KeyedHash(b"s"),
        lambda: str(next(ids)),
        snapshots,
    )


def tagging(number: int) -> Request:
    context = Context(actor=Slug("system"), occurred_at=NOW, now=NOW)
    return Request(context, (TagCustomer(customer=ANN, tag=Tag(f"t{number}")),))


class CountingLog(MemoryEventLog):
    """Tells how many events of streams were read."""

    events_read = 0

    def read_stream(self, stream: StreamId, after: int = 0) -> list[Recorded]:
        found = super().read_stream(stream, after)
        self.events_read += len(found)
        return found


def test_a_long_stream_is_folded_from_its_snapshot_and_comes_out_the_same() -> None:
    log = CountingLog({event: slug for slug, event in EVENT_TYPES.items()})
    snapshots = MemorySnapshots()
    first = dispatcher(log, snapshots)
    context = Context(actor=Slug("system"), occurred_at=NOW, now=NOW)
    first.step([Request(context, (CreateCustomer(customer=ANN, contact=ContactId("c")),))])
    for number in range(2 * SNAPSHOT_EVERY + 50):
        first.step([tagging(number)])
    log.events_read = 0

    again = dispatcher(log, snapshots)
    assert again.load(customers, STREAM) == first.load(customers, STREAM)
    assert log.events_read == 51

    (known,) = again.step([tagging(3)])
    assert known == Done()
    (fresh,) = again.step([tagging(-1)])
    assert isinstance(fresh, Done)
    assert [(r.version, r.event) for r in fresh.events] == [
        (2 * SNAPSHOT_EVERY + 52, CustomerTagged(customer=ANN, tag=Tag("t-1")))
    ]
