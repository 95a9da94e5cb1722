"""At which of its places a model is asked: at this box, or at which other one. Lives in the loop's thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from appliance.proxy.boxes.words import Unserved
from appliance.proxy.errors import TOO_LONG, ApiError
from appliance.proxy.forward import JSON, Call
from appliance.proxy.gist import conversation_of
from appliance.proxy.lines import Lines
from appliance.proxy.upstream import UpstreamError
from appliance.routing.choose import Memo
from appliance.routing.places import choose_target, why_there
from appliance.routing.table import Endpoint, Route, RouteState, RoutingTable, Target

Away = Counter[tuple[str, str]]  # requests of ours that another box has, by its id and the model


class Places:
    """Conversations stay where they were answered: the engine there still has their beginning in its memory."""

    def __init__(self, lines: Lines, away: Away, routes: Callable[[], RoutingTable]) -> None:
        self._lines, self._away, self._routes = lines, away, routes
        self._memo = Memo()

    def at(self, call: Call, route: Route) -> Route:
        """The route of one place, for a model that this box is not the only one to serve."""
        self.leave(call)
        call.there = ""
        if not route.targets:  # any more
            return route
        targets = _able(route.targets, call)
        own = next((target for target in targets if not target.node), None)
        if own is not None and self._has_its_turn(call, own):
            return own.route
        target = self._choose(call, targets)
        if target.node:
            self._go(call, target, targets)
        return target.route

    def gave_up(self, call: Call, endpoint: Endpoint, error: UpstreamError, *, again: bool) -> ApiError | None:
        """That place did not answer; what it has said about it. Raises just that when nobody else may do it."""
        if endpoint.node or again:  # an engine of this box may just have closed an idle connection
            call.failed = (*call.failed, endpoint)
        if not isinstance(error, Unserved):
            return None
        if error.answer.code == TOO_LONG:
            call.failed = (*call.failed, *self._no_larger(call, endpoint))
        if not error.elsewhere or not self._others(call):
            raise error.answer
        return error.answer

    def learn(self, call: Call) -> None:
        """The request was answered well."""
        if call.conversation:
            self._memo.keep(call.conversation, call.away[0] if call.away else "")

    def leave(self, call: Call) -> None:
        """It is over, or is asked elsewhere."""
        if call.away is not None:
            away, call.away = call.away, None
            self._away[away] -= 1
            if not self._away[away]:
                del self._away[away]

    def _choose(self, call: Call, targets: Sequence[Target]) -> Target:
        """Where all have failed it is asked once more where it would be asked first."""
        before = self._before(call) if len(targets) > 1 else None
        found = choose_target(targets, self._busy, call.failed, before) or choose_target(targets, self._busy)
        return found or targets[0]

    def _go(self, call: Call, target: Target, targets: Sequence[Target]) -> None:
        call.away = (target.node, target.route.model)
        self._away[call.away] += 1
        before = bool(call.conversation) and self._memo.get(call.conversation) == target.node
        call.there = f", {why_there(targets, before=before)}"
        if call.place is not None:
            call.place.leave()
            call.place = None

    def _has_its_turn(self, call: Call, own: Target) -> bool:
        """It has waited here, and must not begin to wait anew elsewhere."""
        waited = call.place is not None and call.place.granted and own.state is RouteState.READY
        return waited and own.route.endpoint not in call.failed

    def _before(self, call: Call) -> str | None:
        if not call.conversation and call.body and call.content_type == JSON:
            known = call.peeked.facts.conversation or conversation_of(call.body)
            call.conversation = f"{call.ticket.model} {known}" if known else ""
        return self._memo.get(call.conversation) if call.conversation else None

    def _busy(self, target: Target) -> int:
        """What the box said is some seconds old, and need not know of what we have just sent there."""
        if not target.node:
            return self._lines.busy(target.route.model)
        return max(target.busy, self._away[target.node, target.route.model])

    def _targets(self, call: Call) -> Sequence[Target]:
        route = self._routes().routes.get(call.ticket.model)
        return route.targets if route is not None else ()

    def _others(self, call: Call) -> bool:
        return any(target.route.endpoint not in call.failed for target in self._targets(call) if target.route.endpoint)

    def _no_larger(self, call: Call, endpoint: Endpoint) -> list[Endpoint]:
        """Where the same would be too long as well."""
        found = [(target.route.endpoint, target.route.context or 0) for target in self._targets(call)]
        most = max((context for one, context in found if one == endpoint), default=0)
        return [one for one, context in found if one is not None and context <= most]


def _able(targets: Sequence[Target], call: Call) -> Sequence[Target]:
    """Those that take what comes with the request, as far as they differ in that."""
    senses, ability = call.peeked.facts.senses | call.target.senses, call.target.ability
    able = [
        target
        for target in targets
        if senses <= set(target.route.modalities) and (ability is None or ability in target.route.abilities)
    ]
    return able or targets
