"""What a request pays for its API key, beside what it pays for the look into its body."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.keys.keyring import MOST_KEYS, Keyring
from appliance.keys.store import KeyStore
from appliance.keys.types import Grant, Limits
from appliance.models.types import Ability
from appliance.proxy.endpoints import Shape
from appliance.proxy.gate import KeyGate
from appliance.proxy.meter import Ticket
from appliance.proxy.peek import peek_json
from appliance.proxy.spent import Spent
from appliance.routing.table import Route, RouteState, RoutingTable
from appliance.storage.database import Database
from tests.bench.report import Result, median

ROUNDS = 5000
MODELS = 100
MOST_TIMES = 5.0
BAR = f"a key with every limit costs at most {MOST_TIMES:g} times the look into a body of 2 KiB"
BODY = json.dumps({"model": "model-7", "messages": [{"role": "user", "content": "x" * 2000}]}).encode()
SPENT = Spent(100, 100)
LIMITS = Limits(requests_per_minute=10_000, tokens_per_day=10**12, concurrency=1000)


async def bench() -> Result:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "state.db")
        await database.open()
        keys = Keyring(KeyStore(database))
        await keys.open()
        secrets = [(await keys.create(Grant(f"key {n}", ("model-*",), limits=LIMITS)))[1] for n in range(MOST_KEYS)]
        await database.close()
    routes = {f"model-{n}": Route(f"model-{n}", RouteState.READY, frozenset({Ability.CHAT})) for n in range(MODELS)}
    gate, table = KeyGate(keys, lambda: True), RoutingTable(routes)
    rows = [
        _row("look into the body", lambda _: peek_json(BODY)),
        _row("gate, no key needed", _through(KeyGate(keys, lambda: False), table, {})),
        _row("gate, every limit", lambda n: _through(gate, table, _headers(secrets[n % MOST_KEYS]))(n)),
    ]
    times = rows[2]["p50 us"] / rows[0]["p50 us"]
    return Result("keys", f"what a key costs, of {MOST_KEYS}", rows, BAR, times <= MOST_TIMES)


def _headers(secret: str) -> dict[str, Any]:
    return {"headers": [(b"host", b"box"), (b"authorization", f"Bearer {secret}".encode())]}


def _through(gate: KeyGate, table: RoutingTable, scope: dict[str, Any]) -> Callable[[int], object]:
    asked = {"headers": [(b"host", b"box")]} | scope

    def once(_: int) -> object:
        permit = gate.admit(asked, Ticket("/v1/chat/completions", 0.0))
        found = permit.narrowed(table, "model-7")
        headers = permit.headers(Shape.OPENAI)
        permit.end(SPENT)
        return found, headers

    return once


def _row(name: str, act: Callable[[int], object]) -> dict[str, Any]:
    times = []
    for number in range(ROUNDS):
        began = time.perf_counter()
        act(number)
        times.append(time.perf_counter() - began)
    return {"what": name, "p50 us": median(times) * 1e6, "n": ROUNDS}
