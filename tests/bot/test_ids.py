import threading
import uuid

from bot.ids import IdMaker, fresh_id


def test_an_id_is_a_uuid_of_version_7_that_names_its_millisecond() -> None:
    made = uuid.UUID(IdMaker(lambda: 1_800_000_000_123_456_789)())

    assert (made.version, made.variant, made.int >> 80) == (7, uuid.RFC_4122, 1_800_000_000_123)


def test_ids_strictly_increase_though_the_clock_stands_still_and_goes_back() -> None:
    readings = iter([2_000_000_000] * 5_000 + [1_000_000_000] * 5_000)
    maker = IdMaker(lambda: next(readings))

    ids = [maker() for _ in range(10_000)]

    assert ids == sorted(set(ids))


def test_threads_never_get_the_same_id() -> None:
    found: list[list[str]] = [[] for _ in range(4)]
    threads = [
        threading.Thread(target=lambda ids=ids: ids.extend(fresh_id() for _ in range(2_000))) for ids in found
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({made for ids in found for made in ids}) == 8_000
    assert all(ids == sorted(ids) for ids in found)
