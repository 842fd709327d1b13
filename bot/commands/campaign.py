"""/campaign: what was written as a form is looked at, tried, agreed to and let go; and stopped, where it must be."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from bot.campaigns.faults import in_words
from bot.campaigns.reading import Read
from bot.commands.arguments import first_word
from bot.commands.campaign_results import asked_for, results
from bot.commands.campaign_words import described, forecast, shown, stage_said
from bot.commands.command import CLI, Ambiguous, Call, OperatorCommand, Reply, Usage
from bot.commands.forms import read_here
from bot.commands.outlook import coming, outlook
from bot.commands.prospects import whom
from bot.commands.trial import preview, trial
from domain.campaigns.campaign import ALONE_UP_TO, OPEN, CampaignState, Stage
from domain.campaigns.commands import (
    ApproveCampaign,
    CancelCampaign,
    LaunchCampaign,
    PauseCampaign,
    ResumeCampaign,
)
from domain.campaigns.events import CampaignDrafted
from domain.campaigns.plan import Cadence
from domain.errors import NotAllowed, Rejected, UnknownRecipient
from domain.identity import CampaignId, Slug
from domain.message import Command
from domain.operators.events import CommandOutcome, Role
from domain.policies.text import folded
from projections.campaign_names import Named, campaigns_called, campaigns_listed
from projections.operators import team

SHOWN: Final = 20
CODE_DIGITS: Final = 6
BUCKET_S: Final = 1_200
BUCKETS: Final = 3
"""A code counts for the third of an hour it was shown in and the three after it: about an hour."""
BY_OPERATOR: Final = Slug("operator")
_PREFIX: Final = ("campaign:", "活动:")
YES: Final = "--yes"


def _campaign(call: Call) -> Reply:
    word, rest = first_word(call.rest)
    said = word.casefold()
    verb = _VERBS.get(_WORDS.get(said, said))
    if verb is None:
        raise Usage("")
    return verb(call, rest)


def campaign_named(call: Call, text: str) -> Named:
    """Return the campaign of an id, the beginning of one, or a name. Raises Usage, UnknownRecipient, Ambiguous."""
    name = text.strip()
    for prefix in _PREFIX:
        name = name.removeprefix(prefix)
    if not name:
        raise Usage("")
    with call.office.views.read() as connection:
        found = campaigns_called(connection, name)
    if not found:
        raise UnknownRecipient(
            call.say("I know no campaign {name}. /campaign list shows them.").format(name=name)
        )
    if len(found) > 1:
        verb = first_word(call.rest)[0]
        told = call.say("Which campaign do you mean by {name}?").format(name=name)
        raise Ambiguous(told, [(shown(call, one), f"/{call.name} {verb} {one.campaign}") for one in found])
    return found[0]


def state_of(call: Call, named: Named) -> CampaignState:
    """Return a campaign as the log has it. Raises UnknownRecipient."""
    state = call.office.outreach.records.state(named.campaign)
    if state.drafted is None:
        raise UnknownRecipient("no such campaign")
    return state


def _list(call: Call, rest: str) -> Reply:
    if rest.strip():
        raise Usage("")
    with call.office.views.read() as connection:
        found = campaigns_listed(connection, SHOWN)
    rows: list[dict[str, object]] = [
        {"campaign": one.campaign, "name": one.name, "stage": str(one.stage)} for one in found
    ]
    lines = [shown(call, one) for one in found]
    return Reply("\n".join(lines or [call.say("There are no campaigns yet.")]), rows=tuple(rows))


def _show(call: Call, rest: str) -> Reply:
    state = state_of(call, campaign_named(call, rest))
    drafted = state.drafted
    texts = [] if drafted is None else [content.text for content in drafted.contents.value]
    _, day = (call.now, None) if drafted is None else coming(drafted, call.now)
    meant = 0 if drafted is None else _meant(call, drafted, day)
    return Reply("\n".join([*described(call, state, meant), *texts]))


def _validate(call: Call, rest: str) -> Reply:
    read = read_here(rest, call.office, call.now, call.say, call.operator.id)
    lines = told_of(call, read) or [call.say("This form is fine.")]
    return Reply("\n".join(lines), outcome=_outcome(read))


def told_of(call: Call, read: Read) -> list[str]:
    """Return what there is to say of a form: all that is wrong, or what is worth knowing."""
    return [in_words(line, call.say) for line in ([fault.line for fault in read.faults] or read.notes)]


def _outcome(read: Read) -> CommandOutcome:
    return CommandOutcome.REFUSED if read.draft is None else CommandOutcome.DONE


def _draft(call: Call, rest: str) -> Reply:
    return kept(call, read_here(rest, call.office, call.now, call.say, call.operator.id))


def kept(call: Call, read: Read) -> Reply:
    """Return what keeps a form as a campaign's draft; nothing where it is kept so already."""
    lines = told_of(call, read)
    if read.draft is None:
        return Reply("\n".join(lines), outcome=CommandOutcome.REFUSED)
    records = call.office.outreach.records
    before = records.state(read.draft.campaign)
    name = f"{read.draft.campaign}  {read.draft.name.value}"
    if before.drafted is not None:
        same_list = set(records.listed(read.draft.campaign)) == set(read.listed)
        if before.drafted.form == read.draft.form and same_list:
            same = call.say("{campaign} is written down so already.").format(campaign=name)
            return Reply("\n".join([same, *lines]))
        if before.stage not in OPEN:
            told = call.say(
                "{campaign} is {stage} and cannot be changed any more: give the new one another name."
            )
            raise NotAllowed(told.format(campaign=name, stage=stage_said(call, before.stage)))
    said = call.say("{campaign} is written down. Next: /campaign plan {id}")
    said = said.format(campaign=name, id=read.draft.campaign)
    commands: tuple[Command, ...] = (read.draft, *read.listings())
    return Reply("\n".join([said, *lines]), commands, rows=({"campaign": read.draft.campaign},))


def _plan(call: Call, rest: str) -> Reply:
    named = campaign_named(call, rest)
    state = state_of(call, named)
    found = outlook(call, state)
    row = {
        "campaign": named.campaign,
        "meant": found.meant,
        "reached": found.count,
        "ways": [
            {"channel": channel, "route": route or None, "people": people}
            for (channel, route), people in sorted(found.reached.items())
            if people
        ],
        "left_out": dict(found.left_out),
        "capped": found.capped,
    }
    lines = [*described(call, state, found.meant), *forecast(call, state, found)]
    return Reply("\n".join(lines), rows=(row,))


def _approve(call: Call, rest: str) -> Reply:
    named = campaign_named(call, rest)
    approve = ApproveCampaign(campaign=named.campaign, operator=call.operator.id)
    return Reply(call.say("Approved: {campaign}").format(campaign=shown(call, named)), (approve,))


def _launch(call: Call, rest: str) -> Reply:
    confirmed = call.confirmed or YES in rest.split()
    named = campaign_named(call, " ".join(word for word in rest.split() if word != YES))
    state = state_of(call, named)
    if state.stage not in OPEN:
        told = call.say("{campaign} was launched already.").format(campaign=shown(call, named))
        return Reply(told, (_launching(call, named, 0),))
    return launched(call, named, state) if confirmed else _asked(call, named, state)


def _asked(call: Call, named: Named, state: CampaignState) -> Reply:
    """Show what it comes to, and ask."""
    found = outlook(call, state)
    timing = state.drafted.timing if state.drafted is not None else None
    lines = [*described(call, state, found.meant), *forecast(call, state, found)]
    if not found.count and not found.capped and timing is not None and timing.cadence is Cadence.ONCE:
        raise Rejected("\n".join(lines))
    _second_pair(call, state)
    code = _code(call, named, 0)
    asked = call.say("Launch it? /confirm {code} within an hour.").format(code=code)
    yes = call.say("Launch for {count}").format(count=found.count)
    return Reply(
        "\n".join([*lines, asked]),
        outcome=CommandOutcome.ASKED,
        choices=(((yes, f"/confirm {code}"),),),
        rows=({"code": code, "count": found.count, "campaign": named.campaign},),
    )


def _second_pair(call: Call, state: CampaignState) -> None:
    """Say early what the campaign itself will say. Raises NotAllowed."""
    meant = 0 if state.drafted is None else _meant(call, state.drafted)
    if meant > ALONE_UP_TO and state.stage is not Stage.APPROVED and not is_alone(call):
        raise NotAllowed(
            "it means {meant} people, more than {limit}: somebody else has to approve it first",
            meant=meant,
            limit=ALONE_UP_TO,
        )


def launched(call: Call, named: Named, state: CampaignState) -> Reply:
    """Return what launches a campaign, and how that is told."""
    drafted = state.drafted
    if drafted is None:
        raise UnknownRecipient("no such campaign")
    meant = _meant(call, drafted)
    begins = drafted.timing.at
    if begins is not None and begins > call.now:
        said = call.say("Launched: {campaign} goes out at {time}.")
        told = said.format(campaign=named.name, time=call.clock.shown(begins))
    else:
        told = call.say("Launched: {campaign}.").format(campaign=named.name)
    stop = call.say("/campaign pause {id} holds it, /pause all holds everything.").format(id=named.campaign)
    return Reply(f"{told}\n{stop}", (_launching(call, named, meant),))


def _meant(call: Call, drafted: CampaignDrafted, day: date | None = None) -> int:
    """Return how many it means on a day of their own, in all where none is named."""
    return len(drafted.selection.groups) or call.office.audience.size(whom(drafted, day))


def _launching(call: Call, named: Named, meant: int) -> LaunchCampaign:
    return LaunchCampaign(
        campaign=named.campaign, meant=meant, alone=is_alone(call), operator=call.operator.id
    )


def is_alone(call: Call) -> bool:
    """Whether nobody else could approve it. Who sits at the machine and is the only marketer is taken for one person."""
    with call.office.views.read() as connection:
        others = [member for member in team(connection) if member.role.includes(Role.MARKETER)]
    if call.operator.id == CLI:
        return len(others) <= 1
    return all(member.id == call.operator.id for member in others)


def waiting_for(call: Call, code: str) -> Reply | None:
    """Return what launches the campaign that was shown with this code, for /confirm; None where none was."""
    with call.office.views.read() as connection:
        found = campaigns_listed(connection)
    for named in found:
        if named.stage in OPEN and code in {_code(call, named, age) for age in range(BUCKETS + 1)}:
            return launched(call, named, state_of(call, named))
    return None


def _code(call: Call, named: Named, age: int) -> str:
    """Return the code of a campaign as it is written now, for whoever asked, ``age`` thirds of an hour ago."""
    bucket = int(call.now.timestamp()) // BUCKET_S - age
    said = (named.campaign, str(named.edition), str(call.operator.id), str(bucket))
    return f"{int(call.office.digest('campaign-code', *said), 16) % 10**CODE_DIGITS:0{CODE_DIGITS}}"


def _moved(call: Call, rest: str, make: Callable[[CampaignId], Command], told: str) -> Reply:
    named = campaign_named(call, rest)
    return Reply(told.format(campaign=named.name), (make(named.campaign),))


def _pause(call: Call, rest: str) -> Reply:
    me = call.operator.id
    told = call.say("{campaign} is paused: nothing of it leaves. /campaign resume lets it go on.")
    return _moved(call, rest, lambda one: PauseCampaign(campaign=one, reason=BY_OPERATOR, operator=me), told)


def _resume(call: Call, rest: str) -> Reply:
    me = call.operator.id
    return _moved(
        call, rest, lambda one: ResumeCampaign(campaign=one, operator=me), call.say("{campaign} goes on.")
    )


def _cancel(call: Call, rest: str) -> Reply:
    me = call.operator.id
    told = call.say("{campaign} is cancelled: what has not left will not leave.")
    return _moved(call, rest, lambda one: CancelCampaign(campaign=one, operator=me), told)


def _results(call: Call, rest: str) -> Reply:
    name, figure = asked_for(call, rest)
    return results(call, campaign_named(call, name).campaign, figure)


def _preview(call: Call, rest: str) -> Reply:
    word, who = first_word(rest)
    named = campaign_named(call, word)
    return preview(call, state_of(call, named), who)


def _test(call: Call, rest: str) -> Reply:
    word, who = first_word(rest)
    named = campaign_named(call, word)
    return trial(call, state_of(call, named), who)


_VERBS: Final[Mapping[str, Callable[[Call, str], Reply]]] = {
    "list": _list,
    "show": _show,
    "validate": _validate,
    "draft": _draft,
    "preview": _preview,
    "test": _test,
    "plan": _plan,
    "approve": _approve,
    "launch": _launch,
    "pause": _pause,
    "resume": _resume,
    "cancel": _cancel,
    "results": _results,
}
_WORDS: Final = {
    folded(word): verb
    for word, verb in {
        "列表": "list",
        "查看": "show",
        "检查": "validate",
        "起草": "draft",
        "预览": "preview",
        "测试": "test",
        "计划": "plan",
        "批准": "approve",
        "启动": "launch",
        "暂停": "pause",
        "继续": "resume",
        "取消": "cancel",
        "结果": "results",
    }.items()
}
campaign = OperatorCommand(
    name="campaign",
    role=Role.MARKETER,
    usage=(
        "/campaign list",
        "/campaign validate|draft FORM",
        "/campaign preview|test CAMPAIGN [CUSTOMER]",
        "/campaign show|plan|approve|launch|pause|resume|cancel CAMPAIGN",
        "/campaign results CAMPAIGN [FIGURE]",
    ),
    help="plan a campaign, try it, let it go out, and stop it",
    run=_campaign,
    words=("活动",),
)
