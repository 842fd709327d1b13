"""What is judged, and how rounds take turns."""

from pathlib import Path

import pytest

from tests.benchmarks.figure import Bench, Judged, Line, PeerMissing, Verdict, taking_turns


def line(judged: Judged, ours: float, theirs: float, floor: float, goal: float, lost: int = 0) -> Line:
    """A line of one round."""
    return Line(
        measure="m", unit="s", ours=[ours], peer="p", theirs=[theirs], judged=judged, floor=floor, goal=goal,
        lost=lost,
    )  # fmt: skip


@pytest.mark.parametrize(
    "judged, ours, theirs, floor, goal, verdict",
    [
        (Judged.TIMES, 200, 100, 1.2, 2.0, Verdict.GOAL),
        (Judged.TIMES, 150, 100, 1.2, 2.0, Verdict.FLOOR),
        (Judged.TIMES, 100, 100, 1.2, 2.0, Verdict.MISSED),
        (Judged.FASTER, 2, 100, 50, 200, Verdict.FLOOR),
        (Judged.FASTER, 100, 2, 50, 200, Verdict.MISSED),
        (Judged.COST, 1.5, 1, 2.0, 1.2, Verdict.FLOOR),
        (Judged.COST, 3, 1, 2.0, 1.2, Verdict.MISSED),
        (Judged.AT_MOST, 12, 1, 25, 10, Verdict.FLOOR),
        (Judged.AT_MOST, 26, 100, 25, 10, Verdict.MISSED),
        (Judged.AT_LEAST, 99.5, 100, 99, 99, Verdict.GOAL),
    ],
)
def test_a_line_is_held_against_floor_and_goal_as_it_is_judged(
    judged: Judged, ours: float, theirs: float, floor: float, goal: float, verdict: Verdict
) -> None:
    assert line(judged, ours, theirs, floor, goal).verdict is verdict


def test_nothing_holds_where_a_message_was_lost() -> None:
    assert line(Judged.TIMES, 900, 100, 1.2, 2.0, lost=1).verdict is Verdict.LOST


def test_a_ratio_is_of_medians_whatever_single_rounds_were() -> None:
    found = Line(measure="m", unit="1/s", ours=[10, 1_000, 20], peer="p", theirs=[10, 10, 0.1])
    assert found.ratio == 2.0


def test_what_is_judged_beside_a_peer_that_is_not_there_fails() -> None:
    with pytest.raises(PeerMissing, match="intake"):
        _ = Line(measure="intake", unit="1/s", ours=[10], floor=1.0).verdict


def test_sides_take_turns_and_none_always_comes_after_the_same() -> None:
    order: list[str] = []

    def taken(name: str) -> int:
        order.append(name)
        return len(order)

    found = taking_turns(3, {"a": lambda: taken("a"), "b": lambda: taken("b")})
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert found == {"a": [1, 4, 5], "b": [2, 3, 6]}


def test_a_share_of_a_round_is_never_too_small_to_mean_something(tmp_path: Path) -> None:
    quick = Bench(tmp_path, share=1 / 40)
    assert [quick.count(whole) for whole in (8_000, 20_000, 100)] == [200, 500, 100]
