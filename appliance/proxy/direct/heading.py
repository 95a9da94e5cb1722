"""The head of an engine's answer: engines send the same one again and again, but for the length of its body.

It is read once, by the parser of the long way. Only that of a good answer of announced length, after which the engine
keeps the connection, is known again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.proxy.asgi import Header
from appliance.proxy.direct.around import Around, around_length
from appliance.proxy.wire.answer import line_of

_BEGINNING = b"HTTP/1.1 200 "
_UNUSUAL = frozenset({b"connection", b"transfer-encoding", b"upgrade"})
_PASSED_ON = (b"content-type", b"content-length")
_LENGTH = b"\0"  # in its place; no header can hold one


@dataclass(frozen=True, slots=True)
class Heading:
    around: Around
    ours_before: bytes  # what of it is passed on, as lines around the number
    ours_after: bytes


def heading_of(received: bytes, headers: Sequence[Header]) -> Heading | None:
    """`headers` as the parser read them. None for a head that is not whole, or out of the ordinary."""
    head, end, _ = received.partition(b"\r\n\r\n")
    around = around_length(head + b"\r\n")
    names = {name for name, _ in headers}
    if not end or around is None or not head.startswith(_BEGINNING) or _UNUSUAL & names:
        return None
    passed = [(k, _LENGTH if k == b"content-length" else v) for k, v in headers if k in _PASSED_ON]
    before, _, after = b"".join(line_of(*header) for header in passed).partition(_LENGTH)
    return Heading(around, before, after)
