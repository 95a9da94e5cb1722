"""What the box did, as JSON."""

from __future__ import annotations

from typing import Any

from appliance.activity.bins import GPU_GAUGES, Bin
from appliance.activity.series import Range, Window
from appliance.activity.types import Ended
from appliance.api.times import timestamp
from appliance.hardware.types import Inventory

Json = dict[str, Any]


def activity_document(wanted: Range, window: Window, inventory: Inventory | None) -> Json:
    """A point for each step; null where nothing was recorded."""
    return {
        "range": wanted.key,
        "from": timestamp(window.start),
        "to": timestamp(window.end),
        "step_s": window.step,
        "gpus": [{"id": gpu.id, "name": gpu.name} for gpu in inventory.gpus] if inventory else [],
        "points": [
            {"at": timestamp(window.start + number * window.step)} | _point(one, window.step) if one else None
            for number, one in enumerate(window.bins)
        ],
        "total": totals_document(window.whole()),
    }


def _point(one: Bin, step: int) -> Json:
    return {
        "watched_s": round(one.watched, 1),
        "requests": _requests(one),
        "in_flight": one.in_flight,
        "queued": one.queued,
        "tokens": {"in": one.tokens_in, "out": one.tokens_out, "per_second": _rounded(one.speed(step))},
        "first_token_s": {"median": _rounded(one.first_median), "worst": _rounded(one.first_worst or None)},
        "bytes": one.sent,
        "memory_used": _rounded(one.memory.value, 0),
        "processor": _rounded(one.processor.value),
        "gpus": {gpu: {name: _rounded(one.gauge(gpu, name)) for name in GPU_GAUGES} for gpu in one.gpus},
        "energy_wh": _energy(one),
    }


def totals_document(one: Bin) -> Json:
    """What adds up over a time."""
    return {
        "requests": _requests(one),
        "tokens": {"in": one.tokens_in, "out": one.tokens_out},
        "bytes": one.sent,
        "energy_wh": _energy(one),
        "energy_wh_per_1000_tokens": _rounded(one.energy_per_1000_tokens),
        "models": [
            {
                "model": name or None,
                "requests": count.requests,
                "errors": count.errors,
                "tokens": {"in": count.tokens_in, "out": count.tokens_out},
            }
            for name, count in sorted(one.models.items(), key=lambda item: -item[1].requests)
        ],
    }


def request_document(ended: Ended) -> Json:
    return {
        "at": timestamp(ended.at),
        "id": ended.id,
        "model": ended.model or None,
        "endpoint": ended.endpoint,
        "route": ended.route or None,
        "client": ended.address or None,
        "key": ended.key or None,
        "status": ended.status,
        "outcome": ended.outcome.value,
        "stream": ended.stream,
        "duration_s": _rounded(ended.seconds),
        "first_token_s": _rounded(ended.first_token),
        "tokens": {"in": ended.tokens_in, "out": ended.tokens_out, "per_second": _rounded(ended.speed)},
        "bytes": ended.sent,
    }


def _requests(one: Bin) -> Json:
    return {"answered": one.answered, "refused": one.refused, "failed": one.failed, "cancelled": one.cancelled}


def _energy(one: Bin) -> float | None:
    return _rounded(one.energy) if one.metered else None


def _rounded(value: float | None, digits: int = 4) -> float | None:
    return None if value is None else round(value, digits)
