"""Whose turn it is: picks from what is due what may start now.

Plain and synchronous. Paced for each account and chat; within a chat one after the other, in order; and what must wait (a frozen account, a
chat with a long queue, a hint that led to nothing) keeps nobody else waiting.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.identity import Account, Channel, DeliveryId
from domain.ports.agenda import DueDelivery
from scheduler.pacing import Pacer

IN_FLIGHT = 128
"""Sends under way at once on one account: one that hangs takes nothing from the others."""
PROBES = 1
"""The same, on an account that failed and did not answer plainly since: marketing that meets a provider which hangs is lost as Unknown."""
ASIDE = 20_000
"""Deliveries of one account that wait at once to share a request with others."""
PROMISE_KEPT_S = 5.0
"""A chat waits so much longer for a delivery that was returned, should the view be late in showing it again."""
MOST_KNOWN = 2_000
"""More than those the view does not show any more: it lags by half a second."""
PROMISES_KEPT = 20_000
"""Chats that wait for what was returned. Beyond, the one that waits longest is an ordinary chat again: providers may ask for hours."""
FORGET_EVERY_S = 1.0
"""How often what is over is thrown away: there are thousands of hints under load, and one looks whose turn it is after every landing."""

AccountKey = tuple[Channel, Account]


@dataclass(frozen=True, slots=True)
class Picked:
    """What to start, and how long to wait for the next one of an account that is open.

    ``wait_s``: None where only a landing can tell. ``starved``: accounts that could send more, and all that was shown to them must wait.
    """

    hints: tuple[DueDelivery, ...]
    wait_s: float | None
    starved: tuple[AccountKey, ...]


@dataclass(slots=True)
class _Trip:
    """One delivery under way. ``left``: whether its request went out, or may have. ``aside``: it shares a request with others."""

    pacer: Pacer
    left: bool = False
    aside: bool = False


@dataclass(frozen=True, slots=True)
class _Followed:
    """A hint that was followed: until the view shows what came of it, following it again would only be refused again."""

    not_before: datetime
    again_at: float


@dataclass(frozen=True, slots=True)
class _Promise:
    """A returned delivery stays first in its chat, before what has the same or less priority than ``over``."""

    delivery: DeliveryId
    over: int
    until: float


class Turns:
    """Keeps what is under way, and what waits for what. Times are seconds of CLOCK_BOOTTIME."""

    def __init__(self, pacers: Mapping[AccountKey, Pacer]) -> None:
        self._pacers = dict(pacers)
        self._trips: dict[str, _Trip] = {}
        self._flying: Counter[AccountKey] = Counter()
        self._aside: Counter[AccountKey] = Counter()
        self._failing: set[AccountKey] = set()
        self._followed: dict[DeliveryId, _Followed] = {}
        """What was tried within the last few seconds: more than accounts and log can take in that time it never is."""
        self._promises: dict[str, _Promise] = {}
        self._forget_at = 0.0

    def serve(self, account: AccountKey, pacer: Pacer) -> None:
        """Take turns for one more account, or with another pacer for a known one."""
        self._pacers[account] = pacer
        self._failing.discard(account)

    def abandon(self, account: AccountKey) -> None:
        """Let what is due on an account wait until it is served again."""
        self._pacers.pop(account, None)

    def flying(self, account: AccountKey) -> int:
        """Return how many deliveries are under way on an account."""
        return self._flying[account]

    @property
    def known(self) -> int:
        """How many hints are being followed, or were a moment ago: the view may still show them."""
        return min(len(self._trips) + len(self._followed), MOST_KNOWN)

    def open(self, at: float) -> list[AccountKey]:
        """Return the accounts that may send now."""
        return [key for key in self._pacers if self._is_open(key, at)]

    def opens_in(self, at: float) -> float | None:
        """Return after how many seconds one more account may send; None where a landing must come first."""
        waits = (
            pacer.account_ready_at(at) - at for key, pacer in self._pacers.items() if self._has_room(key)
        )
        return min((wait for wait in waits if wait > 0), default=None)

    def pick(self, due: Sequence[DueDelivery], at: float) -> Picked:
        """Choose what starts now, taking its tokens; each must be ``landed`` later. ``due``: in the order in which it should go."""
        self._forget(at)
        open_ = set(self.open(at))
        chosen: list[DueDelivery] = []
        waits: list[float] = []
        seen: set[str] = set()
        shown: Counter[AccountKey] = Counter()
        followed: Counter[AccountKey] = Counter()
        for hint in due:
            if not open_:
                break
            account, place = account_of(hint), place_of(hint)
            shown[account] += 1
            if account not in open_ or place in seen:
                continue
            put_off = self._put_off(hint, place, at)
            if put_off is not None:  # the chat is free for others meanwhile
                followed[account] += hint.delivery in self._followed
                waits.append(put_off)
                continue
            seen.add(place)  # what was planned first goes first: the rest of this chat waits for it
            wait = math.inf if place in self._trips else self._pacers[account].chat_ready_at(place, at) - at
            if wait > 0:
                waits.append(wait)
                continue
            self._begin(hint, place)
            chosen.append(hint)
            if not self._is_open(account, at):
                open_.remove(account)
        # Hints that were followed and stay (all marketing is paused) are no reason to look further: so are those behind them.
        starved = tuple(account for account in open_ if 2 * followed[account] < shown[account])
        return Picked(tuple(chosen), min((w for w in waits if w < math.inf), default=None), starved)

    def _is_open(self, key: AccountKey, at: float) -> bool:
        return self._has_room(key) and self._pacers[key].account_ready_at(at) <= at

    def _has_room(self, key: AccountKey) -> bool:
        aside = self._aside[key]
        return aside < ASIDE and self._flying[key] - aside < (PROBES if key in self._failing else IN_FLIGHT)

    def _put_off(self, hint: DueDelivery, place: str, at: float) -> float | None:
        """Return for how long a hint is not even looked at, None where it is."""
        followed = self._followed.get(hint.delivery)
        if followed is not None and followed.not_before == hint.not_before and at < followed.again_at:
            return followed.again_at - at
        promise = self._promises.get(place)
        if promise is not None and promise.delivery != hint.delivery and promise.over <= hint.priority:
            return promise.until - at if at < promise.until else None
        return None

    def _begin(self, hint: DueDelivery, place: str) -> None:
        pacer = self._pacers[account_of(hint)]
        pacer.take(place, group=hint.group is not None)
        self._trips[place] = _Trip(pacer)
        self._flying[account_of(hint)] += 1
        promise = self._promises.get(place)
        if promise is not None and promise.delivery == hint.delivery:
            del self._promises[place]

    def _forget(self, at: float) -> None:
        if at < self._forget_at:
            return
        self._forget_at = at + FORGET_EVERY_S
        self._followed = {d: f for d, f in self._followed.items() if at < f.again_at}
        self._promises = {place: p for place, p in self._promises.items() if at < p.until}

    def leave(self, hint: DueDelivery, at: float) -> None:
        """Say that its request goes out now: the tokens are spent."""
        place = place_of(hint)
        trip = self._trips[place]
        trip.left = True
        trip.pacer.sent(place, at, group=hint.group is not None)

    def step_aside(self, hint: DueDelivery) -> None:
        """Say that it waits for others to share a request with: it keeps its chat, and neither tokens nor room from those."""
        place = place_of(hint)
        trip = self._trips[place]
        trip.aside = True
        self._aside[account_of(hint)] += 1
        trip.pacer.give_back(place, group=hint.group is not None)

    def landed(self, hint: DueDelivery) -> None:
        """Say that it is over; tokens that were not spent go back."""
        place = place_of(hint)
        trip = self._trips.pop(place)
        self._flying[account_of(hint)] -= 1
        if trip.aside:
            self._aside[account_of(hint)] -= 1
        elif not trip.left:
            trip.pacer.give_back(place, group=hint.group is not None)

    def followed(self, hint: DueDelivery, again_at: float) -> None:
        """Look at this hint no more before ``again_at``, unless it changes."""
        self._followed[hint.delivery] = _Followed(hint.not_before, again_at)

    def promise(self, hint: DueDelivery, until: float, *, whole_chat: bool = False) -> None:
        """Let it stay first in its chat, for it will come again by ``until``. ``whole_chat``: even replies wait for it."""
        kept = _Promise(hint.delivery, 0 if whole_chat else hint.priority, until + PROMISE_KEPT_S)
        self._promises.pop(place_of(hint), None)  # the newest comes last
        self._promises[place_of(hint)] = kept
        if len(self._promises) > PROMISES_KEPT:
            del self._promises[next(iter(self._promises))]

    def answered(self, hint: DueDelivery, *, plainly: bool) -> None:
        """Say whether the provider took or refused it, or whether it failed."""
        if plainly:
            self._failing.discard(account_of(hint))
        else:
            self._failing.add(account_of(hint))


def account_of(hint: DueDelivery) -> AccountKey:
    """Return which account it goes through."""
    return hint.channel, hint.account


def place_of(hint: DueDelivery) -> str:
    """Return which chat it goes to."""
    return f"group-{hint.group}" if hint.group is not None else f"contact-{hint.contact}"
