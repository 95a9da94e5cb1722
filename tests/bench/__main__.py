"""`python -m tests.bench [name…]`"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable

import uvloop

from tests.bench import (
    drafting,
    fitting,
    headers,
    keys,
    killing,
    lanes,
    latency,
    loading,
    login,
    membership,
    pages,
    proxy,
    resolving,
    soaking,
    startup,
    tabs,
    telemetry,
    tunnel,
    undisturbed,
    waking,
)
from tests.bench.report import Result, keep, table

BENCHES: dict[str, Callable[[], Awaitable[Result]]] = {
    "pages": pages.bench,
    "tabs": tabs.bench,
    "latency": latency.bench,
    "login": login.bench,
    "startup": startup.bench,
    "proxy": proxy.bench,
    "headers": headers.bench,
    "keys": keys.bench,
    "kill": killing.bench,
    "resolve": resolving.bench,
    "fit": fitting.bench,
    "load": loading.bench,
    "wake": waking.bench,
    "drafting": drafting.bench,
    "lanes": lanes.bench,
    "undisturbed": undisturbed.bench,
    "telemetry": telemetry.bench,
    "soak": soaking.bench,
    "tunnel": tunnel.bench,
    "membership": membership.bench,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measures how fast the box is.")
    parser.add_argument("names", nargs="*", metavar="name", help=" ".join(BENCHES))
    names = parser.parse_args().names or list(BENCHES)
    if unknown := sorted(set(names) - set(BENCHES)):
        parser.error(f"no bench is called {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    for name in names:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            result = runner.run(_run(BENCHES[name]))
        print(table(result), f"kept in {keep(result)}", sep="\n", flush=True)
    return 0


async def _run(bench: Callable[[], Awaitable[Result]]) -> Result:
    return await bench()


if __name__ == "__main__":
    sys.exit(main())
