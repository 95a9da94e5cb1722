"""The access log: one line for each request for an engine, with never a word of what was said."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from appliance.logs import log_all
from appliance.proxy.ticket import Ticket

log = logging.getLogger("meshbox.access")


def write_access(ended: Sequence[Ticket]) -> None:
    if ended and log.isEnabledFor(logging.INFO):
        log_all(log, [(ticket.at, _line(ticket)) for ticket in ended])


def _line(ticket: Ticket) -> str:
    first = -1.0 if ticket.first_byte is None else ticket.first_byte - ticket.started
    return (
        f"{ticket.id} {ticket.endpoint} model={ticket.model or '-'} status={ticket.status} stream={ticket.wanted} "
        f"bytes={ticket.sent} first_s={first:.3f} total_s={ticket.seconds:.3f} key={ticket.key or '-'!r}"
    )
