"""The composition root of the relay, which is a program of its own."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime

from bot.eventlog.beside import SqliteLogBeside, expect_log
from bot.eventlog.codec import Codec
from bot.eventlog.log import StoredEventLog
from bot.eventlog.postgres import PostgresEventLog
from bot.eventlog.vault import Vault
from bot.house import utc_now
from bot.relay.broker import Broker, open_broker
from bot.relay.relay import Relay
from bot.relay.settings import RelaySettings, relay_of
from bot.settings import Settings
from domain.errors import BadSettings
from domain.registry import EVENT_TYPES


def open_relay(
    settings: Settings,
    variables: Mapping[str, str],
    clock: Callable[[], datetime] = utc_now,
    timer: Callable[[], float] = time.monotonic,
    to: Callable[[RelaySettings], Broker] = open_broker,
) -> Relay:
    """Join what hands the log to a broker, beside the Siyu that runs or without one. Raises BadSettings, StoreUnavailable.

    ``timer``: seconds that only grow.
    """
    where = relay_of(variables)
    if where is None:
        raise BadSettings("SIYU_RELAY__URL is missing: write it as nats://host:4222 or amqp://host/")
    broker = to(where)
    file = settings.data / "log.db"
    if settings.database is None:
        expect_log(file)  # before the vault, which would make itself
    vault = Vault(
        settings.vault_database or settings.database or settings.data / "keys.db",
        settings.master_key_file or settings.data / "master.key",
    )
    codec = Codec(EVENT_TYPES, vault)
    try:
        log: StoredEventLog = (
            SqliteLogBeside(file, codec, clock)
            if settings.database is None
            else PostgresEventLog(settings.database, codec, clock)
        )
    except BaseException:
        vault.close()
        raise
    return Relay(where, log, vault, broker, clock, timer)
