"""Tags on both sides: what operators give here reaches the provider, and what somebody gives over there reaches us.

Three sides are compared: ours, theirs, and what they were last known to have. What changed on one side is carried to the other; the same
change on both sides needs nothing. Every step is noted only after it was done, so after a crash it is done again, which changes nothing.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from itertools import chain

import structlog

from domain.customers.commands import TagCustomer, UntagCustomer
from domain.dispatch import Failed, Request, Result
from domain.errors import PermanentFailure, Rejected, SendFailed
from domain.identity import Account, Channel, ContactId, Slug, Tag
from domain.message import Command, Context
from domain.mirrors.commands import MirrorTag
from domain.ports.tag_ledger import Held, Page, TagLedger, by_tag
from domain.ports.tag_mirror import TagMirror
from scheduler.follower import Dispatch

LOOK_OVER_THERE_EVERY_S = 600.0
"""Providers tell nobody when a tag changes: they are asked. Ours are compared on every step."""
CHANGES_AT_ONCE = 100
AGAIN_S = 60.0

log_ = structlog.get_logger(__name__)

Mirrors = Mapping[tuple[Channel, Account], TagMirror]


class TagSync:
    """Keeps the tags of every account that has a mirror equal to ours."""

    def __init__(
        self,
        mirrors: Callable[[], Mirrors],
        ledger: TagLedger,
        dispatch: Dispatch,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        """``mirrors``: those of the accounts that are open now. ``monotonic``: seconds that only go forward."""
        self._mirrors, self._ledger, self._dispatch = mirrors, ledger, dispatch
        self._clock, self._monotonic = clock, monotonic
        self._look_at: dict[tuple[Channel, Account], float] = {}
        self._rest_until: dict[tuple[Channel, Account], float] = {}
        self._refused: dict[tuple[Channel, Account], set[Held]] = {}
        """What a provider does not take, until it is looked at again."""

    async def step(self) -> float | None:
        """Compare every account once. Returns after how many seconds to come again, None where nobody has tags. Raises StoreUnavailable."""
        mirrors = self._mirrors()
        pauses = [await self._account(account, mirror) for account, mirror in mirrors.items()]
        return min(pauses, default=None)

    async def _account(self, account: tuple[Channel, Account], mirror: TagMirror) -> float:
        now = self._monotonic()
        if now < self._rest_until.get(account, now):
            return self._rest_until[account] - now
        page = await asyncio.to_thread(self._ledger.page, *account)
        try:
            if now >= self._look_at.get(account, now):
                page = await self._take_over(page, await mirror.held())
                self._look_at[account] = now + LOOK_OVER_THERE_EVERY_S
                self._refused[account] = set()
            await self._carry_over(page, mirror, account)
        except SendFailed as failure:
            log_.warning("tags.not_synchronised", channel=account[0], reason=failure.reason)
            rest_s = LOOK_OVER_THERE_EVERY_S if isinstance(failure, PermanentFailure) else AGAIN_S
            self._rest_until[account] = now + rest_s
            return rest_s
        return max(0.0, self._look_at[account] - now)

    async def _take_over(self, page: Page, held: Mapping[Tag, Collection[str]]) -> Page:
        """Note here what changed over there. Returns the page as it is then."""
        theirs = {
            (page.people[external_id][0], tag)
            for tag, holders in held.items()
            for external_id in holders
            if external_id in page.people and is_tag(tag)
        }
        known = {contact for contact, _ in page.people.values()}
        came = theirs - page.mirrored
        went = {one for one in page.mirrored - theirs if one[0] in known}
        customers = dict(page.people.values())
        changes: list[tuple[Command, ...]] = []
        for contact, tag in sorted(came):
            tagged = TagCustomer(customer=customers[contact], tag=tag)
            noted = MirrorTag(contact=contact, tag=tag, there=True)
            changes.append((noted,) if (contact, tag) in page.ours else (tagged, noted))
        for contact, tag in sorted(went):
            untagged = UntagCustomer(customer=customers[contact], tag=tag)
            noted = MirrorTag(contact=contact, tag=tag, there=False)
            changes.append((untagged, noted) if (contact, tag) in page.ours else (noted,))
        await self._note(changes)
        return Page((page.ours | came) - went, (page.mirrored | came) - went, page.people)

    async def _carry_over(self, page: Page, mirror: TagMirror, account: tuple[Channel, Account]) -> None:
        """Bring to the other side what changed here."""
        names = {contact: external_id for external_id, (contact, _) in page.people.items()}
        given = page.ours - page.mirrored - self._refused[account]
        for tag, contacts in by_tag(_reachable(given, names)).items():
            refused = await mirror.put(tag, [names[contact] for contact in contacts])
            for reason in sorted(set(refused.values())):
                log_.warning("tags.refused", channel=account[0], tag=tag, reason=reason, people=len(refused))
            self._refused[account] |= {(c, tag) for c in contacts if names[c] in refused}
            await self._note(
                [_mirrored(contact, tag, there=True) for contact in contacts if names[contact] not in refused]
            )
        for tag, contacts in by_tag(_reachable(page.mirrored - page.ours, names)).items():
            await mirror.take(tag, [names[contact] for contact in contacts])
            await self._note([_mirrored(contact, tag, there=False) for contact in contacts])

    async def _note(self, changes: Sequence[tuple[Command, ...]]) -> None:
        """Append, a few changes at a time: what belongs together lies in one append."""
        for start in range(0, len(changes), CHANGES_AT_ONCE):
            some = changes[start : start + CHANGES_AT_ONCE]
            result = await self._append(tuple(chain.from_iterable(some)))
            if isinstance(result, Failed):
                await self._note_each(some, result)

    async def _note_each(self, changes: Sequence[tuple[Command, ...]], failed: Failed) -> None:
        """One who was forgotten meanwhile does not keep the others from being noted."""
        if not isinstance(failed.error, Rejected):
            raise failed.error
        for change in changes:
            result = await self._append(change)
            if isinstance(result, Failed):
                if not isinstance(result.error, Rejected):
                    raise result.error
                log_.info("tags.not_noted", error=type(result.error).__name__)

    async def _append(self, commands: tuple[Command, ...]) -> Result:
        now = self._clock()
        context = Context(actor=Slug("process-tag-sync"), occurred_at=now, now=now)
        return await self._dispatch(Request(context, commands))


def _mirrored(contact: ContactId, tag: Tag, *, there: bool) -> tuple[Command, ...]:
    return (MirrorTag(contact=contact, tag=tag, there=there),)


def _reachable(held: Collection[Held], names: Mapping[ContactId, str]) -> set[Held]:
    return {(contact, tag) for contact, tag in held if contact in names}


def is_tag(name: str) -> bool:
    """Whether what a provider calls a tag may be one of ours: one word."""
    return bool(name) and name == name.strip() and not any(character.isspace() for character in name)
