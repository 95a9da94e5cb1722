"""The head of a request: programs send the same one again and again, but for the length of its body.

It is read once, strictly, as every head. One that has the very same bytes around another length says the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from appliance.proxy.asgi import Scope, given_id
from appliance.proxy.direct.around import Around, around_length
from appliance.proxy.endpoints import ENGINE_PATHS, EnginePath
from appliance.proxy.gate import SENT, credentials
from appliance.proxy.wire.head import CHUNKED, Head

LONGEST = 8 * 1024  # bytes of a head that is kept with its connection; far from where one is refused for its length
_UNUSUAL = frozenset({b"origin", b"sec-fetch-site", b"content-encoding", b"x-meshbox-priority"})


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    around: Around
    head: Head
    target: EnginePath
    scope: Scope  # the headers, for those who look for something in them
    given_id: bytes | None

    def head_with(self, length: int) -> Head:
        headers = [(k, b"%d" % length if k == b"content-length" else v) for k, v in self.head.headers]
        return self.head._replace(length=length, headers=headers)


def opening_of(head: Head, text: bytes) -> Opening | None:
    """None when requests that begin like that are out of the ordinary. `text` is without the empty line."""
    target = ENGINE_PATHS.get(head.path.rstrip("/"))
    if target is None or target.multipart or head.method != "POST" or not head.keep_alive or head.expects:
        return None
    if len(text) > LONGEST or head.version != "1.1" or head.length == CHUNKED:
        return None
    around = around_length(text)
    if around is None or any(name in _UNUSUAL for name, _ in head.headers):
        return None
    scope: dict[str, Any] = {"headers": head.headers}
    scope[SENT] = tuple(credentials(scope))
    return Opening(around, head, target, scope, given_id(scope))
