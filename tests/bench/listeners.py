"""Open tabs, in a process of their own: `python -m tests.bench.listeners address token count`."""

from __future__ import annotations

import asyncio
import sys

import aiohttp

from appliance.tasks import TaskGroup


class Tabs:
    def __init__(self) -> None:
        self.received = 0
        self.ready = 0

    async def listen(self, session: aiohttp.ClientSession, address: str) -> None:
        async with session.get(address, timeout=aiohttp.ClientTimeout(total=None)) as answer:
            answer.raise_for_status()
            self.ready += 1
            async for piece in answer.content.iter_any():
                self.received += len(piece)


async def main(address: str, token: str, count: int) -> None:
    tabs, tasks = Tabs(), TaskGroup()
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as session:
        for number in range(count):
            tasks.start(f"tab {number}", tabs.listen(session, address))
        while tabs.ready < count:  # noqa: ASYNC110 - a handful of looks
            await asyncio.sleep(0.05)
        await asyncio.sleep(1.0)  # their first events are larger than all that follow
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        tabs.received = 0
        await asyncio.to_thread(sys.stdin.read)
        print(tabs.received, flush=True)
        await tasks.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
