"""Which model answers when the client leaves the choice to the box, and who could answer what a named model cannot.

First what is asked for has to be possible at all: the ability, what comes with the text, tools, room in the context.
Of what is left, one that is ready goes before one that is not; then what the request is about decides.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from appliance.models.types import Ability, Capability
from appliance.routing.classify import Class, Depth, Kind, classify
from appliance.routing.facts import Facts
from appliance.routing.skills import BILLION, codes, size, thinks
from appliance.routing.table import Route, RouteState

MOST_REMEMBERED = 1024
SENSIBLE = 2 * BILLION  # parameters; below it even a quick answer is often wrong
_ORDER = (
    RouteState.READY,
    RouteState.LOADING,
    RouteState.SLEEPING,
    RouteState.FAILED,
)  # the rest is not loaded by chance

Load = Callable[[str], int]  # how many wait for a model


@dataclass(frozen=True, slots=True)
class Choice:
    route: Route
    why: str  # in ASCII, for a header


class Memo:
    """Which model a conversation was answered by; the latest thousand."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._models: OrderedDict[str, str] = OrderedDict()
        self._most = most

    def get(self, conversation: str) -> str | None:
        return self._models.get(conversation)

    def keep(self, conversation: str, model: str) -> None:
        if conversation:
            self._models[conversation] = model
            self._models.move_to_end(conversation)
            while len(self._models) > self._most:
                self._models.popitem(last=False)


def choose(
    routes: Iterable[Route], facts: Facts, ability: Ability | None, load: Load, before: str | None = None
) -> Choice | None:
    """The model for a request; None when none has the ability and the senses. `before` answered this conversation."""
    able = [route for route in routes if _is_able(route, facts, ability)]
    fit = _that_fit(able, facts)
    if not fit:
        return None
    same = next((route for route in fit if route.model == before and route.state is not RouteState.FAILED), None)
    if same is not None:
        return Choice(same, "auto: as before in this conversation")
    if len(fit) == 1:
        return Choice(fit[0], "auto: the only model that can answer this")
    about = classify(facts)
    best = min(fit, key=lambda route: _rank(route, about, load(route.model)))
    return Choice(best, f"auto: {about.kind} ({about.depth}), best suited of {len(fit)}")


def who_can(routes: Iterable[Route], senses: Iterable[str], ability: Ability | None) -> list[str]:
    """Models that take all of it; those that are ready first."""
    facts = Facts(senses=frozenset(senses))
    able = [r for r in routes if r.state is not RouteState.FAILED and _takes(r, facts, ability)]
    return [r.model for r in sorted(able, key=lambda r: (r.state is not RouteState.READY, r.model))]


def who_has_room(
    routes: Iterable[Route], tokens: int, senses: Iterable[str], ability: Ability | None
) -> list[tuple[Route, int]]:
    """Models that could read so many tokens, and the context of each: those that are ready, then those that would
    have to be loaded, the roomiest first.
    """
    facts = Facts(senses=frozenset(senses))
    able = [r for r in routes if r.state is not RouteState.FAILED and _takes(r, facts, ability)]
    sized = [(r, (r.context if r.state is RouteState.READY else r.reach) or 0) for r in able]
    roomy = [(route, context) for route, context in sized if context > tokens]
    return sorted(roomy, key=lambda r: (r[0].state is not RouteState.READY, -r[1], r[0].model))


def _is_able(route: Route, facts: Facts, ability: Ability | None) -> bool:
    return route.state in _ORDER and _takes(route, facts, ability)


def _takes(route: Route, facts: Facts, ability: Ability | None) -> bool:
    return (ability is None or ability in route.abilities) and facts.senses <= set(route.modalities)


def _that_fit(able: Sequence[Route], facts: Facts) -> list[Route]:
    """Those that know tools when tools are wanted (the engine helps out when none does), and that have room."""
    handy = [route for route in able if Capability.TOOLS in route.skills] if facts.tools else []
    left = handy or list(able)
    roomy = [route for route in left if route.context is None or route.context >= facts.tokens]
    if roomy or not left:
        return roomy
    most = max(route.context or 0 for route in left)  # the tokens are a guess: the engine counts and says so
    return [route for route in left if route.context == most]


def _rank(route: Route, about: Class, waiting: int) -> tuple[int | bool | str, ...]:
    """The smallest is the best: ready, made for it, of the right size, and with the shortest line."""
    return (
        _ORDER.index(route.state),
        _unsuited(route, about),
        *_by_size(route, about.depth),
        waiting,
        route.model,
    )


def _unsuited(route: Route, about: Class) -> int:
    coder, thinker = codes(route), thinks(route)
    if about.kind is Kind.CODE:
        return not coder
    if about.kind is Kind.REASONING:
        return coder + (not thinker and about.depth is not Depth.QUICK)
    return int(coder) + (thinker and about.depth is Depth.QUICK)  # who thinks aloud is slow with a small question


def _by_size(route: Route, depth: Depth) -> tuple[bool | int, int]:
    """The largest; for a quick answer the smallest that is still sensible."""
    parameters = size(route)
    if depth is Depth.QUICK and parameters >= SENSIBLE:
        return False, parameters
    return depth is Depth.QUICK, -parameters
