"""What another box may ask."""

from __future__ import annotations

import pytest

from appliance.proxy.boxes.gate import BoxGate, BoxPermit
from appliance.proxy.boxes.words import asking
from appliance.proxy.errors import ApiError
from appliance.proxy.meter import RequestMeter, Ticket
from appliance.proxy.permit import Permit
from appliance.proxy.spent import Spent


def ticket(node: str) -> Ticket:
    return RequestMeter().begin("/v1/completions", "id", node)


def admitted(gate: BoxGate, node: str) -> Permit:
    return gate.admit({"headers": asking("m", batch=False)}, ticket(node))


def test_a_request_is_booked_as_of_that_box() -> None:
    """And asks for the model that the box has chosen."""
    begun = ticket("peer1")
    permit = BoxGate().admit({"headers": asking("m", batch=False)}, begun)
    assert isinstance(permit, BoxPermit)
    assert (begun.key, permit.model, permit.counts) == ("box peer1", "m", True)


def test_one_box_has_its_share_and_no_more() -> None:
    """Others are let in all the same, and it again once one of its requests has ended."""
    gate = BoxGate(most=2)
    first, _ = admitted(gate, "peer1"), admitted(gate, "peer1")
    with pytest.raises(ApiError) as refused:
        admitted(gate, "peer1")
    assert (refused.value.status, refused.value.code) == (429, "too_many_requests")
    admitted(gate, "peer2")
    first.end(Spent())
    admitted(gate, "peer1")


def test_nothing_is_kept_of_who_has_gone() -> None:
    """However many boxes come and go."""
    gate = BoxGate()
    for number in range(100):
        admitted(gate, f"peer{number}").end(Spent())
    assert not gate._running
