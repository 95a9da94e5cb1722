"""Looks around and says what it sees, a JSON line a view. Run in a network of its own: `python -m … NODE NAME`."""

from __future__ import annotations

import asyncio
import json
import signal
import sys

import uvloop

from appliance.mesh.discovery.mdns import Mdns, Said, View

LOOK_S = 1.0


def _tell(view: View) -> None:
    boxes = [{"node": box.node, "name": box.name, "addresses": box.addresses, "port": box.port} for box in view.boxes]
    print(json.dumps({"reach": view.reach, "boxes": boxes}), flush=True)


async def main(node: str, name: str) -> None:
    end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    mdns = Mdns(Said(node, name, "1.0", None, 9338), _tell, look=LOOK_S)
    mdns.start()
    await end.wait()
    await mdns.close()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2]))
