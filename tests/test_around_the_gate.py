"""Nothing leaves but through the gate: looked for in the whole tree, since a way round it would be found by nobody else.

What leaves is a delivery that the courier claimed (domain/gate.py) and sends (scheduler/delivery.py). The lists below say who else touches
the ways out, and why that is no way round.
"""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("bot", "channels", "domain", "projections", "scheduler")
SIMULATORS = "channels/simulators/"
"""They play the provider: what they send goes to us."""

GATE, COURIER = "domain/gate.py", "scheduler/delivery.py"
RESERVES = {
    GATE: "before the send",
    "domain/restoring.py": "spends the cap of what may have gone out since the backup, and sends nothing",
}
HOLDS_A_MESSENGER = {COURIER: "sends", "bot/accounts.py": "hands it to the courier"}
SENDS = {
    COURIER: "the one place",
    "bot/terminal_chat.py": "a customer in the terminal, writing to us",
}
PROVIDER_CALLS = {
    "channels/telegram/render.py": "makes the call that the messenger gives to the provider",
    "channels/wechat/client.py": "the calls of the messenger",
    "channels/wechat/api.py": "asks what the account may do, by a message to nobody",
    "channels/wechat/connecting.py": "asks what the account may do, by a message to nobody",
}
INSIDE_CHANNELS = {
    "channels/wechat/messenger.py": "the messenger itself, which the courier calls",
    "channels/wechat/mass.py": "what the messenger gathers for one call to many",
    "channels/webhook.py": "the HTTP answer; one that holds a message was given by the messenger",
}
TELEGRAM_CALLS = {
    "SendMessage",
    "SendPhoto",
    "SendDocument",
    "SendVoice",
    "SendVideo",
    "SendAudio",
    "SendMediaGroup",
}
WECHAT_PATHS = ("message/custom/send", "message/mass/send", "message/template/send", "message/subscribe/")


def modules() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            name = file.relative_to(ROOT).as_posix()
            if not name.startswith(SIMULATORS):
                yield name, ast.parse(file.read_text("utf8"))


TREES = dict(modules())
NODES = {name: list(ast.walk(tree)) for name, tree in TREES.items()}


def where(found: Callable[[ast.AST], bool], *, but: str = "") -> set[str]:
    """Return the modules that hold such a node; those under ``but`` are left out."""
    return {
        name for name, nodes in NODES.items() if not (but and name.startswith(but)) and any(map(found, nodes))
    }


def makes(*classes: str) -> Callable[[ast.AST], bool]:
    def found(node: ast.AST) -> bool:
        if not isinstance(node, ast.Call):
            return False
        function = node.func
        return (
            function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        ) in classes

    return found


def test_only_the_gate_starts_a_delivery() -> None:
    matched = {
        id(node.cls) for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.MatchClass)
    }
    assert matched  # "case DeliveryStarted():" is no call
    assert where(makes("DeliveryStarted")) == {GATE}


def test_only_the_gate_spends_a_cap_before_a_send() -> None:
    assert where(makes("SendReserved", "GroupSendReserved")) == RESERVES.keys()


def test_only_the_courier_sends_and_only_it_is_given_a_messenger() -> None:
    held = where(lambda node: isinstance(node, ast.Attribute) and node.attr == "messenger", but="channels/")
    assert held == HOLDS_A_MESSENGER.keys()
    assert where(makes("send"), but="channels/") == SENDS.keys()


def test_the_courier_sends_nothing_but_what_it_holds_a_lease_of() -> None:
    tree = TREES[COURIER]
    sending = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef) and any(map(makes("send"), ast.walk(node)))
    ]
    assert [function.name for function in sending] == ["_send"]
    calls = [node for node in ast.walk(tree) if makes("_send")(node)]
    assert len(calls) == 1
    carry = next(
        node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef) and node.name == "_carry"
    )
    guard = next(
        node
        for node in ast.walk(carry)
        if isinstance(node, ast.If) and any(map(makes("_send"), ast.walk(node)))
    )
    assert "started is not None" in ast.unparse(guard.test)


def test_providers_are_told_to_send_by_the_messengers_alone() -> None:
    def asks_a_provider(node: ast.AST) -> bool:
        path = (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value.startswith(WECHAT_PATHS)
        )
        return path or makes(*TELEGRAM_CALLS)(node)

    assert where(asks_a_provider) == PROVIDER_CALLS.keys()


def test_inside_a_channel_only_its_messenger_calls_what_sends() -> None:
    sends = makes("send", "send_template", "send_subscribed", "send_to_many")
    assert {name for name in where(sends) if name.startswith("channels/")} == INSIDE_CHANNELS.keys()


@pytest.mark.parametrize(
    "smuggled",
    [
        "DeliveryStarted(delivery=d)",
        "events.DeliveryStarted(delivery=d)",
    ],
)
def test_the_search_itself_finds_what_is_smuggled_in(smuggled: str) -> None:
    assert any(map(makes("DeliveryStarted"), ast.walk(ast.parse(smuggled))))
    assert not any(
        map(makes("DeliveryStarted"), ast.walk(ast.parse("match e:\n    case DeliveryStarted(): pass")))
    )
