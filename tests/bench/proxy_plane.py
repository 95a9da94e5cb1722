"""One data plane before one engine, in a process of its own: `python -m tests.bench.proxy_plane plane port engine`.

Everything is as in a running box: the log goes to standard error and to memory, each request is metered and booked.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import deque
from collections.abc import Sequence

import uvloop

from appliance.activity.series import History
from appliance.activity.totals import Totals
from appliance.activity.types import Ended
from appliance.logs import set_up_logging
from appliance.models.types import Ability
from appliance.node.snapshot import NodeFacts
from appliance.proxy.app import ProxyDeps, create_api_app
from appliance.proxy.meter import RequestMeter
from appliance.routing.table import Endpoint, Route, RouteState, RoutingTable
from appliance.settings.schema import Settings
from tests.planes import PLANES

MODEL = "bench"
NODE = NodeFacts("n-bench", version="0", flavor="cpu", started_at=0.0, api_port=0, web_port=0)


class Books:
    """As the recorder of a box keeps them."""

    def __init__(self) -> None:
        self.latest: deque[Ended] = deque(maxlen=200)
        self.totals, self.history = Totals(), History()

    def requests_ended(self, requests: Sequence[Ended]) -> None:
        for ended in requests:
            self.latest.appendleft(ended)
            self.totals.add(ended)
        self.history.add_requests(requests)


async def main(plane: str, port: int, engine: int) -> None:
    route = Route(MODEL, RouteState.READY, frozenset(Ability), endpoint=Endpoint("127.0.0.1", engine, "key"))
    table, settings = RoutingTable({MODEL: route}), Settings()
    deps = ProxyDeps(
        routes=lambda: table,
        settings=lambda: settings,
        node=lambda: NODE,
        meter=RequestMeter(told=Books().requests_ended, later=asyncio.get_running_loop().call_later),
        stopping=asyncio.Event(),
        wake=lambda _: None,
    )
    listener = PLANES[plane]("the API", create_api_app(deps), "127.0.0.1", port)
    await listener.start()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, lambda: print(len(asyncio.all_tasks()), flush=True))  # for the soak
    await stop.wait()
    await listener.stop(1)


if __name__ == "__main__":
    set_up_logging("console")
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
