"""What the service is told when it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.mesh.identity.owners import Trust
from appliance.mesh.lanes.address import PORT, Address
from appliance.mesh.lanes.candidates import Interface
from appliance.mesh.lanes.contract import Handlers
from appliance.mesh.lanes.exchange import Desk
from appliance.mesh.lanes.interfaces import interfaces
from appliance.mesh.lanes.limits import DEFAULT, Limits
from appliance.mesh.membership.types import Timing
from appliance.mesh.types import Role


@dataclass(frozen=True, slots=True)
class Setup:
    mesh_name: str = "Meshbox"  # of a mesh that this box founds
    hosts: tuple[str, ...] = ("0.0.0.0",)  # noqa: S104 - other boxes have to reach it
    port: int = PORT
    advertised: tuple[Address, ...] = ()  # a person set them; port 0 stands for the one that is listened on
    interfaces: Callable[[], tuple[Interface, ...]] = interfaces
    handlers: Handlers = field(default_factory=dict)  # of purposes, like `tunnel`
    desk: Desk = field(default_factory=Desk)  # further questions and notes
    role: Role = Role.NODE
    trust: Trust = field(default_factory=Trust)
    limits: Limits = DEFAULT
    timing: Timing = field(default_factory=Timing)
