"""The models of this box as Ollama's programs list them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from appliance.hardware.types import Inventory
from appliance.models.types import Ability, Capability, Library, Model
from appliance.node.footprint import held_by
from appliance.node.snapshot import Child, NodeFacts
from appliance.placement.room import PROCESSOR
from appliance.proxy.ollama.asking import LATEST
from appliance.proxy.ollama.telling import NANO, moment
from appliance.routing.table import AUTO, Route, RouteState, RoutingTable
from appliance.settings.schema import ServingSettings

NEVER_SECONDS = 100 * 365 * 86_400  # from now: when a model leaves that stays
_LOADED = (RouteState.READY,)


@dataclass(frozen=True, slots=True)
class Shelf:
    """What is known of models beyond their routes."""

    library: Library | None = None
    children: Mapping[str, Child] = field(default_factory=dict)
    inventory: Inventory | None = None

    def model(self, route: Route) -> Model | None:
        return self.library.find(route.model) if self.library is not None else None


def tagged(name: str) -> str:
    """Ollama's names always have a tag."""
    return name if ":" in name else name + LATEST


def tags(table: RoutingTable, shelf: Shelf, node: NodeFacts) -> dict[str, Any]:
    """Every model that can be asked for; `auto`, which leaves the choice to the box, stands last."""
    entries = [_entry(route.model, route, shelf, node) for route in _usable(table)]
    if (chosen := table.shown(AUTO)) is not None and entries:
        entries.append(_entry(AUTO, chosen, shelf, node))
    return {"models": entries}


def loaded(
    table: RoutingTable,
    shelf: Shelf,
    node: NodeFacts,
    settings: ServingSettings,
    idle_for: Callable[[str], float | None],
    now: float,
) -> dict[str, Any]:
    """Those in memory."""
    entries = []
    for route in _usable(table):
        if route.state not in _LOADED:
            continue
        total, on_gpus = _memory(route, shelf)
        leaves = now + _stays(route.model, settings, idle_for)
        fields = {"size": total, "size_vram": on_gpus, "expires_at": moment(int(leaves * NANO))}
        context = {} if route.context is None else {"context_length": route.context}
        entries.append({**_entry(route.model, route, shelf, node), **fields, **context})
    return {"models": entries}


def shown(route: Route, shelf: Shelf, node: NodeFacts) -> dict[str, Any]:
    """Everything about one. Programs size their questions by its context: that is what it has here."""
    model = shelf.model(route)
    context = route.context or (model.context_length if model else None)
    family = model.architecture if model else "unknown"
    info: dict[str, Any] = {"general.architecture": family, "general.basename": route.model}
    if parameters := _parameters(route, model):
        info["general.parameter_count"] = parameters
    if context:
        info[f"{family}.context_length"] = context
    if model is not None and model.profile is not None and model.profile.width:
        info[f"{family}.embedding_length"] = model.profile.width
    return {
        "modelfile": f"# Served by Meshbox with what the model's own file says.\nFROM {tagged(route.model)}\n",
        "parameters": f"num_ctx {context}" if context else "",
        "template": "",
        "details": _details(route, model),
        "model_info": info,
        "capabilities": capabilities(route),
        "modified_at": moment(int(node.started_at * NANO)),
    }


def capabilities(route: Route) -> list[str]:
    """In Ollama's words."""
    able = {
        "completion": Ability.CHAT in route.abilities or Ability.COMPLETION in route.abilities,
        "embedding": Ability.EMBEDDING in route.abilities,
        "tools": Capability.TOOLS in route.skills,
        "thinking": Capability.REASONING in route.skills,
        "vision": "image" in route.modalities,
        "audio": "audio" in route.modalities,
    }
    return [word for word, has in able.items() if has]


def _usable(table: RoutingTable) -> Iterable[Route]:
    usable = (route for route in table.routes.values() if route.state is not RouteState.FAILED)
    return sorted(usable, key=lambda route: route.model)


def _entry(name: str, route: Route, shelf: Shelf, node: NodeFacts) -> dict[str, Any]:
    model = shelf.model(route)
    size = model.size if model else 0
    return {
        "name": tagged(name),
        "model": tagged(name),
        "modified_at": moment(int(node.started_at * NANO)),
        "size": size,
        "digest": hashlib.sha256(f"{name}\n{route.model}\n{size}".encode()).hexdigest(),
        "details": _details(route, model),
    }


def _details(route: Route, model: Model | None) -> dict[str, Any]:
    family = model.architecture if model else "unknown"
    return {
        "parent_model": "",
        "format": "gguf",
        "family": family,
        "families": [family],
        "parameter_size": size_word(_parameters(route, model)),
        "quantization_level": (model.quantisation if model else None) or "unknown",
    }


def _parameters(route: Route, model: Model | None) -> int:
    return route.parameters or (model.parameters if model else None) or 0


def size_word(parameters: int) -> str:
    """As Ollama writes it: 8.0B, 494.03M."""
    if parameters >= 10**9:
        return f"{parameters / 10**9:.1f}B"
    if parameters >= 10**6:
        return f"{parameters / 10**6:.2f}M"
    return f"{parameters / 10**3:.2f}K" if parameters else "unknown"


def _memory(route: Route, shelf: Shelf) -> tuple[int, int]:
    """Bytes that it takes, and how many of them on GPUs."""
    child, model = shelf.children.get(route.model), shelf.model(route)
    held = held_by(child, shelf.inventory) if child is not None and shelf.inventory is not None else {}
    total = sum(held.values())
    if not total:
        return (model.size if model else 0), 0
    return total, total - held.get(PROCESSOR, 0)


def _stays(model: str, settings: ServingSettings, idle_for: Callable[[str], float | None]) -> float:
    """Seconds until it would go to sleep by itself."""
    own = settings.per_model.get(model)
    minutes = settings.sleep_after_min if own is None or own.sleep_after_min is None else own.sleep_after_min
    return max(0.0, minutes * 60 - (idle_for(model) or 0.0)) if minutes else float(NEVER_SECONDS)
