"""What the chat page offers: the models that can be asked, how each of them is, and a word when none answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from appliance.models.types import Ability
from appliance.node.snapshot import NodeState, Snapshot
from appliance.routing.table import AUTO, Route, RouteState
from appliance.run_loop import Outlook

_AUTO_LABEL = "Auto: the box chooses"
_LABELS = {
    RouteState.READY: "{model}",
    RouteState.LOADING: "{model} (loading)",
    RouteState.SLEEPING: "{model} (asleep)",
    RouteState.AVAILABLE: "{model} (loads when asked)",
    RouteState.FAILED: "{model} (failed)",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """An entry of the model list."""

    model: str
    label: str
    usable: bool  # a question to it is answered, if perhaps later


@dataclass(frozen=True, slots=True)
class Advice:
    """What to know while no model can answer at once."""

    tone: str
    text: str
    to_models: bool  # the models page helps


@dataclass(frozen=True, slots=True)
class ChatView:
    choices: tuple[Choice, ...]
    advice: Advice | None


def chat_view(outlook: Outlook) -> ChatView:
    routes = tuple(route for route in outlook.decision.routes.routes.values() if _chats(route))
    usable = any(route.state not in (RouteState.FAILED, RouteState.AVAILABLE) for route in routes)
    auto = (Choice(AUTO, _AUTO_LABEL, usable=True),) if usable else ()
    return ChatView((*auto, *map(_choice, routes)), _advice(routes, outlook.decision.state))


def box_names(snapshot: Snapshot) -> Mapping[str, str]:
    """The names of the boxes that may answer, by id."""
    own = {snapshot.node.id: snapshot.settings.node.name}
    return {peer_id: peer.name for peer_id, peer in snapshot.peers.items()} | own


def _chats(route: Route) -> bool:
    """A route that knows nothing of its model yet may turn out to chat."""
    return not route.abilities or Ability.CHAT in route.abilities


def _choice(route: Route) -> Choice:
    return Choice(route.model, _LABELS[route.state].format(model=route.model), route.state is not RouteState.FAILED)


def _advice(routes: tuple[Route, ...], state: NodeState) -> Advice | None:
    if state is NodeState.DRAINING:
        return Advice("warn", "This box is stopping. It takes no new questions now.", to_models=False)
    by_state = {route.state: route for route in reversed(routes)}
    if RouteState.READY in by_state:
        return None
    return next(
        (_ADVICE[found](by_state[found]) for found in _ADVICE if found in by_state),
        Advice("warn", "No model on this box can chat yet. Fetch or load one, then come back.", to_models=True),
    )


def _on_loading(route: Route) -> Advice:
    return Advice("busy", _loading_text(route), to_models=False)


def _on_sleeping(route: Route) -> Advice:
    text = "{model} is asleep. Your first question wakes it, which takes a moment."
    return Advice("busy", text.format(model=route.model), to_models=False)


def _on_failed(route: Route) -> Advice:
    text = "{model} cannot answer: {reason}"
    return Advice("bad", text.format(model=route.model, reason=route.reason or "it failed."), to_models=True)


def _on_available(_: Route) -> Advice:
    text = "No model is loaded. Choose one: your first question loads it, which takes a moment."
    return Advice("busy", text, to_models=False)


_ADVICE: Mapping[RouteState, Callable[[Route], Advice]] = {  # what helps most first
    RouteState.LOADING: _on_loading,
    RouteState.SLEEPING: _on_sleeping,
    RouteState.FAILED: _on_failed,
    RouteState.AVAILABLE: _on_available,
}


def _loading_text(route: Route) -> str:
    if route.progress is None:
        return f"{route.model} is loading. You can ask now: the answer comes as soon as the model is there."
    percent = f"{route.progress:.0%}"
    return f"{route.model} is loading ({percent}). You can ask now: the answer comes as soon as the model is there."
