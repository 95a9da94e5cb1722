"""Requests and readings with defaults for what a test does not care about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from msgspec import structs

from appliance.activity.types import Ended, Reading
from appliance.hardware.types import Gpu

NOON = 1_800_014_400.0  # a whole day since 1970, and twelve hours


def ended(at: float = NOON, **fields: Any) -> Ended:
    base = Ended(
        at=at,
        id="req-1",
        model="m",
        endpoint="/v1/chat/completions",
        route="solo",
        address="127.0.0.1",
        status=200,
        stream=True,
        seconds=1.0,
    )
    return structs.replace(base, **fields)


def reading(seconds: float = 5.0, **fields: Any) -> Reading:
    return replace(Reading(seconds), **fields)


def gpu(number: int = 0, **fields: Any) -> Gpu:
    base = Gpu(f"pci:{number}", "Test GPU", "nvidia", 24 << 30, memory_used=8 << 30, utilisation=0.5, power=100.0)
    return replace(base, **fields)
