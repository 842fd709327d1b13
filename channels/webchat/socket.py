"""The WebSocket endpoint: who is there, what they say, and the answer ``ack`` only after the commit."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import assert_never

from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocket

from channels.channel import Desk
from channels.webchat import origin, render, texts
from channels.webchat.client import RECALLED, OpenSockets
from channels.webchat.connection import POLICY_VIOLATION, TRY_AGAIN_LATER, Connection
from channels.webchat.errors import (
    NO_FILE,
    TOO_FAST,
    TOO_MANY_SOCKETS,
    UNAVAILABLE,
    UNKNOWN_KIND,
    BadFrame,
    reason_of,
)
from channels.webchat.limits import (
    FRAMES_BURST,
    FRAMES_PER_S,
    HELLO_GRACE_S,
    HISTORY_MESSAGES,
    MESSAGES_BURST,
    MESSAGES_PER_S,
    VISITORS_REMEMBERED,
    Bucket,
    Buckets,
)
from channels.webchat.parse import CHANNEL, Choose, Frame, Hello, Ping, Say, Seen, Strange, parse, receive
from channels.webchat.visitor import COOKIE, Visitor, external_id, is_token, known_zone, new_token
from domain.errors import SiyuError
from domain.identity import Account, Address, ContactId
from domain.policies.text import normalised
from domain.ports.history import Said, SaidFile
from domain.ports.media import Upload


class ChatSocket:
    """The endpoint ``/chat/ws``."""

    def __init__(self, account: Account, desk: Desk, sockets: OpenSockets) -> None:
        self.account, self.desk, self.sockets = account, desk, sockets
        self.pace = Buckets(MESSAGES_BURST, MESSAGES_PER_S, VISITORS_REMEMBERED)
        self.open = False

    async def serve(self, websocket: WebSocket) -> None:
        """Judge the handshake, then talk until one side ends it."""
        headers = websocket.headers
        if not origin.is_ours(headers.getlist("origin"), headers.get("host"), self.desk.public_url):
            await _deny(
                websocket, HTTPStatus.FORBIDDEN, "this chat's sockets are opened by its own page only"
            )
            return
        if not self.open or not self.sockets.has_room():
            await _deny(
                websocket, HTTPStatus.SERVICE_UNAVAILABLE, "the chat is full or stopping: come again later"
            )
            return
        connection = Connection(websocket, self.desk.link)
        self.sockets.open(connection)
        conversation = Conversation(self, websocket, connection)
        try:
            await websocket.accept()
            await conversation.run()
        finally:
            self.sockets.closed(connection)

    async def show(self, address: Address, contact: ContactId, what: str) -> None:
        """Show what another process sent, where its page is open here. See channels.channel.Shows."""
        ours = (address.channel, address.account) == (CHANNEL, self.account)
        if not ours or not self.sockets.has(address.external_id):
            return
        if what.endswith(RECALLED):
            gone = what.removesuffix(RECALLED)
            self.sockets.push(address.external_id, what, render.recalled(gone))
            return
        history = await self.desk.history.recent(contact, HISTORY_MESSAGES)
        for said in history:
            if said.id == what:
                self.sockets.push(address.external_id, said.id, render.message(said, self.desk.link))


class Conversation:
    """One socket's talk. Frames are taken one after the other, so a visitor's messages keep their order."""

    def __init__(self, chat: ChatSocket, websocket: WebSocket, connection: Connection) -> None:
        self._chat, self._desk = chat, chat.desk
        self._websocket, self._connection = websocket, connection
        accept_language = websocket.headers.get("accept-language")
        language = texts.language(accept_language, chat.desk.locale)
        self._texts = texts.translated(texts.ERRORS, chat.desk.say, language)
        self._language = next(iter(texts.preferred(accept_language)), None)
        self._zone = known_zone(websocket.query_params.get("zone"))
        self._frames = Bucket(FRAMES_BURST, FRAMES_PER_S)
        self._visitor: Visitor | None = None
        self._may_say_hello = True

    async def run(self) -> None:
        """Talk until the socket ends."""
        writer = asyncio.create_task(self._connection.write())
        timer = asyncio.get_running_loop().call_later(HELLO_GRACE_S, self._introduce)
        try:
            token = self._websocket.cookies.get(COOKIE)
            if token is not None and is_token(token):
                self._may_say_hello = False
                await self._resume_or_refuse(token)
            async for text in self._incoming(writer):
                await self._take(text)
        finally:
            timer.cancel()
            self._leave()
            writer.cancel()
            await asyncio.wait({writer})
        if not writer.cancelled():
            writer.result()  # a bug in it is raised here

    async def _incoming(self, writer: asyncio.Task[None]) -> AsyncIterator[str | None]:
        """Frames, None for a binary one, until the client leaves or nothing can be written any more."""
        while True:
            receiving = asyncio.create_task(self._websocket.receive())
            await asyncio.wait({receiving, writer}, return_when=asyncio.FIRST_COMPLETED)
            if not receiving.done():
                receiving.cancel()
                return
            message = receiving.result()
            if message["type"] == "websocket.disconnect":
                return
            yield message.get("text")

    async def _resume_or_refuse(self, token: str) -> None:
        try:
            await self._resume(token)
        except SiyuError as error:
            self._refuse(error, None)

    async def _take(self, text: str | None) -> None:
        """Do what a frame asks for, or tell what is wrong with it."""
        if not self._frames.take(self._desk.clock()):
            self._refuse(BadFrame(TOO_FAST), None)
            self._connection.close(POLICY_VIOLATION)
            return
        frame: Frame | None = None
        try:
            if text is None:
                raise BadFrame("bad-frame")
            frame = parse(text)
            await self._answer(frame, text)
        except SiyuError as error:
            self._refuse(error, frame.id if isinstance(frame, Say | Choose | Seen | Strange) else None)
        self._may_say_hello = False

    def _refuse(self, error: SiyuError, id_: str | None) -> None:
        reason = reason_of(error)
        if isinstance(error, BadFrame):
            id_ = error.id or id_
        self._connection.reply(render.error(reason, self._texts[reason], id_))
        if self._visitor is None and reason in {TOO_MANY_SOCKETS, UNAVAILABLE}:
            self._connection.close(POLICY_VIOLATION if reason == TOO_MANY_SOCKETS else TRY_AGAIN_LATER)

    async def _answer(self, frame: Frame, raw: str) -> None:
        match frame:
            case Ping():
                self._connection.reply(render.pong())
            case Hello(token=token):
                await self._hello(token)
            case Seen(id=id_):
                await self._seen(id_)
            case Say() | Choose() | Strange():
                await self._hand_in(frame, raw)
            case _:
                assert_never(frame)

    async def _hello(self, token: str) -> None:
        if self._visitor is not None and self._visitor.external_id == external_id(token):
            return
        if not self._may_say_hello:
            raise BadFrame("other-session")
        self._leave()
        await self._resume(token)

    async def _seen(self, id_: str) -> None:
        if not self._connection.confirm(id_):
            return
        try:
            await self._desk.confirmed(id_)
        except SiyuError:
            self._connection.unconfirm(id_)
            raise

    async def _hand_in(self, frame: Say | Choose | Strange, raw: str) -> None:
        visitor = self._visitor or self._introduce()
        if not self._chat.pace.take(visitor.external_id, self._desk.clock()):
            raise BadFrame(TOO_FAST, frame.id)
        at = self._desk.clock()
        upload = await self._upload(frame)
        await self._desk.intake([receive(frame, raw, visitor, self._chat.account, at, upload)])
        if isinstance(frame, Strange):
            raise BadFrame(UNKNOWN_KIND, frame.id)
        self._connection.reply(render.ack(frame.id, at))
        if isinstance(frame, Say):
            file = None
            if upload is not None:
                file = SaidFile(upload.kind, upload.content_type, upload.name, upload.size)
            said = Said(frame.id.lower(), at, by_customer=True, text=normalised(frame.text), file=file)
            shown = render.message(said, self._desk.link)
            self._chat.sockets.push(visitor.external_id, said.id, shown, but=self._connection)

    async def _upload(self, frame: Say | Choose | Strange) -> Upload | None:
        """Return what the file of a message is. Raises BadFrame for one that was never handed over, StoreUnavailable."""
        if not isinstance(frame, Say) or frame.file is None:
            return None
        upload = await self._desk.uploads.find(frame.file)
        if upload is None:
            raise BadFrame(NO_FILE, frame.id)
        return upload

    def _introduce(self) -> Visitor:
        """Let somebody who named no session be a new visitor. Nothing of it is stored before their first message."""
        return self._visitor or self._join(new_token())

    async def _resume(self, token: str) -> None:
        visitor = self._join(token)
        contact = self._desk.contact_of(CHANNEL, self._chat.account, visitor.external_id)
        if contact is None:
            return
        self._connection.hold()
        try:
            history = await self._desk.history.recent(contact, HISTORY_MESSAGES)
        except SiyuError:
            self._leave()
            raise
        self._connection.release(history)

    def _join(self, token: str) -> Visitor:
        visitor = Visitor(external_id(token), self._language, self._zone)
        self._chat.sockets.join(visitor.external_id, self._connection)
        self._visitor = visitor
        self._connection.reply(render.session(token))
        return visitor

    def _leave(self) -> None:
        if self._visitor is not None:
            self._chat.sockets.leave(self._visitor.external_id, self._connection)
            self._visitor = None


async def _deny(websocket: WebSocket, status: HTTPStatus, text: str) -> None:
    await websocket.send_denial_response(PlainTextResponse(f"{text}\n", status))
