"""Figures for Prometheus: counts and lags, never names, texts or ids of people."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from domain.dispatch import Done, Failed, Result
from domain.errors import SiyuError
from domain.ports.event_log import EventLog
from projections.engine import Views, positions


class Metrics(Collector):
    """What this process counted since it started, and where the log and the views stand now."""

    def __init__(self, log: EventLog, views: Views) -> None:
        self._log, self._views = log, views
        self.further: Callable[[int], Iterator[Metric]] = lambda _head: iter(())
        """The gauges of what runs beside the conversations, by the log's head."""
        self.registry = CollectorRegistry()
        self._events = Counter(
            "siyu_events", "Events this process appended", ["type"], registry=self.registry
        )
        self._by_type: dict[str, Counter] = {}
        self._duplicates = Counter("siyu_duplicates", "Repeats that were dropped", registry=self.registry)
        self._refused = Counter(
            "siyu_refused", "Requests that were refused", ["error"], registry=self.registry
        )
        self.registry.register(self)

    def count(self, result: Result) -> None:
        """Count what became of a request."""
        match result:
            case Done(duplicate=True):
                self._duplicates.inc()
            case Done(events=events):
                for recorded in events:
                    counter = self._by_type.get(recorded.type)
                    if counter is None:
                        counter = self._by_type[recorded.type] = self._events.labels(recorded.type)
                    counter.inc()
            case Failed(error=error):
                self._refused.labels(type(error).__name__).inc()

    def describe(self) -> Iterator[Metric]:
        """Promise nothing before the stores are asked."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges; none where a store is away."""
        try:
            head, lags = self.lags()
        except SiyuError:
            return
        yield GaugeMetricFamily("siyu_log_head", "Last position of the log", value=head)
        lag = GaugeMetricFamily("siyu_view_lag_events", "How far a view is behind the log", labels=["view"])
        for view, behind in lags.items():
            lag.add_metric([view], behind)
        yield lag
        yield from self.further(head)

    def lags(self) -> tuple[int, dict[str, int]]:
        """Return (the log's head, how many positions each view is behind). Raises StoreUnavailable."""
        head = self._log.head()
        with self._views.read() as connection:
            return head, {view.view: max(0, head - view.position) for view in positions(connection)}

    def text(self) -> bytes:
        """Return all of it in Prometheus' format."""
        return generate_latest(self.registry)
