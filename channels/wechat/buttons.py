"""The account's menu: three buttons below the conversation, each with up to five above it when it is pressed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from channels.channel import Button
from channels.wechat.client import WeChatClient
from channels.wechat.limits import BUTTONS
from domain.conversations.said import SAYS

_LIMITS: Final = replace(BUTTONS, say_bytes=BUTTONS.say_bytes - len(SAYS))
"""A button's key holds what it says."""


class WeChatButtons:
    """See channels.channel.Buttons."""

    def __init__(self, client: WeChatClient) -> None:
        self._client, self.limits = client, _LIMITS

    async def shown(self) -> Sequence[Button]:
        """See Buttons."""
        return [_button(told) for told in await self._client.menu()]

    async def show(self, buttons: Sequence[Button]) -> None:
        """See Buttons. Phones ask for a new menu when theirs is older than five minutes."""
        if buttons:
            await self._client.create_menu([_told(button) for button in buttons])
        else:
            await self._client.delete_menu()


def _told(button: Button) -> Mapping[str, Any]:
    if button.below:
        return {"name": button.name, "sub_button": [_told(below) for below in button.below]}
    if button.url:
        return {"type": "view", "name": button.name, "url": button.url}
    return {"type": "click", "name": button.name, "key": f"{SAYS}{button.say}"}


def _button(told: Mapping[str, Any]) -> Button:
    name, below = str(told.get("name", "")), told.get("sub_button")
    if isinstance(below, list) and below:
        return Button(name, below=tuple(_button(one) for one in below if isinstance(one, dict)))
    key = str(told.get("key", ""))
    if told.get("type") == "click" and key.startswith(SAYS):
        return Button(name, say=key.removeprefix(SAYS))
    return Button(name, url=str(told.get("url", "")) if told.get("type") == "view" else "")
