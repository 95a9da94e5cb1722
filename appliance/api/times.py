"""Times as the management API writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def midnight(now: float) -> float:
    """When this day began, where the box stands."""
    return datetime.fromtimestamp(now).astimezone().replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def timestamp(at: float) -> str:
    """RFC 3339, in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
