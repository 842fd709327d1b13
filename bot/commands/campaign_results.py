"""What became of a campaign: its figures in words, and who stands behind one of them."""

from typing import Final

from bot.campaigns.results import Results, as_json, gather
from bot.campaigns.results_said import figure_said, told, worth_said
from bot.commands.arguments import words_of
from bot.commands.command import Call, Reply
from bot.commands.preview import reason_said
from domain.identity import CampaignId, CustomerId
from domain.policies.text import folded
from projections.campaigns import Among, Figure, Recipient, Worth, recipients
from projections.people.customers import Customer, customers_by_id

LISTED: Final = 20


def asked_for(call: Call, rest: str) -> tuple[str, Figure | None]:
    """Return the campaign's name, and the figure whose list is wanted: the last word, where it is one (``replied``, ``clicked``)."""
    called = {folded(figure.value): figure for figure in Figure}
    called |= {folded(figure_said(figure, call.say)): figure for figure in Figure}
    for name, figure in reversed(words_of(rest)):
        if name and folded(figure) in called:
            return name, called[folded(figure)]
    return rest, None


def results(call: Call, wanted: CampaignId, figure: Figure | None) -> Reply:
    """Tell what became of a campaign, or list whom a figure counts."""
    with call.office.views.read() as connection:
        found = gather(connection, wanted, now=call.now)
    lines = listed(call, found, figure) if figure is not None else lines_of(call, found)
    return Reply("\n".join(lines), rows=(as_json(found),))


def lines_of(call: Call, found: Results) -> list[str]:
    """Return the results as lines, and how to look behind a figure."""
    lines = told(found, call.say, lambda reason: reason_said(call, reason), call.clock.shown)
    if found.figures[Figure.PLANNED]:
        said = call.say("Who is behind a figure: /campaign results {id} clicked")
        lines.append(said.format(id=found.id))
    return lines


def listed(call: Call, found: Results, figure: Figure) -> list[str]:
    """Return whom a figure counts, the first of them by name."""
    with call.office.views.read() as connection:
        page = recipients(connection, Among(campaign=found.id), figure, limit=LISTED)
        known = customers_by_id(connection, [one.customer for one in page if one.customer is not None])
    people = {record: customer for customer in known for record in _records(customer)}
    call.mentioned.extend(people)
    count = found.figures[figure]
    lines = [f"{figure_said(figure, call.say)}: {count}"]
    lines += [f"  {_one(call, one, people)}" for one in page]
    if count > len(page):
        lines.append(call.say("… and {count} more").format(count=count - len(page)))
    return lines


def _records(customer: Customer) -> list[CustomerId]:
    return [customer.id, *(record.id for record in customer.merged)]


def _one(call: Call, one: Recipient, people: dict[CustomerId, Customer]) -> str:
    """Return a recipient in one line: who, where, which text, when, and why not or what for."""
    customer = None if one.customer is None else people.get(one.customer)
    if customer is not None:
        who = f"#{customer.number} {customer.known_as}".rstrip()
    else:
        who = call.say("a group") if one.group is not None else call.say("somebody forgotten")
    told_ = [who, one.channel or "", one.variant or "", call.clock.shown(one.at) if one.at else ""]
    if one.reason is not None:
        told_.append(reason_said(call, one.reason))
    if one.value is not None:
        told_.append(worth_said(Worth(one.currency, one.value)))
    return "  ".join(part for part in told_ if part)
