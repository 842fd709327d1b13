"""What the doctor and the metrics say of the hooks."""

from collections.abc import Generator, Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily, Metric

from bot.hooks.hook import Hook
from bot.hooks.settings import HookSettings, hooks_of
from bot.hooks.standing import Standing, Stopped, place, standing
from bot.house import House
from bot.texts import Told, told


def state_of(stands: Standing) -> Told:
    """Return in a word or two how a hook stands."""
    match stands.stopped:
        case Stopped.PARKED:
            return told("stopped: it took nothing for three days ({error})", error=stands.error)
        case Stopped.GONE:
            return told("stopped: it answered that it wants nothing more")
        case Stopped.NO if stands.attempts:
            return told("failing: {error} ({count} in a row)", error=stands.error, count=stands.attempts)
        case _:
            return told("well")


def way_out(hook: HookSettings, position: int) -> Told:
    """Return what starts a stopped hook again, where it stands."""
    return told("siyu hook replay {hook} --after {position} begins again", hook=hook.name, position=position)


def hooks_examined(house: House) -> Generator[Told, None, bool]:
    """Say how the hooks are. Returns whether one needs a person. Raises BadSettings, StoreUnavailable."""
    unwell = False
    for hook in hooks_of(house.variables):
        stands = standing(house.log, hook.name)
        said = state_of(stands)
        yield told("hook       {hook}: {state}", hook=hook.name, state=said)
        if stands.stopped:
            position = house.log.progress(place(hook.name)) or 0
            yield way_out(hook, position)
        unwell = unwell or stands.attempts > 0
    return unwell


def gauges(hooks: Sequence[Hook], head: int) -> Iterator[Metric]:
    """Yield the hooks' gauges. ``head``: of the log."""
    behind = GaugeMetricFamily("siyu_hook_lag_events", "How far a hook is behind the log", labels=["hook"])
    failing = GaugeMetricFamily(
        "siyu_hook_failures", "Requests in a row that a hook did not take", labels=["hook"]
    )
    stopped = GaugeMetricFamily("siyu_hook_stopped", "1 while nothing more is sent", labels=["hook"])
    for hook in hooks:
        if (stands := hook.standing) is None:
            continue
        name = [str(hook.settings.name)]
        behind.add_metric(name, max(0, head - hook.passed))
        failing.add_metric(name, stands.attempts)
        stopped.add_metric(name, float(bool(stands.stopped)))
    if hooks:
        yield from (behind, failing, stopped)
