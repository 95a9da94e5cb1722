"""Questions and notes over one TLS stream, for pairs between which UDP does not pass or who are relayed."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from appliance.mesh.lanes import exchange
from appliance.mesh.lanes.exchange import OVERHEAD, Desk
from appliance.mesh.lanes.limits import Limits
from appliance.mesh.lanes.questions import Questions
from appliance.mesh.lanes.room import Room
from appliance.mesh.lanes.rtt import Rtt
from appliance.mesh.lanes.stream import Stream
from appliance.mesh.lanes.trouble import LaneError, Reason
from appliance.tasks import TaskGroup

QUESTION, ANSWER, NOTE, GIVEN_UP = range(4)
FRAME_COST = 200  # bytes that a short letter takes in memory besides its own


class Letter(msgspec.Struct, frozen=True, array_like=True):
    what: Annotated[int, Meta(ge=0, le=255)]
    number: Annotated[int, Meta(ge=0, le=1 << 53)]
    data: bytes


_letters: Final = msgspec.msgpack.Decoder(Letter)
_encoder: Final = msgspec.msgpack.Encoder()


class Mailbox:
    """Serves both ends: `run` reads until the end."""

    def __init__(self, stream: Stream, desk: Desk, limits: Limits) -> None:
        self.stream, self._desk, self._limits = stream, desk, limits
        self._questions = Questions(limits)
        self._number = 0
        self._tasks = TaskGroup()
        self._answering: dict[int, asyncio.Task[None]] = {}
        self._outgoing: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._room = Room()
        self._posted = asyncio.Event()
        self.rtt = Rtt()

    async def run(self) -> None:
        self._tasks.start("mailbox writer", self._write())
        longest = self._limits.message + 2 * OVERHEAD
        try:
            while frame := await self.stream.read_frame(longest):
                self._letter(frame)
        finally:
            self.stream.abort()
            self._questions.all_failed(LaneError(Reason.CLOSED, "the connection ended"))
            await self._tasks.close()

    @property
    def closed(self) -> bool:
        return self.stream.closing

    def close(self) -> None:
        self.stream.abort()

    async def ask(self, kind: str, payload: bytes, seconds: float) -> bytes:
        data = exchange.say(kind, payload, self._limits.message)
        try:
            async with asyncio.timeout(seconds), self._questions.turn():
                return exchange.answer_of(await self._question(data))
        except TimeoutError as error:
            raise LaneError(Reason.LATE, "the peer did not answer in time") from error

    async def _question(self, data: bytes) -> bytes:
        if self.closed:
            raise LaneError(Reason.CLOSED, "the connection ended")
        self._number += 1
        number = self._number
        answer = self._questions.opened(number)
        try:
            await self._say(_letter(QUESTION, number, data))
            return await answer
        finally:
            self._questions.closed(number)
            if not answer.done() or answer.cancelled():
                self._try_to_say(_letter(GIVEN_UP, number, b""))

    def tell(self, kind: str, payload: bytes) -> bool:
        return not self.closed and self._try_to_say(_letter(NOTE, 0, exchange.say(kind, payload, self._limits.message)))

    async def _say(self, frame: bytes) -> None:
        await self._room.until(lambda: self._fits(frame))
        self._post(frame)

    def _try_to_say(self, frame: bytes) -> bool:
        if not self._fits(frame):
            return False
        self._post(frame)
        return True

    def _fits(self, frame: bytes) -> bool:
        return self._waiting_bytes + len(frame) + FRAME_COST <= self._limits.buffered

    def _post(self, frame: bytes) -> None:
        self._waiting_bytes += len(frame) + FRAME_COST
        self._outgoing.append(frame)
        self._posted.set()

    async def _write(self) -> None:
        try:
            while True:
                await self._posted.wait()
                self._posted.clear()
                while self._outgoing:
                    await self._write_one(self._outgoing.popleft())
        except LaneError:
            return  # the reader sees the end as well

    async def _write_one(self, frame: bytes) -> None:
        await self.stream.write_frame(frame)
        self._waiting_bytes -= len(frame) + FRAME_COST
        self._room.moved()

    def _letter(self, frame: bytes) -> None:
        try:
            letter = _letters.decode(frame)
        except (msgspec.DecodeError, ValueError) as error:
            raise LaneError(Reason.MALFORMED, "a message that cannot be understood") from error
        match letter.what:
            case 0:
                self._asked(letter)
            case 1:
                self._questions.answered(letter.number, letter.data)
            case 2:
                self._desk.note(self.stream.peer, letter.data)
            case 3 if (task := self._answering.pop(letter.number, None)) is not None:
                task.cancel()

    def _asked(self, letter: Letter) -> None:
        if len(self._answering) >= self._limits.answering or letter.number in self._answering:
            refusal = exchange.refusal(LaneError(Reason.BUSY, "this box answers too many already"))
            if not self._try_to_say(_letter(ANSWER, letter.number, refusal)):
                self.close()  # it asks and does not take the answers
            return
        self._answering[letter.number] = self._tasks.start("question", self._answer(letter))

    async def _answer(self, letter: Letter) -> None:
        try:
            answer = await self._desk.answer(self.stream.peer, letter.data, self._limits.message)
            await self._say(_letter(ANSWER, letter.number, answer))
        finally:
            self._answering.pop(letter.number, None)


def _letter(what: int, number: int, data: bytes) -> bytes:
    return _encoder.encode(Letter(what, number, data))
