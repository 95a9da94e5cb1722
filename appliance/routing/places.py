"""Which of several boxes answers a request for a model that more than one serves, or another one alone. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from appliance.routing.table import Endpoint, Route, RouteState, Target

Busy = Callable[[Target], int]  # requests that are at a place, or wait for it
_Rank = tuple[int, bool, bool, float, bool, bool, float, float, str]


def choose_target(
    targets: Iterable[Target], busy: Busy, failed: Collection[Endpoint] = (), before: str | None = None
) -> Target | None:
    """The place for a request; None when all of them have `failed` it.

    Ready before not, a silent box last, one with a free place before one without. Of those that have one: where the
    conversation was answered `before` (its beginning is still in that engine's memory), then this box, then the one
    with the least to do, then the nearest. Where nobody has one the shortest line comes before all that.
    """
    left = [target for target in targets if target.route.endpoint is None or target.route.endpoint not in failed]
    return min(left, key=lambda target: _rank(target, busy(target), before), default=None)


def merged(places: Iterable[Target]) -> Route:
    """What is told of a model that is served in several places: how it stands where it stands best."""
    targets = tuple(sorted(places, key=lambda target: _rank(target, target.busy, None)))
    best = targets[0]
    own = next((target.route for target in targets if not target.node), best.route)
    return replace(
        best.route,
        state=best.state,
        abilities=own.abilities,
        modalities=own.modalities,
        skills=own.skills,
        parameters=own.parameters,
        targets=targets,
    )


def why_there(targets: Iterable[Target], *, before: bool = False) -> str:
    """Why a request goes to another box, in a few words for a header. `before`: its conversation is known there."""
    own = next((one for one in targets if not one.node), None)
    if own is None:
        return "not on this box"
    if own.state is not RouteState.READY:
        return f"{own.state.value} here"
    return "as before in this conversation" if before else "busy here"


def _standing(target: Target) -> int:
    """What is ready; then what this box can make ready itself; then what another one wakes when it is asked."""
    if target.state is RouteState.READY:
        return 0
    if target.state is RouteState.FAILED:
        return 4
    if not target.node:
        return 1
    return 2 if target.state is RouteState.SLEEPING else 3


def _rank(target: Target, busy: int, before: str | None) -> _Rank:
    """The smallest is the best."""
    share = busy / max(1, target.slots or 1)
    crowded = target.slots is not None and busy >= target.slots
    return (
        _standing(target),
        target.suspect,
        crowded,
        share if crowded else 0.0,
        target.node != before,
        bool(target.node),
        share,
        target.rtt_ms,
        target.node,
    )
