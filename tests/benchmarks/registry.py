"""The figures there are: one literal tuple, in the order in which they are measured."""

from tests.benchmarks.figure import Figure
from tests.benchmarks.figures import (
    bad_input,
    footprint,
    full_loop,
    handover,
    intake,
    latency,
    lateness,
    page,
    pending,
    plan,
    postgres,
    rebuild,
    start,
    wechat,
)

FIGURES: tuple[Figure, ...] = (
    intake.FIGURE,
    latency.FIGURE,
    full_loop.FIGURE,
    postgres.FIGURE,
    rebuild.FIGURE,
    pending.FIGURE,
    lateness.FIGURE,
    plan.FIGURE,
    plan.LARGE,
    handover.FIGURE,
    page.FIGURE,
    page.LARGE,
    start.FIGURE,
    start.LARGE,
    footprint.FIGURE,
    wechat.FIGURE,
    bad_input.FIGURE,
)
