"""Files are fetched after their messages, on the real house; the channel is a class of the test's that gives what it is told."""

import resource
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.house import House
from bot.media.fetching import AT_ONCE, FIRST_RETRY_S, LOOKED_BACK, TRIED_FOR, Fetcher
from channels.memory.adapter import MemoryAdapter
from domain.conversations.commands import Message
from domain.conversations.events import ContentKind, MessageReceived
from domain.errors import PermanentFailure, SendFailed, TemporaryFailure
from domain.identity import EventId, MediaId, SubjectId
from domain.media.events import FileKind, MediaKept, MediaRefused, MediaType
from domain.message import Personal
from projections.media import FileState, MediaFile, media_of
from tests.bot.media.samples import PNG, SAMPLES, SVG, endless, in_chunks
from tests.bot.premises import BOT, TELEGRAM, Premises, unused_desk


@dataclass
class Provider:
    """Gives the file of an id, or fails; `asked` are the ids it was asked for."""

    files: dict[str, bytes | SendFailed] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def fetch(self, details: Mapping[str, Any]) -> AsyncIterator[bytes]:
        name = details["file_id"]
        self.asked.append(name)
        if name == "endless":
            async for chunk in endless():
                yield chunk
        found = self.files.get(name, PermanentFailure("gone"))
        if isinstance(found, SendFailed):
            raise found
        async for chunk in in_chunks(found, 100):
            yield chunk


class Counter:
    """The house of a shop whose customers send files."""

    def __init__(self, premises: Premises) -> None:
        self.premises, self.provider = premises, Provider()
        self.fetcher = self.opens()

    @property
    def house(self) -> House:
        return self.premises.house

    def opens(self) -> Fetcher:
        """A fetcher that knows nothing of what others did: as after a start."""
        adapter = MemoryAdapter(BOT, unused_desk(self.premises))
        adapter.channel, adapter.media = TELEGRAM, self.provider
        return Fetcher(self.house, lambda: (adapter,))

    def sends(
        self, file_id: str, kind: ContentKind = ContentKind.PHOTO, name: str | None = None, text: str = ""
    ) -> EventId:
        details = {"file_id": file_id} | ({"file_name": name} if name is not None else {})
        self.premises.receive("anna", Message(text=text, kind=kind, details=details))
        return [r.id for r in self.premises.everything() if isinstance(r.event, MessageReceived)][-1]

    async def fetches(self) -> None:
        self.house.catch_up()
        await self.fetcher.step()
        await self.fetcher.idle()
        self.house.catch_up()

    def file(self, message: EventId) -> MediaFile | None:
        with self.house.views.read() as connection:
            return media_of(connection, message)

    def subject(self) -> SubjectId:
        return SubjectId(f"contact-{self.premises.contact('anna')}")

    def files(self) -> list[Path]:
        return [path for path in (self.house.settings.data / "media").rglob("*") if path.is_file()]


@pytest.fixture
def counter(premises: Premises) -> Counter:
    return Counter(premises)


async def test_the_file_of_a_message_is_kept_after_it(counter: Counter) -> None:
    counter.provider.files["f1"] = PNG
    message = counter.sends("f1", name="../我的茶.png", text="look")
    await counter.fetches()
    media = MediaId(counter.house.digest("media", message))
    contact = counter.premises.contact("anna")
    kept = MediaKept(
        media=media,
        contact=contact,
        message=message,
        kind=FileKind.PHOTO,
        content_type=MediaType.PNG,
        size=len(PNG),
        name=Personal("我的茶.png"),
    )
    assert counter.premises.events(MediaKept) == [kept]
    stored = b"".join([chunk async for chunk in counter.house.media.open(media, counter.subject())])
    assert stored == PNG
    assert counter.file(message) == MediaFile(
        message, contact, FileState.KEPT, media, FileKind.PHOTO, MediaType.PNG, len(PNG), "我的茶.png"
    )


async def test_a_message_without_a_file_has_none(counter: Counter) -> None:
    counter.premises.says("anna", "hello")
    await counter.fetches()
    (message,) = [r.id for r in counter.premises.everything() if isinstance(r.event, MessageReceived)]
    assert (counter.file(message), counter.provider.asked) == (None, [])


@pytest.mark.parametrize(
    "content, kind, reason",
    [
        (SVG, ContentKind.PHOTO, "lying-type"),
        (SVG, ContentKind.DOCUMENT, "lying-type"),
        (b"<html><script>alert(1)</script></html>", ContentKind.DOCUMENT, "lying-type"),
        (SAMPLES[MediaType.PDF], ContentKind.PHOTO, "lying-type"),
        (SAMPLES[MediaType.JPEG], ContentKind.VOICE, "lying-type"),
        (b"MZ" + bytes(1_000), ContentKind.DOCUMENT, "not-allowed"),
        (b"", ContentKind.PHOTO, "empty"),
    ],
)
async def test_a_file_that_lies_is_refused_and_its_message_kept(
    content: bytes, kind: ContentKind, reason: str, counter: Counter
) -> None:
    counter.provider.files["f1"] = content
    message = counter.sends("f1", kind, text="look at this")
    await counter.fetches()
    (said,) = counter.premises.events(MessageReceived)
    assert said.text.value == "look at this"
    assert [event.reason for event in counter.premises.events(MediaRefused)] == [reason]
    file = counter.file(message)
    assert file is not None
    assert (file.state, file.reason, counter.files()) == (FileState.REFUSED, reason, [])


async def test_a_file_that_never_ends_is_refused_at_the_limit(tmp_path: Path) -> None:
    premises = Premises(tmp_path / "small", SIYU_MEDIA__MAX_MB="1")
    counter = Counter(premises)
    counter.sends("endless")
    await counter.fetches()
    assert [event.reason for event in premises.events(MediaRefused)] == ["too-large"]
    assert counter.files() == []
    premises.close()


async def test_what_a_provider_refuses_for_good_is_asked_for_once(counter: Counter) -> None:
    counter.sends("nobodys")
    await counter.fetches()
    await counter.fetches()
    assert counter.provider.asked == ["nobodys"]
    assert [event.reason for event in counter.premises.events(MediaRefused)] == ["gone"]


async def test_what_is_away_for_now_is_tried_again_later_and_later(counter: Counter) -> None:
    counter.provider.files["f1"] = TemporaryFailure("server-error")
    counter.sends("f1")
    for _ in range(3):
        await counter.fetches()
    assert counter.provider.asked == ["f1"]
    counter.premises.now += timedelta(seconds=FIRST_RETRY_S)
    await counter.fetches()
    counter.premises.now += timedelta(seconds=FIRST_RETRY_S)
    await counter.fetches()
    assert counter.provider.asked == ["f1", "f1"]
    counter.provider.files["f1"] = PNG
    counter.premises.now += timedelta(seconds=2 * FIRST_RETRY_S)
    await counter.fetches()
    assert len(counter.premises.events(MediaKept)) == 1


async def test_a_provider_that_says_when_to_come_again_is_obeyed(counter: Counter) -> None:
    counter.provider.files["f1"] = TemporaryFailure("rate-limited", retry_after_s=600)
    counter.sends("f1")
    await counter.fetches()
    counter.premises.now += timedelta(seconds=599)
    await counter.fetches()
    assert counter.provider.asked == ["f1"]


async def test_after_three_days_a_file_is_given_up(counter: Counter) -> None:
    counter.provider.files["f1"] = TemporaryFailure("server-error")
    counter.sends("f1")
    await counter.fetches()
    counter.premises.now += TRIED_FOR
    await counter.fetches()
    assert [event.reason for event in counter.premises.events(MediaRefused)] == ["gone"]


async def test_files_of_long_ago_are_left_alone(counter: Counter) -> None:
    counter.provider.files["f1"] = PNG
    message = counter.sends("f1")
    counter.premises.now += LOOKED_BACK + timedelta(seconds=1)
    await counter.fetches()
    file = counter.file(message)
    assert file is not None
    assert (file.state, counter.provider.asked) == (FileState.WAITING, [])


async def test_a_few_at_a_time_are_fetched_and_in_the_end_all(counter: Counter) -> None:
    for number in range(AT_ONCE * 3):
        counter.provider.files[f"f{number}"] = PNG
        counter.sends(f"f{number}")
    await counter.fetches()
    assert len(counter.provider.asked) == AT_ONCE
    await counter.fetches()
    await counter.fetches()
    assert len(counter.premises.events(MediaKept)) == AT_ONCE * 3


async def test_one_whose_provider_is_away_holds_up_nobody_else(counter: Counter) -> None:
    for number in range(AT_ONCE):
        counter.provider.files[f"away{number}"] = TemporaryFailure("server-error")
        counter.sends(f"away{number}")
    counter.provider.files["f1"] = PNG
    counter.sends("f1")
    await counter.fetches()
    await counter.fetches()
    assert len(counter.premises.events(MediaKept)) == 1


async def test_a_kill_between_the_file_and_its_event_leaves_one_of_each(counter: Counter) -> None:
    counter.provider.files["f1"] = PNG
    message = counter.sends("f1")
    media = MediaId(counter.house.digest("media", message))
    await counter.house.media.keep(media, counter.subject(), in_chunks(PNG))  # then it was killed
    assert counter.premises.events(MediaKept) == []
    counter.fetcher = counter.opens()
    await counter.fetches()
    assert len(counter.premises.events(MediaKept)) == 1
    assert [path.name for path in counter.files()] == [media]


async def test_what_was_stopped_in_the_middle_is_fetched_at_the_next_start(counter: Counter) -> None:
    counter.provider.files["f1"] = PNG * 10_000
    counter.sends("f1")
    counter.house.catch_up()
    await counter.fetcher.step()
    await counter.fetcher.close()
    assert (counter.premises.events(MediaKept), counter.files()) == ([], [])
    counter.fetcher = counter.opens()
    await counter.fetches()
    assert len(counter.premises.events(MediaKept)) == 1


async def test_two_workers_keep_it_once(counter: Counter) -> None:
    counter.provider.files["f1"] = PNG
    counter.sends("f1")
    counter.house.catch_up()
    first, second = counter.opens(), counter.opens()
    await first.step()
    await second.step()
    await first.idle()
    await second.idle()
    assert len(counter.premises.events(MediaKept)) == 1


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Files may have 2 MB in this process: what is written beyond fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_full_disk_delays_the_file_and_loses_nothing(counter: Counter, full_disk: None) -> None:
    counter.provider.files["f1"] = PNG + bytes(8_000_000)
    counter.sends("f1")
    counter.house.catch_up()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6_000_000, hard))
    await counter.fetches()
    assert (counter.premises.events(MediaRefused), counter.files()) == ([], [])
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    counter.premises.now += timedelta(seconds=FIRST_RETRY_S)
    await counter.fetches()
    assert len(counter.premises.events(MediaKept)) == 1


async def test_the_file_of_somebody_who_was_forgotten_is_refused(counter: Counter) -> None:
    counter.provider.files["f1"] = PNG
    counter.sends("f1")
    counter.house.catch_up()
    counter.house.vault.destroy(counter.subject())
    await counter.fetches()
    assert [event.reason for event in counter.premises.events(MediaRefused)] == ["forgotten"]
    assert counter.files() == []


async def test_a_channel_that_is_not_open_is_waited_for(counter: Counter) -> None:
    counter.provider.files["f1"] = PNG
    counter.sends("f1")
    counter.fetcher = Fetcher(counter.house, tuple)
    await counter.fetches()
    assert counter.premises.events(MediaRefused) == []
    counter.fetcher = counter.opens()
    await counter.fetches()
    assert len(counter.premises.events(MediaKept)) == 1


async def test_nothing_on_the_disk_or_in_the_log_tells_what_was_sent_by_whom(counter: Counter) -> None:
    counter.provider.files["f1"] = PNG + b"CANARY" * 1_000
    counter.sends("f1", name="CANARY.png")
    await counter.fetches()
    counter.house.log.close()
    for path in counter.house.settings.data.rglob("*"):
        if path.is_file() and not path.name.startswith("views.db"):
            assert b"CANARY" not in path.read_bytes(), path
            assert "CANARY" not in path.name
