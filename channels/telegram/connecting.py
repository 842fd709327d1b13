"""Connecting a Telegram bot, step by step."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from aiogram import Bot
from aiogram.methods import GetChatMember, GetMe, GetWebhookInfo, TelegramMethod
from starlette.routing import Route

from channels.connecting import (
    Ask,
    Failed,
    Ground,
    Guide,
    Outcome,
    Passed,
    Step,
    Waiting,
    refused,
    say,
)
from channels.telegram.adapter import TelegramAdapter
from channels.telegram.errors import VENDOR_ERRORS, failure_of
from channels.telegram.identity import TELEGRAM_CHANNEL, BotIdentity
from channels.telegram.session import TelegramSession
from channels.telegram.settings import TELEGRAM, read_settings, setting
from domain.errors import BadSettings, OutcomeUnknown, SendFailed

ANSWER_WITHIN_S: Final = 8.0
RECENT: Final = timedelta(minutes=10)
"""Telegram tells its last failed delivery for ever; an older one is history."""
GROUPS_LOOKED_AT: Final = 20
_ADMINISTRATORS: Final = frozenset({"administrator", "creator"})


async def has_its_form(settings: Mapping[str, str], ground: Ground) -> Outcome:
    """Look at the token, and at the rest of the settings, without asking anybody."""
    if not settings.get("token"):
        return Waiting(say("Open @BotFather in Telegram, send /newbot, and copy the token it answers with."))
    try:
        read_settings(ground.name, settings, ground.public_url)
    except BadSettings as error:
        return refused(error, "token" if setting(ground.name, "TOKEN") in str(error) else None)
    return Passed()


async def is_known(settings: Mapping[str, str], ground: Ground) -> Outcome:
    """Ask Telegram who the bot is."""
    try:
        me = await _me(settings, ground)
    except SendFailed as failure:
        return _unanswered(failure, settings, ground)
    return Passed(
        say("this is {name}, @{username}"), {"name": me.get("first_name"), "username": me.get("username")}
    )


async def sees_groups(settings: Mapping[str, str], ground: Ground) -> Outcome:
    """Ask whether privacy mode is off: with it a bot in a group is shown commands and replies only."""
    try:
        me = await _me(settings, ground)
    except SendFailed as failure:
        return _unanswered(failure, settings, ground)
    if me.get("can_read_all_group_messages") is True:
        return Passed()
    advice = say(
        "Only for groups: open @BotFather, send /setprivacy, choose @{username}, press Disable; then remove the bot from each group "
        "and add it again."
    )
    return Failed(advice, {"username": me.get("username")})


async def is_delivered(settings: Mapping[str, str], ground: Ground) -> Outcome:
    """Look whether messages reach this Siyu, by polling or by its webhook."""
    adapter = ground.adapter
    if not isinstance(adapter, TelegramAdapter):
        return Waiting(say("The account is being opened."))
    match adapter.trouble:
        case "conflict":
            advice = say(
                "Another program receives this bot's messages: stop it, or have @BotFather make a new token (/revoke)."
            )
            return Failed(advice, ask="token")
        case "bad-request":
            return Failed(
                say(
                    "Telegram refuses the webhook's address {url}: it needs https, on port 443, 80, 88 or 8443."
                ),
                {"url": ground.public_url},
            )
        case None:
            pass
        case reason:
            return Failed(
                say("Telegram gives no messages now ({reason}): Siyu goes on trying."), {"reason": reason}
            )
    try:
        info = await _call(GetWebhookInfo(), settings, ground)
    except SendFailed as failure:
        return _unanswered(failure, settings, ground)
    webhook = next((route.path for route in adapter.routes() if isinstance(route, Route)), None)
    return _polled(info) if webhook is None else _pushed(info, f"{ground.public_url}{webhook}", ground)


async def was_written_to(settings: Mapping[str, str], ground: Ground) -> Outcome:
    """Wait for somebody's first message."""
    bot = read_settings(ground.name, settings, ground.public_url).bot_id
    if await ground.heard(TELEGRAM_CHANNEL, BotIdentity(bot).account):
        return Passed()
    return Waiting(
        say("Write to the bot: https://t.me/{username}"), {"username": ground.notes.get("username", "")}
    )


async def is_administrator(settings: Mapping[str, str], ground: Ground) -> Outcome:
    """Ask for the bot's rights in the groups it is in."""
    bot = read_settings(ground.name, settings, ground.public_url).bot_id
    groups = (await ground.groups(TELEGRAM_CHANNEL, BotIdentity(bot).account))[:GROUPS_LOOKED_AT]
    if not groups:
        return Waiting(say("Only for groups: add the bot to a group and make it an administrator there."))
    lacking = 0
    for group in groups:
        try:
            member = await _call(GetChatMember(chat_id=int(group), user_id=bot), settings, ground)
        except SendFailed:
            lacking += 1
        else:
            lacking += member.get("status") not in _ADMINISTRATORS
    if lacking:
        advice = say(
            "In {lacking} of {groups} groups the bot is no administrator: open the group, Administrators, Add administrator."
        )
        return Failed(advice, {"lacking": lacking, "groups": len(groups)})
    return Passed(say("in {groups} groups"), {"groups": len(groups)})


def _polled(info: Mapping[str, Any]) -> Outcome:
    if info.get("url"):
        return Waiting(say("A webhook of another program is set; Siyu is removing it."))
    return Passed(say("by polling"))


def _pushed(info: Mapping[str, Any], expected: str, ground: Ground) -> Outcome:
    if info.get("url") != expected:
        return Waiting(say("Siyu is registering its webhook."))
    at, waiting = info.get("last_error_date"), info.get("pending_update_count")
    if isinstance(at, int) and waiting and ground.clock().timestamp() - at < RECENT.total_seconds():
        advice = say(
            "Telegram cannot deliver to {url}: {error}. Check SIYU_PUBLIC_URL and what stands before Siyu."
        )
        return Failed(advice, {"url": expected, "error": info.get("last_error_message")})
    return Passed(say("by webhook at {url}"), {"url": expected})


def _unanswered(failure: SendFailed, settings: Mapping[str, str], ground: Ground) -> Failed:
    elsewhere = settings.get("api_base", TELEGRAM).rstrip("/") != TELEGRAM
    match failure.reason:
        case "not-found" if elsewhere:
            return Failed(
                say("There is no Bot API at {setting}: check the address."),
                {"setting": setting(ground.name, "API_BASE")},
            )
        case "unauthorized" | "not-found":
            advice = say(
                "Telegram does not know this token: copy it again from @BotFather (/mybots, API Token)."
            )
            return Failed(advice, ask="token")
        case "unreachable" | "timeout":
            advice = say(
                "Telegram cannot be reached from here: check the network, or set a proxy as {setting}."
            )
            return Failed(advice, {"setting": setting(ground.name, "PROXY")})
        case reason:
            return Failed(
                say("Telegram does not answer plainly ({reason}): try again in a moment."), {"reason": reason}
            )


async def _me(settings: Mapping[str, str], ground: Ground) -> Mapping[str, Any]:
    me = await _call(GetMe(), settings, ground)
    ground.notes["username"] = me.get("username") or ""
    return me


async def _call(
    method: TelegramMethod[Any], settings: Mapping[str, str], ground: Ground
) -> Mapping[str, Any]:
    """Call one method that answers with an object. Raises the errors under SendFailed."""
    account = read_settings(ground.name, settings, ground.public_url)
    session = TelegramSession(account, ANSWER_WITHIN_S)
    try:
        answer = await session.result(Bot(account.token.get_secret_value(), session=session), method)
    except VENDOR_ERRORS as error:
        raise failure_of(error) from None
    finally:
        await session.close()
    if not isinstance(answer, dict):
        raise OutcomeUnknown("garbage")
    return answer


GUIDE: Final = Guide(
    title="Telegram",
    about=say("Customers write to your bot; operators answer from their phones."),
    asks=(
        Ask(
            key="token",
            title=say("Bot token"),
            help=say("Open @BotFather in Telegram, send /newbot, and copy the token it answers with."),
            secret=True,
        ),
    ),
    steps=(
        Step("token", say("The settings have their form"), has_its_form),
        Step("known", say("Telegram knows the bot"), is_known, needs=("token",), health=True),
        Step("delivered", say("Messages reach Siyu"), is_delivered, needs=("known",), live=True),
        Step("first-message", say("A first message came"), was_written_to, needs=("known",), live=True),
        Step("privacy", say("The bot may read its groups"), sees_groups, needs=("known",), required=False),
        Step(
            "administrator",
            say("The bot is an administrator of its groups"),
            is_administrator,
            needs=("known",),
            required=False,
            live=True,
        ),
    ),
    validate=read_settings,
)
