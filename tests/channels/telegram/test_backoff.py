from channels.telegram.backoff import Backoff
from tests.channels.telegram.harness import Pauses


async def test_waits_double_up_to_a_minute_and_begin_anew_after_success() -> None:
    pauses = Pauses()
    backoff = Backoff(pause=pauses, jitter=lambda: 1.0)
    for _ in range(8):
        await backoff.wait()
    backoff.reset()
    await backoff.wait()
    assert pauses.asked_s == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 1.0]


async def test_half_of_a_wait_is_chance() -> None:
    pauses = Pauses()
    for chance in (0.0, 0.5, 1.0):
        await Backoff(pause=pauses, jitter=lambda chance=chance: chance).wait()  # type: ignore[misc]
    assert pauses.asked_s == [0.5, 0.75, 1.0]


async def test_a_wait_is_never_shorter_than_the_provider_asked_for() -> None:
    pauses = Pauses()
    backoff = Backoff(pause=pauses, jitter=lambda: 0.0)
    await backoff.wait(17.0)
    await backoff.wait(0.1)
    assert pauses.asked_s == [17.0, 1.0]
