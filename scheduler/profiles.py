"""Getting to know people: who is new on a channel whose messages tell little of people is asked after at their provider, once.

What a provider vouches for (WeChat's unionid) makes one customer of a person's accounts (domain/processes/identifying.py). Nobody waits for
it: it runs beside everything else, a few questions a second, and a provider that cannot be asked keeps no other from being asked.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from domain.contacts.commands import CompleteContact
from domain.contacts.events import ContactSeen, ContactUnblocked
from domain.dispatch import Failed, Request
from domain.errors import PermanentFailure, SendFailed, TemporaryFailure, VersionConflict
from domain.identity import Account, Address, Channel, ContactId, Digest, Slug
from domain.message import Command, Context, Origin, Recorded
from domain.ports.profiles import Profile, Profiles
from domain.processes.identifying import identified_by
from scheduler.follower import IDLE_MOVE, Follower

BATCH = 500
ASKED_A_STEP = 10
"""Of one account; between two steps lies STEP_S."""
STEP_S = 1.0
OPEN_MAX = 1_000
"""Of one account: beyond, the oldest are given up."""
MOST_TRIES = 5
FIRST_RETRY_S = 30.0
RETRY_FACTOR = 4.0
"""From half a minute to two hours."""

log_ = structlog.get_logger(__name__)

Place = tuple[Channel, Account]
Knowing = Mapping[Place, Profiles]


@dataclass(slots=True)
class _Open:
    """Somebody who is still to be asked after. ``position``: of what says they are new. ``not_before``: monotonic."""

    contact: ContactId
    address: Address
    position: int
    tries: int = 0
    not_before: float = 0.0


class Acquaintance:
    """Follows the log, and asks. What was asked is not asked again, also after a restart; what was open then is."""

    def __init__(
        self,
        knowing: Callable[[], Knowing],
        address_of: Callable[[ContactId], Address | None],
        follower: Follower,
        digest: Callable[..., Digest],
        monotonic: Callable[[], float],
        open_max: int = OPEN_MAX,
    ) -> None:
        """``knowing``: the open accounts that know people. ``address_of``: None for who was forgotten. ``monotonic``: in seconds."""
        self._knowing, self._address_of, self._follower = knowing, address_of, follower
        self._digest, self._monotonic, self._open_max = digest, monotonic, open_max
        self._open: dict[ContactId, _Open] = {}
        self._rest_until: dict[Place, float] = {}
        self._ended: dict[Place, Profiles] = {}
        """Accounts that may not ask; one that is opened anew may try again."""
        self._settled = False
        """Whether somebody was asked after, or given up, and that is not noted yet."""

    async def step(self) -> float | None:
        """Ask after a few. Returns after how many seconds to go on, None where nobody waits. Raises StoreUnavailable, Overloaded."""
        knowing = {at: who for at, who in self._knowing().items() if self._ended.get(at) is not who}
        if not knowing:
            return None
        batch = await self._follower.next(BATCH)
        await self._hear(batch, knowing)
        if batch:
            self._follower.read_to = batch[-1].position
        now = self._monotonic()
        await asyncio.gather(*(self._ask(at, who, now) for at, who in knowing.items()))
        await self._note()
        if len(batch) == BATCH:
            return 0.0
        return max(STEP_S, min(map(self._due_at, self._open.values())) - now) if self._open else None

    async def _hear(self, batch: Sequence[Recorded], knowing: Knowing) -> None:
        """Note who is new; where too many wait on an account, those who have waited longest are given up."""
        new = _new(batch, knowing)
        if not new:
            return
        for one in await asyncio.to_thread(self._addressed, new):
            if _place(one) in knowing:
                self._open.setdefault(one.contact, one)
        left = 0
        for at in knowing:
            theirs = [one for one in self._open.values() if _place(one) == at]
            for one in theirs[: max(0, len(theirs) - self._open_max)]:
                self._settle(one)
                left += 1
        if left:  # told once, not for each of a crowd
            log_.info("profiles.given_up", reason="too-many-wait", people=left)

    def _addressed(self, new: Mapping[ContactId, int]) -> list[_Open]:
        found = [(contact, self._address_of(contact), position) for contact, position in new.items()]
        return [
            _Open(contact, address, position) for contact, address, position in found if address is not None
        ]

    def _due_at(self, one: _Open) -> float:
        return max(one.not_before, self._rest_until.get(_place(one), 0.0))

    async def _ask(self, at: Place, who: Profiles, now: float) -> None:
        due = [one for one in self._open.values() if _place(one) == at and self._due_at(one) <= now]
        for one in due[:ASKED_A_STEP]:
            try:
                profile = await who.about(one.address.external_id)
            except PermanentFailure as failure:
                if not failure.unreachable:
                    self._end(at, who, failure.reason)
                    return
                self._settle(one)
            except SendFailed as failure:
                if isinstance(failure, TemporaryFailure) and failure.whole_account:
                    self._rest_until[at] = now + max(failure.retry_after_s, FIRST_RETRY_S)
                    return
                self._later(one, now, failure.reason)
            else:
                await self._complete(one, profile, now)

    async def _complete(self, one: _Open, profile: Profile, now: float) -> None:
        identified: list[Command] = [
            identified_by(one.contact, kind, value, verified=True, digest=self._digest)
            for kind, value in sorted(profile.identifiers.items())
        ]
        told = CompleteContact(contact=one.contact, language=profile.language, source=profile.source)
        at = self._follower.clock()
        context = Context(actor=Slug(f"process-{self._follower.name}"), occurred_at=at, now=at)
        result = await self._follower.dispatch(Request(context, (told, *identified)))
        if isinstance(result, Failed) and isinstance(result.error, VersionConflict):
            self._later(one, now, "version-conflict")
            return
        if isinstance(result, Failed):  # forgotten meanwhile
            log_.info("profiles.not_noted", error=type(result.error).__name__)
        self._settle(one)

    def _later(self, one: _Open, now: float, reason: str) -> None:
        one.not_before = now + FIRST_RETRY_S * RETRY_FACTOR**one.tries
        one.tries += 1
        if one.tries == MOST_TRIES:
            self._give_up(one, reason)

    def _give_up(self, one: _Open, reason: str) -> None:
        log_.info("profiles.given_up", channel=one.address.channel, reason=reason)
        self._settle(one)

    def _settle(self, one: _Open) -> None:
        del self._open[one.contact]
        self._settled = True

    def _end(self, at: Place, who: Profiles, reason: str) -> None:
        """Not for this person alone: the account may not ask, or asks in a way that the provider does not know."""
        log_.warning("profiles.ended", channel=at[0], account=at[1], reason=reason)
        self._ended[at] = who
        self._open = {contact: one for contact, one in self._open.items() if _place(one) != at}
        self._settled = True

    async def _note(self) -> None:
        """Note how far all are asked after: who was is not asked after again. Where nobody was new that is worth an append now and then."""
        done = min((one.position - 1 for one in self._open.values()), default=self._follower.read_to)
        if done - self._follower.noted >= (1 if self._settled else IDLE_MOVE):
            await self._follower.move_to(done)
        self._settled = False


def _new(batch: Sequence[Recorded], knowing: Knowing) -> dict[ContactId, int]:
    """Return who may be new on an account that knows people, and the position of what says so first."""
    new: dict[ContactId, int] = {}
    for recorded in batch:
        event = recorded.event
        if recorded.origin is not Origin.LIVE or not isinstance(event, ContactSeen | ContactUnblocked):
            continue
        if isinstance(event, ContactUnblocked) or (event.channel, event.account) in knowing:
            new.setdefault(event.contact, recorded.position)
    return new


def _place(one: _Open) -> Place:
    return one.address.channel, one.address.account
