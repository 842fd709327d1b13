"""``/``: where somebody who just started Siyu may go."""

from collections.abc import Mapping
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.connect.connecting import kinds_of
from bot.connect.document import document, language, static
from bot.settings import Settings
from bot.texts import Texts


class Known(Protocol):
    """What is configured. A House is one."""

    settings: Settings
    variables: Mapping[str, str]
    texts: Texts


def start_page(known: Known) -> list[Route]:
    """Return the first page's addresses. Anybody may see it: it tells nothing but where to go."""

    async def page(request: Request) -> Response:
        spoken = language(request, known.settings.locale)
        fresh = not kinds_of(known.variables)

        def say(text: str) -> str:
            return known.texts.say(text, spoken)

        fields = {
            "brand": known.settings.brand_name,
            "greeting": say("Siyu is running.") if fresh else say("All is well: Siyu is running."),
            "chat": say("Try the chat") if fresh else say("Chat"),
            "chat_about": say("Write as a customer would, in this browser."),
            "telegram": say("Connect Telegram") if fresh else "Telegram",
            "telegram_about": say("Customers write to your bot; operators answer from their phones."),
            "wechat": say("Connect WeChat") if fresh else say("WeChat"),
            "wechat_about": say("Customers write to your Official Account."),
            "link": say("Connecting needs a link that works once: on the server run siyu connect --link."),
        }
        return document("start.html", fields, spoken)

    return [Route("/", page, methods=["GET"]), Route("/start/static/{name}", static, methods=["GET"])]
