"""What followed a message: computed from everything that is known of a person, whenever something of that changes.

The same events give the same rows in whatever order they came, and a merge or its undoing counts from the beginning.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Connection, RowMapping, or_, select

from domain.customers.events import MARKETING
from projections.campaigns.deeds import GOAL, WITHDRAWN
from projections.campaigns.tables import CAMPAIGNS, OUTCOMES, PARTIES, RECIPIENTS
from projections.projection import Row, Rows

OPTED_OUT_WITHIN = timedelta(hours=72)
"""After a message: whoever withdraws then does so because of it."""
NOTHING: Row = {"opted_out_at": None, "converted_at": None, "value": None, "currency": None}


@dataclass(slots=True)
class Person:
    """What is one customer now: all that names them, and what they did, oldest first."""

    contacts: set[str] = field(default_factory=set)
    outcomes: list[RowMapping] = field(default_factory=list)


def compute(connection: Connection, touched: Collection[str], *, linked: bool) -> None:
    """Compute anew what followed the messages to these people. ``touched``: contacts or customers; ``linked``: who is who has changed."""
    people = _people(connection, touched)
    wanted = people if linked else {who: person for who, person in people.items() if person.outcomes}
    by_contact = {contact: person for person in wanted.values() for contact in person.contacts}
    if not by_contact:
        return
    theirs = select(RECIPIENTS.c.delivery).where(RECIPIENTS.c.contact.in_(by_contact))
    rows = Rows(connection, RECIPIENTS, connection.execute(theirs).scalars())
    goals = _goals(connection, {row["campaign"] for row in rows})
    for row in rows:
        row.update(_followed(row, by_contact[row["contact"]].outcomes, goals.get(row["campaign"])))
    rows.save()


def _people(connection: Connection, touched: Collection[str]) -> dict[str, Person]:
    """Return who is behind these contacts and records now, by customer."""
    answers = select(PARTIES.c.party, PARTIES.c.customer)
    known = {
        row.party: row.customer
        for row in connection.execute(answers.where(PARTIES.c.party.in_(touched)))
        if row.customer is not None
    }
    people = {known.get(party, party): Person() for party in touched}
    belongs = {who: who for who in people}
    for row in connection.execute(
        select(PARTIES.c.party, PARTIES.c.customer, PARTIES.c.channel).where(PARTIES.c.customer.in_(people))
    ):
        belongs[row.party] = row.customer
        if row.channel:
            people[row.customer].contacts.add(row.party)
    named = or_(OUTCOMES.c.contact.in_(belongs), OUTCOMES.c.customer.in_(belongs))
    found = connection.execute(select(OUTCOMES).where(named).order_by(OUTCOMES.c.at, OUTCOMES.c.id))
    for outcome in found.mappings():
        whose = belongs.get(outcome["contact"] or outcome["customer"])  # whose contact it is now decides
        if whose is not None:
            people[whose].outcomes.append(outcome)
    return people


def _goals(connection: Connection, campaigns: Iterable[str]) -> dict[str, tuple[str, timedelta]]:
    """Return, for campaigns that have one, the goal and how long it may take."""
    statement = select(CAMPAIGNS.c.campaign, CAMPAIGNS.c.goal, CAMPAIGNS.c.goal_days).where(
        CAMPAIGNS.c.campaign.in_(list(campaigns)), CAMPAIGNS.c.goal.is_not(None)
    )
    return {row.campaign: (row.goal, timedelta(days=row.goal_days)) for row in connection.execute(statement)}


def _followed(row: Row, outcomes: Sequence[RowMapping], goal: tuple[str, timedelta] | None) -> Row:
    """Return the columns that say what followed this message."""
    since = row["at"]
    if since is None:
        return NOTHING
    topics = {MARKETING, row["topic"]}
    ends = (
        o["at"]
        for o in outcomes
        if o["kind"] == WITHDRAWN and o["of"] in topics and since <= o["at"] <= since + OPTED_OUT_WITHIN
    )
    followed = NOTHING | {"opted_out_at": next(ends, None)}
    if goal is None:
        return followed
    name, within = goal
    reached = [
        o for o in outcomes if o["kind"] == GOAL and o["of"] == name and since <= o["at"] < since + within
    ]
    return followed | _conversion(reached) if reached else followed


def _conversion(reached: Sequence[RowMapping]) -> Row:
    """Return when it was reached first, and what all of it is worth; what is in another currency than the first is not added to it."""
    currency = next((o["currency"] for o in reached if o["amount"] is not None), None)
    worth = [_worth(o) for o in reached if o["amount"] is not None and o["currency"] == currency]
    return {
        "converted_at": reached[0]["at"],
        "value": sum(worth) if worth else None,
        "currency": currency,
    }


def _worth(outcome: RowMapping) -> int:
    """What was paid counts, or what was ordered while nothing is known of a payment; less what was given back."""
    paid, refunded = outcome["paid"], outcome["refunded"] or 0
    return int(outcome["amount"] if paid is None else paid) - int(refunded)
