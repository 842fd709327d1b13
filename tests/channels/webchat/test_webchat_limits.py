from datetime import timedelta

from channels.webchat.limits import Bucket, Buckets
from tests.channels.webchat.house import START


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    bucket = Bucket(burst=3, per_s=1.0)
    assert [bucket.take(START) for _ in range(4)] == [True, True, True, False]
    assert bucket.take(START + timedelta(seconds=0.9)) is False
    assert [bucket.take(START + timedelta(seconds=1)) for _ in range(2)] == [True, False]
    assert [bucket.take(START + timedelta(hours=1)) for _ in range(4)] == [True, True, True, False]


def test_a_clock_that_goes_back_refills_nothing_and_does_not_block() -> None:
    bucket = Bucket(burst=2, per_s=1.0)
    assert [bucket.take(START) for _ in range(3)] == [True, True, False]
    earlier = START - timedelta(hours=1)
    assert bucket.take(earlier) is False
    assert bucket.take(earlier + timedelta(seconds=1)) is True


def test_each_visitor_has_a_bucket_and_the_longest_silent_one_is_forgotten() -> None:
    buckets = Buckets(burst=1, per_s=1.0, remembered=2)
    assert [buckets.take(visitor, START) for visitor in ("ann", "ann", "bob", "ann")] == [
        True,
        False,
        True,
        False,
    ]
    assert buckets.take("cho", START) is True  # bob is forgotten, as ann tried again after him
    assert buckets.take("ann", START) is False
    assert buckets.take("bob", START) is True
