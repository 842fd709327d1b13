"""What a reply window still allows."""

from datetime import timedelta

from domain.message import ReplyWindow
from domain.policies.reply_window import left
from tests.domain.controls.ids import NOON

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
WROTE = ReplyWindow(5, NOON, NOON + 48 * HOUR)
CLICKED = ReplyWindow(3, NOON + HOUR, NOON + HOUR + 60 * SECOND)


def test_a_channel_without_windows_has_none() -> None:
    assert left((), [NOON], NOON) is None


def test_each_message_since_it_was_opened_takes_one() -> None:
    spent = [NOON - SECOND, NOON, NOON + SECOND]
    assert left((WROTE,), spent, NOON + HOUR) == ReplyWindow(3, WROTE.since, WROTE.until)


def test_a_window_that_is_over_or_used_up_allows_nothing() -> None:
    assert left((WROTE,), [], WROTE.until) == ReplyWindow(0, WROTE.since, WROTE.until)
    assert left((WROTE,), [NOON] * 7, NOON + HOUR) == ReplyWindow(0, WROTE.since, WROTE.until)


def test_of_two_windows_the_one_counts_that_allows_more() -> None:
    used_up = [NOON] * 5
    assert left((WROTE, CLICKED), used_up, NOON + HOUR) == CLICKED
    assert left((WROTE, CLICKED), [], NOON + HOUR) == WROTE
    assert left((WROTE, CLICKED), used_up, CLICKED.until) == ReplyWindow(0, WROTE.since, WROTE.until)
