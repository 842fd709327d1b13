"""What a test or a demo holds: people and groups to move, and everything the bot sent."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from channels.simulators.telegram.account import Account
from channels.simulators.telegram.actors import Group, User
from channels.simulators.telegram.faults import Faults
from channels.simulators.telegram.limits import Pacing, Violation
from channels.simulators.telegram.sent import Sent
from channels.simulators.telegram.shapes import GroupKind, Json, MemberStatus
from channels.simulators.telegram.updates import Signal
from channels.simulators.telegram.world import Person, Room

_Found = TypeVar("_Found")


class Scene:
    """Every method but `wait_for` returns at once. `sent` has the bot's accepted calls, oldest first."""

    def __init__(self, account: Account, pacing: Pacing) -> None:
        self.sent: list[Sent] = []
        self.faults = Faults()
        self._account = account
        self._pacing = pacing
        self._world = account.world
        self._sent_more = Signal()

    @property
    def violations(self) -> list[Violation]:
        return self._pacing.violations

    @property
    def pending_updates(self) -> list[Json]:
        """What the bot has not confirmed, or not taken from its webhook, yet."""
        return self._account.queue.pending()

    @property
    def polling(self) -> bool:
        """Whether a long poll of the bot's is waiting."""
        return self._account.queue.polled

    def user(
        self, user_id: int, first_name: str, username: str | None = None, language_code: str | None = None
    ) -> User:
        """A person; the same id again is the same person, whose profile is updated."""
        person = self._world.people.setdefault(user_id, Person(user_id, first_name))
        person.first_name, person.username, person.language_code = first_name, username, language_code
        return User(self._world, person)

    def group(
        self,
        group_id: int,
        title: str,
        kind: GroupKind = "supergroup",
        *,
        forum: bool = False,
        bot_status: MemberStatus = "member",
    ) -> Group:
        """A group, its id negative. The bot is in it; with `bot_status` "left", `adds_bot` brings it in."""
        if group_id >= 0:
            raise ValueError(f"a group's id is negative, not {group_id}")
        room = self._world.rooms.setdefault(group_id, Room(group_id, title, kind, forum, bot_status))
        return Group(self._world, room)

    def known_user(self, user_id: int) -> User:
        """Raises KeyError."""
        return User(self._world, self._world.people[user_id])

    def known_group(self, group_id: int) -> Group:
        """Raises KeyError."""
        return Group(self._world, self._world.rooms[group_id])

    def push(self, update: Json) -> Json | None:
        """Queue a raw update, numbered unless it has an `update_id`. None: its kind is not allowed."""
        return self._account.queue.push(update)

    async def wait_for(
        self, condition: Callable[[Sequence[Sent]], _Found], *, timeout_s: float = 5.0
    ) -> _Found:
        """The first truthy `condition(sent)`, asked again after each call. Raises TimeoutError."""
        try:
            async with asyncio.timeout(timeout_s):
                while not (found := condition(self.sent)):
                    await self._sent_more.wait()
                return found
        except TimeoutError:
            seen = [(sent.method, sent.chat_id, sent.text) for sent in self.sent]
            raise TimeoutError(f"not sent within {timeout_s} s; sent so far: {seen}") from None

    def _record(self, sent: Sent) -> None:
        self.sent.append(sent)
        self._sent_more.fire()
