"""Which of our tags each provider has, as far as we know."""

from collections.abc import Collection, Sequence

from sqlalchemy import Column, Connection, String, Table, delete, insert, select

from domain.customers.events import CustomerForgotten
from domain.identity import ContactId, Tag
from domain.message import Recorded
from domain.mirrors.events import TagMirrored
from projections.projection import Projection
from projections.question import Question
from projections.schema import METADATA, one_asked_for

MIRRORED = Table(
    "mirrored_tags",
    METADATA,
    Column("contact", String, primary_key=True),
    Column("tag", String, primary_key=True),
)


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    last = {
        (recorded.event.contact, recorded.event.tag): recorded.event.there
        for recorded in batch
        if isinstance(recorded.event, TagMirrored)
    }
    for contact, tag in last:
        connection.execute(delete(MIRRORED).where(MIRRORED.c.contact == contact, MIRRORED.c.tag == tag))
    rows = [{"contact": contact, "tag": tag} for (contact, tag), there in last.items() if there]
    if rows:
        connection.execute(insert(MIRRORED), rows)


def _forget(connection: Connection, event: CustomerForgotten) -> None:
    connection.execute(delete(MIRRORED).where(MIRRORED.c.contact.in_(event.contacts)))


mirrored_tags = Projection(
    name="mirrored-tags",
    version=1,
    tables=(MIRRORED,),
    listens_to=frozenset({TagMirrored, CustomerForgotten}),
    apply=_apply,
    forget=_forget,
)


def mirrored(connection: Connection, contacts: Collection[ContactId]) -> frozenset[tuple[ContactId, Tag]]:
    """Return which of these contacts have which tags at their provider."""
    return frozenset(_OF.ask(connection, contacts=list(contacts)))


_OF = Question(select(MIRRORED).where(one_asked_for(MIRRORED.c.contact, "contacts")))
