"""The head and the body of a request: what is taken, h11 takes too and understands in the same way."""

from __future__ import annotations

import h11

from appliance.proxy.errors import ApiError
from appliance.proxy.wire.body import body_of
from appliance.proxy.wire.connection import END_OF_HEAD
from appliance.proxy.wire.head import Head, check_beginning, parse_head


def check_request(data: bytes) -> None:
    end = data.find(END_OF_HEAD)
    try:
        if end < 0:
            check_beginning(data)
            return
        head = parse_head(data[: end + 2])
    except ApiError:
        return
    rest = data[end + len(END_OF_HEAD) :]
    whole = _read(head, [rest])
    assert _read(head, [rest[:1], rest[1:5], rest[5:]]) == whole
    assert _read(head, [rest[at : at + 1] for at in range(len(rest))]) == whole
    if whole is not None and whole[1] is not None:
        _agrees(data, head, whole[0], whole[1])


def _read(head: Head, pieces: list[bytes]) -> tuple[bytes, bytes | None] | None:
    """The body and what follows it, None while it is not whole; nothing when it is refused."""
    body, found = body_of(head.length), b""
    for number, piece in enumerate(pieces):
        try:
            found += body.feed(piece)
        except ApiError:
            return None
        if body.complete:
            return found, body.rest + b"".join(pieces[number + 1 :])
    return found, body.rest if body.complete else None


def _as_h11_says(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    return name, value.lower() if name == b"transfer-encoding" else value


def _agrees(data: bytes, head: Head, body: bytes, rest: bytes) -> None:
    other = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    other.receive_data(data)
    request = other.next_event()
    assert isinstance(request, h11.Request)
    assert request.method.decode() == head.method
    if data.split(b" ", 2)[1].startswith(b"/"):  # else the host stands in the target, and takes the place of the other
        assert [*request.headers] == [_as_h11_says(*field) for field in head.headers]
        assert request.target == head.raw_path + (b"?" + head.query if b"?" in request.target else b"")
    read = b""
    while isinstance(event := other.next_event(), h11.Data):
        read += bytes(event.data)
    assert isinstance(event, h11.EndOfMessage)
    assert (read, other.trailing_data[0]) == (body, rest)
