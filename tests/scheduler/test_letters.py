"""Letters: what a delivery says is in the log, once."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from domain.broadcasts.commands import DraftBroadcast
from domain.broadcasts.events import AudienceKind
from domain.deliveries.events import DeliveryClass
from domain.errors import UnknownEvent
from domain.identity import BroadcastId, DeliveryId, MediaId, ProviderMessageId, Slug
from domain.message import Personal
from domain.ports.audience import Known
from domain.ports.messenger import Attachment
from scheduler.letters import BROADCASTS_KEPT, Attach, Letter, Letters, Sources, Written, write
from tests.domain.controls.ids import BOT, SPRING, TELEGRAM
from tests.scheduler.world import World


def _draft(world: World, broadcast: BroadcastId, text: str) -> DraftBroadcast:
    return DraftBroadcast(
        broadcast=broadcast, audience=AudienceKind.ALL, text=Personal(text), not_before=world.now
    )


def _planned(world: World, *broadcasts: BroadcastId) -> None:
    """Plan one delivery of each broadcast; it is called like the broadcast."""
    wang = world.meet("wang")
    for broadcast in broadcasts:
        plan = world.plan(broadcast, wang, kind=DeliveryClass.MARKETING)
        world.given(replace(plan, broadcast=broadcast, text=None))


def read(letters: Letters, delivery: DeliveryId) -> Letter | None:
    return letters.read(letters.planned([delivery])[delivery])


def test_a_letter_has_everything_that_was_planned() -> None:
    world = World()
    world.given(
        replace(
            world.plan("w", group=world.meet_group("fans")),
            verbatim=True,
            choices=Personal([["Yes", "y", "No", "n"], ["Later", "l"]]),
            reply_to=ProviderMessageId("17"),
            thread=Slug("4"),
        )
    )
    assert read(Letters(world.log), DeliveryId("w")) == Letter(
        text="w",
        verbatim=True,
        choices=((("Yes", "y"), ("No", "n")), (("Later", "l"),)),
        reply_to=ProviderMessageId("17"),
        thread=Slug("4"),
    )


async def no_bytes() -> AsyncIterator[bytes]:
    yield b""


def test_a_letter_with_a_file_takes_it_along_and_without_it_does_not_go() -> None:
    world = World()
    wang = world.meet("wang")
    world.given(replace(world.plan("w", wang), media=MediaId("ab12")))
    (hint,) = world.view.due(world.now, 10, [(TELEGRAM, BOT)])
    file = Attachment(Slug("photo"), "image/png", "tea.png", 9, no_bytes, MediaId("ab12"))

    def written(attach: Attach) -> Written | None:
        sources = Sources(world.view, world.view, Letters(world.log, attach), world.identities)
        recorded = sources.letters.planned([hint.delivery])[hint.delivery]
        return write(hint, sources, lambda text, _values: text, recorded, Known())

    sent = written({"ab12": file}.get)
    assert sent is not None
    assert sent.outbound is not None
    assert sent.outbound.attachment == file
    gone = written(lambda _media: None)
    assert gone is not None
    assert (gone.outbound, gone.defect) == (None, "media-gone")


def test_a_broadcast_says_what_its_draft_says() -> None:
    world = World()
    world.given(_draft(world, SPRING, "Hi {{ name }}"))
    _planned(world, SPRING)
    assert read(Letters(world.log), DeliveryId(SPRING)) == Letter(text="Hi {{ name }}")


def test_what_was_never_planned_is_no_letter() -> None:
    assert read(Letters(World().log), DeliveryId("nothing")) is None


def test_many_broadcasts_are_read_right_from_several_threads() -> None:
    world = World()
    names = [BroadcastId(f"b{i}") for i in range(2 * BROADCASTS_KEPT)]
    world.given(*(_draft(world, name, f"text of {name}") for name in names))
    _planned(world, *names)
    letters = Letters(world.log)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda name: read(letters, DeliveryId(name)), names * 5))
    assert found == [Letter(text=f"text of {name}") for name in names] * 5


def test_a_damaged_broadcast_is_an_error_and_not_an_empty_message() -> None:
    world = World()
    world.given(_draft(world, SPRING, "spring"))
    _planned(world, SPRING)
    world.damage("broadcast", SPRING)
    with pytest.raises(UnknownEvent):
        read(Letters(world.log), DeliveryId(SPRING))
