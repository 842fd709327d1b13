"""One account's ways out: in the request that waits for it, as a customer-service message, by a template, or to many at once."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal

from channels.wechat.client import WeChatClient
from channels.wechat.mass import MassMail
from channels.wechat.render import File, Words, openid_of, passive_reply, rendered, service_message
from channels.wechat.replies import Replies
from domain.deliveries.events import ANSWERED_IN_REQUEST
from domain.errors import OutcomeUnknown, PermanentFailure
from domain.identity import Locale, ProviderMessageId
from domain.ports.messenger import Outbound

NO_OPEN_REQUEST: Final = "no-open-request"


class WeChatMessenger:
    """See domain.ports.messenger.Messenger. ``called``: what WeChat calls the account, empty while that is unknown."""

    def __init__(
        self,
        client: WeChatClient,
        replies: Replies,
        many: MassMail,
        mode: Literal["auto", "passive", "service"],
        clock: Callable[[], datetime],
        called: Callable[[], str],
        say: Callable[[str, Locale | None], str],
    ) -> None:
        self._client, self._replies, self._many, self._mode = client, replies, many, mode
        self._clock, self._called, self._say = clock, called, say

    async def send(self, outbound: Outbound) -> ProviderMessageId | None:
        """Send by the route that the message names. WeChat gives no id of a customer-service message.

        Raises OutcomeUnknown with ``proof_follows`` for what went into a request, PermanentFailure(NO_OPEN_REQUEST) where there is none
        and nothing else may be used.
        """
        openid, form = openid_of(outbound), outbound.form
        match outbound.route:
            case "mass":
                return ProviderMessageId(await self._many.send(openid, outbound))
            case "template" | "subscribe" if form is None:
                raise PermanentFailure("no-form")
            case "template" if form is not None:
                return ProviderMessageId(await self._client.send_template(openid, form, outbound.key))
            case "subscribe" if form is not None:
                await self._client.send_subscribed(openid, form)
                return None
            case _:
                await self._by_service(openid, outbound)
                return None

    async def _by_service(self, openid: str, outbound: Outbound) -> None:
        shown = rendered(outbound, self._say)
        ends_at, media_id = self._client.ends_at(), ""
        if isinstance(shown, File):
            media_id = await self._client.upload(shown.kind, shown.attachment, ends_at)
        if self._mode != "service" and self._put(openid, outbound.key, shown, media_id):
            raise OutcomeUnknown(ANSWERED_IN_REQUEST, proof_follows=True)
        if self._mode == "passive":
            raise PermanentFailure(NO_OPEN_REQUEST)
        await self._client.send(openid, service_message(shown, media_id), ends_at)

    def _put(self, openid: str, delivery: str, shown: Words | File, media_id: str) -> bool:
        def reply() -> str:
            return passive_reply(shown, media_id, to=openid, by=self._called(), now=self._clock())

        return self._replies.put(openid, delivery, reply)
