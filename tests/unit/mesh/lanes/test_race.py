"""Addresses are tried side by side; the first that leads there wins."""

from __future__ import annotations

import asyncio

import pytest

from appliance.mesh.lanes.address import Address
from appliance.mesh.lanes.book import AddressBook
from appliance.mesh.lanes.race import AllFailed, Failure, Via, Way, race
from appliance.mesh.lanes.trouble import LaneError, Reason
from appliance.mesh.types import Lane

A, B, C = (Address(f"10.0.0.{n}") for n in (1, 2, 3))


class Network:
    """Addresses that answer, refuse or stay silent."""

    def __init__(self, **ways: object) -> None:
        self.ways, self.tried, self.back = ways, list[Way](), list[Way]()

    async def dial(self, way: Way) -> Way:
        self.tried.append(way)
        answer = self.ways[f"n{way.host[-1]}" if isinstance(way, Address) else way.node]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, asyncio.Event):
            await answer.wait()
        return way


async def test_the_first_that_answers_wins() -> None:
    """A silent one before it costs the stagger and no more, and is no failure of its own."""
    network = Network(n1=asyncio.Event(), n2=None, n3=None)
    won = await race([A, B, C], network.dial, network.back.append, lambda _: 0.01)
    assert (won.result, network.tried) == (B, [A, B])


async def test_one_that_fails_makes_room_at_once() -> None:
    """The next does not wait for the stagger, and the failure is kept with its reason."""
    network = Network(n1=LaneError(Reason.REFUSED, "nothing listens"), n2=None)
    won = await race([A, B], network.dial, network.back.append, lambda _: 3600.0)
    assert won.result == B
    assert won.failures == (Failure(A, Reason.REFUSED, "nothing listens"),)


async def test_a_helper_waits_until_the_addresses_had_their_time() -> None:
    """It begins after its lead, and at once when there is nothing else."""
    network = Network(n1=asyncio.Event(), helper=None)
    won = await race([A, Via("helper")], network.dial, network.back.append, lambda way: 0.01)
    assert won.result == Via("helper")
    won = await race([Via("helper")], network.dial, network.back.append, lambda way: 3600.0)
    assert won.result == Via("helper")


async def test_all_fail() -> None:
    """Every reason is told, and the one that says most stands for all."""
    network = Network(n1=LaneError(Reason.SILENT, "silent"), n2=LaneError(Reason.WRONG_NODE, "another"))
    with pytest.raises(AllFailed, match="silent; another") as caught:
        await race([A, B], network.dial, network.back.append, lambda _: 0.01)
    assert caught.value.reason is Reason.WRONG_NODE


async def test_no_address_at_all() -> None:
    """That is said, too."""
    with pytest.raises(AllFailed, match="no address"):
        await race([], Network().dial, lambda _: None)


async def test_a_winner_that_nobody_waits_for_is_given_back() -> None:
    """Who is cancelled leaves no open connection."""
    gate = asyncio.Event()
    network = Network(n1=gate)
    racing = asyncio.ensure_future(race([A], network.dial, network.back.append))  # noqa: TID251
    while not network.tried:  # noqa: ASYNC110 - it is tried in the next turns of the loop
        await asyncio.sleep(0)
    racing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await racing
    assert network.back == []


def test_the_book_remembers_what_worked() -> None:
    """What worked on one lane is tried first on the other, until it fails."""
    book = AddressBook()
    book.know("node", [A, B, C])
    book.worked("node", Lane.TLS, C)
    assert book.ways("node", Lane.QUIC) == (C, A, B)
    book.failed("node", Lane.TLS, (Failure(C, Reason.SILENT, "silent"),))
    assert book.ways("node", Lane.QUIC) == (A, B, C)
    assert book.failures("node")[Lane.TLS][0].reason is Reason.SILENT
