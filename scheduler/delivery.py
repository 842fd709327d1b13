"""The courier: pacing token first, then the claim, then the send, then the outcome.

It never decides whether a message may go: the gate does (domain/gate.py). What it must get right is the order, the lease and the
outcome (shared/design/delivery.md, "Going out").
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from domain.deliveries.commands import (
    AcceptDelivery,
    LoseTrackOfDelivery,
    RejectDelivery,
    ReturnDelivery,
)
from domain.deliveries.events import DeliveryStarted
from domain.dispatch import Done, Failed, Request
from domain.errors import (
    OutcomeUnknown,
    Overloaded,
    PermanentFailure,
    StoreUnavailable,
    TemporaryFailure,
    VersionConflict,
)
from domain.gate import ClaimDelivery
from domain.identity import Account, Channel, Slug
from domain.message import Command, Context, Personal, Rival
from domain.policies.facts import Controls
from domain.policies.routes import Offer
from domain.ports.agenda import BrokenLease, DueDelivery
from domain.ports.messenger import REQUEST_TIMEOUT_S, Outbound, Route
from scheduler.codes import is_coded, with_code
from scheduler.follower import Dispatch
from scheduler.letters import Render, Sources, Written
from scheduler.looking import LookedUp, look, look_up
from scheduler.posts import Clocks, Post
from scheduler.routing import offers, routed
from scheduler.turns import AccountKey, Picked, Turns, account_of, place_of

LEASE_S = 45.0
"""A worker holds a delivery so long; interface.md promises at most 60 s."""
LOOK_AHEAD = 200
"""Due deliveries read at once, beside those that a view which lags still shows; those that must wait are passed over."""
LOOK_FURTHER = 20_000
LOOK_FURTHER_EVERY_S = 1.0
"""Where all of them must wait though an account is idle (one chat has 5,000 answers to come, another account is frozen), the courier
looks further, but not all the time."""
PAGE_LIVES_S = 1.0
"""What was read as due is used up before the views are asked again, where there is more of it than one looks ahead, but not for longer: so
long a reply that another process planned waits at most behind a campaign."""
FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 60.0
RELOOK_S = 5.0
"""A hint that led to nothing (all marketing paused, sending on hold, a view that lags) is followed again after so long."""
STORE_REST_S = 1.0
"""The same, where the store was away or too busy."""
OUTCOME_RETRY_S = 0.5
"""How long to wait before an outcome is handed in again that the log could not take."""
OUTCOME_TRIES = 20
"""Where the log refuses it for another reason than being away; then it stays Unknown."""

log_ = structlog.get_logger(__name__)

__all__ = ["Clocks", "Courier", "Post", "Sources"]


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
        *,
        request_timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> None:
        """``worker``: names this process in the log. ``render``: fills in variables; raises CannotRender."""
        self.sources, self.agenda = sources, sources.agenda
        self.dispatch, self.posts, self.controls, self.render = dispatch, dict(posts), controls, render
        self.clocks, self.worker, self.request_timeout_s = clocks, worker, request_timeout_s
        self.changed = asyncio.Event()
        self.frozen = asyncio.Event()
        """Set when a provider froze an account: that must survive a crash a moment later."""
        self._turns = Turns({account: post.pacer for account, post in posts.items()})
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._recovered: dict[BrokenLease, float] = {}
        self._further: Sequence[DueDelivery] = ()
        self._look_further_at = 0.0
        self._page: Sequence[DueDelivery] = ()
        self._page_until = 0.0

    def serve(self, account: AccountKey, post: Post) -> None:
        """Send over one more account from now on, or in another way over a known one; what that one spent stays spent."""
        known = self.posts.get(account)
        if known is not None:
            now, wall = self.clocks.boottime(), self.clocks.now().timestamp()
            post.pacer.load(known.pacer.dump(now, wall), now, wall)
        self.posts[account] = post
        self._turns.serve(account, post.pacer)
        self.changed.set()

    def leave(self, account: AccountKey) -> None:
        """Send over an account no more; what is due there waits."""
        self._turns.abandon(account)
        self.posts.pop(account, None)

    def flying(self, account: AccountKey) -> int:
        """Return how many sends are under way on an account."""
        return self._turns.flying(account)

    async def step(self) -> float | None:
        """Start what may start now. Returns after how many seconds to look again, None where nothing waits. Raises StoreUnavailable."""
        now, at = self.clocks.now(), self.clocks.boottime()
        accounts = self._turns.open(at)
        waits = self._start_page(accounts) if self._page_lasts() > 0 else None
        if waits is None:
            limit = LOOK_AHEAD + self._turns.known
            seen = await asyncio.to_thread(look, self.agenda, now, limit, accounts)
            waits = [*(await self._start_due(now, seen.due, limit) if accounts else ())]
            await self._recover(seen.broken)
            if seen.following is not None:
                waits.append(max(0.0, (seen.following - self.clocks.now()).total_seconds()))
        waits.append(self._turns.opens_in(self.clocks.boottime()))
        if (lasts := self._page_lasts()) > 0:
            waits.append(lasts)
        return min((wait for wait in waits if wait is not None), default=None)

    def look_again(self) -> None:
        """Ask the views anew, before what is due by them is used up: something was planned that does not wait behind it."""
        self._page_until = 0.0

    def _page_lasts(self) -> float:
        return self._page_until - self.clocks.boottime()

    def _start_page(self, accounts: Sequence[AccountKey]) -> list[float | None] | None:
        """Start what may, of the page that was read a moment ago. Returns how long to wait; None where the views must be asked."""
        if not accounts:
            return []
        picked = self._start_of(self._page)
        return [picked.wait_s] if picked.hints else None

    async def _start_due(
        self, now: datetime, due: Sequence[DueDelivery], limit: int
    ) -> Sequence[float | None]:
        """Start what may of what is due, of which there may be more than the limit. Returns how long to wait for what."""
        many = {account for account, shown in Counter(map(account_of, due)).items() if shown >= limit}
        at = self.clocks.boottime()
        if not many or at >= self._look_further_at:
            self._further = ()
        listed = {hint.delivery for hint in due}
        picked = self._start_of([*due, *(hint for hint in self._further if hint.delivery not in listed)])
        self._page_until = at + PAGE_LIVES_S if many and picked.hints else 0.0
        waits = [picked.wait_s]
        hungry = many.intersection(picked.starved)
        if hungry:
            if at >= self._look_further_at:
                self._look_further_at = at + LOOK_FURTHER_EVERY_S
                waits.append(await self._start_further(now, due, hungry))
            waits.append(self._look_further_at - at)
        return waits

    async def _start_further(
        self, now: datetime, due: Sequence[DueDelivery], hungry: Collection[AccountKey]
    ) -> float | None:
        """Start what may of what lies further back, for accounts that have to do and cannot."""
        further = await asyncio.to_thread(self.agenda.due, now, LOOK_FURTHER, hungry)
        waiting = {place_of(hint) for hint in due}
        self._further = [hint for hint in further if place_of(hint) not in waiting]
        behind = self._turns.pick(self._further, self.clocks.boottime())
        self._start(behind.hints)
        return behind.wait_s

    def _start_of(self, due: Sequence[DueDelivery]) -> Picked:
        """Start what may of these; the others are the page that is left."""
        picked = self._turns.pick(due, self.clocks.boottime())
        self._start(picked.hints)
        started = {hint.delivery for hint in picked.hints}
        self._page = [hint for hint in due if hint.delivery not in started]
        return picked

    def _start(self, hints: Sequence[DueDelivery]) -> None:
        if not hints:
            return
        looking = asyncio.ensure_future(
            asyncio.to_thread(look_up, hints, self.sources, self.render, self.clocks.now())
        )
        for hint in hints:
            self._tasks[place_of(hint)] = asyncio.create_task(self._deliver(hint, looking))

    async def drain(self) -> None:
        """Wait until everything that was started has its outcome, but not beyond its lease: then it counts as Unknown anyway."""
        try:
            async with asyncio.timeout(LEASE_S):
                while self._tasks:
                    await asyncio.wait(self._tasks.values())
        except TimeoutError:
            log_.warning("delivery.left_behind", deliveries=len(self._tasks))
            late = list(self._tasks.values())
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    @property
    def in_flight(self) -> int:
        """How many sends are under way."""
        return len(self._tasks)

    async def _recover(self, broken: Sequence[BrokenLease]) -> None:
        """Record as Unknown what some worker started and never finished."""
        at = self.clocks.boottime()
        self._recovered = {lease: again for lease, again in self._recovered.items() if at < again}
        for lease in broken:
            if lease not in self._recovered:  # the view may lag
                await self._lose(lease)
                self._recovered[lease] = at + RELOOK_S

    async def _lose(self, lease: BrokenLease) -> None:
        lost = LoseTrackOfDelivery(delivery=lease.delivery, attempt=lease.attempt, reason=Slug("lease-ended"))
        try:
            result = await self.dispatch(Request(self._context(), (lost,)))
        except (StoreUnavailable, Overloaded):
            raise
        except Exception:
            log_.exception("delivery.bug", delivery=lease.delivery)
        else:
            if isinstance(result, Failed):
                log_.error(
                    "delivery.not_recovered", delivery=lease.delivery, error=type(result.error).__name__
                )

    def _context(self) -> Context:
        now = self.clocks.now()
        return Context(actor=Slug("scheduler"), occurred_at=now, now=now)

    async def _deliver(self, hint: DueDelivery, looking: asyncio.Future[LookedUp]) -> None:
        try:
            post = self.posts.get(account_of(hint))  # it may have been left a moment ago
            if post is not None and await self._carry(hint, looking, post):
                self._turns.followed(hint, self.clocks.boottime() + RELOOK_S)
        except (StoreUnavailable, Overloaded, VersionConflict) as error:
            log_.warning("delivery.later", delivery=hint.delivery, error=type(error).__name__)
            again_at = self.clocks.boottime() + STORE_REST_S
            self._turns.followed(hint, again_at)
            self._turns.promise(hint, again_at)
        except Exception:
            log_.exception("delivery.bug", delivery=hint.delivery)
            self._turns.followed(hint, self.clocks.boottime() + RELOOK_S)
        finally:
            self._turns.landed(hint)
            del self._tasks[place_of(hint)]
            self.changed.set()

    async def _carry(self, hint: DueDelivery, looking: asyncio.Future[LookedUp], post: Post) -> bool:
        """Claim, send, record. Returns whether the log was asked: False where its account was frozen before."""
        found = (await asyncio.shield(looking))[hint.delivery]
        if isinstance(found, Exception):
            raise found
        if post.pacer.frozen_until > self.clocks.boottime():
            return False
        written, lease_ends = found.written, self.clocks.boottime() + LEASE_S
        started = None if written is None else await self._claim(hint, written, found.rivals, post.routes)
        if started is not None and written is not None and written.outbound is not None:
            outbound = routed(written.outbound, started.route, post.routes, written)
            if started.code is not None:
                outbound = with_code(outbound, started.code.value)
            await self._record(await self._send(hint, post, outbound, started.attempt, lease_ends))
        return True

    async def _claim(
        self, hint: DueDelivery, written: Written, rivals: Sequence[Rival], routes: Sequence[Route]
    ) -> DeliveryStarted | None:
        """Ask the gate. Returns the lease, None where it may not go now. Raises StoreUnavailable, Overloaded, VersionConflict."""
        offered: tuple[Offer, ...] = ()
        if routes and written.outbound is not None:
            offered = offers(routes, written, self.clocks.now())
        claim = ClaimDelivery(
            delivery=hint.delivery,
            worker=self.worker,
            until=self.clocks.now() + timedelta(seconds=LEASE_S),
            controls=self.controls,
            rendered=Personal(written.rendered) if written.rendered is not None else None,
            defect=written.defect,
            opened=tuple(written.known.opened),
            offers=offered,
            last_heard=written.known.last_heard,
            rivals=tuple(rivals),
            coded=written.outbound is not None and is_coded(written.outbound, written.forms.values()),
        )
        result = await self.dispatch(Request(self._context(), (claim,)))
        if isinstance(result, Done):
            return next((r.event for r in result.events if isinstance(r.event, DeliveryStarted)), None)
        if isinstance(result.error, StoreUnavailable | VersionConflict):
            raise result.error
        log_.error("delivery.not_claimed", delivery=hint.delivery, error=type(result.error).__name__)
        return None

    async def _send(
        self, hint: DueDelivery, post: Post, outbound: Outbound, attempt: int, lease_ends: float
    ) -> Command:
        """Send when its turn comes, and return the command that records the outcome."""
        together = any(route.together for route in post.routes if route.name == outbound.route)
        async with contextlib.nullcontext() if together else post.door:
            at = self.clocks.boottime() if together else await post.turn(place_of(hint), self.clocks)
            if lease_ends - at < REQUEST_TIMEOUT_S:  # frozen since the claim: the lease may end in mid-air
                return self._returned(hint, attempt, "lease-too-short", 0.0)
            if post.pacer.frozen_until > at:
                return self._returned(hint, attempt, "account-frozen", post.pacer.frozen_until - at)
            if not together:
                self._turns.leave(hint, at)
        if together:
            self._turns.step_aside(hint)
            self.changed.set()
        try:
            async with asyncio.timeout(self.request_timeout_s):
                message = await post.messenger.send(outbound)
            if not together:
                post.pacer.answered(at, self.clocks.boottime())
        except TemporaryFailure as failure:
            self._turns.answered(hint, plainly=False)
            return self._try_again(hint, post, attempt, failure)
        except PermanentFailure as failure:
            self._turns.answered(hint, plainly=True)
            return RejectDelivery(
                delivery=hint.delivery,
                attempt=attempt,
                reason=Slug(failure.reason),
                unreachable=failure.unreachable,
            )
        except OutcomeUnknown as failure:
            return self._lost(hint, attempt, failure.reason, plainly=failure.proof_follows)
        except TimeoutError:
            return self._lost(hint, attempt, "timed-out")
        except Exception:
            log_.exception("delivery.messenger_bug", delivery=hint.delivery, channel=hint.channel)
            return self._lost(hint, attempt, "internal-error")
        self._turns.answered(hint, plainly=True)
        return AcceptDelivery(delivery=hint.delivery, attempt=attempt, provider_message=message)

    def _lost(
        self, hint: DueDelivery, attempt: int, reason: str, *, plainly: bool = False
    ) -> LoseTrackOfDelivery:
        self._turns.answered(hint, plainly=plainly)
        return LoseTrackOfDelivery(delivery=hint.delivery, attempt=attempt, reason=Slug(reason))

    def _try_again(
        self, hint: DueDelivery, post: Post, attempt: int, failure: TemporaryFailure
    ) -> ReturnDelivery:
        """Freeze the account where the provider says so; this message waits longer after every attempt."""
        backoff = min(FIRST_BACKOFF_S * 2.0 ** min(attempt - 1, 10), LONGEST_BACKOFF_S)
        if failure.whole_account:
            post.pacer.freeze(self.clocks.boottime() + (failure.retry_after_s or backoff))
            self.frozen.set()
        after_s = max(failure.retry_after_s, backoff)
        asked_for = failure.retry_after_s >= backoff  # by the provider: then even replies to this chat wait
        return self._returned(hint, attempt, failure.reason, after_s, whole_chat=asked_for)

    def _returned(
        self, hint: DueDelivery, attempt: int, reason: str, after_s: float, *, whole_chat: bool = False
    ) -> ReturnDelivery:
        self._turns.promise(hint, self.clocks.boottime() + after_s, whole_chat=whole_chat)
        return ReturnDelivery(
            delivery=hint.delivery,
            attempt=attempt,
            reason=Slug(reason),
            not_before=self.clocks.now() + timedelta(seconds=after_s),
        )

    async def _record(self, outcome: Command) -> None:
        """Hand in an outcome until the log takes it: it is all that is known of a message that may be out."""
        refused = 0
        while refused < OUTCOME_TRIES:
            try:
                result = await self.dispatch(Request(self._context(), (outcome,)))
            except (StoreUnavailable, Overloaded):
                pass
            else:
                if isinstance(result, Done):
                    return
                refused += not isinstance(result.error, StoreUnavailable | VersionConflict)
            await self.clocks.rest(OUTCOME_RETRY_S)
        log_.error("delivery.not_recorded", outcome=type(outcome).__name__)
