"""Tags on both sides: what operators give here reaches the provider, and what somebody gives over there reaches us.

Three sides are compared: ours, theirs, and what they were last known to have. What changed on one side is carried to the other; the same
change on both sides needs nothing. Every step is noted only after it was done, so after a crash it is done again, which changes nothing.

What changes here is read from the log, and only whom it is about is compared. What changes over there nobody tells: now and then all is
looked at, page by page, a page a step, so that neither the memory nor a step grows with how many people there are. Where it stands in the
log is kept by no store: whoever begins looks at all first.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import structlog

from domain.contacts.events import ContactLinked, ContactReached, ContactSeen, ContactUnblocked
from domain.customers.commands import TagCustomer, UntagCustomer
from domain.customers.events import (
    CustomerAbsorbed,
    CustomerMerged,
    CustomerReleased,
    CustomerTagged,
    CustomerUnmerged,
    CustomerUntagged,
)
from domain.dispatch import Failed, Request, Result
from domain.errors import PermanentFailure, Rejected, SendFailed, TagRefused
from domain.identity import Account, Channel, ContactId, CustomerId, Slug, Tag
from domain.message import Command, Context, Recorded
from domain.mirrors.commands import MirrorTag
from domain.ports.tag_ledger import Page, TagLedger, by_tag
from domain.ports.tag_mirror import TagMirror
from scheduler.follower import Follower
from scheduler.tags_there import TagsThere, There

LOOK_OVER_THERE_EVERY_S = 600.0
"""From the end of one look to the next: providers tell nobody when a tag changes, they are asked."""
EVENTS_AT_ONCE = 1_000
PEOPLE_AT_ONCE = 1_000
CHANGES_AT_ONCE = 100
AGAIN_S = 60.0

log_ = structlog.get_logger(__name__)

Place = tuple[Channel, Account]
Mirrors = Mapping[Place, TagMirror]
Refused = Counter[tuple[Tag, Slug]]
"""How many people a provider gives a tag not, by its reason."""

_OF_A_CUSTOMER = (
    CustomerTagged
    | CustomerUntagged
    | CustomerMerged
    | CustomerAbsorbed
    | CustomerReleased
    | CustomerUnmerged
)
_OF_A_CONTACT = ContactSeen | ContactReached | ContactUnblocked | ContactLinked
"""They belong to somebody who may have tags, or can be reached from now on."""


@dataclass(slots=True)
class _Look:
    """All of an account, compared. ``listing``: None once all that the provider has is in ``there``; ``after``: who was compared last.

    ``there`` is kept up with what is carried over meanwhile: it would else look as if that had been taken away over there.
    """

    listing: AsyncIterator[tuple[Tag, Collection[str]]] | None
    there: TagsThere = field(default_factory=TagsThere)
    after: str = ""
    refused: Refused = field(default_factory=Counter)
    impossible: dict[Tag, Slug] = field(default_factory=dict)
    """Tags that the provider cannot have: it is not asked again for each page."""


@dataclass(slots=True)
class _Standing:
    """How far an account is. ``read_to``: in the log. Times are monotonic."""

    mirror: TagMirror
    read_to: int
    look: _Look | None = None
    look_at: float = 0.0
    rest_until: float = 0.0


class TagSync:
    """Keeps the tags of every account that has a mirror equal to ours."""

    def __init__(
        self,
        mirrors: Callable[[], Mirrors],
        ledger: TagLedger,
        follower: Follower,
        monotonic: Callable[[], float],
        people_at_once: int = PEOPLE_AT_ONCE,
    ) -> None:
        """``mirrors``: those of the accounts that are open now. ``monotonic``: seconds that only go forward."""
        self._mirrors, self._ledger, self._follower = mirrors, ledger, follower
        self._monotonic, self._people_at_once = monotonic, people_at_once
        self._standing: dict[Place, _Standing] = {}

    async def step(self) -> float | None:
        """Go on with every account by a page. Returns after how many seconds to come again, None where nobody has tags.

        Raises StoreUnavailable, Overloaded, VersionConflict.
        """
        standing = {at: await self._stands(at, mirror) for at, mirror in self._mirrors().items()}
        self._standing = standing
        return min([await self._account(at, stands) for at, stands in standing.items()], default=None)

    async def _stands(self, at: Place, mirror: TagMirror) -> _Standing:
        """Return where an account stands; one that was opened, or opened anew, begins."""
        known = self._standing.get(at)
        if known is not None and known.mirror is mirror:
            return known
        head = await asyncio.to_thread(self._follower.log.head)
        return _Standing(mirror, head, look_at=self._monotonic())

    async def _account(self, at: Place, stands: _Standing) -> float:
        now = self._monotonic()
        if now < stands.rest_until:
            return stands.rest_until - now
        try:
            more = await self._follow(at, stands)
            if stands.look is None and now >= stands.look_at:
                stands.look = _Look(stands.mirror.held())
            if stands.look is not None:
                await self._look_on(at, stands, stands.look)
        except SendFailed as failure:
            self._end_look(stands, AGAIN_S)
            log_.warning("tags.not_synchronised", channel=at[0], reason=failure.reason)
            rest_s = LOOK_OVER_THERE_EVERY_S if isinstance(failure, PermanentFailure) else AGAIN_S
            stands.rest_until = now + rest_s
            return rest_s
        except Exception:
            self._end_look(stands, AGAIN_S)  # what it has of them may be incomplete, and ages
            raise
        return 0.0 if more or stands.look is not None else max(0.0, stands.look_at - now)

    async def _follow(self, at: Place, stands: _Standing) -> bool:
        """Carry over what changed here. Returns whether there is more to read."""
        batch = await self._follower.read(stands.read_to, EVENTS_AT_ONCE)
        customers, contacts = _touched(batch)
        if customers or contacts:
            page = await asyncio.to_thread(self._ledger.of, *at, customers, contacts)
            _tell(at, await self._carry_over(page, stands))
        if batch:
            stands.read_to = batch[-1].position
        return len(batch) == EVENTS_AT_ONCE

    async def _look_on(self, at: Place, stands: _Standing, look: _Look) -> None:
        """Go on with a look, by one page of theirs or of ours."""
        if look.listing is not None:
            try:
                tag, external_ids = await anext(look.listing)
            except StopAsyncIteration:
                look.listing = None
            else:
                if is_tag(tag):
                    await asyncio.to_thread(look.there.add, tag, external_ids)
            return
        page = await asyncio.to_thread(self._ledger.page, *at, look.after, self._people_at_once)
        if not page.people:
            _tell(at, look.refused)
            self._end_look(stands, LOOK_OVER_THERE_EVERY_S)
            return
        last = [*page.people][-1]
        page = await self._take_over(page, await asyncio.to_thread(look.there.of, page.people))
        look.refused += await self._carry_over(page, stands)
        look.after = last

    def _end_look(self, stands: _Standing, again_s: float) -> None:
        """The next one begins no sooner than in ``again_s``."""
        if stands.look is not None:
            stands.look.there.close()
            stands.look, stands.look_at = None, self._monotonic() + again_s

    async def _take_over(self, page: Page, there: Collection[There]) -> Page:
        """Note here what changed over there. Returns the page as it is then."""
        theirs = {(page.people[external_id][0], tag) for external_id, tag in there}
        came, went = theirs - page.mirrored, page.mirrored - theirs
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

    async def _carry_over(self, page: Page, stands: _Standing) -> Refused:
        """Bring to the other side what changed here. Returns what it does not take."""
        mirror, look, refused = stands.mirror, stands.look, Refused()
        names = {contact: external_id for external_id, (contact, _) in page.people.items()}
        for tag, contacts in by_tag(page.ours - page.mirrored).items():
            left_out = await _put(stands, tag, [names[contact] for contact in contacts])
            refused.update((tag, reason) for reason in left_out.values())
            have = [contact for contact in contacts if names[contact] not in left_out]
            if look is not None:
                await asyncio.to_thread(look.there.add, tag, [names[contact] for contact in have])
            await self._note([_mirrored(contact, tag, there=True) for contact in have])
        for tag, contacts in by_tag(page.mirrored - page.ours).items():
            await mirror.take(tag, [names[contact] for contact in contacts])
            if look is not None:
                await asyncio.to_thread(look.there.remove, tag, [names[contact] for contact in contacts])
            await self._note([_mirrored(contact, tag, there=False) for contact in contacts])
        return refused

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
        now = self._follower.clock()
        context = Context(actor=Slug(f"process-{self._follower.name}"), occurred_at=now, now=now)
        return await self._follower.dispatch(Request(context, commands))


async def _put(stands: _Standing, tag: Tag, external_ids: Collection[str]) -> Mapping[str, Slug]:
    """Return whom the provider gives a tag not, and why."""
    impossible = stands.look.impossible if stands.look is not None else {}
    if tag not in impossible:
        try:
            return await stands.mirror.put(tag, external_ids)
        except TagRefused as refusal:
            impossible[tag] = Slug(refusal.reason)
    return dict.fromkeys(external_ids, impossible[tag])


def _touched(batch: Iterable[Recorded]) -> tuple[set[CustomerId], set[ContactId]]:
    """Return of whom tags may have changed here, or may be carried over from now on."""
    customers, contacts = set[CustomerId](), set[ContactId]()
    for recorded in batch:
        event = recorded.event
        if isinstance(event, _OF_A_CUSTOMER):
            customers.add(event.customer)
        elif isinstance(event, _OF_A_CONTACT):
            contacts.add(event.contact)
    return customers, contacts


def _tell(at: Place, refused: Refused) -> None:
    for (tag, reason), people in sorted(refused.items()):
        log_.warning("tags.refused", channel=at[0], tag=tag, reason=reason, people=people)


def _mirrored(contact: ContactId, tag: Tag, *, there: bool) -> tuple[Command, ...]:
    return (MirrorTag(contact=contact, tag=tag, there=there),)


def is_tag(name: str) -> bool:
    """Whether what a provider calls a tag may be one of ours: one word."""
    return bool(name) and name == name.strip() and not any(character.isspace() for character in name)
