"""P9: the first page of a timeline, of ever more entries."""

from collections.abc import Sequence

from domain.identity import CustomerId
from projections.engine import Views
from projections.timeline.queries import of_customer
from tests.benchmarks.figure import Bench
from tests.benchmarks.figures.page import OF_ONE, PAGE, REPEATED, data
from tests.benchmarks.growth.curve import Curve, rounds_of


def _measure(bench: Bench, rows: int) -> Sequence[float]:
    customer = CustomerId(f"c{max(1, rows // OF_ONE) // 2:08}")
    views = Views(data(bench, rows))

    def page() -> None:
        with views.read() as connection:
            entries = len(of_customer(connection, customer))
        if entries != PAGE:
            raise RuntimeError(f"a page has {entries} entries")

    try:
        return rounds_of(bench, page, REPEATED)
    finally:
        views.close()


CURVE = Curve(
    name="page",
    title="First page of a timeline (P9)",
    about="The newest 50 entries of a customer with 10,000, in a timeline of so many entries of all customers.",
    unit="ms a page",
    of="entries",
    measure=_measure,
)
