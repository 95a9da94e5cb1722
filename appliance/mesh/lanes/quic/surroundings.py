"""What all QUIC connections of a node share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.mesh.lanes.contract import Identity
from appliance.mesh.lanes.exchange import Desk
from appliance.mesh.lanes.limits import Limits
from appliance.tasks import TaskGroup

if TYPE_CHECKING:
    from appliance.mesh.lanes.quic.link import Link

SocketAddress = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Surroundings:
    identity: Identity
    own_der: bytes
    desk: Desk
    limits: Limits
    tasks: TaskGroup
    send: Callable[[bytes, SocketAddress], None]
    named: Callable[[Link, bytes], None]  # a connection id to find it by
    unnamed: Callable[[bytes], None]
    proved: Callable[[Link], None]
    ended: Callable[[Link], None]
