"""The curves there are: one literal tuple, in the order in which they are measured."""

from tests.benchmarks.growth.curve import Curve
from tests.benchmarks.growth.curves import due, log, memory, page, people, plan, results

CURVES: tuple[Curve, ...] = (
    log.APPEND,
    log.REBUILD,
    log.START,
    memory.CURVE,
    page.CURVE,
    due.CURVE,
    due.BACKLOG,
    plan.CURVE,
    results.CURVE,
    people.LISTED,
    people.TAGGED,
    people.NAMED,
    people.NAMED_IN_PART,
)
