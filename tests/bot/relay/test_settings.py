"""What the relay is set by; a bad setting is one clear line that never shows a value."""

import pytest

from bot.relay.settings import RelaySettings, relay_of
from domain.errors import BadSettings
from tests.bot.relay.servers import relayed_to

URL = "nats://shop:canary-secret@broker.example:4222"


def test_without_settings_nothing_is_relayed() -> None:
    assert relay_of({"SIYU_DATA": "data", "SIYU_RELAY__URL": ""}) is None


def test_all_events_are_told_and_nothing_personal_where_nothing_else_is_said() -> None:
    relay = relay_of({"SIYU_RELAY__URL": URL})
    assert relay is not None
    assert (str(relay.url), relay.subject) == (URL, "siyu")
    assert (relay.wants("send-reserved/1"), relay.shows("message-received/1")) == (True, False)


def test_events_and_those_whose_personal_fields_are_told_are_listed_without_their_version() -> None:
    relay = relayed_to(URL, EVENTS="order-paid, message-received", PERSONAL="message-received")
    assert [relay.wants(f"{name}/1") for name in ("order-paid", "message-received", "customer-tagged")] == [
        True,
        True,
        False,
    ]
    assert [relay.shows(f"{name}/2") for name in ("order-paid", "message-received")] == [False, True]
    assert relayed_to(URL, PERSONAL="*").shows("order-paid/1")


@pytest.mark.parametrize(
    "url, address",
    [
        (URL, "nats://broker.example:4222"),
        ("tls://token-canary@broker.example", "tls://broker.example"),
        ("amqp://shop:canary@broker.example/canary-vhost", "amqp://broker.example"),
        ("amqps://broker.example:5671/", "amqps://broker.example:5671"),
    ],
)
def test_what_is_shown_of_a_broker_lets_nobody_in(url: str, address: str) -> None:
    relay = relayed_to(url)
    assert (relay.address, "canary" in repr(relay)) == (address, False)


@pytest.mark.parametrize(
    "said, told",
    [
        ({}, "SIYU_RELAY__URL: is missing: write it as nats://host:4222 or amqp://host/"),
        ({"URL": "canary"}, "SIYU_RELAY__URL: write it as nats://host:4222"),
        ({"URL": "https://canary.example"}, "SIYU_RELAY__URL: write it as nats://host:4222"),
        ({"URL": "nats://"}, "SIYU_RELAY__URL: "),
        ({"URL": "nats://canary:port"}, "SIYU_RELAY__URL: this is no address"),
        ({"URL": "kafka://canary.example"}, "SIYU_RELAY__URL: Kafka is not among what the relay speaks"),
        ({"URL": URL, "SUBJECT": "canary.>"}, "SIYU_RELAY__SUBJECT: write letters, digits, - and _"),
        ({"URL": URL, "SUBJECT": "c" * 65}, "SIYU_RELAY__SUBJECT: write letters, digits, - and _"),
        ({"URL": URL, "EVENTS": "order-paid,canary"}, "SIYU_RELAY__EVENTS: one of these is no event"),
        ({"URL": URL, "EVENTS": ","}, "SIYU_RELAY__EVENTS: name events"),
        ({"URL": URL, "PERSONAL": "canary"}, "SIYU_RELAY__PERSONAL: one of these is no event"),
        ({"URL": URL, "STREAM": "canary"}, "SIYU_RELAY__STREAM: there is no such setting"),
        ({"CRM__URL": URL}, "SIYU_RELAY__CRM: there is one relay, and it has no name"),
    ],
)
def test_a_bad_setting_is_one_line_without_its_value(said: dict[str, str], told: str) -> None:
    given = {f"SIYU_RELAY__{name}": value for name, value in said.items()} or {"SIYU_RELAY__SUBJECT": "shop"}
    with pytest.raises(BadSettings) as refused:
        relay_of(given)
    assert str(refused.value).startswith(told)
    assert "canary" not in str(refused.value)


def test_the_secret_part_of_an_address_is_never_printed() -> None:
    relay = relay_of({"SIYU_RELAY__URL": URL})
    assert isinstance(relay, RelaySettings)
    assert repr(relay) == "RelaySettings('nats://broker.example:4222', 'siyu')"
