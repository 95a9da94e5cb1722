"""A head that is known from the request before: it is understood as if it were read anew."""

from __future__ import annotations

from appliance.proxy.direct.opening import opening_of
from appliance.proxy.errors import ApiError
from appliance.proxy.wire.connection import END_OF_HEAD
from appliance.proxy.wire.head import parse_head

NEXT = b"\0"  # in no head: where the next request begins


def check_opening(data: bytes) -> None:
    first, _, second = data.partition(NEXT)
    text = first[: first.find(END_OF_HEAD) + 2]
    try:
        opening = opening_of(parse_head(text), text)
    except ApiError:
        return
    for request in (first, second):
        if opening is not None and (known := opening.around.read(request))[0] >= 0:
            length, start = known
            assert start == request.find(END_OF_HEAD) + len(END_OF_HEAD)
            read = parse_head(request[: start - 2])
            assert opening.head_with(length) == read._replace(headers=[_plain(*field) for field in read.headers])


def _plain(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """A length may have been written with noughts before it."""
    return name, b"%d" % int(value) if name == b"content-length" else value
