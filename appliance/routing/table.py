"""The routing table: every model that can be asked for, and where it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from appliance.models.names import nearest_names, resolve_name
from appliance.models.types import Ability, Capability

AUTO = "auto"


class RouteState(StrEnum):
    """As the API shows it in the model list."""

    READY = "ready"
    LOADING = "loading"
    SLEEPING = "sleeping"
    AVAILABLE = "available"  # on the disk only: a request loads it
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a ready engine answers, and the key it asks for (never shown)."""

    host: str
    port: int
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Route:
    model: str
    state: RouteState
    abilities: frozenset[Ability]
    kind: str = "solo"
    modalities: tuple[str, ...] = ("text",)  # what may be sent to it
    endpoint: Endpoint | None = None  # there when ready
    context: int | None = None
    slots: int | None = None  # requests that its engine answers side by side; None: as many as come
    skills: frozenset[Capability] = frozenset()  # that its files prove
    parameters: int | None = None
    progress: float | None = None  # 0..1 while loading
    awaited: bool = False  # it loads because a request asked for it
    reason: str | None = None  # why it failed, for the client


_PREFERENCE = (
    RouteState.READY,
    RouteState.LOADING,
    RouteState.SLEEPING,
    RouteState.FAILED,
)  # nothing is loaded by chance


@dataclass(frozen=True, slots=True)
class RoutingTable:
    routes: Mapping[str, Route] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)  # further name -> model

    def find(self, name: str | None, ability: Ability | None = None) -> Route | None:
        """The route that `name` means; no name or `auto` means the first ready model that has the ability."""
        if name is None or name == AUTO:
            return self._any(ability)
        model = name if name in self.routes else self.aliases.get(name) or self._meant(name)
        return self.routes[model] if model is not None else None

    def _meant(self, name: str) -> str | None:
        """What is served comes before what only lies on the disk."""
        served = (model for model, route in self.routes.items() if route.state is not RouteState.AVAILABLE)
        return resolve_name(name, served) or resolve_name(name, self.routes)

    def nearest(self, name: str) -> list[str]:
        return nearest_names(name, [*self.routes, *self.aliases])

    def _any(self, ability: Ability | None) -> Route | None:
        served = (r for r in self.routes.values() if r.state in _PREFERENCE)
        able = [r for r in served if ability is None or ability in r.abilities]
        return min(able, key=lambda r: (_PREFERENCE.index(r.state), r.model), default=None)
