"""What the books know of one request."""

from __future__ import annotations

import msgspec

from appliance.proxy.usage import NOTHING_TOLD, Usage
from appliance.routing.table import REMOTE


class Ticket(msgspec.Struct, eq=False, gc=False):  # made for each request; refers to nothing that refers to it
    """One request on its way. `waiting` says that the engine owes it something."""

    endpoint: str
    started: float
    id: str = ""
    address: str = ""
    model: str = ""
    route: str = ""
    stream: bool = False
    usage: Usage = NOTHING_TOLD
    waiting: bool = False
    queued: bool = False  # it stands in line before the engine
    sent: int = 0
    first_byte: float | None = None
    key: str = ""  # the name of the API key it came with
    key_id: str = ""  # once it was let in
    logged: bool = False  # in the access log, once it has ended
    wanted: bool = False  # as a stream
    direct: bool = False  # it was answered on the short way
    status: int = 0  # these three once it has ended
    seconds: float = 0.0
    at: float = 0.0  # by the clock on the wall

    def here(self, model: str) -> bool:
        """Whether it is for that model, and for the engine of this box."""
        return self.model == model and self.route != REMOTE
