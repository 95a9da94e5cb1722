"""The handshake carried over a stream: the same messages, whoever opened it. Each side ends with a peer or a reason."""

from __future__ import annotations

from appliance.mesh.lanes.contract import Asking, Handshake, Peer, Refused
from appliance.mesh.lanes.purpose import Answer, Purpose, decode, decode_answer, encode
from appliance.mesh.lanes.stream import Stream
from appliance.mesh.lanes.trouble import LaneError, Reason

MOST_FRAMES = 8  # no handshake has more
REASONS = {"version": Reason.VERSION, "garbage": Reason.MALFORMED, "wrong_node": Reason.WRONG_NODE}
KNOWN = frozenset(reason.value for reason in Reason)


async def prove_to_server(stream: Stream, handshake: Asking, purpose: Purpose) -> Peer:
    """As the one who dialled. The purpose travels with the proof, which saves a round trip."""
    await stream.write_frame(handshake.first())
    told = False
    for _ in range(MOST_FRAMES):
        reply = handshake.receive(await _frame(stream))
        if reply.send:
            await stream.write_frame(reply.send)
        raise_if_refused(reply.refused)
        if reply.send and not told:
            await stream.write_frame(encode(purpose))
            told = True
        if reply.done is not None:
            await _accepted(stream)
            return reply.done
    raise LaneError(Reason.MALFORMED, "the handshake did not come to an end")


async def _accepted(stream: Stream) -> None:
    answer = decode_answer(await _frame(stream))
    if answer.refused:
        reason = Reason(answer.refused) if answer.refused in KNOWN else Reason.FAILED
        raise LaneError(reason, answer.text or "the peer refused the connection without a reason")


async def prove_to_client(stream: Stream, handshake: Handshake) -> tuple[Peer, Purpose]:
    """As the one who was dialled."""
    for _ in range(MOST_FRAMES):
        reply = handshake.receive(await _frame(stream))
        if reply.send:
            await stream.write_frame(reply.send)
        raise_if_refused(reply.refused)
        if reply.done is not None:
            return reply.done, decode(await _frame(stream))
    raise LaneError(Reason.MALFORMED, "the handshake did not come to an end")


async def answer(stream: Stream, error: LaneError | None = None) -> None:
    """Says whether the purpose is taken on."""
    said = Answer() if error is None else Answer(refused=error.reason.value, text=str(error))
    await stream.write_frame(encode(said))


def raise_if_refused(refused: Refused | None) -> None:
    if refused is not None:
        reason = REASONS.get(refused.reason, Reason.TRUST)
        raise LaneError(reason, refused.text)


async def _frame(stream: Stream) -> bytes:
    frame = await stream.read_frame()
    if not frame:
        raise LaneError(Reason.CLOSED, "the peer ended the connection during the handshake")
    return frame
