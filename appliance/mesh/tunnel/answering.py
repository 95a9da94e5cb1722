"""Connections of other boxes that ask this one over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from appliance.mesh.lanes.stream import Stream


class Answering:
    """The lane's handler for the purpose `tunnel`. `server` makes what answers the box of that id."""

    def __init__(self, server: Callable[[str], asyncio.Protocol]) -> None:
        self._server = server

    async def __call__(self, stream: Stream) -> None:
        if stream.peer.visitor:  # the lane sees to that as well
            stream.abort()
            return
        stream.detach(self._server(stream.peer.node))
