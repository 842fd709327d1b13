"""Pacing: what a provider allows is kept in every window, whatever comes when, and across restarts."""

import heapq
import json
import math
from dataclasses import dataclass, field
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.pacing import CATCH_UP_S, CHATS_REMEMBERED, Pacer, Rates

TELEGRAM = Rates(rate_per_s=30, chat_rate_per_s=1, group_rate_per_min=20)
HOUR_S = 3_600.0


@dataclass
class Street:
    """Messages come along, wait until they may go, and leave some time after their token was taken. Keeps when each left."""

    rates: Rates
    late_s: float = 0.0
    """How late who waits at the door is called."""
    now: float = 1_000.0
    wall: float = 1_700_000_000.0
    left: dict[str, list[float]] = field(default_factory=dict)
    pacer: Pacer = field(init=False)
    _leaving: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pacer = Pacer(self.rates)

    def come(self, chat: str, claim_s: float, *, refused: bool = False) -> None:
        """One message comes, waits for its turn, takes the tokens; it leaves after ``claim_s``, or is refused."""
        while (ready := _ready_at(self.pacer, chat, self.now)) > self.now:
            self.pass_time(min(ready, self._leaving[0][0] if self._leaving else math.inf) - self.now)
        self.pacer.take(chat, group=_group(chat))
        if refused:
            self.pass_time(claim_s)
            self.pacer.give_back(chat, group=_group(chat))
        else:
            heapq.heappush(self._leaving, (self.now + claim_s, chat))

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while self._leaving and self._leaving[0][0] <= end:
            at, chat = heapq.heappop(self._leaving)
            if (turn := self.pacer.leaves_at(chat, at)) > at:  # it waits at the door
                heapq.heappush(self._leaving, (turn + self.late_s, chat))
                continue
            self.pacer.sent(chat, at, group=_group(chat))
            self.left.setdefault("all", []).append(at)
            self.left.setdefault(chat, []).append(at)
        self.wall += seconds
        self.now = end

    def drain(self) -> None:
        """Let everything leave that holds a token."""
        while self._leaving:
            self.pass_time(max(at for at, _ in self._leaving) - self.now)

    def restart(self, down_s: float, boot_shift_s: float = 0.0) -> None:
        """Stop in good order and start again ``down_s`` later; after a boot the clock shows something else."""
        self.drain()
        dumped = self.pacer.dump(self.now, self.wall)
        self.pass_time(down_s)
        self.pacer = Pacer(self.rates)
        self.pacer.load(dumped, self.now + boot_shift_s, self.wall)

    def fastest(self, chat: str, count: float) -> float:
        """Return the shortest time in which more than ``count`` messages left."""
        times, step = self.left.get(chat, []), int(count)
        return min((b - a for a, b in zip(times, times[step:], strict=False)), default=math.inf)

    def keeps(self, chat: str, limit: float, window_s: float) -> bool:
        """Whether no window held more than the limit: below one a window, it is one in a longer window."""
        if not limit:
            return True
        return self.fastest(chat, max(limit, 1)) > window_s / min(limit, 1)


def _ready_at(pacer: Pacer, chat: str, now: float) -> float:
    return max(pacer.account_ready_at(now), pacer.chat_ready_at(chat, now))


def _group(chat: str) -> bool:
    return chat.startswith("group-")


Step = tuple[Literal["come", "refused", "restart"], str, float, float]
GAPS = st.one_of(st.just(0.0), st.floats(0, 0.2), st.floats(0, 5), st.floats(0, 90))
STEPS: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(
        st.sampled_from(("come", "come", "come", "come", "come", "come", "refused", "restart")),
        st.sampled_from(("contact-a", "contact-b", "group-c", *(f"contact-{i}" for i in range(40)))),
        GAPS,
        st.one_of(st.just(0.0), st.floats(0, 0.05), st.floats(0, 3)),
    ),
    max_size=200,
)
RATES = st.sampled_from(
    (TELEGRAM, Rates(10, 2.5, 5), Rates(1.9, 0.5, 1), Rates(0.4, 3, 0.5), Rates(1_000, 0, 40), Rates(0, 0, 0))
)


@settings(max_examples=150, deadline=None)
@given(RATES, STEPS)
def test_no_window_ever_holds_more_than_the_limit(rates: Rates, steps: list[Step]) -> None:
    street = Street(rates)
    for kind, chat, gap_s, claim_s in steps:
        street.pass_time(gap_s)
        if kind == "restart":
            street.restart(down_s=claim_s)
        else:
            street.come(chat, claim_s, refused=kind == "refused")
    street.drain()
    assert street.keeps("all", rates.rate_per_s, 1.0)
    for chat in street.left.keys() - {"all"}:
        limit, window_s = (rates.group_rate_per_min, 60.0) if _group(chat) else (rates.chat_rate_per_s, 1.0)
        assert street.keeps(chat, limit, window_s), chat


@pytest.mark.parametrize("claim_s", [0.0, 0.02, 0.19])
def test_a_backlog_drains_as_fast_as_allowed_though_each_must_be_claimed_first(claim_s: float) -> None:
    street = Street(TELEGRAM)
    for i in range(3_000):
        street.come(f"contact-{i}", claim_s)
    street.drain()
    assert len(street.left["all"]) == 3_000
    assert 3_000 / (street.left["all"][-1] - street.left["all"][0]) > 0.99 * TELEGRAM.rate_per_s


def test_timers_that_are_late_cost_next_to_nothing() -> None:
    street = Street(TELEGRAM, late_s=0.003)
    for i in range(3_000):
        street.come(f"contact-{i}", claim_s=0.02)
    street.drain()
    assert 3_000 / (street.left["all"][-1] - street.left["all"][0]) > 0.99 * TELEGRAM.rate_per_s


def test_a_backlog_leaves_evenly() -> None:
    street = Street(TELEGRAM)
    for i in range(300):
        street.come(f"contact-{i}", claim_s=0.02)
    street.drain()
    assert street.fastest("all", 3) > 0.1 - CATCH_UP_S


@given(st.lists(st.one_of(st.just(0.0), st.floats(0, 0.4)), min_size=40, max_size=200))
def test_a_network_that_moves_messages_together_moves_no_more_than_the_limit_into_a_window(
    late: list[float],
) -> None:
    pacer, now = Pacer(TELEGRAM), 1_000.0
    answers: list[tuple[float, float]] = []
    came: list[float] = []
    for number, late_by in enumerate([0.0, *late]):
        while (turn := pacer.leaves_at(f"contact-{number}", now)) > now or (answers and answers[0][0] <= now):
            if answers and answers[0][0] <= turn:
                now, left_at = heapq.heappop(answers)
                pacer.answered(left_at, now)
            else:
                now = turn
        pacer.take(f"contact-{number}", group=False)
        pacer.sent(f"contact-{number}", now, group=False)
        came.append(now + 0.02 + late_by)
        heapq.heappush(answers, (now + 0.03 + late_by, now))
    came.sort()
    assert all(b - a > 1.0 for a, b in zip(came, came[30:], strict=False))


def test_a_store_that_stands_still_piles_up_no_burst() -> None:
    street = Street(TELEGRAM)
    held = 0
    while _ready_at(street.pacer, f"contact-{held}", street.now) <= street.now:
        street.come(f"contact-{held}", claim_s=10.0)
        held += 1
    assert held < TELEGRAM.rate_per_s / 3
    assert _ready_at(street.pacer, "contact-9", street.now + 9.9) > street.now + 9.9
    street.drain()
    for i in range(40):
        street.come(f"contact-{i}", claim_s=0.0)
    street.drain()
    assert street.fastest("all", 30) > 1.0


def test_a_message_that_was_refused_leaves_its_place_to_the_next_at_once() -> None:
    pacer = Pacer(TELEGRAM)
    pacer.take("contact-a", group=False)
    pacer.give_back("contact-a", group=False)
    assert _ready_at(pacer, "contact-a", 5.0) == 5.0
    assert not pacer.spent(5.0)


def test_a_frozen_account_lets_nothing_go_until_then_and_a_shorter_freeze_does_not_thaw_it() -> None:
    pacer = Pacer(TELEGRAM)
    pacer.freeze(30.0)
    pacer.freeze(20.0)
    assert _ready_at(pacer, "contact-a", 10.0) == 30.0
    assert pacer.account_ready_at(10.0) == 30.0
    assert _ready_at(pacer, "contact-a", 30.0) == 30.0


def test_without_limits_everything_goes_at_once() -> None:
    pacer = Pacer(Rates(0, 0, 0))
    for _ in range(1_000):
        assert _ready_at(pacer, "group-a", 7.0) == 7.0
        pacer.take("group-a", group=True)
        pacer.sent("group-a", 7.0, group=True)
    assert not pacer.spent(7.0)


def test_a_freeze_survives_a_restart_and_the_time_in_between_counts() -> None:
    pacer = Pacer(TELEGRAM)
    pacer.freeze(160.0)
    again = Pacer(TELEGRAM)
    again.load(pacer.dump(100.0, wall=5_000.0), now=900.0, wall=5_020.0)
    assert again.account_ready_at(900.0) == 940.0


def test_of_what_an_older_siyu_kept_the_freeze_counts() -> None:
    pacer = Pacer(TELEGRAM)
    pacer.load(
        '{"wall": 5000.0, "frozen_s": 30.0, "account": 1.5, "chats": {"contact-a": 0.2}}', 100.0, 5_010.0
    )
    assert pacer.account_ready_at(100.0) == 120.0


@pytest.mark.parametrize("boottime", [1.0, 90_000.0])
def test_the_clock_of_another_boot_freezes_nothing_longer_than_was_asked(boottime: float) -> None:
    pacer = Pacer(TELEGRAM)
    pacer.take("group-a", group=True)
    pacer.sent("group-a", 1_000_000.0, group=True)
    pacer.freeze(1_000_030.0)
    again = Pacer(TELEGRAM)
    again.load(pacer.dump(1_000_000.0, wall=5_000.0), now=boottime, wall=5_000.0 + HOUR_S)
    assert _ready_at(again, "group-a", boottime) == boottime
    assert not again.spent(boottime)


def test_a_wall_clock_that_went_back_keeps_the_freeze_as_long_as_it_was() -> None:
    pacer = Pacer(TELEGRAM)
    pacer.freeze(60.0)
    again = Pacer(TELEGRAM)
    again.load(pacer.dump(50.0, wall=5_000.0), now=2.0, wall=1_000.0)
    assert again.account_ready_at(2.0) == 12.0


def test_only_what_is_not_full_is_worth_a_note() -> None:
    pacer = Pacer(TELEGRAM)
    for chat, at in (("contact-a", 10.0), ("contact-b", 11.9)):
        pacer.take(chat, group=False)
        pacer.sent(chat, at, group=False)
    assert pacer.spent(12.0)
    assert json.loads(pacer.dump(12.0, wall=5.0)) == {
        "wall": 5.0,
        "frozen_s": 0.0,
        "left": {"": [pytest.approx(0.1)], "contact-b": [pytest.approx(0.1)]},
    }
    assert not pacer.spent(20.0)


def test_a_chat_in_use_is_remembered_however_many_others_there_are() -> None:
    pacer = Pacer(Rates(0, 1, 20))

    def send(chat: str) -> None:
        pacer.take(chat, group=_group(chat))
        pacer.sent(chat, 1.0, group=_group(chat))

    send("group-a")
    for i in range(CHATS_REMEMBERED + 10):
        send(f"contact-{i}")
        if i == CHATS_REMEMBERED - 10:
            send("group-a")
    assert _ready_at(pacer, "group-a", 1.0) == pytest.approx(7.006 - CATCH_UP_S)  # 2 in 6.006 s


def test_asking_about_a_chat_leaves_no_trace_and_a_chat_forgotten_on_the_way_is_no_gain() -> None:
    pacer = Pacer(Rates(0, 1, 20))
    pacer.take("contact-a", group=False)
    for i in range(CHATS_REMEMBERED):
        assert _ready_at(pacer, f"contact-{i}", 1.0) == 1.0
        pacer.take(f"contact-{i}", group=False)
    pacer.sent("contact-a", 1.0, group=False)
    pacer.take("contact-a", group=False)
    assert _ready_at(pacer, "contact-a", 10.0) > 10.0
