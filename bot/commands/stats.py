"""/stats: what came in, what went out, and what did not."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, time
from zoneinfo import ZoneInfo

from bot.commands.command import Call, OperatorCommand, Reply
from bot.commands.preview import reason_said
from bot.commands.timeline import phase_said
from domain.deliveries.delivery import Phase
from domain.identity import Slug
from domain.operators.events import Role
from projections.audit import AuditEntry, entries
from projections.deliveries import Count, counts
from projections.people import customers
from projections.people.contacts import sources
from projections.tags import all_tags

MOST_TAGS = 10
MOST_SOURCES = 10


def _stats(call: Call) -> Reply:
    zone = ZoneInfo(call.office.controls.zone)
    midnight = datetime.combine(call.clock.today, time(), tzinfo=zone)
    with call.office.views.read() as connection:
        people = customers.count(connection)
        today = counts(connection, since=midnight)
        unknown = sum(count.deliveries for count in counts(connection) if count.phase is Phase.UNKNOWN)
        tags = sorted(all_tags(connection), key=lambda tag: (-tag.customers, tag.tag))[:MOST_TAGS]
        came = sources(connection, limit=MOST_SOURCES)
        paused = _newest(entries(connection, what=Slug("marketing-paused"), limit=1))
        resumed = _newest(entries(connection, what=Slug("marketing-resumed"), limit=1))
    lines = [call.say("Customers: {count}").format(count=people)]
    lines += _deliveries(call, today)
    if tags:
        told = ", ".join(f"{tag.tag} {tag.customers}" for tag in tags)
        lines.append(call.say("Tags: {tags}").format(tags=told))
    if came:
        counted = ", ".join(f"{source} {number}" for source, number in came)
        lines.append(call.say("Came by: {sources}").format(sources=counted))
    if unknown:
        said = call.say("Unknown whether sent: {count}. /resolve says what became of them.")
        lines.append(said.format(count=unknown))
    if paused > resumed:
        lines.append(call.say("All marketing is stopped. /resume lets it go on."))
    lines += [f"{name}: {value}" for name, value in call.office.status()]
    rows: tuple[dict[str, object], ...] = tuple(
        {"kind": c.kind.value, "state": c.phase.value, "reason": c.reason, "count": c.deliveries}
        for c in today
    )
    return Reply("\n".join(lines), rows=rows)


def _newest(found: Sequence[AuditEntry]) -> int:
    return found[0].position if found else 0


def _deliveries(call: Call, today: Sequence[Count]) -> list[str]:
    """Where today's messages stand, and why those that are not sent are not."""
    states: Counter[Phase] = Counter()
    reasons: Counter[str] = Counter()
    for count in today:
        states[count.phase] += count.deliveries
        if count.reason is not None and count.phase in {Phase.REJECTED, Phase.SUPPRESSED}:
            reasons[count.reason] += count.deliveries
    if not states:
        return [call.say("No messages were planned today.")]
    told = ", ".join(f"{phase_said(call, phase)} {number}" for phase, number in sorted(states.items()))
    lines = [call.say("Planned today: {states}").format(states=told)]
    if reasons:
        why = ", ".join(f"{reason_said(call, reason)} {number}" for reason, number in reasons.most_common())
        lines.append(call.say("Not sent because: {reasons}").format(reasons=why))
    return lines


stats = OperatorCommand(
    name="stats",
    role=Role.VIEWER,
    usage=("/stats",),
    help="today in numbers",
    run=_stats,
    words=("统计",),
)
