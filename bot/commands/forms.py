"""Forms of campaigns, read for an operator: times as people say them, tags, groups and customers as the views have them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from bot.campaigns.reading import Read, read_form
from bot.campaigns.world import Files, World
from bot.commands import recurrences, times
from bot.commands.command import Office
from bot.commands.tag import as_tag, as_written
from domain.errors import Rejected
from domain.identity import CustomerId, GroupId, MediaId, OperatorId, Tag, ZoneName
from domain.policies.recurrence import Recurrence
from projections.codes import pool_named
from projections.engine import Views
from projections.groups import find as groups_called
from projections.people.find import meant_exactly
from projections.tags import all_tags


@dataclass(frozen=True, slots=True)
class SpokenTimes:
    """bot.campaigns.world.Times, as operators say them everywhere else."""

    now: datetime
    zone: ZoneName
    say: Callable[[str], str]

    def moment(self, text: str, zone: ZoneName) -> datetime | None:
        """See Times."""
        return times.moment(text, times.Clock(self.now, zone, self.say))

    def delay(self, text: str) -> timedelta | None:
        """See Times."""
        return times.delay(text, self._clock)

    def recurrence(self, text: str) -> Recurrence | None:
        """See Times."""
        return recurrences.recurrence(text, self._clock)

    def time_of_day(self, text: str) -> time | None:
        """See Times. Midnight is written 00:00."""
        found = times.time_of_day(text, self._clock)
        return None if found is None or found.next_day else found.at

    @property
    def _clock(self) -> times.Clock:
        return times.Clock(self.now, self.zone, self.say)


@dataclass(frozen=True, slots=True)
class KnownHere:
    """bot.campaigns.world.Known over the views."""

    views: Views

    def tag(self, name: str) -> Tag | None:
        """See Known."""
        tag = as_tag(name)
        if tag is None:
            return None
        written = as_written(self.views, tag)
        with self.views.read() as connection:
            held = {entry.tag for entry in all_tags(connection)}
        return written if written in held else None

    def group(self, name: str) -> GroupId | None:
        """See Known."""
        with self.views.read() as connection:
            found = groups_called(connection, name.removeprefix("group:"))
        return found[0].id if len(found) == 1 and found[0].gone is None else None

    def customer(self, said: str) -> CustomerId | None:
        """See Known."""
        with self.views.read() as connection:
            return meant_exactly(connection, said)

    def pool(self, name: str) -> bool:
        """See Known."""
        with self.views.read() as connection:
            return pool_named(connection, name) is not None


class NoFiles:
    """bot.campaigns.world.Files of a form that lies nowhere: one that was written in a chat."""

    def lines(self, name: str) -> Sequence[str]:
        """See Files."""
        raise Rejected("{file}: only a form that is a file on the machine can name files", file=name)

    def picture(self, name: str) -> MediaId:
        """See Files."""
        raise Rejected("{file}: only a form that is a file on the machine can name files", file=name)


def read_here(
    text: str,
    office: Office,
    now: datetime,
    say: Callable[[str], str],
    operator: OperatorId,
    files: Files | None = None,
) -> Read:
    """Return what a form comes to, judged by what this installation knows."""
    zone = office.controls.zone
    world = World(
        now=now,
        zone=zone,
        times=SpokenTimes(now, zone, say),
        known=KnownHere(office.views),
        files=files or NoFiles(),
        fault=office.render_check,
        variables=office.outreach.variables,
        channels=office.outreach.channels,
        topics=office.outreach.topics,
    )
    return read_form(text, world, office.digest, operator)
