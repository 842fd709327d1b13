"""A person in WeChat that a test, or a demo, moves: each action becomes the callback that WeChat would post.

Actions return the Callback at once; `await callback.finished()` waits for the account's answer. Who does not follow
the account can neither write to it nor see its menu.
"""

import re
import secrets
from collections.abc import Iterable, Mapping
from html import unescape
from typing import Final, Literal
from urllib.parse import parse_qs, urlsplit

from channels.simulators.wechat import notices
from channels.simulators.wechat.media import SAMPLE_IMAGE, SAMPLE_VIDEO, SAMPLE_VOICE
from channels.simulators.wechat.notices import Fields
from channels.simulators.wechat.sent import Sent
from channels.simulators.wechat.shapes import Json
from channels.simulators.wechat.webhook import Callback
from channels.simulators.wechat.world import ImpossibleAction, Person, World

_LINK: Final = re.compile(r"""<a\s+href=["'](weixin://bizmsgmenu\?[^"']+)["'][^>]*>(.*?)</a>""", re.DOTALL)
_POPUP_SCENE: Final = 2


class OfficialAccountUser:
    def __init__(self, world: World, person: Person) -> None:
        self.person = person
        self._world = world

    @property
    def openid(self) -> str:
        return self.person.openid

    @property
    def screen(self) -> list[Sent]:
        """What they were shown and how it came, oldest first."""
        return list(self.person.screen)

    @property
    def reads(self) -> list[str]:
        """The words of what they were shown, oldest first."""
        return [shown.text for shown in self.person.screen if shown.text is not None]

    # --- messages ---------------------------------------------------------------------------------

    def says(self, text: str) -> Callback:
        return self._writes(notices.text(text))

    def sends_image(self, content: bytes = SAMPLE_IMAGE) -> Callback:
        medium = self._world.media.sent_by_person("image", content)
        return self._writes(notices.image(f"{self._world.base}/mmbiz/{medium.id}", medium.id))

    def sends_voice(self, content: bytes = SAMPLE_VOICE) -> Callback:
        medium = self._world.media.sent_by_person("voice", content)
        return self._writes(notices.voice(medium.id, medium.extension))

    def sends_video(self, content: bytes = SAMPLE_VIDEO) -> Callback:
        return self._sends_video("video", content)

    def sends_short_video(self, content: bytes = SAMPLE_VIDEO) -> Callback:
        return self._sends_video("shortvideo", content)

    def sends_location(
        self, latitude: float, longitude: float, *, label: str = "", scale: int = 16
    ) -> Callback:
        return self._writes(notices.location(latitude, longitude, scale, label))

    def sends_link(self, title: str, url: str, description: str = "") -> Callback:
        return self._writes(notices.link(title, description, url))

    def taps(self, label: str) -> Callback:
        """Tap what a message shows as `label`: a msgmenu's item, or a link to weixin://bizmsgmenu."""
        for shown in reversed(self.person.screen):
            for words, content, item in _tappable(shown):
                if label in (words, content):
                    return self._writes(notices.text(content, item))
        raise ImpossibleAction(f"{self.openid} sees nothing to tap that says {label!r}")

    # --- events -----------------------------------------------------------------------------------

    def subscribes(self, scene: str | None = None) -> Callback:
        """Follow the account: by search, or by the QR code with `scene`."""
        if self.person.subscribed:
            raise ImpossibleAction(f"{self.openid} follows the account already")
        person = self.person
        person.subscribed, person.subscribed_at = True, self._world.now
        person.scene = scene or ""
        person.subscribe_scene = "ADD_SCENE_QR_CODE" if scene is not None else "ADD_SCENE_SEARCH"
        if scene is None:
            return self._acts("subscribe", ("EventKey", ""))
        return self._acts("subscribe", ("EventKey", f"qrscene_{scene}"), ("Ticket", self._ticket(scene)))

    def unsubscribes(self) -> Callback:
        self._check_follows()
        self.person.subscribed = False
        self.person.window.close()
        return self._world.event(self.openid, notices.event("unsubscribe", ("EventKey", "")))

    def scans(self, scene: str) -> Callback:
        """Scan the QR code with `scene`: who does not follow yet begins to."""
        if not self.person.subscribed:
            return self.subscribes(scene)
        return self._acts("SCAN", ("EventKey", scene), ("Ticket", self._ticket(scene)))

    def clicks(self, key: str) -> Callback:
        """Press the menu's button with `key`. Without a menu made by the API any key is taken."""
        self._check_follows()
        self._check_menu("key", key)
        return self._acts("CLICK", ("EventKey", key))

    def views(self, url: str) -> Callback:
        """Open a page from the menu: opens no window."""
        self._check_follows()
        self._check_menu("url", url)
        fields = notices.event("VIEW", ("EventKey", url), ("MenuId", 425_000_000))
        return self._world.event(self.openid, fields)

    def answers_popup(self, answers: Mapping[str, Literal["accept", "reject"]]) -> Callback:
        """Answer a page's question about subscribe messages: each accepted template may be sent once more."""
        for template, answer in answers.items():
            if answer == "accept":
                self.person.balances[template] += 1
        fields = notices.subscription_answers(
            "subscribe_msg_popup_event", "SubscribeMsgPopupEvent", list(answers.items()), _POPUP_SCENE
        )
        return self._world.event(self.openid, fields)

    def withdraws(self, templates: Iterable[str]) -> Callback:
        """Refuse templates in the account's settings: what was accepted is gone, template messages fail too."""
        refused = list(templates)
        for template in refused:
            self.person.balances[template] = 0
            self.person.rejected.add(template)
        answers = [(template, "reject") for template in refused]
        fields = notices.subscription_answers(
            "subscribe_msg_change_event", "SubscribeMsgChangeEvent", answers
        )
        return self._world.event(self.openid, fields)

    def _sends_video(self, kind: str, content: bytes) -> Callback:
        medium = self._world.media.sent_by_person("video", content)
        thumb = self._world.media.sent_by_person("thumb", SAMPLE_IMAGE)
        return self._writes(notices.video(kind, medium.id, thumb.id))

    def _writes(self, fields: Fields) -> Callback:
        self._check_follows()
        return self._world.message(self.person, fields)

    def _acts(self, name: str, *fields: tuple[str, notices.Value]) -> Callback:
        self.person.window.action_came(self._world.clock())
        return self._world.event(self.openid, notices.event(name, *fields), awaited=True)

    def _check_follows(self) -> None:
        if not self.person.subscribed:
            raise ImpossibleAction(f"{self.openid} does not follow the account: let them subscribe first")

    def _check_menu(self, name: str, value: str) -> None:
        if self._world.menu is None:
            return
        buttons = [
            leaf for button in self._world.menu["button"] for leaf in (button.get("sub_button") or [button])
        ]
        if not any(button.get(name) == value for button in buttons):
            raise ImpossibleAction(f"the menu has no button with {name} {value!r}")

    def _ticket(self, scene: str) -> str:
        """The newest code's with this scene; one that the API did not make is taken for a printed one."""
        made = [code for code in self._world.tickets if code.scene == scene]
        if not made:
            return f"gQ{secrets.token_urlsafe(64)}=="
        now = self._world.clock()
        good = [code for code in made if code.expires_at is None or code.expires_at > now]
        if not good:
            raise ImpossibleAction(f"the QR code for {scene!r} has expired")
        return good[-1].ticket


def _tappable(shown: Sent) -> Iterable[tuple[str, str, str]]:
    """(what is seen, what is sent, the item's id) of a message."""
    if shown.kind == "msgmenu":
        items: object = shown.content.get("list")
        if isinstance(items, list):
            yield from ((item["content"], item["content"], str(item["id"])) for item in items)
    for found in _LINK.finditer(shown.text or ""):
        query = parse_qs(urlsplit(unescape(found[1])).query)
        content = query.get("msgmenucontent", [""])[0]
        yield unescape(found[2]), content, query.get("msgmenuid", [""])[0]


def person_as_json(person: Person) -> Json:
    """A person as the control page shows them."""
    names = ("openid", "unionid", "subscribed", "remark", "tags", "scene")
    return {name: getattr(person, name) for name in names}
