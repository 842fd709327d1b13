"""``siyu connect`` on a terminal: asks what is missing, and ticks off each step as soon as it holds."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from getpass import getpass
from typing import Any

from rich.console import Console
from rich.text import Text

from bot.connect.connecting import is_secret, setting
from bot.texts import Texts
from channels.connecting import PUBLIC_URL
from domain.errors import BadSettings, Rejected, SiyuError

LOOK_EVERY_S = 1.0
WAITED_FOR_S = 2 * 3600.0
"""On a terminal; whoever is away for longer begins anew, and finds everything as it was left."""
ASKED_AT_MOST = 5
"""How often one wrong value is asked for again."""
_MARKS = {
    "passed": ("✓", "green"),
    "failed": ("✗", "red"),
    "waiting": ("…", "yellow"),
    "blocked": ("·", "dim"),
    "later": ("·", "dim"),
}

Perform = Callable[[str, Mapping[str, Any]], dict[str, Any]]
"""Has an operation carried out by the Siyu that runs, or here, and returns what it answered. Raises SiyuError."""


class Answers:
    """People at a terminal, where there is one."""

    def __init__(self, console: Console, *, terminal: bool) -> None:
        self._console, self.from_people = console, terminal

    def ask(self, prompt: str, *, secret: bool) -> str:
        """Return an answer, empty where there is none; what is secret is not shown while it is typed."""
        if not self.from_people:
            return ""
        if secret:  # getpass stops the echo before it prompts: nothing that is typed early is seen
            return getpass(f"{prompt}: ").strip()
        return self._console.input(Text(f"{prompt}: ", style="bold")).strip()


@dataclass(slots=True)
class TerminalGuide:
    """Guides through one account. ``given``: values by their short names, not asked for. ``wait_s``: how long steps are ticked."""

    channel: str
    name: str
    perform: Perform
    texts: Texts
    console: Console
    answers: Answers
    given: Mapping[str, str] = field(default_factory=dict)
    wait_s: float = 0.0
    renew: bool = False
    _shown: dict[str, tuple[str, str]] = field(default_factory=dict)

    def run(self) -> int:
        """Guide until all that must hold holds, and return 0; 1 where something does not hold in time."""
        state = self._look()
        self._line(state["title"], "bold")
        if state["warning"]:
            self._line(state["warning"], "yellow")
        if not state["running"]:
            self._line(self._say("No Siyu runs yet: what only a running one can tell comes later."), "dim")
        state = self._fill(state)
        return self._tick(state)

    def _fill(self, state: dict[str, Any]) -> dict[str, Any]:
        """Ask what is missing, keep it, and return how far it is then. Raises BadSettings where nobody can be asked."""
        if not any(not ask["set"] for ask in state["asks"]) and not self.given and not self.renew:
            return state
        values = {
            ask["key"]: self._answer(ask)
            for ask in state["asks"]
            if not ask["set"] and not ask["made"] and ask["key"] not in self.given
        }
        while True:
            try:
                return self._keep({**values, **self.given})
            except (BadSettings, Rejected) as error:
                if not self.answers.from_people or self.given:
                    raise
                self._line(self.texts.told(error), "red")
                values = {ask["key"]: self._answer(ask) for ask in state["asks"] if not ask["made"]}

    def _answer(self, ask: Mapping[str, Any]) -> str:
        """Ask for one value until there is one."""
        if self.answers.from_people:
            self._line(ask["help"], "dim")
        prompt = str(ask["title"])
        if ask["choices"]:
            prompt += f" [{'/'.join(ask['choices'])}]"
        for _ in range(ASKED_AT_MOST):
            answer = self.answers.ask(prompt, secret=ask["secret"])
            if not answer and ask["choices"]:
                answer = ask["choices"][0]
            if answer or not self.answers.from_people:
                break
        else:
            answer = ""
        if not answer:
            raise BadSettings(
                "{setting} is missing: {help}",
                setting=setting(self.channel, self.name, ask["key"]),
                help=ask["help"],
            )
        return answer

    def _keep(self, values: Mapping[str, str]) -> dict[str, Any]:
        told = self.perform(
            "connect-save",
            {"channel": self.channel, "name": self.name, "values": dict(values), "renew": self.renew},
        )
        self.renew = False
        state = self._look()
        self._line(self._say("Saved in siyu.toml, for you alone to read."), "dim")
        if told["made"]:
            self._show_made(told["made"], state)
        return state

    def _show_made(self, made: Mapping[str, str], state: Mapping[str, Any]) -> None:
        """Show what has to be copied to the provider: to people only, for the output of a script is kept somewhere."""
        if not self.console.is_terminal:
            self._line(self._say("What was made for the provider is in siyu.toml: copy it from there."))
            return
        self._line(self._say("Copy this to the provider now: it is not shown again."), "yellow")
        titles = {ask["key"]: ask["title"] for ask in state["asks"]}
        for key, value in made.items():
            self._line(f"  {titles.get(key, key)}: {value}")

    def _tick(self, state: dict[str, Any]) -> int:
        """Show what changes until it is done, or the time is over."""
        ends, asked = time.monotonic() + self.wait_s, 0
        while True:
            self._show(state)
            if state["done"] or (state["holds"] and not state["running"]):
                return self._end(state)
            wrong = next(
                (step["ask"] for step in state["steps"] if step["state"] == "failed" and step["ask"]), None
            )
            if wrong is not None and self.answers.from_people and asked < ASKED_AT_MOST:
                asked += 1
                state = self._ask_again(state, wrong)
                continue
            if time.monotonic() >= ends:
                return self._end(state)
            time.sleep(LOOK_EVERY_S)
            state = self._look()

    def _ask_again(self, state: dict[str, Any], wrong: str) -> dict[str, Any]:
        ask = next(ask for ask in state["asks"] if ask["key"] == wrong)
        try:
            return self._keep({wrong: self._answer(ask)})
        except (BadSettings, Rejected) as error:
            self._line(self.texts.told(error), "red")
            return state

    def _end(self, state: Mapping[str, Any]) -> int:
        if state["done"]:
            self._line(self._say("Connected."), "bold green")
            return 0
        if state["holds"] and not state["running"]:
            again = f"siyu connect {self.channel}"
            said = self._say("What can be told now holds. Next: siyu run, and beside it once more: {again}")
            self._line(said.format(again=again), "bold")
            return 0
        self._line(
            self._say("Not connected yet. Go on with: siyu connect {channel}").format(channel=self.channel),
            "bold",
        )
        return 1

    def _show(self, state: Mapping[str, Any]) -> None:
        """Show the steps that are not as they were shown last."""
        for step in state["steps"]:
            stands = (str(step["state"]), str(step["said"]))
            if self._shown.get(step["id"]) == stands or stands[0] == "blocked":
                continue
            self._shown[step["id"]] = stands
            mark, style = _MARKS[stands[0]]
            if stands[0] == "failed" and not step["required"]:
                mark, style = "!", "yellow"
            said = stands[1] or (self._say("once Siyu runs") if stands[0] == "later" else "")
            line = Text(f"{mark} ", style=style)
            line.append(step["title"], style="" if stands[0] in {"passed", "failed"} else style)
            if said:
                line.append(f": {said}", style="dim" if stands[0] == "passed" else style)
            self.console.print(line, soft_wrap=True)

    def _look(self) -> dict[str, Any]:
        return self.perform(
            "connect-look", {"channel": self.channel, "name": self.name, "locale": self.texts.locale}
        )

    def _say(self, text: str) -> str:
        return self.texts.say(text)

    def _line(self, text: str, style: str = "") -> None:
        self.console.print(Text(text, style=style), soft_wrap=True)


def answered(messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what an operation answered, of the messages of the protocol. Raises Rejected with what it said else."""
    error = next((message for message in messages if "error" in message), None)
    if error is not None:
        raise (Rejected if error.get("exit") == 2 else SiyuError)(str(error["error"]))  # noqa: PLR2004  # bad usage or settings
    told: dict[str, Any] = json.loads(next(str(message["line"]) for message in messages if "line" in message))
    return told


def given_by(environment: Mapping[str, str], channel: str, name: str) -> dict[str, str]:
    """Return an account's settings in an environment, by their short names; the public address too."""
    prefix = setting(channel, name, "")
    found = {
        key.removeprefix(prefix).lower(): value
        for key, value in environment.items()
        if key.startswith(prefix) and "__" not in key.removeprefix(prefix) and value
    }
    public = environment.get(setting(channel, name, PUBLIC_URL))
    return {**found, PUBLIC_URL: public} if public else found


def given_in(lines: Iterable[str]) -> dict[str, str]:
    """Return what was written as lines ``key=value``, secrets too: nobody else can read a pipe."""
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs if value.strip()}


def given_as(pairs: Iterable[str]) -> dict[str, str]:
    """Return what was written as ``KEY=VALUE``. Raises Rejected for a secret: everybody on the machine could read it there."""
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not value:
            raise Rejected("write --set KEY=VALUE, such as --set kind=service")
        if is_secret(key):
            raise Rejected(
                "{key} is a secret, and others can read a command line: give it when asked, by --from-env or --from-stdin",
                key=key,
            )
        found[key.strip().lower()] = value
    return found
