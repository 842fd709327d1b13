"""RabbitMQ as the relay's broker.

A batch is under way all at once, with publisher confirms. Doubles are kept: whoever reads drops them by ``message_id``. An order is lost in
one case: where RabbitMQ itself fails with one message (``basic.nack``) and takes the next, that one comes again behind it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from contextlib import suppress

from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import (
    AMQPError,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    DeliveryError,
    ProbableAuthenticationError,
)
from faststream.exceptions import FastStreamException
from faststream.rabbit import Channel, ExchangeType, RabbitBroker, RabbitExchange, RabbitQueue
from faststream.rabbit.schemas.queue import QueueType

from bot.relay.broker import ACCEPT_WITHIN_S, CLOSE_WITHIN_S, CONNECT_WITHIN_S, Accepted, in_order
from bot.relay.parcel import Parcel
from bot.relay.settings import RelaySettings

for library in ("aio_pika", "aiormq"):
    # A lost connection is told once, by the relay; theirs are traces, and several a try.
    logging.getLogger(library).setLevel(logging.CRITICAL + 1)

_TROUBLE = (AMQPError, FastStreamException, OSError, TimeoutError, RuntimeError)
"""RuntimeError: what aio-pika says of a channel or connection that was closed meanwhile."""


class RabbitMq:
    """See Broker. A durable topic exchange, and a stream of the same name that keeps all of it; others may bind queues of their own."""

    def __init__(self, settings: RelaySettings) -> None:
        self._settings = settings
        self._exchange = RabbitExchange(settings.subject, type=ExchangeType.TOPIC, durable=True)
        self._rabbit: RabbitBroker | None = None
        self._connection: AbstractConnection | None = None

    async def take(self, parcels: Sequence[Parcel]) -> Accepted:
        """See Broker."""
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                broker = self._rabbit or await self._connect()
        except _TROUBLE as error:
            await self.close()
            return Accepted(0, _failure(error))
        count, refusal = await in_order(self._publish(broker, parcel) for parcel in parcels)
        if refusal is None:
            return Accepted(count)
        await self.close()
        return Accepted(count, _failure(refusal))

    async def _publish(self, broker: RabbitBroker, parcel: Parcel) -> None:
        async with asyncio.timeout(ACCEPT_WITHIN_S):
            await broker.publish(
                parcel.body,
                exchange=self._exchange,
                routing_key=parcel.kind,
                message_id=parcel.id,
                message_type=parcel.kind,
                content_type="application/json",
                headers={"stream": parcel.stream, "position": parcel.position},
                correlation_id=parcel.id,
                timestamp=parcel.at,
                persist=True,
                mandatory=True,
            )

    async def _connect(self) -> RabbitBroker:
        broker = self._rabbit = RabbitBroker(
            str(self._settings.url),
            timeout=CONNECT_WITHIN_S,
            fail_fast=True,
            default_channel=Channel(on_return_raises=True),
            logger=None,
            apply_types=False,
        )
        self._connection = await broker.connect()
        exchange = await broker.declare_exchange(self._exchange)
        queue = await broker.declare_queue(
            RabbitQueue(self._settings.subject, queue_type=QueueType.STREAM, durable=True)
        )
        await queue.bind(exchange, routing_key="#")
        return broker

    async def close(self) -> None:
        """See Broker."""
        broker, self._rabbit = self._rabbit, None
        connection, self._connection = self._connection, None
        if connection is not None:  # first, and whatever becomes of it: else it would come back by itself
            await _ended(connection.close())
        if broker is not None:
            await _ended(broker.stop())


async def _ended(ending: Awaitable[None]) -> None:
    """Wait a little for an end in good order; a server that answers nothing gives none."""
    with suppress(*_TROUBLE):
        async with asyncio.timeout(CLOSE_WITHIN_S):
            await ending


def _failure(error: BaseException) -> str:
    match error:
        case ProbableAuthenticationError():
            return "not-authorized"
        case DeliveryError():
            return "refused"
        case ChannelNotFoundEntity():
            return "not-there"
        case ChannelPreconditionFailed():
            return "made-differently"
        case TimeoutError():
            return "timeout"
        case OSError():
            return "unreachable"
        case AMQPError() | FastStreamException() | RuntimeError():
            return "connection-lost"
        case _:
            raise error
