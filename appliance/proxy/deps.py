"""What the API needs from the rest of the box, as functions, so that it always sees the present."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from appliance.node.snapshot import NodeFacts
from appliance.objects.store import ObjectStore
from appliance.proxy.gate import OPEN_GATE, Gate
from appliance.proxy.lines import Lines
from appliance.proxy.meter import RequestMeter
from appliance.proxy.pool import Dial
from appliance.routing.table import RoutingTable
from appliance.settings.schema import Settings


@dataclass(frozen=True, slots=True)
class ProxyDeps:
    routes: Callable[[], RoutingTable]
    settings: Callable[[], Settings]
    node: Callable[[], NodeFacts]
    meter: RequestMeter
    stopping: asyncio.Event  # set once the box ends: nothing new is taken
    wake: Callable[[str], None]  # asks for a model that sleeps
    changed: Callable[[float], Awaitable[None]] = asyncio.sleep  # waits so long, or until something is different
    gate: Gate = OPEN_GATE
    lines: Lines = field(default_factory=Lines)  # before the engines, for all who use them
    away: Counter[tuple[str, str]] = field(default_factory=Counter)  # requests that other boxes have, by box and model
    dial: Dial | None = None  # opens connections to other boxes; None: there are none
    objects: ObjectStore | None = None  # large attachments; None: none are taken
