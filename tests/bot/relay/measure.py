"""How many events a second the relay hands over: ``python -m tests.bot.relay.measure [MESSAGES]``; each broker a few times."""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bot.relay.opening import open_relay
from bot.settings import load
from domain.conversations.commands import Message, Receive, Sender
from domain.dispatch import Request
from domain.identity import ProviderMessageId
from tests.bot.premises import BOT, TELEGRAM, Premises
from tests.bot.relay.servers import NatsServer, RabbitServer, Server, serving

MESSAGES = 5_000
PEOPLE = 500
ROUNDS = 3


async def fill(premises: Premises, messages: int) -> int:
    """Let people write. Returns the log's head."""
    context = premises.house.context("customer")

    async def says(number: int) -> None:
        who = f"customer-{number % PEOPLE}"
        content = Message(text=f"message {number}", provider_message=ProviderMessageId(f"m{number}"))
        received = Receive(
            channel=TELEGRAM,
            account=BOT,
            key=f"measured-{number}",
            occurred_at=premises.now,
            content=content,
            sender=Sender(external_id=who, name=who, username=who),
        )
        await premises.house.submit(Request(context, (received,)))

    for start in range(0, messages, PEOPLE):
        await asyncio.gather(*(says(number) for number in range(start, min(start + PEOPLE, messages))))
    return premises.house.log.head()


async def relayed(premises: Premises, server: Server, subject: str, personal: str) -> tuple[float, float]:
    """Relay the whole log once. Returns seconds of the wall clock, and of this process."""
    said = {"URL": server.url, "SUBJECT": subject, "PERSONAL": personal}
    variables = {
        **premises.house.variables,
        **{f"SIYU_RELAY__{name}": value for name, value in said.items()},
    }
    relay = open_relay(load(variables), variables)
    try:
        relay.begin_after(0)
        head, began, worked = relay.log.head(), time.perf_counter(), time.process_time()
        while relay.passed < head:
            if pause := await relay.step():
                raise AssertionError(f"the broker failed: {pause}")
        ended = time.perf_counter() - began, time.process_time() - worked
        await relay.hang_up()
        kept = await server.kept(subject, head)
        assert len(kept) == head, f"{len(kept)} of {head} arrived"
        return ended
    finally:
        relay.close()


def main(messages: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        premises = Premises(Path(folder) / "data")
        head = asyncio.run(fill(premises, messages))
        sys.stdout.write(f"{head} events, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
        for kind in (NatsServer, RabbitServer):
            place = Path(folder) / kind.__name__
            place.mkdir()
            with serving(kind, place) as server:
                for personal in ("", "*"):
                    rounds = [
                        asyncio.run(relayed(premises, server, f"m{number}{len(personal)}", personal))
                        for number in range(ROUNDS)
                    ]
                    rates = sorted(head / wall for wall, _ in rounds)
                    cpu_us = statistics.median(cpu for _, cpu in rounds) / head * 1e6
                    told = "personal fields told" if personal else "none of them told"
                    sys.stdout.write(
                        f"{kind.__name__:<13} {told:<21} {statistics.median(rates):8.0f} events/s"
                        f" ({rates[0]:.0f}-{rates[-1]:.0f}), {cpu_us:.0f} us of this process an event\n"
                    )
        premises.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else MESSAGES)
