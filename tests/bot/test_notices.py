"""What operators are told when a message of theirs did not arrive, and what to do about it."""

import re
from dataclasses import dataclass
from datetime import timedelta

import pytest

from bot.desk import Desk
from bot.notices import Notices
from domain.deliveries.commands import LoseTrackOfDelivery, RejectDelivery
from domain.deliveries.events import ANSWERED_IN_REQUEST, DeliveryPlanned, DeliverySuppressed
from domain.gate import ClaimDelivery
from domain.identity import Slug
from domain.message import Opening
from domain.operators.events import Role
from domain.processes.handover import OPERATOR_REPLY
from projections.windows import opened
from tests.bot.cards.phones import LI, WANG, Phones, text_of
from tests.bot.premises import Premises, settled

TWO_DAYS_S = 48 * 3600


@dataclass
class Counter:
    """Li at the desk, and one answer of hers to #2."""

    phones: Phones
    desk: Desk
    reply: DeliveryPlanned

    @property
    def premises(self) -> Premises:
        return self.phones.premises

    def claim(self) -> None:
        """Let somebody begin to send it now, if the gate allows."""
        premises = self.premises
        premises.house.catch_up()
        assert self.reply.contact is not None
        with premises.house.views.read() as connection:
            windows = opened(connection, [self.reply.contact]).get(self.reply.contact, ())
        claim = ClaimDelivery(
            delivery=self.reply.delivery,
            worker=Slug("w"),
            until=premises.now + timedelta(seconds=45),
            controls=premises.house.settings.controls,
            opened=windows,
        )
        premises.house.do("scheduler", claim)

    async def told(self) -> list[str]:
        """The notices that Li got, also by a second follower that was restarted."""
        for _ in range(2):
            while await self.phones.notices.step() == 0:
                pass
            self.phones.notices = Notices(self.premises.house, self.premises.follower("operator-notices"))
        return [text_of(notice) for notice in self.phones.planned("notice", 0)]


@pytest.fixture
async def counter(premises: Premises) -> Counter:
    desk = await premises.desk()
    await premises.binds(desk, LI, Role.AGENT)
    phones = Phones(premises, desk)
    phones.writes_by_wechat(WANG, "我叫王芳", Opening(messages=5, seconds=TWO_DAYS_S))
    while await phones.notices.step() == 0:
        pass
    premises.says(LI, "#2 welcome")
    await settled(desk)
    reply = next(p for p in premises.events(DeliveryPlanned) if p.occasion == OPERATOR_REPLY)
    return Counter(phones, desk, reply)


async def test_an_unknown_outcome_says_to_look_before_repeating_it(counter: Counter) -> None:
    counter.claim()
    lose = LoseTrackOfDelivery(delivery=counter.reply.delivery, attempt=1, reason=Slug("timeout"))
    counter.premises.house.do("scheduler", lose)
    (notice,) = await counter.told()
    assert notice == (
        "? #2 王芳: nobody knows whether your message arrived. It may be sent again by itself: "
        f"look at /timeline before you repeat it. delivery:{counter.reply.delivery[:8]}"
    )


async def test_a_reply_in_the_request_itself_is_unknown_for_a_moment_and_told_to_nobody(
    counter: Counter,
) -> None:
    counter.claim()
    lose = LoseTrackOfDelivery(delivery=counter.reply.delivery, attempt=1, reason=ANSWERED_IN_REQUEST)
    counter.premises.house.do("scheduler", lose)
    assert await counter.told() == []


async def test_a_message_after_the_time_to_answer_says_to_wait_until_they_write(counter: Counter) -> None:
    counter.premises.now += timedelta(seconds=TWO_DAYS_S)
    premises = counter.premises
    premises.says(LI, "#2 are you still there?")
    await settled(counter.desk)
    counter.reply = [p for p in premises.events(DeliveryPlanned) if p.occasion == OPERATOR_REPLY][-1]
    counter.claim()
    assert [event.reason for event in premises.events(DeliverySuppressed)] == ["window-closed"]
    assert await counter.told() == [
        "✗ #2 王芳: your message did not arrive: the time to answer is over. Answer again as soon as they write."
    ]


async def test_a_message_that_waited_too_long_says_to_write_it_again(counter: Counter) -> None:
    counter.premises.now += timedelta(hours=25)
    counter.claim()
    assert await counter.told() == [
        "✗ #2 王芳: your message did not arrive: it waited too long. If it still matters, write it again."
    ]


@pytest.mark.parametrize(
    "reason, advice",
    [
        ("window-used-up", "Answer again as soon as they write."),
        ("not-following", "Reach them on another channel, or wait until they write."),
        ("kind-refused", "Write it again, without the file."),
        ("missing_variable", "Write it again, in plain words."),
        ("errcode-1", "Write it again, or tell whoever looks after this bot."),
    ],
)
async def test_a_refusal_says_what_to_do_about_it(counter: Counter, reason: str, advice: str) -> None:
    counter.claim()
    reject = RejectDelivery(delivery=counter.reply.delivery, attempt=1, reason=Slug(reason))
    counter.premises.house.do("scheduler", reject)
    (notice,) = await counter.told()
    assert re.fullmatch(r"✗ #2 王芳: your message did not arrive: .+\. " + re.escape(advice), notice)


async def test_what_the_bot_said_by_itself_is_told_to_nobody(counter: Counter) -> None:
    (notice,) = [p for p in counter.premises.events(DeliveryPlanned) if p.occasion == "command"][-1:]
    counter.reply = notice
    counter.premises.now += timedelta(hours=25)
    counter.claim()
    assert await counter.told() == []


async def test_each_of_several_that_did_not_arrive_is_told_in_the_order_in_which_they_failed(
    counter: Counter,
) -> None:
    premises = counter.premises
    premises.says(LI, "#2 one more thing")
    await settled(counter.desk)
    first, second = [p for p in premises.events(DeliveryPlanned) if p.occasion == OPERATOR_REPLY]
    automatic = next(p for p in premises.events(DeliveryPlanned) if p.occasion == "command")
    for counter.reply in (second, automatic, first):
        counter.claim()
        reason = Slug("kind-refused" if counter.reply is first else "not-following")
        reject = RejectDelivery(delivery=counter.reply.delivery, attempt=1, reason=reason)
        premises.house.do("scheduler", reject)
    advice = [notice.partition(". ")[2] for notice in await counter.told()]
    assert advice == [
        "Reach them on another channel, or wait until they write.",
        "Write it again, without the file.",
    ]
