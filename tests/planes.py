"""The data planes of the API, by name: what is tested and measured on one is tested and measured on each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from appliance.proxy.wire.listener import WireListener
from appliance.serve import Listener

PLANES: Mapping[str, Callable[..., Any]] = {"asgi": Listener, "wire": WireListener}
