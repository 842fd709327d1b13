"""Reply windows as the views know them: what was opened, and what is left."""

from dataclasses import replace
from datetime import datetime, timedelta

from domain.conversations.commands import Act, Content, GiveReplyBack, Message, Reachability, Receive, Sender
from domain.dispatch import Request
from domain.gate import ClaimDelivery
from domain.identity import ContactId, DeliveryId, Slug, ZoneName
from domain.message import Opening, ReplyWindow
from domain.policies.frequency_cap import FrequencyCap
from domain.policies.may_contact import Controls
from domain.policies.quiet_hours import QuietHours
from projections.engine import Projector
from projections.windows import left, opened
from tests.projections.house import BOT, NOON, TELEGRAM, House, must
from tests.projections.reading import catch_up

TWO_DAYS, MINUTE = Opening(messages=5, seconds=48 * 3600), Opening(messages=3, seconds=60)
CONTROLS = Controls(
    FrequencyCap(0, 0), FrequencyCap(0, 0), QuietHours(NOON.time(), NOON.time()), ZoneName("Asia/Shanghai")
)


def opens(house: House, content: Content, opening: Opening | None, at: datetime | None = None) -> datetime:
    """Let Wang do something that opens a window; returns when."""
    house.now += timedelta(seconds=1)
    at = at or house.now
    received = Receive(
        channel=TELEGRAM,
        account=BOT,
        key=f"{house.now}",
        occurred_at=at,
        content=content,
        sender=Sender(external_id="wang"),
        opens=opening,
    )
    context = house._context("customer")  # noqa: SLF001  # our own house
    must(house._step(Request(replace(context, occurred_at=at), (received,))))  # noqa: SLF001  # our own house
    return at


def spends(house: House, windows: tuple[ReplyWindow, ...]) -> DeliveryId:
    delivery = house.plans("wang")
    claim = ClaimDelivery(
        delivery=delivery,
        worker=Slug("w"),
        until=house.now + timedelta(seconds=45),
        controls=CONTROLS,
        opened=windows,
    )
    must(house.do(claim))
    return delivery


def seen(projector: Projector, contact: ContactId) -> tuple[ReplyWindow, ...]:
    catch_up(projector)
    with projector.views.read() as connection:
        return opened(connection, [contact]).get(contact, ())


def window(opening: Opening, since: datetime) -> ReplyWindow:
    return ReplyWindow(opening.messages, since, since + timedelta(seconds=opening.seconds))


def test_the_latest_opening_of_each_length_counts_and_an_older_one_that_comes_late_does_not(
    house: House, projector: Projector
) -> None:
    opens(house, Message(text="hi"), TWO_DAYS)
    long = opens(house, Message(text="there"), TWO_DAYS)
    short = opens(house, Act(action=Slug("scanned")), MINUTE)
    opens(house, Message(text="late"), TWO_DAYS, at=NOON - timedelta(hours=5))
    opens(house, Reachability(reachable=True), MINUTE, at=NOON - timedelta(hours=5))
    opens(house, Message(text="nothing"), None)
    assert seen(projector, house.contact("wang")) == (window(TWO_DAYS, long), window(MINUTE, short))


def test_what_is_left_is_what_was_opened_less_what_was_sent_and_not_given_back(
    house: House, projector: Projector
) -> None:
    since = opens(house, Message(text="hi"), TWO_DAYS)
    contact = house.contact("wang")
    windows = seen(projector, contact)
    spends(house, windows)
    returned = spends(house, windows)
    must(house.do(GiveReplyBack(contact=contact, delivery=returned)))
    catch_up(projector)
    until = since + timedelta(hours=48)
    with projector.views.read() as connection:
        assert left(connection, contact, house.now) == ReplyWindow(4, since, until)
        assert left(connection, contact, until) == ReplyWindow(0, since, until)
    again = opens(house, Message(text="again"), TWO_DAYS)
    catch_up(projector)
    with projector.views.read() as connection:
        assert left(connection, contact, house.now) == ReplyWindow(5, again, again + timedelta(hours=48))


def test_a_channel_without_windows_has_nothing_left_to_count(house: House, projector: Projector) -> None:
    house.says("wang", "hi")
    catch_up(projector)
    with projector.views.read() as connection:
        assert opened(connection, [house.contact("wang")]) == {}
        assert left(connection, house.contact("wang"), house.now) is None
