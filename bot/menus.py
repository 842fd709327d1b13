"""What channels show as commands: to customers a few, to operators what their role may do, each in their language."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import msgspec
import structlog

from bot.commands.registry import COMMANDS
from bot.house import House
from bot.texts import LOCALES
from channels.channel import Adapter
from domain.contacts.contact import contacts
from domain.dispatch import fold
from domain.errors import SendFailed
from domain.identity import Account, Channel, ContactId, Locale, Party, stream
from domain.operators.events import Role
from domain.operators.roster import ROSTER, roster

AGAIN_S = 60.0
"""How long to wait where a provider took it not."""
OFFERED = "menus-offered"
"""The cursor that keeps whose private chats have a list of their own: it must be taken away when they leave the team."""

log_ = structlog.get_logger(__name__)

Entries = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a list is shown: to all who use a language, to all others, or in one operator's chat."""

    channel: Channel
    account: Account
    language: str | None = None
    operator: ContactId | None = None


class Menus:
    """Keeps the lists in step with the team."""

    def __init__(self, house: House, adapters: Callable[[], Sequence[Adapter]]) -> None:
        """``adapters``: those that are open now."""
        self._house, self._adapters = house, adapters
        self._shown: dict[_Place, Entries] = {}

    async def step(self) -> float | None:
        """Offer what is not shown yet. Returns after how many seconds to try again, None where all is shown. Raises StoreUnavailable."""
        offering = {(a.channel, a.account): a.menus for a in self._adapters() if a.menus is not None}
        if not offering:
            return None
        wanted = await asyncio.to_thread(self._wanted, offering)
        self._shown = {place: entries for place, entries in self._shown.items() if place in wanted}
        failed = False
        for place, entries in wanted.items():
            menus = offering[place.channel, place.account]
            if self._shown.get(place) == entries:
                continue
            try:
                to = (
                    None if place.operator is None else await asyncio.to_thread(self._chat_of, place.operator)
                )
                if place.operator is None or to is not None:
                    await menus.offer(entries, language=place.language, to=to)
                self._shown[place] = entries
            except SendFailed as failure:
                failed = True
                log_.info("menus.not_offered", channel=place.channel, reason=failure.reason)
        await asyncio.to_thread(self._remember)
        return AGAIN_S if failed else None

    def _wanted(self, offering: Collection[tuple[Channel, Account]]) -> dict[_Place, Entries]:
        wanted: dict[_Place, Entries] = {}
        for channel, account in offering:
            for language in (None, *LOCALES):
                locale = None if language is None else Locale(language)
                wanted[_Place(channel, account, language)] = self._for_customers(locale)
        log = self._house.log
        team = fold(roster, log.read_stream(stream(roster.category, ROSTER)))
        roles = {contact: member.role for member in team.members.values() for contact in member.contacts}
        for contact in (*self._offered(), *roles):
            seen = fold(contacts, log.read_stream(stream(contacts.category, contact)))
            if (seen.channel, seen.account) in offering:
                place = _Place(seen.channel, seen.account, operator=contact)
                role = roles.get(contact)
                wanted[place] = () if role is None else self._for_operators(role, seen.language)
        return wanted

    def _chat_of(self, contact: ContactId) -> str | None:
        address = self._house.vault.address_of(Party.CONTACT, contact)
        return None if address is None else address.external_id

    def _for_customers(self, locale: Locale | None) -> Entries:
        say = self._house.texts.say
        return (
            ("help", say("what we can do for you", locale)),
            ("link", say("we know you from another app: link the two", locale)),
            ("stop", say("no more offers", locale)),
        )

    def _for_operators(self, role: Role, locale: Locale | None) -> Entries:
        return tuple(
            (command.name, self._house.texts.say(command.help, locale))
            for command in COMMANDS
            if role.includes(command.role)
        )

    def _offered(self) -> list[ContactId]:
        return msgspec.json.decode(self._house.log.get_cursor(OFFERED) or "[]", type=list[ContactId])

    def _remember(self) -> None:
        """Note whose chats have a list. What could not be taken away, or lies on an account that is closed now, is still there."""
        before = self._offered()
        theirs = {
            place.operator: entries for place, entries in self._shown.items() if place.operator is not None
        }
        gone = {operator for operator, entries in theirs.items() if not entries}
        now = sorted({*before, *theirs} - gone)
        if now != before:
            self._house.log.set_cursor(OFFERED, msgspec.json.encode(now).decode())
