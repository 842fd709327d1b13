"""The operations there are: one literal table."""

from bot.house import House
from bot.operations.campaign_results import campaign_results
from bot.operations.campaigns import campaign
from bot.operations.codes import add_codes, list_codes, settle_codes
from bot.operations.hooks import list_hooks, replay_hook
from bot.operations.jobs import cancel_job, export_as_job, follow, import_as_job, list_jobs
from bot.operations.moving import back_up, forget_customer, import_events, resume_sending
from bot.operations.orders import do
from bot.operations.reading import events, list_customers, timeline
from bot.operations.said import Operation, Said
from bot.operations.team import add_operator, issue_token, revoke_tokens
from bot.operations.upkeep import check, doctor, rebuild, replay


def address(house: House) -> Said:
    """Say where the web server listens."""
    yield house.address


OPERATIONS: dict[str, Operation] = {
    "events": events,
    "timeline": timeline,
    "customers": list_customers,
    "rebuild": rebuild,
    "verify": check,
    "replay": replay,
    "do": do,
    "campaign": campaign,
    "operator-add": add_operator,
    "operator-token": issue_token,
    "operator-revoke-token": revoke_tokens,
    "resume-sending": resume_sending,
    "import-events": import_events,
    "import": import_as_job,
    "campaign-results": campaign_results,
    "codes-add": add_codes,
    "codes-list": list_codes,
    "codes-settle": settle_codes,
    "hook-list": list_hooks,
    "hook-replay": replay_hook,
    "doctor": doctor,
    "backup": back_up,
    "export": export_as_job,
    "forget": forget_customer,
    "job-list": list_jobs,
    "job-follow": follow,
    "job-cancel": cancel_job,
    "address": address,
}
