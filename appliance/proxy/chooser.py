"""Which route a request takes: the one asked for by name, or the best one when the choice is left to the box."""

from __future__ import annotations

from appliance.proxy import errors
from appliance.proxy.boxes.places import Places
from appliance.proxy.forward import Call
from appliance.routing.choose import Load, Memo, choose, who_can, who_has_room
from appliance.routing.facts import Facts
from appliance.routing.table import AUTO, Route, RouteState, RoutingTable

NAMED = 3  # models in an error at most


class Chooser:
    """`load` tells how many wait for a model. Conversations stay with the model that answered them."""

    def __init__(self, load: Load, places: Places) -> None:
        self._load, self._places = load, places
        self._memo = Memo()

    def find(self, call: Call, table: RoutingTable) -> Route:
        """Raises ApiError when what was asked for leads nowhere. Never another model than the one named."""
        name = call.peeked.model
        if not table.routes or (_is_open(name) and table.find(AUTO) is None):
            raise errors.no_model()
        route = self._chosen(call, table) if _is_open(name) else _named(name or "", call, table)
        call.ticket.model, call.ticket.route = route.model, route.kind
        if route.state is RouteState.FAILED:
            raise errors.model_failed(route.model, route.reason)
        if route.targets or call.there:
            route = self._places.at(call, route)
            call.ticket.route = route.kind
        return route

    def learn(self, call: Call) -> None:
        """The request was answered well: its conversation goes on with this model."""
        self._places.learn(call)
        if call.choice:
            self._memo.keep(call.peeked.facts.conversation, call.choice)

    def advised(self, call: Call, error: errors.ApiError, table: RoutingTable) -> errors.ApiError:
        """A question that was too long for its model: which others could take it, of those that may be asked."""
        if error.code != errors.TOO_LONG:
            return error
        senses = call.peeked.facts.senses | call.target.senses
        routes = call.permit.visible(table).routes.values()
        found = who_has_room(routes, error.tokens, senses, call.target.ability)
        return errors.with_roomier(error, found[:NAMED]) if found else error

    def _chosen(self, call: Call, table: RoutingTable) -> Route:
        """Once chosen, a request stays with its model as long as that can answer at all."""
        route = table.routes.get(call.choice)
        if route is not None and route.state is not RouteState.FAILED:
            return route
        facts, ability = call.peeked.facts, call.target.ability
        senses = facts.senses | call.target.senses
        before = self._memo.get(facts.conversation)
        choice = choose(table.routes.values(), _with(facts, senses), ability, self._load, before)
        if choice is None and senses and choose(table.routes.values(), Facts(), ability, self._load) is not None:
            raise _cannot_take(None, senses, call, table)
        if choice is None:
            raise errors.unsupported(f"No model of this box can answer {call.target.path}.")
        call.choice, call.why = choice.route.model, choice.why
        return choice.route


def _is_open(name: str | None) -> bool:
    return name is None or name == AUTO


def _with(facts: Facts, senses: frozenset[str]) -> Facts:
    return facts if senses == facts.senses else Facts(senses=senses, conversation=facts.conversation)


def _named(name: str, call: Call, table: RoutingTable) -> Route:
    route = table.find(name, call.target.ability)
    if route is None:
        raise errors.model_not_found(name, table.nearest(name))
    call.why = "asked for by name" if name == route.model else "the only model that the short name fits"
    senses = call.peeked.facts.senses | call.target.senses
    if call.target.works and not senses <= set(route.modalities):
        raise _cannot_take(route, senses, call, table)
    return route


def _cannot_take(route: Route | None, senses: frozenset[str], call: Call, table: RoutingTable) -> errors.ApiError:
    missing = sorted(senses - set(route.modalities if route else ()))
    others = who_can(table.routes.values(), senses, call.target.ability)[:NAMED]
    code = "unsupported_endpoint" if call.target.senses else "unsupported_input"
    return errors.cannot_take(route.model if route else None, missing, others, code)
