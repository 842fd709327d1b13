"""The courier: pacing token first, then the claim, then the send, then the outcome.

It never decides whether a message may go: the gate does (domain/gate.py). What it must get right is the order, the lease and the
outcome (shared/design/delivery.md, "Going out").
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from domain.deliveries.commands import (
    AcceptDelivery,
    LoseTrackOfDelivery,
    RejectDelivery,
    ReturnDelivery,
)
from domain.deliveries.events import DeliveryStarted
from domain.dispatch import Done, Request
from domain.errors import CannotRender, OutcomeUnknown, PermanentFailure, StoreUnavailable, TemporaryFailure
from domain.gate import ClaimDelivery
from domain.identity import Account, Address, Channel, Party, Slug
from domain.message import Command, Context, Personal
from domain.policies.may_contact import Controls
from domain.ports.agenda import Agenda, DueDelivery
from domain.ports.audience import Audience
from domain.ports.identities import Identities
from domain.ports.messenger import REQUEST_TIMEOUT_S, Messenger, Outbound
from scheduler.follower import Dispatch
from scheduler.letters import Letter, Letters, Render
from scheduler.pacing import Pacer

LEASE_S = 45.0
"""A worker holds a delivery so long; interface.md promises at most 60 s."""
IN_FLIGHT = 128
"""Sends under way at once, over all accounts."""
LOOK_AHEAD = 500
"""Due deliveries read at once; those whose chat must wait are passed over."""
FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 60.0
RELOOK_S = 5.0
"""A hint that led to nothing (all marketing paused, sending on hold, a view that lags) is followed again after so long."""
OUTCOME_RETRY_S = 0.5
"""How long to wait before an outcome is handed in again that the log could not take."""

log_ = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Post:
    """One account's way out, and how fast it may be used."""

    messenger: Messenger
    pacer: Pacer


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the courier reads: what is due, to whom, what it says, and their address."""

    agenda: Agenda
    audience: Audience
    letters: Letters
    identities: Identities


@dataclass(frozen=True, slots=True)
class Clocks:
    """``now``: the wall clock, UTC. ``boottime``: seconds that go on while the machine sleeps (CLOCK_BOOTTIME)."""

    now: Callable[[], datetime]
    boottime: Callable[[], float]


@dataclass(frozen=True, slots=True)
class _Judged:
    """A hint that was followed: until the view shows what came of it, following it again would only be refused again."""

    not_before: datetime
    again_at: float


class Courier:
    """Sends what is due, as fast as the providers allow."""

    def __init__(
        self,
        sources: Sources,
        dispatch: Dispatch,
        posts: Mapping[tuple[Channel, Account], Post],
        controls: Controls,
        render: Render,
        clocks: Clocks,
        worker: Slug,
    ) -> None:
        """``worker``: names this process in the log. ``render``: fills in variables; raises CannotRender."""
        self.agenda, self.audience = sources.agenda, sources.audience
        self.letters, self.identities = sources.letters, sources.identities
        self.dispatch, self.posts, self.controls, self.render = dispatch, posts, controls, render
        self.clocks, self.worker = clocks, worker
        self.changed = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._judged: dict[str, _Judged] = {}
        self._failures: dict[tuple[Channel, Account], int] = {}

    async def step(self) -> float | None:
        """Start what may start now. Returns after how many seconds to look again, None where nothing waits. Raises StoreUnavailable."""
        now = self.clocks.now()
        await self._recover(now)
        due = await asyncio.to_thread(self.agenda.due, now, LOOK_AHEAD, marketing=True)
        listed = {d.delivery for d in due}
        self._judged = {d: judged for d, judged in self._judged.items() if d in listed}
        wait = self._start(due)
        following = await asyncio.to_thread(self.agenda.next_moment, now)
        if following is not None:
            until = max(0.0, (following - self.clocks.now()).total_seconds())
            wait = until if wait is None else min(wait, until)
        return wait

    def _start(self, due: Sequence[DueDelivery]) -> float | None:
        """Start a task for each delivery whose account and chat are ready; return how long the next one must wait."""
        wait: float | None = None
        busy: set[str] = set()
        at = self.clocks.boottime()
        for hint in due:
            place = _place(hint)
            post = self.posts.get((hint.channel, hint.account))
            if post is None or place in busy:
                continue
            judged = self._judged.get(hint.delivery)
            if judged is not None and judged.not_before == hint.not_before and at < judged.again_at:
                wait = RELOOK_S if wait is None else min(wait, RELOOK_S)
                continue
            busy.add(place)  # one after the other within a chat: what was planned first arrives first
            if place in self._tasks:
                continue
            ready = post.pacer.ready_at(place, at, group=hint.group is not None)
            if ready > at:
                wait = ready - at if wait is None else min(wait, ready - at)
                continue
            if len(self._tasks) >= IN_FLIGHT:
                break
            post.pacer.take(place, at, group=hint.group is not None)
            self._judged[hint.delivery] = _Judged(hint.not_before, at + RELOOK_S)
            self._tasks[place] = asyncio.create_task(self._deliver(hint, post, place))
        return wait

    async def drain(self) -> None:
        """Wait until everything that was started has its outcome."""
        while self._tasks:
            await asyncio.wait(self._tasks.values())

    @property
    def in_flight(self) -> int:
        """How many sends are under way."""
        return len(self._tasks)

    async def _recover(self, now: datetime) -> None:
        """Record as Unknown what some worker started and never finished."""
        for broken in await asyncio.to_thread(self.agenda.broken_leases, now, LOOK_AHEAD):
            lost = LoseTrackOfDelivery(
                delivery=broken.delivery, attempt=broken.attempt, reason=Slug("lease-ended")
            )
            await self.dispatch(Request(self._context(), (lost,)))

    def _context(self) -> Context:
        now = self.clocks.now()
        return Context(actor=Slug("scheduler"), occurred_at=now, now=now)

    async def _deliver(self, hint: DueDelivery, post: Post, place: str) -> None:
        try:
            letter = await asyncio.to_thread(self.letters.read, hint.delivery)
            sent = letter is not None and await self._claim_and_send(hint, post, letter)
            if not sent:
                post.pacer.give_back(place, group=hint.group is not None)
        except StoreUnavailable:
            log_.warning("delivery.store_unavailable", delivery=hint.delivery)
            self._judged.pop(hint.delivery, None)
        except Exception:
            log_.exception("delivery.bug", delivery=hint.delivery)
        finally:
            del self._tasks[place]
            self.changed.set()

    async def _claim_and_send(self, hint: DueDelivery, post: Post, letter: Letter) -> bool:
        """Return whether a request went out (or may have)."""
        known = await asyncio.to_thread(self.audience.about, hint.contact, hint.group)
        text, defect = letter.text, None
        try:
            if not letter.verbatim:
                text = self.render(letter.text, known.variables)
        except CannotRender as error:
            defect = Slug(error.reason)
        address = self._address(hint)
        if address is None:
            defect = Slug("forgotten")
        lease_ends = self.clocks.boottime() + LEASE_S
        claim = ClaimDelivery(
            delivery=hint.delivery,
            worker=self.worker,
            until=self.clocks.now() + timedelta(seconds=LEASE_S),
            controls=self.controls,
            rendered=Personal(text) if text != letter.text else None,
            defect=defect,
            window=known.window,
            last_heard=known.last_heard,
        )
        started = _started(await self.dispatch(Request(self._context(), (claim,))))
        if started is None or address is None:
            return False
        outbound = Outbound(
            key=hint.delivery,
            to=address,
            text=text,
            choices=letter.choices,
            reply_to=letter.reply_to,
            thread=letter.thread,
        )
        outcome, went_out = await self._send(hint, post, outbound, started.attempt, lease_ends)
        await self._record(outcome)
        return went_out

    def _address(self, hint: DueDelivery) -> Address | None:
        party = Party.GROUP if hint.group is not None else Party.CONTACT
        return self.identities.address_of(party, hint.group or hint.contact or "")

    async def _send(
        self, hint: DueDelivery, post: Post, outbound: Outbound, attempt: int, lease_ends: float
    ) -> tuple[Command, bool]:
        """Send, and return the command that records the outcome, and whether a request went out."""
        account = (hint.channel, hint.account)
        if (
            lease_ends - self.clocks.boottime() < REQUEST_TIMEOUT_S
        ):  # frozen since the claim: the lease may end in mid-air
            return self._returned(hint, attempt, "lease-too-short", 0.0), False
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                message = await post.messenger.send(outbound)
        except TemporaryFailure as failure:
            return self._returned(hint, attempt, failure.reason, self._back_off(account, post, failure)), True
        except PermanentFailure as failure:
            return RejectDelivery(
                delivery=hint.delivery,
                attempt=attempt,
                reason=Slug(failure.reason),
                unreachable=failure.unreachable,
            ), True
        except OutcomeUnknown as failure:
            return LoseTrackOfDelivery(
                delivery=hint.delivery, attempt=attempt, reason=Slug(failure.reason)
            ), True
        except TimeoutError:
            return LoseTrackOfDelivery(
                delivery=hint.delivery, attempt=attempt, reason=Slug("timed-out")
            ), True
        except Exception:
            log_.exception("delivery.messenger_bug", delivery=hint.delivery, channel=hint.channel)
            return LoseTrackOfDelivery(
                delivery=hint.delivery, attempt=attempt, reason=Slug("internal-error")
            ), True
        self._failures.pop(account, None)
        return AcceptDelivery(delivery=hint.delivery, attempt=attempt, provider_message=message), True

    def _returned(self, hint: DueDelivery, attempt: int, reason: str, after_s: float) -> ReturnDelivery:
        return ReturnDelivery(
            delivery=hint.delivery,
            attempt=attempt,
            reason=Slug(reason),
            not_before=self.clocks.now() + timedelta(seconds=after_s),
        )

    def _back_off(self, account: tuple[Channel, Account], post: Post, failure: TemporaryFailure) -> float:
        """Freeze the account where the provider says so, or is away; return after how many seconds to try again."""
        at = self.clocks.boottime()
        if failure.retry_after_s:
            if failure.whole_account:
                post.pacer.freeze(at + failure.retry_after_s)
            return failure.retry_after_s
        tries = self._failures[account] = self._failures.get(account, 0) + 1
        pause = min(FIRST_BACKOFF_S * 2.0 ** min(tries - 1, 10), LONGEST_BACKOFF_S)
        post.pacer.freeze(at + pause)
        return pause

    async def _record(self, outcome: Command) -> None:
        """Hand in an outcome until the log takes it: it is all that is known of a message that may be out."""
        while True:
            try:
                await self.dispatch(Request(self._context(), (outcome,)))
            except StoreUnavailable:
                await asyncio.sleep(OUTCOME_RETRY_S)
            else:
                return


def _place(hint: DueDelivery) -> str:
    return f"group-{hint.group}" if hint.group is not None else f"contact-{hint.contact}"


def _started(result: object) -> DeliveryStarted | None:
    if not isinstance(result, Done):
        return None
    return next((r.event for r in result.events if isinstance(r.event, DeliveryStarted)), None)
