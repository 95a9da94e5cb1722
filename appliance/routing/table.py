"""The routing table: every model that can be asked for, and where it answers: here, on other boxes, or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain

from appliance.models.names import nearest_names, resolve_name
from appliance.models.types import Ability, Capability

AUTO = "auto"
REMOTE = "remote"  # the kind of a route that leads to another box


class RouteState(StrEnum):
    """As the API shows it in the model list."""

    READY = "ready"
    LOADING = "loading"
    SLEEPING = "sleeping"
    AVAILABLE = "available"  # on the disk only: a request loads it
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a ready engine answers, and the key it asks for (never shown); or another box, which is known by its id."""

    host: str
    port: int
    key: str = field(repr=False)
    node: str = ""  # the other box; empty: an engine of this one


def on_node(node: str) -> Endpoint:
    """Another box. Which address leads there is the affair of whoever opens the connection."""
    return Endpoint("", 0, "", node)


@dataclass(frozen=True, slots=True)
class Route:
    model: str
    state: RouteState
    abilities: frozenset[Ability]
    kind: str = "solo"
    modalities: tuple[str, ...] = ("text",)  # what may be sent to it
    endpoint: Endpoint | None = None  # there when ready
    context: int | None = None
    reach: int | None = None  # the context that it may get when it is loaded
    slots: int | None = None  # requests that its engine answers side by side; None: as many as come
    skills: frozenset[Capability] = frozenset()  # that its files prove
    parameters: int | None = None
    progress: float | None = None  # 0..1 while loading
    started: float | None = None  # when its engine began to load, or will after a pause
    awaited: bool = False  # it loads because a request asked for it
    reason: str | None = None  # why it failed, for the client
    targets: tuple[Target, ...] = ()  # every place where it is served, once that is not this box alone

    @property
    def here(self) -> bool:
        """Whether this box has it, whoever else does."""
        return self.kind != REMOTE or any(not target.node for target in self.targets)


@dataclass(frozen=True, slots=True)
class Target:
    """One place where a model is served. `route` is what a request takes that goes there."""

    route: Route
    state: RouteState
    node: str = ""  # the other box; empty: this one
    name: str = ""  # what people call that box
    suspect: bool = False  # silent for a moment: asked last
    slots: int | None = None  # requests that it answers side by side; None: it did not say
    busy: int = 0  # those it has, as it said lately
    rtt_ms: float = 0.0


_PREFERENCE = (
    RouteState.READY,
    RouteState.LOADING,
    RouteState.SLEEPING,
    RouteState.FAILED,
)  # nothing is loaded by chance
_CHOSEN_FROM = frozenset({RouteState.READY, RouteState.LOADING, RouteState.SLEEPING})


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

    def shown(self, name: str | None) -> Route | None:
        """The same for lists: `auto` has all that the models it chooses from are sure to be able to."""
        route = self.find(name)
        if route is None or not (name is None or name == AUTO):
            return route
        return _together(route, [r for r in self.routes.values() if r.state in _CHOSEN_FROM])

    def _meant(self, name: str) -> str | None:
        """What this box serves comes before what others do, and that before what only lies on the disk: a name that
        means something goes on to mean it when another box comes."""
        served = {model: route for model, route in self.routes.items() if route.state is not RouteState.AVAILABLE}
        here = (model for model, route in served.items() if route.here)
        return resolve_name(name, here) or resolve_name(name, served) or resolve_name(name, self.routes)

    def nearest(self, name: str) -> list[str]:
        return nearest_names(name, [*self.routes, *self.aliases])

    def _any(self, ability: Ability | None) -> Route | None:
        served = (r for r in self.routes.values() if r.state in _PREFERENCE)
        able = [r for r in served if ability is None or ability in r.abilities]
        return min(able, key=lambda r: (_PREFERENCE.index(r.state), not r.here, r.model), default=None)


def _together(first: Route, routes: Sequence[Route]) -> Route:
    """What at least one of them can, each for itself."""
    return replace(
        first,
        abilities=first.abilities.union(*(route.abilities for route in routes)),
        skills=first.skills.union(*(route.skills for route in routes)),
        modalities=tuple(dict.fromkeys(chain(first.modalities, *(route.modalities for route in routes)))),
        context=max((route.context for route in (first, *routes) if route.context), default=None),
    )
