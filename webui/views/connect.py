"""How programs reach the API: its address as this browser reached the box, and a model to ask."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from ipaddress import ip_address

from appliance.logs import clean
from appliance.models.types import Ability
from appliance.routing.table import Route, RouteState
from appliance.run_loop import Outlook
from appliance.settings.hosts import host_allowed

NO_MODEL = "MODEL"  # stands where a name is to be filled in
ANY_KEY = "meshbox"  # what programs may send that insist on a key, while none is needed
OWN_KEY = "YOUR_KEY"  # stands where a key is to be filled in
_ORDER = (RouteState.READY, RouteState.SLEEPING, RouteState.LOADING, RouteState.AVAILABLE, RouteState.FAILED)


@dataclass(frozen=True, slots=True)
class Connection:
    """How programs reach the API, with the address that this browser used."""

    base_url: str
    curl: str


@dataclass(frozen=True, slots=True)
class Address:
    """Where the API is, as seen from the machine of the reader."""

    root: str
    host: str

    @property
    def v1(self) -> str:
        return f"{self.root}/v1"

    @property
    def only_here(self) -> bool:
        """It means this machine and no other."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False


def connection(host_header: str, api_port: int, model: str, *, needs_key: bool = False) -> Connection:
    """What is shown is pasted into a shell: a model's name must not become a command."""
    v1 = address(host_header, api_port).v1
    return Connection(v1, curl_command(v1, model, OWN_KEY if needs_key else None))


def address(host_header: str, api_port: int) -> Address:
    """The door let this host in; what nobody could have typed is not repeated all the same."""
    host = _without_port(host_header.strip().lower())
    known = host_allowed(host, ()) or _looks_like_a_name(host)
    host = host if known else "localhost"
    return Address(f"http://{host}:{api_port}", host)


def ollama_address(host_header: str, port: int) -> str:
    """Where programs for Ollama find the box; empty as long as its port is closed."""
    return address(host_header, port).root if port else ""


def curl_command(v1: str, model: str, key: str | None = None) -> str:
    body = shlex.quote(json.dumps({"model": model, "messages": [{"role": "user", "content": "What is 3 + 4?"}]}))
    url = shlex.quote(f"{v1}/chat/completions")
    sent = "" if key is None else f"  -H {shlex.quote(f'Authorization: Bearer {key}')} \\\n"
    return f"curl {url} \\\n{sent}  -H 'Content-Type: application/json' \\\n  -d {body}"


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _looks_like_a_name(host: str) -> bool:
    return bool(host) and host.replace(".", "").replace("-", "").replace("_", "").isalnum() and host.isascii()


def example_model(outlook: Outlook) -> str:
    """A name to show in examples: the strongest chat model that answers."""
    return next(iter(chat_models(outlook)), NO_MODEL)


def chat_models(outlook: Outlook) -> tuple[str, ...]:
    """Those that answer first, then those with the most parameters, then by name."""
    library = outlook.snapshot.library

    def rank(route: Route) -> tuple[int, int, str]:
        model = library.find(route.model) if library else None
        size = (model.parameters if model else None) or 0
        return _ORDER.index(route.state), -size, route.model

    able = (
        r for r in outlook.decision.routes.routes.values() if Ability.CHAT in r.abilities and _can_be_typed(r.model)
    )
    return tuple(route.model for route in sorted(able, key=rank))


def _can_be_typed(name: str) -> bool:
    """Names with invisible characters are not offered for pasting, however well they are quoted."""
    return clean(name) == name and "\t" not in name


def chosen_model(models: tuple[str, ...], asked: str) -> str:
    """What the reader chose, if there is such a model; else the first."""
    return asked if asked in models else next(iter(models), NO_MODEL)


def context_of(outlook: Outlook, model: str) -> int | None:
    route = outlook.decision.routes.routes.get(model)
    return route.context if route is not None else None
