"""Campaign lists: which customers were listed for a campaign, as its form came with them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, Index, Select, String, Table, delete, insert, select

from domain.campaigns.events import CampaignDrafted, CampaignListed
from domain.customers.events import CustomerForgotten
from domain.identity import CampaignId
from domain.message import Recorded
from projections.projection import KEYS_PER_QUERY, Projection
from projections.schema import METADATA

LISTED = Table(
    "campaign_lists",
    METADATA,
    Column("campaign", String, primary_key=True),
    Column("customer", String, primary_key=True),
    Index("lists_of_customer", "customer"),
)
"""As they were listed: of a record that was merged away since, the customer who answers for it is meant."""


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    for recorded in batch:
        match recorded.event:
            case CampaignDrafted(campaign=campaign):  # written anew, its list begins anew
                connection.execute(delete(LISTED).where(LISTED.c.campaign == campaign))
            case CampaignListed(campaign=campaign, customers=customers):
                _list(connection, campaign, list(dict.fromkeys(customers)))
            case _:
                continue


def _list(connection: Connection, campaign: CampaignId, customers: Sequence[str]) -> None:
    for start in range(0, len(customers), KEYS_PER_QUERY):
        some = customers[start : start + KEYS_PER_QUERY]
        known = select(LISTED.c.customer).where(LISTED.c.campaign == campaign, LISTED.c.customer.in_(some))
        already = set(connection.execute(known).scalars())
        new = [{"campaign": campaign, "customer": one} for one in some if one not in already]
        if new:
            connection.execute(insert(LISTED), new)


def _forget(connection: Connection, event: CustomerForgotten) -> None:
    connection.execute(delete(LISTED).where(LISTED.c.customer.in_(event.customers)))


campaign_lists = Projection(
    name="campaign_lists",
    version=1,
    tables=(LISTED,),
    listens_to=frozenset({CampaignDrafted, CampaignListed, CustomerForgotten}),
    apply=_apply,
    forget=_forget,
)


def listed_for(campaign: CampaignId) -> Select[Any]:
    """Return the question for the records on a campaign's list, for other views' queries."""
    return select(LISTED.c.customer).where(LISTED.c.campaign == campaign)
