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
from domain.dispatch import Failed, Request
from domain.errors import SendFailed
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

    async def step(self) -> float | None:
        """Compare every account once. Returns after how many seconds to come again, None where nobody has tags. Raises StoreUnavailable."""
        mirrors = self._mirrors()
        pauses = [await self._account(account, mirror) for account, mirror in mirrors.items()]
        return min(pauses, default=None)

    async def _account(self, account: tuple[Channel, Account], mirror: TagMirror) -> float:
        page = await asyncio.to_thread(self._ledger.page, *account)
        now = self._monotonic()
        try:
            if now >= self._look_at.get(account, now):
                page = await self._take_over(page, await mirror.held())
                self._look_at[account] = now + LOOK_OVER_THERE_EVERY_S
            await self._carry_over(page, mirror)
        except SendFailed as failure:
            log_.warning("tags.not_synchronised", channel=account[0], reason=failure.reason)
            return AGAIN_S
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

    async def _carry_over(self, page: Page, mirror: TagMirror) -> None:
        """Bring to the other side what changed here."""
        names = {contact: external_id for external_id, (contact, _) in page.people.items()}
        for there, changed, carry in (
            (True, page.ours - page.mirrored, mirror.put),
            (False, page.mirrored - page.ours, mirror.take),
        ):
            for tag, contacts in by_tag(_reachable(changed, names)).items():
                await carry(tag, [names[contact] for contact in contacts])
                await self._note(
                    [(MirrorTag(contact=contact, tag=tag, there=there),) for contact in contacts]
                )

    async def _note(self, changes: Sequence[tuple[Command, ...]]) -> None:
        """Append, a few changes at a time: what belongs together lies in one append."""
        for start in range(0, len(changes), CHANGES_AT_ONCE):
            now = self._clock()
            context = Context(actor=Slug("process-tag-sync"), occurred_at=now, now=now)
            commands = tuple(chain.from_iterable(changes[start : start + CHANGES_AT_ONCE]))
            result = await self._dispatch(Request(context, commands))
            if isinstance(result, Failed):
                raise result.error


def _reachable(held: Collection[Held], names: Mapping[ContactId, str]) -> set[Held]:
    return {(contact, tag) for contact, tag in held if contact in names}


def is_tag(name: str) -> bool:
    """Whether what a provider calls a tag may be one of ours: one word."""
    return bool(name) and name == name.strip() and not any(character.isspace() for character in name)
