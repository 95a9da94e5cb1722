"""What the chat page offers."""

from __future__ import annotations

from appliance.run_loop import Outlook


def chat_models(outlook: Outlook) -> tuple[str, ...]:
    return tuple(route.model for route in outlook.decision.routes.routes.values() if route.reason is None)
