"""Questions, answers and notes: what is said on the QUIC lane, and over TLS where QUIC does not pass."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from appliance.mesh.lanes.contract import Peer
from appliance.mesh.lanes.trouble import LONGEST_TEXT, LaneError, Reason

log = logging.getLogger("meshbox.lanes")

OVERHEAD = 128  # bytes that a message's envelope may add

Answering = Callable[[Peer, bytes], Awaitable[bytes]]  # may raise LaneError, which the asker is told
Noting = Callable[[Peer, bytes], None]  # at once: what takes longer belongs into a task


class Said(msgspec.Struct, frozen=True, array_like=True):
    """A question or a note."""

    kind: Annotated[str, Meta(max_length=64)]
    payload: bytes


class Answered(msgspec.Struct, frozen=True, array_like=True):
    payload: bytes
    refused: Annotated[str, Meta(max_length=64)] = ""
    text: Annotated[str, Meta(max_length=1024)] = ""


_said: Final = msgspec.msgpack.Decoder(Said)
_answered: Final = msgspec.msgpack.Decoder(Answered)
_encoder: Final = msgspec.msgpack.Encoder()
_REASONS: Final = frozenset(reason.value for reason in Reason)


def say(kind: str, payload: bytes, longest: int) -> bytes:
    if len(payload) > longest:
        raise LaneError(Reason.MALFORMED, f"a message of {len(payload)} bytes; at most {longest} may be sent")
    return _encoder.encode(Said(kind, payload))


def heard(data: bytes) -> Said:
    try:
        return _said.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise LaneError(Reason.MALFORMED, "a message that cannot be understood") from error


def answer_of(data: bytes) -> bytes:
    """The payload of an answer, or the reason in place of it."""
    try:
        answered = _answered.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise LaneError(Reason.MALFORMED, "an answer that cannot be understood") from error
    if answered.refused:
        reason = Reason(answered.refused) if answered.refused in _REASONS else Reason.FAILED
        raise LaneError(reason, answered.text or "the peer refused without a reason")
    return answered.payload


def refusal(error: LaneError) -> bytes:
    return _encoder.encode(Answered(b"", error.reason.value, str(error)[:LONGEST_TEXT]))


@dataclass(frozen=True, slots=True)
class Desk:
    """Who answers what. Visitors reach only the kinds that are open to them."""

    questions: Mapping[str, Answering] = field(default_factory=dict)
    notes: Mapping[str, Noting] = field(default_factory=dict)
    open_to_visitors: frozenset[str] = frozenset()

    async def answer(self, peer: Peer, data: bytes, longest: int) -> bytes:
        """Always an answer, if only why there is none."""
        try:
            said = heard(data)
            handler = self.questions.get(said.kind)
            self._check(peer, said.kind)
            if handler is None:
                raise LaneError(Reason.UNKNOWN, "this box does not know that question")
            payload = await handler(peer, said.payload)
        except LaneError as error:
            return refusal(error)
        except Exception:  # the border of a task: one bad question must not end the connection
            log.exception("a question of %s could not be answered", peer.node)
            return refusal(LaneError(Reason.FAILED, "the peer failed to answer; its log says why"))
        if len(payload) > longest:
            return refusal(LaneError(Reason.FAILED, "the answer is longer than may be sent"))
        return _encoder.encode(Answered(payload))

    def note(self, peer: Peer, data: bytes) -> None:
        """What nobody here cares about is dropped; so is what makes no sense."""
        try:
            said = heard(data)
            handler = self.notes.get(said.kind)
            self._check(peer, said.kind)
            if handler is not None:
                handler(peer, said.payload)
        except LaneError as error:
            log.debug("a note of %s was dropped: %s", peer.node, error)
        except Exception:  # as above
            log.exception("a note of %s could not be taken in", peer.node)

    def _check(self, peer: Peer, kind: str) -> None:
        if peer.visitor and kind not in self.open_to_visitors:
            raise LaneError(Reason.TRUST, "only members of this mesh may ask that")
