"""NATS JetStream as the relay's broker.

Each message names itself (``Nats-Msg-Id``: a double within the stream's window, two minutes where nobody said otherwise, is dropped) and
the one in front of it (``Nats-Expected-Last-Msg-Id``). So a batch is under way all at once, and yet nothing behind a lost message is kept.
The server looks for doubles first: what is told again passes, wherever the stream stands.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from faststream.exceptions import FastStreamException
from faststream.nats import NatsBroker
from nats import errors
from nats.js.errors import APIError, NoStreamResponseError, NotFoundError, ServiceUnavailableError

from bot.relay.broker import ACCEPT_WITHIN_S, CLOSE_WITHIN_S, CONNECT_WITHIN_S, Accepted, in_order
from bot.relay.parcel import Parcel
from bot.relay.settings import RelaySettings

NOT_BEHIND_IT: Final = 10070
"""JetStream's number for an expected last message that is not the last."""


class JetStream:
    """See Broker. The stream is made where no stream has the subjects yet; what it keeps and for how long is its owner's to set."""

    def __init__(self, settings: RelaySettings) -> None:
        self._settings = settings
        self._nats: NatsBroker | None = None
        self._stream = ""
        self._publishing: list[asyncio.Task[None]] = []

    async def take(self, parcels: Sequence[Parcel]) -> Accepted:
        """See Broker."""
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                broker = self._nats or await self._connect()
        except (errors.Error, FastStreamException, OSError, TimeoutError) as error:
            await self.close()
            return Accepted(0, _failure(error))
        in_front = ["", *(parcel.id for parcel in parcels)]
        self._publishing = [
            asyncio.create_task(self._publish(broker, parcel, behind))
            for parcel, behind in zip(parcels, in_front, strict=False)
        ]
        count, refusal = await in_order(self._publishing)
        if refusal is None:
            return Accepted(count)
        if count and isinstance(refusal, APIError) and refusal.err_code == NOT_BEHIND_IT:
            # What is accepted was there before, and something else came last: begin anew behind it.
            return Accepted(count)
        await self.close()
        return Accepted(count, _failure(refusal))

    async def _publish(self, broker: NatsBroker, parcel: Parcel, behind: str) -> None:
        headers = {
            "Nats-Msg-Id": parcel.id,
            "content-type": "application/json",
            "stream": parcel.stream,
            "position": str(parcel.position),
        }
        if behind:
            headers["Nats-Expected-Last-Msg-Id"] = behind
        await broker.publish(
            parcel.body,
            f"{self._settings.subject}.{parcel.kind}",
            headers=headers,
            correlation_id=parcel.id,
            stream=self._stream,
            timeout=ACCEPT_WITHIN_S,
        )

    async def _connect(self) -> NatsBroker:
        # Its own reconnecting would send again what it kept, behind what the relay tells again.
        broker = self._nats = NatsBroker(
            str(self._settings.url),
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            closed_cb=self._lost,
            connect_timeout=CONNECT_WITHIN_S,
            logger=None,
            apply_types=False,
        )
        await broker.connect()
        jetstream = broker.connection.jetstream(timeout=ACCEPT_WITHIN_S)
        subjects = f"{self._settings.subject}.>"
        try:
            self._stream = await jetstream.find_stream_name_by_subject(subjects)
        except NotFoundError:
            self._stream = self._settings.subject.replace(".", "_")
            await jetstream.add_stream(name=self._stream, subjects=[subjects])
        return broker

    async def _lost(self) -> None:
        """Wait no longer for answers that cannot come any more: the client would, each for its whole time."""
        for task in self._publishing:
            task.cancel()

    async def close(self) -> None:
        """See Broker."""
        broker, self._nats = self._nats, None
        if broker is None:
            return
        with suppress(errors.Error, FastStreamException, OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await broker.connection.close()
        with suppress(errors.Error, FastStreamException, OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await broker.stop()


def _failure(error: BaseException) -> str:
    match error:
        case ServiceUnavailableError() | NoStreamResponseError():
            return "no-jetstream"
        case APIError():
            return f"refused-{error.err_code}"
        case errors.Error() if "authorization" in str(error).lower():
            return "not-authorized"
        case errors.MaxPayloadError():
            return "too-large"
        case errors.NoServersError() | OSError() if not isinstance(error, TimeoutError):
            return "unreachable"
        case TimeoutError():
            return "timeout"
        case errors.Error() | FastStreamException() | asyncio.CancelledError():
            return "connection-lost"
        case _:
            raise error
