"""Reading request bodies."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from appliance.proxy.errors import ApiError
from appliance.proxy.intake import MIB, ClientGone, read_body


class Client:
    """Sends what it is given, then nothing more."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = list(messages)

    async def receive(self) -> dict[str, Any]:
        if not self.messages:
            await asyncio.Event().wait()
        return self.messages.pop(0)


def piece(body: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def scope(**headers: bytes) -> dict[str, Any]:
    return {"headers": [(k.replace("_", "-").encode(), v) for k, v in headers.items()]}


async def test_pieces_are_joined() -> None:
    """The body is what came, in order."""
    assert await read_body(scope(), Client(piece(b"a"), piece(b"b"), piece(b"", more=False)).receive, 1) == b"ab"


async def test_a_pause_ends_the_wait() -> None:
    """A client that stops in mid body gets a 408."""
    with pytest.raises(ApiError) as raised:
        await read_body(scope(), Client(piece(b"a")).receive, 1, pause=0.02)
    assert raised.value.status == 408


async def test_a_disconnect_in_mid_body() -> None:
    """There is nobody to answer."""
    with pytest.raises(ClientGone):
        await read_body(scope(), Client(piece(b"a"), {"type": "http.disconnect"}).receive, 1)


@pytest.mark.parametrize("length", [b"2000000", b"", b"junk", b"-5"])
async def test_too_much_is_refused_and_drunk_up(length: bytes) -> None:
    """Whether announced or not: 413, after what is on its way has been taken and dropped."""
    client = Client(*[piece(b"x" * MIB)] * 2, piece(b"", more=False))
    with pytest.raises(ApiError) as raised:
        await read_body(scope(content_length=length), client.receive, 1)
    assert (raised.value.status, "1 MiB" in raised.value.message) == (413, True)


async def test_exactly_the_limit_is_allowed() -> None:
    """The limit itself is no excess."""
    assert len(await read_body(scope(), Client(piece(b"x" * MIB, more=False)).receive, 1)) == MIB
