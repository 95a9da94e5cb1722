"""Asks other boxes the question `join`, as a visitor: with an invitation, or for a new certificate."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.mesh.identity.joining import Admitted, Answer, Joined, Question, Renew, by_token, encoded, joined, read
from appliance.mesh.identity.messages import Refusal
from appliance.mesh.identity.tokens import Token
from appliance.mesh.lanes.address import Address, parse_address
from appliance.mesh.lanes.lanes import Lanes
from appliance.mesh.lanes.trouble import LaneError
from appliance.mesh.lanes.visit import Visit
from appliance.mesh.service.outcome import TROUBLES, Refused, refused, said_no
from appliance.mesh.service.papers import Papers, now_ms

JOIN = "join"
ANSWER_SECONDS = 10.0
MOST_ADDRESSES = 16


def readable(addresses: Sequence[str]) -> tuple[Address, ...]:
    """Those that are addresses: what others claim is not always."""
    found: list[Address] = []
    for text in addresses[:MOST_ADDRESSES]:
        try:
            found.append(parse_address(text))
        except LaneError:
            continue
    return tuple(found)


async def ask(visit: Visit, question: Question, seconds: float = ANSWER_SECONDS) -> Answer:
    """Raises LaneError, Malformed."""
    return read(await visit.voice.ask(JOIN, encoded(question), seconds))


async def redeem(lanes: Lanes, papers: Papers, token: Token) -> Joined | Refused:
    try:
        visit = await lanes.visit(readable(token.addresses), token.issuer)
    except LaneError as error:
        return Refused(
            error.reason.value,
            f"The box that made this invitation could not be reached: {error}. "
            "See that it is on and that its port is open, then try again.",
        )
    try:
        return _taken(await ask(visit, by_token(token)), papers, token.mesh)
    except TROUBLES as error:
        return refused(error)
    finally:
        visit.close()


async def renew(lanes: Lanes, papers: Papers, node: str, addresses: Sequence[Address]) -> Joined | Refused:
    """A certificate for the admission that this box has."""
    try:
        visit = await lanes.visit(addresses, node)
    except LaneError as error:
        return refused(error)
    try:
        question = Renew(papers.belonging.certificate.encoded())
        return _taken(await ask(visit, question), papers, None)
    except TROUBLES as error:
        return refused(error)
    finally:
        visit.close()


def _taken(answer: Answer, papers: Papers, mesh: str | None) -> Joined | Refused:
    """Raises Malformed, Untrusted."""
    if isinstance(answer, Refusal):
        return said_no(answer)
    if not isinstance(answer, Admitted):
        return Refused("garbage", "The other box gave an answer that does not belong here.")
    return joined(answer, papers.public, mesh or papers.belonging.anchor, now_ms())
