"""What one request may do: everything, or what its key allows. `Gate` hands permits out."""

from __future__ import annotations

from dataclasses import replace

from appliance.keys.keyring import Keyring
from appliance.keys.scope import allowed_models
from appliance.keys.types import Key
from appliance.objects.types import OWNER, Party
from appliance.proxy.asgi import Header
from appliance.proxy.endpoints import Shape
from appliance.proxy.errors import ApiError
from appliance.proxy.rates import rate_headers
from appliance.proxy.spent import Spent
from appliance.routing.table import AUTO, RoutingTable

SHOWN_MODELS = 10  # in an error


class Permit:
    """Of a request without a key: it may do everything, and nothing is counted."""

    name = id = ""
    counts = False  # whether `end` has to be told what was used

    def party(self, address: str) -> Party:
        """As whom it sends up and uses objects."""
        return Party(share=address)

    def narrowed(self, table: RoutingTable, _asked: str | None) -> RoutingTable:
        """The models that may be asked for. Raises ApiError (403) when `asked` is none of them."""
        return table

    def visible(self, table: RoutingTable) -> RoutingTable:
        return table

    def headers(self, _shape: Shape) -> list[Header]:
        """What is left of its limits."""
        return []

    def end(self, spent: Spent) -> None:
        """The request is over, however it ended."""


NO_KEY = Permit()


class OwnerPermit(Permit):
    """Of somebody who has logged in."""

    def party(self, address: str) -> Party:  # noqa: ARG002 - the same from everywhere
        return OWNER


class KeyPermit(Permit):
    """Of a request with a key. `counted`: it holds one of the places at once until its end."""

    def __init__(self, keys: Keyring, key: Key, tables: TableCache, *, counted: bool) -> None:
        self.name, self.id = key.name, key.id
        self._keys, self._key, self._tables, self.counts = keys, key, tables, counted

    def party(self, address: str) -> Party:  # noqa: ARG002 - wherever its programs run
        return Party(self._key.id, share=self._key.id)

    def narrowed(self, table: RoutingTable, asked: str | None) -> RoutingTable:
        narrow = self.visible(table)
        if narrow is table or narrow.find(asked) is not None:
            return narrow
        if table.find(asked) is not None or (table.routes and not narrow.routes):
            raise self._not_allowed(asked, narrow)
        return narrow

    def visible(self, table: RoutingTable) -> RoutingTable:
        models = self._key.grant.models
        return self._tables.narrowed(table, models) if models else table

    def headers(self, shape: Shape) -> list[Header]:
        rooms = self._keys.rooms(self._key)
        return rate_headers(rooms, shape, self._keys.now().wall) if rooms else []

    def end(self, spent: Spent) -> None:
        if self.counts:
            self.counts = False
            self._keys.end(self._key, spent.tokens_in, spent.tokens_out)

    def _not_allowed(self, asked: str | None, narrow: RoutingTable) -> ApiError:
        usable = sorted(narrow.routes)
        shown = ", ".join(usable[:SHOWN_MODELS])
        if asked is None or asked == AUTO:
            what = f"No model that the API key {self.name!r} may use is served here."
        else:
            what = f"The API key {self.name!r} may not use the model {asked[:200]!r}."
        instead = f" It may use: {shown}." if usable else ""
        advice = " The owner of this box can change that on its page under Keys."
        return ApiError(
            403, "model_not_allowed", what + instead + advice, param="model", details={"allowed": usable[:SHOWN_MODELS]}
        )


class TableCache:
    """The table as the keys of each set of models see it: made once for each table, not for each request."""

    def __init__(self) -> None:
        self._whole: RoutingTable | None = None
        self._narrow: dict[tuple[str, ...], RoutingTable] = {}

    def narrowed(self, table: RoutingTable, models: tuple[str, ...]) -> RoutingTable:
        if table is not self._whole:
            self._whole, self._narrow = table, {}
        found = self._narrow.get(models)
        if found is None:
            found = self._narrow[models] = _narrow(table, models)
        return found


def _narrow(table: RoutingTable, models: tuple[str, ...]) -> RoutingTable:
    allowed = allowed_models(models, table.routes, table.aliases)
    return replace(
        table,
        routes={model: route for model, route in table.routes.items() if model in allowed},
        aliases={alias: model for alias, model in table.aliases.items() if model in allowed},
    )
