from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bot.media.letters import Attachments
from bot.media.links import LINK_LIVES_S, Links, media_route
from domain.identity import Digest, EventId, MediaId, StreamId, SubjectId
from domain.media.events import FileKind, MediaKept, MediaType
from domain.message import Personal
from domain.ports.event_log import Append, MemoryEventLog, NewEvent, StreamWrite
from domain.ports.media import MemoryMediaStore
from domain.registry import EVENT_TYPES
from tests.bot.media.samples import PNG, in_chunks
from tests.domain.controls.ids import ALICE, CONTEXT, TO_ALICE

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
PICTURE = MediaId(Digest("0123456789abcdef" * 2))


@dataclass
class Site:
    """A server with one picture of Alice's."""

    now: datetime = NOW
    log: MemoryEventLog = field(
        default_factory=lambda: MemoryEventLog({kind: slug for slug, kind in EVENT_TYPES.items()})
    )
    store: MemoryMediaStore = field(default_factory=MemoryMediaStore)

    def __post_init__(self) -> None:
        self.links = Links(b"secret", lambda: self.now)
        app = Starlette(routes=[media_route(self.links, Attachments(self.log, self.store))])
        self.client = TestClient(app)

    async def keeps(self, name: str = "tea.png", type_: MediaType = MediaType.PNG) -> None:
        kept = MediaKept(
            media=PICTURE,
            contact=ALICE,
            message=EventId("inbound-1@1"),
            kind=FileKind.PHOTO,
            content_type=type_,
            size=len(PNG),
            name=Personal(name),
        )
        write = StreamWrite(StreamId(f"media-{PICTURE}"), 0, (NewEvent(kept, CONTEXT),))
        self.log.append([Append(writes=(write,))])
        await self.store.keep(PICTURE, SubjectId(TO_ALICE), in_chunks(PNG, 50))


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    await site.keeps()
    with site.client:
        yield site


def test_a_link_leads_to_the_file_as_something_to_save_and_never_to_run(site: Site) -> None:
    answer = site.client.get(site.links.link(PICTURE))
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-length"] == str(len(PNG))
    assert (
        answer.headers["content-disposition"] == "attachment; filename=\"tea.png\"; filename*=UTF-8''tea.png"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["cache-control"] == "private, no-store"


async def test_a_name_of_any_script_and_plain_text_are_served_safely() -> None:
    site = Site()
    await site.keeps("我的茶.txt", MediaType.TEXT)
    with site.client:
        answer = site.client.get(site.links.link(PICTURE))
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith('attachment; filename="___.txt"; filename*=UTF-8')
    assert "%E6%88%91%E7%9A%84%E8%8C%B6.txt" in answer.headers["content-disposition"]


def test_a_link_ends(site: Site) -> None:
    link = site.links.link(PICTURE)
    site.now += timedelta(seconds=LINK_LIVES_S)
    assert site.client.get(link).status_code == 200
    site.now += timedelta(seconds=1)
    assert site.client.get(link).status_code == 404


def test_a_forged_link_leads_nowhere(site: Site) -> None:
    token = site.links.link(PICTURE).removeprefix("/media/")
    other = Links(b"another secret", lambda: NOW).link(PICTURE).removeprefix("/media/")
    changed = token[:5] + ("A" if token[5] != "A" else "B") + token[6:]
    for forged in (other, changed, token[:-1], token + "AAAA", PICTURE, "..", "%00", "é", "A" * 5_000):
        assert site.client.get(f"/media/{forged}").status_code == 404, forged


def test_a_token_says_nothing_of_anybody(site: Site) -> None:
    link = site.links.link(PICTURE)
    assert "alice" not in link
    assert len(link) == len("/media/") + 51


def test_a_destroyed_file_is_not_found_and_nobody_is_told_why(site: Site) -> None:
    site.store.destroy(SubjectId(TO_ALICE))
    answer = site.client.get(site.links.link(PICTURE))
    assert (answer.status_code, answer.text) == (404, "no such file\n")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_file_that_never_was_is_not_found(site: Site) -> None:
    assert site.client.get(site.links.link(MediaId("f" * 32))).status_code == 404
