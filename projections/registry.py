"""The views there are: one literal tuple, joined with what they need from outside."""

from projections.allowances import allowances
from projections.audit import audit
from projections.bind_codes import bind_codes
from projections.campaign_lists import campaign_lists
from projections.campaign_names import campaign_names
from projections.campaigns import campaign_results
from projections.codes import codes
from projections.consents import consents
from projections.deliveries import deliveries
from projections.drafts import drafts
from projections.due import due
from projections.forgotten import forgotten
from projections.goals import goals
from projections.groups import groups
from projections.link_codes import link_codes
from projections.media import media
from projections.mirrored_tags import mirrored_tags
from projections.operators import operators
from projections.people.contacts import contacts
from projections.people.customers import customers
from projections.people.identifiers import identifiers
from projections.profiles_known import profiles_known
from projections.projection import Projection
from projections.purchases import purchases
from projections.reservations import reservations
from projections.rules import rules
from projections.suggestions import suggestions
from projections.tags import Matcher, tags
from projections.timeline import timeline
from projections.windows import windows


def projections(matches: Matcher) -> tuple[Projection, ...]:
    """Return them all. ``matches``: how the patterns of rules are held against texts."""
    return (
        contacts,
        customers,
        consents,
        groups,
        timeline,
        tags(matches),
        due,
        deliveries,
        drafts,
        reservations,
        operators,
        bind_codes,
        rules,
        audit,
        forgotten,
        windows,
        allowances,
        mirrored_tags,
        media,
        identifiers,
        link_codes,
        suggestions,
        purchases,
        goals,
        profiles_known,
        codes,
        campaign_names,
        campaign_results,
        campaign_lists,
    )
