"""A small town that forms are judged by: two tags, a group, three customers, one picture, one list."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.campaigns.faults import in_words
from bot.campaigns.reading import Read, read_form
from bot.campaigns.world import World
from bot.commands.forms import SpokenTimes
from bot.rendering import template_fault, variables_of
from domain.errors import Rejected
from domain.identity import CustomerId, GroupId, KeyedHash, MediaId, OperatorId, Slug, Tag, ZoneName

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
SHANGHAI = ZoneName("Asia/Shanghai")
DIGEST = KeyedHash(b"secret")


@dataclass(slots=True)
class Town:
    """bot.campaigns.world.Known and Files."""

    tags: set[str] = field(default_factory=lambda: {"vip", "tea", "wholesale"})
    customers: dict[str, str] = field(default_factory=lambda: {"#1": "wang", "#2": "li", "13800138000": "li"})
    files: dict[str, Sequence[str]] = field(default_factory=dict)

    def tag(self, name: str) -> Tag | None:
        return Tag(name) if name in self.tags else None

    def group(self, name: str) -> GroupId | None:
        return GroupId("g1") if name == "tea friends" else None

    def customer(self, said: str) -> CustomerId | None:
        found = self.customers.get(said)
        return None if found is None else CustomerId(found)

    def pool(self, name: str) -> bool:
        return name == "summer"

    def lines(self, name: str) -> Sequence[str]:
        if name not in self.files:
            raise Rejected("{file} cannot be read: {why}", file=name, why="No such file or directory")
        return self.files[name]

    def picture(self, name: str) -> MediaId:
        if not name.endswith(".png"):
            raise Rejected("{file} is no picture: JPEG, PNG, GIF and WebP are", file=name)
        return MediaId(f"picture-{name}")

    def reads(self, text: str, now: datetime = NOON, topics: Sequence[str] = ()) -> Read:
        world = World(
            now=now,
            zone=SHANGHAI,
            times=SpokenTimes(now, SHANGHAI, lambda text: text),
            known=self,
            files=self,
            fault=template_fault,
            variables=variables_of,
            channels=("telegram", "webchat", "wechat"),
            topics=[Slug(topic) for topic in topics],
        )
        return read_form(text, world, DIGEST, OperatorId("li"))

    def complaints(self, text: str) -> list[str]:
        return [in_words(fault.line, lambda text: text) for fault in self.reads(text).faults]
