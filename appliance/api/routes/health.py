"""Alive, ready, and the numbers: for orchestrators and for Prometheus."""

from __future__ import annotations

from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.types import ControllerRouterHandler
from prometheus_client import CONTENT_TYPE_LATEST

from appliance.api.deps import ApiDeps
from appliance.api.login import PUBLIC, SESSION
from appliance.api.problems import Problem
from appliance.node.serving import ServingState


def handlers(deps: ApiDeps) -> list[ControllerRouterHandler]:
    @get("/healthz", opt={PUBLIC: True}, media_type=MediaType.JSON, sync_to_thread=False)
    def healthz() -> dict[str, str]:
        """The process lives and its loop turns; says nothing about models."""
        return {"status": "ok"}

    @get("/readyz", opt={PUBLIC: True}, media_type=MediaType.JSON, sync_to_thread=False)
    def readyz() -> dict[str, str]:
        """At least one model answers."""
        decision = deps.loop.outlook.decision
        if any(entry.state is ServingState.READY for entry in decision.serving):
            return {"status": "ready"}
        raise Problem(503, "not_ready", f"No model answers yet; the box is {decision.state.value}.")

    @get("/metrics", opt={PUBLIC: True}, media_type=MediaType.TEXT, sync_to_thread=False)
    def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Numbers for Prometheus; open to all unless the settings say otherwise."""
        if not deps.settings.current.web.public_metrics and not request.scope["state"].get(SESSION):
            raise Problem(401, "not_logged_in", "These numbers need a login: Authorization: Bearer <token>.")
        return Response(deps.metrics.text(), media_type=CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8"))

    return [healthz, readyz, metrics]
