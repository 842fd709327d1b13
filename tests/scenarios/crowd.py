"""Followers of an Official Account who write while Siyu is killed, and what must hold of them afterwards.

WeChat posts a callback three times and gives up: what was never answered may be in the log or not, what was answered is.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from channels.simulators.wechat import Callback, OfficialAccountUser, Outcome, WeChatSimulator
from tests.scenarios.installation import Event

TAKEN = {Outcome.ACCEPTED, Outcome.REPLIED}
FOLLOWERS = 4
NONE_LEFT = 45047


@dataclass(slots=True)
class Crowd:
    """``said``: each message with its callback."""

    wechat: WeChatSimulator
    chance: random.Random
    said: list[tuple[str, Callback]] = field(default_factory=list)

    def says_something(self, wishes: Sequence[str]) -> None:
        """Let one of them write; now and then it is one of these wishes."""
        follower = self.chance.choice(self.followers)
        text = self.chance.choice(wishes) if self.chance.random() < 0.1 else f"message {len(self.said)}"
        self.said.append((text, follower.says(text)))

    def all_say(self, text: str) -> None:
        self.said += [(text, follower.says(text)) for follower in self.followers]

    @property
    def followers(self) -> list[OfficialAccountUser]:
        return [self.wechat.user(f"o-{number}") for number in range(FOLLOWERS)]

    @property
    def numbers_taken(self) -> set[str]:
        """MsgIds of what Siyu answered: it says by that that it has it."""
        return {number_of(callback) for _, callback in self.said if callback.outcome in TAKEN}

    def check(self, events: Sequence[Event], answers: set[str]) -> None:
        """Check all that was promised to them."""
        self.nothing_that_was_answered_is_lost_and_nothing_doubled(events)
        self.everything_is_answered_while_the_window_is_open(events, answers)

    def nothing_that_was_answered_is_lost_and_nothing_doubled(self, events: Sequence[Event]) -> None:
        said = {number_of(callback): text for text, callback in self.said}
        heard = [message["data"] for message in messages_of(events, people_of(events))]
        recorded = {message["provider_message"]: message["text"] for message in heard}
        assert len(recorded) == len(heard)
        assert recorded.items() <= said.items()
        assert self.numbers_taken <= recorded.keys()
        assert self.numbers_taken

    def everything_is_answered_while_the_window_is_open(
        self, events: Sequence[Event], answers: set[str]
    ) -> None:
        """Each answer was shown as often as it is accepted, and not more often than it was tried.

        WeChat refuses no more than one after each of their messages: it was on its way when they wrote, and arrived in the new window while
        we had counted it in the old one. From the refusal on our count is WeChat's.
        """
        people = people_of(events)
        for follower in self.followers:
            planned = {
                event["stream"]
                for event in events
                if event["type"] == "delivery-planned/1"
                and people.get(event["data"]["contact"]) == follower.openid
                and event["data"]["kind"] == "reply"
            }
            happened = Counter(event["type"] for event in events if event["stream"] in planned)
            shown = sum(text in answers for text in follower.reads)
            assert happened["delivery-accepted/1"] <= shown <= happened["delivery-started/1"]
            assert shown > 0
        sends = [call for call in self.wechat.requests if call.path == "message/custom/send"]
        refused = [(str((call.json or {}).get("touser")), call) for call in sends if call.errcode]
        assert {call.errcode for _, call in refused} <= {NONE_LEFT}
        in_window = Counter((openid, self._written_by(openid, call.at)) for openid, call in refused)
        assert max(in_window.values(), default=0) <= 1

    def _written_by(self, openid: str, at: float) -> int:
        """How many messages of theirs WeChat had by then, by its own times."""
        theirs = (callback for _, callback in self.said if callback.openid == openid)
        return sum(float(field_of(callback, "CreateTime")) <= at for callback in theirs)


def people_of(events: Sequence[Event], channel: str = "wechat") -> dict[str, str]:
    """What contacts of a channel are called there."""
    seen = [event["data"] for event in events if event["type"] == "contact-seen/1"]
    return {contact["contact"]: contact["external_id"] for contact in seen if contact["channel"] == channel}


def messages_of(events: Sequence[Event], people: dict[str, str]) -> list[Event]:
    """Messages of these people."""
    return [e for e in events if e["type"] == "message-received/1" and e["data"]["contact"] in people]


def number_of(callback: Callback) -> str:
    """The MsgId."""
    return field_of(callback, "MsgId")


def field_of(callback: Callback, name: str) -> str:
    return callback.xml.decode().partition(f"<{name}>")[2].partition(f"</{name}>")[0]
