"""A form, read whole: what it comes to, or all that is wrong with it at once. Nothing is written here."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bot.campaigns.faults import Fault
from bot.campaigns.form import LONGEST_NAME, NEEDED, CampaignForm, GoalForm
from bot.campaigns.meant import selection_of
from bot.campaigns.said import SLUG, Saying
from bot.campaigns.shape import shaped
from bot.campaigns.timing import canary_of, timing_of
from bot.campaigns.world import Notebook, World
from bot.campaigns.yaml_text import read_yaml
from bot.texts import Told, told
from domain.campaigns.commands import DraftCampaign, ListForCampaign
from domain.campaigns.plan import Cadence, Goal, Meant
from domain.identity import CampaignId, CustomerId, Digest, OperatorId, Slug
from domain.message import Personal
from domain.policies.text import folded
from domain.ports.messenger import MASS, SERVICE, SUBSCRIBE, TEMPLATE

LISTED_AT_ONCE = 1_000
"""Customers in one event."""
ID_CHARS = 10
"""Hex digits of a campaign's id: a brand has thousands, and people type it."""
ROUTES = (SERVICE, SUBSCRIBE, TEMPLATE, MASS)


@dataclass(frozen=True, slots=True)
class Read:
    """A form that was read. ``draft``: None where something is wrong. ``notes``: what is worth saying though nothing is."""

    draft: DraftCampaign | None
    listed: tuple[CustomerId, ...] = ()
    faults: tuple[Fault, ...] = ()
    notes: tuple[Told, ...] = field(default=())

    def listings(self) -> Iterator[ListForCampaign]:
        """Yield the list in pieces that one event holds."""
        if self.draft is not None:
            for start in range(0, len(self.listed), LISTED_AT_ONCE):
                chunk = self.listed[start : start + LISTED_AT_ONCE]
                yield ListForCampaign(campaign=self.draft.campaign, customers=chunk)


def campaign_id(digest: Callable[..., Digest], name: str) -> CampaignId:
    """Return the id of the campaign of a name: whoever writes the same name again corrects the same campaign."""
    return CampaignId(digest("campaign", folded(name))[:ID_CHARS])


def read_form(text: str, world: World, digest: Callable[..., Digest], operator: OperatorId | None) -> Read:
    """Return what a form comes to, or everything that is wrong with it."""
    values, faults = read_yaml(text)
    if not values:
        return Read(None, faults=tuple(faults or [Fault("", told("this form is empty"))]))
    form, unshapely = shaped(values)
    notebook = Notebook([*faults, *unshapely])
    ill_placed = {fault.place.partition(".")[0].partition("[")[0] for fault in notebook.faults}
    for key in NEEDED:
        if getattr(form, key) is None and key not in ill_placed:
            notebook.wrong(key, told("this is missing"))
    if form.name is not None and not 1 <= len(form.name.strip()) <= LONGEST_NAME:
        notebook.wrong("name", told("a name has 1 to {most} characters", most=LONGEST_NAME))
    timing = timing_of(form, world, notebook)
    selection, listed = selection_of(form.audience, world, notebook)
    if not ({"content", "variants"} & ill_placed):
        saying = Saying(form, world, notebook)
        contents, arms = saying.contents(), saying.arms()
    else:
        contents, arms = [], ()
    if timing.cadence is Cadence.BY_DATE and selection.meant is Meant.GROUPS:
        notebook.wrong("when.on", told("groups have no birthday: write every or cron"))
    name = (form.name or "").strip()
    goal, codes, routes = _goal(form, notebook), _codes(form, world, notebook), _routes(form, notebook)
    topic, canary = _topic(form, world, notebook), canary_of(form, world, notebook)
    if notebook.faults:
        return Read(None, faults=tuple(notebook.faults), notes=tuple(notebook.notes))
    draft = DraftCampaign(
        campaign=campaign_id(digest, name),
        name=Personal(name),
        form=Personal(text),
        contents=Personal(contents),
        selection=selection,
        timing=timing,
        operator=operator,
        topic=topic,
        priority=form.priority,
        reactivation=form.reactivation,
        arms=arms,
        holdout_percent=form.holdout,
        canary=None if selection.meant is Meant.GROUPS else canary,
        goal=goal,
        codes=codes,
        routes=routes,
    )
    return Read(draft, listed, notes=tuple(notebook.notes))


def _slug(said: str, place: str, notebook: Notebook) -> Slug:
    if not SLUG.fullmatch(said):
        notebook.wrong(place, told("write a-z, 0-9 and - here, 40 at most"))
    return Slug(said)


def _topic(form: CampaignForm, world: World, notebook: Notebook) -> Slug:
    topic = _slug(form.topic, "topic", notebook)
    if world.topics and topic not in world.topics:
        known = ", ".join(sorted(world.topics))
        notebook.wrong(
            "topic", told("no topic is called {topic}: there are {known}", topic=topic, known=known)
        )
    return topic


def _goal(form: CampaignForm, notebook: Notebook) -> Goal | None:
    match form.goal:
        case None:
            return None
        case GoalForm(goal=goal, days=days):
            return Goal(goal=_slug(goal, "goal.goal", notebook), days=days)
        case goal:
            return Goal(goal=_slug(goal, "goal", notebook))


def _codes(form: CampaignForm, world: World, notebook: Notebook) -> Slug | None:
    if form.codes is not None and not world.known.pool(form.codes):
        notebook.wrong("codes", told("no pool is called {pool}: siyu codes add POOL FILE", pool=form.codes))
    return None if form.codes is None else Slug(form.codes)


def _routes(form: CampaignForm, notebook: Notebook) -> tuple[Slug, ...]:
    for route in form.routes:
        if route not in ROUTES:
            what = told("no route is called {route}: there are {known}", route=route, known=", ".join(ROUTES))
            notebook.wrong("routes", what)
    return tuple(dict.fromkeys(map(Slug, form.routes)))
