"""One request on its way through the relay, and its answer on the way back, as it comes."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from appliance.proxy.asgi import Header, Message, Receive, Scope, Send, header_value, json_bytes, respond
from appliance.proxy.intake import ClientGone
from appliance.proxy.ollama.asking import Asked
from appliance.proxy.ollama.chunks import UNREADABLE, error_text
from appliance.proxy.ollama.lines import Lines, line
from appliance.proxy.ollama.telling import Teller

NDJSON = b"application/x-ndjson"
BROKEN = "The box could not get the whole answer from its engine. Trying again may help."
_OF_THE_BODY = (b"content-length", b"content-encoding", b"transfer-encoding", b"expect", b"content-type")
_OF_THE_ANSWER = (b"content-length", b"content-type", b"cache-control", b"x-accel-buffering")
_IGNORED_LONGEST = 500


def inner_scope(scope: Scope, asked: Asked) -> Scope:
    """As if the translated request had come: of the same client with the same key.

    Without the server's short way for streams, which would go past the translation.
    """
    headers = [(name, value) for name, value in scope["headers"] if name not in _OF_THE_BODY]
    return {**scope, "path": asked.path, "headers": headers, "extensions": {}}


class Question:
    """The translated body; afterwards, whether the client is still there."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive
        self.gone = False

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        message = await self._receive()
        self.gone = self.gone or message["type"] == "http.disconnect"
        return message


class Reply:
    """What the relay sends, told in Ollama's shapes. Each piece waits until the client has taken the one before."""

    def __init__(self, teller: Teller, send: Send) -> None:
        self._teller, self._send = teller, send
        self._status = 0
        self._headers: list[Header] = []
        self._lines: Lines | None = None
        self._pieces: list[bytes] = []
        self._ended = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message["status"], message["headers"])
        else:
            await self._piece(message.get("body", b""), more=message.get("more_body", False))

    async def finish(self, *, gone: bool) -> None:
        """To be called when the relay has done its part: an answer that broke off is ended so that it shows."""
        if self._ended or gone:
            return
        if self._lines is not None:
            await self._piece(b"", more=False)
        else:
            await self._respond(502, json_bytes({"error": BROKEN}))

    async def _begin(self, status: int, headers: Iterable[Header]) -> None:
        kinds = [value for name, value in headers if name == b"content-type"]
        self._status = status
        self._headers = [(name, value) for name, value in headers if name not in _OF_THE_ANSWER]
        if status < 400 and kinds and kinds[0].startswith(b"text/event-stream"):
            self._lines = Lines(self._teller)
            own = [(b"content-type", NDJSON), (b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]
            fields = [*own, *self._headers, *ignored_header(self._teller.asked)]
            await self._send({"type": "http.response.start", "status": status, "headers": fields})

    async def _piece(self, data: bytes, *, more: bool) -> None:
        if self._lines is None:
            self._pieces.append(data)
            if not more:
                await self._whole()
            return
        told = self._lines.feed(data) + (b"" if more else self._lines.end())
        goes_on = more and not self._lines.failed
        self._ended = not goes_on
        if told or not goes_on:
            await self._send({"type": "http.response.body", "body": told, "more_body": goes_on})
        if more and not goes_on:
            raise ClientGone  # the engine need not go on with what cannot be told

    async def _whole(self) -> None:
        body = b"".join(self._pieces)
        if self._status >= 400:
            await self._respond(self._status, json_bytes({"error": error_text(body) or UNREADABLE}))
            return
        try:
            told = self._told(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            await self._respond(502, json_bytes({"error": UNREADABLE}))
        else:
            await self._respond(self._status, told, stream=self._teller.asked.stream)

    def _told(self, body: bytes) -> bytes:
        content = self._teller.whole(body)
        return line(content) if self._teller.asked.stream else json_bytes(content)

    async def _respond(self, status: int, body: bytes, *, stream: bool = False) -> None:
        self._ended = True
        headers = [*self._headers, *ignored_header(self._teller.asked)]
        await respond(self._send, status, body, headers, content_type=NDJSON if stream else b"application/json")


def ignored_header(asked: Asked) -> list[Header]:
    """Names what has no meaning here, for a curious person."""
    if not asked.ignored:
        return []
    return [(b"x-meshbox-ignored", header_value(", ".join(asked.ignored)[:_IGNORED_LONGEST]))]
