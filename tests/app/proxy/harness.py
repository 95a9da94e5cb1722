"""A real engine, and the API on its real web server in front of it."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import secrets
import socket
import subprocess
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp

from appliance.models.types import Ability
from appliance.node.snapshot import EngineSpec, NodeFacts
from appliance.objects.store import ObjectStore
from appliance.proxy.app import ApiApp, ProxyDeps
from appliance.proxy.gate import OPEN_GATE, Gate
from appliance.proxy.meter import RequestMeter
from appliance.proxy.pool import Pool
from appliance.proxy.relay import Relay
from appliance.routing.table import Endpoint, Route, RouteState, RoutingTable
from appliance.settings.schema import Settings
from appliance.supervisor.llama_server import command_line, environment
from tests.planes import PLANES

ROOT = Path(__file__).parents[3]
ENGINE = ROOT / "build" / "engine" / "llama-server"
MODEL = "mesh-tiny-dense-Q8_0"
MODEL_FILE = ROOT / "appliance" / "models" / "bundled" / f"{MODEL}.gguf"
TALKS = frozenset({Ability.CHAT, Ability.COMPLETION})
# Room for seconds of work, in batches small enough that the engine looks up between them.
ROOMY = (
    *("--override-kv", "qwen3.context_length=int:16384", "--ctx-size", "16384"),
    *("--batch-size", "256", "--ubatch-size", "256"),
)
NODE = NodeFacts(id="n-test", version="0.0.0", flavor="cpu", started_at=1_700_000_000.0, api_port=0, web_port=0)
QUESTION = {"messages": [{"role": "user", "content": "What is 3 + 4?"}], "temperature": 0, "max_tokens": 16}
ENDLESS = {**QUESTION, "ignore_eos": True, "max_tokens": 100_000, "stream": True}
LONG_PROMPT = {
    "messages": [{"role": "user", "content": "blue sky " * 1200}],
    "max_tokens": 1,
    "stream": True,
    "cache_prompt": False,
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Engine:
    """A llama-server of our own."""

    endpoint: Endpoint
    process: subprocess.Popen[bytes]

    def get(self, path: str) -> Any:
        url = f"http://{self.endpoint.host}:{self.endpoint.port}{path}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self.endpoint.key}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def busy_slots(self) -> int:
        return sum(slot["is_processing"] for slot in self.get("/slots"))

    async def until_busy_slots(self, count: int, seconds: float = 10.0) -> None:
        """Waits until so many slots work."""
        deadline = time.monotonic() + seconds
        while (busy := await asyncio.to_thread(self.busy_slots)) != count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{busy} slots are busy instead of {count}")
            await asyncio.sleep(0.02)

    async def until_idle(self, seconds: float = 30.0) -> None:
        await self.until_busy_slots(0, seconds)


@contextlib.contextmanager
def running_engine(log: Path, *arguments: str, slots: int = 4, file: Path = MODEL_FILE) -> Iterator[Engine]:
    """Starts as the supervisor does and ends with the test, whatever happens."""
    endpoint = Endpoint("127.0.0.1", free_port(), secrets.token_hex(16))
    spec = EngineSpec(file.stem, str(file), TALKS, slots=slots)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command_line(str(ENGINE), spec, endpoint, cores=2), *arguments],
            env=environment({"PATH": "/usr/bin:/bin"}, endpoint, "tests"),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    engine = Engine(endpoint, process)
    try:
        _until_ready(engine, log)
        yield engine
    finally:
        process.kill()
        process.wait()
        if process.stdin:
            process.stdin.close()


def _until_ready(engine: Engine, log: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            engine.get("/slots")
        except OSError:
            if engine.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the engine did not start:\n{log.read_text()[-2000:]}") from None
            time.sleep(0.02)
        else:
            return


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.01)


def ready(endpoint: Endpoint, model: str = MODEL, **changes: Any) -> Route:
    fields: dict[str, Any] = {"abilities": TALKS, "endpoint": endpoint, "context": 1024, **changes}
    return Route(model, RouteState.READY, **fields)


@dataclass
class Api:
    """The API under test, and the state of the box that it sees."""

    port: int
    session: aiohttp.ClientSession
    routes: dict[str, Route] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    meter: RequestMeter = field(default_factory=RequestMeter)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    woken: list[str] = field(default_factory=list)
    gate: Gate = OPEN_GATE
    objects: ObjectStore | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def serve(self, *routes: Route) -> None:
        self.routes = {route.model: route for route in routes}

    def deps(self) -> ProxyDeps:
        return ProxyDeps(
            routes=lambda: RoutingTable(self.routes),
            settings=lambda: self.settings,
            node=lambda: NODE,
            meter=self.meter,
            stopping=self.stopping,
            wake=self.wake,
            gate=self.gate,
            objects=self.objects,
        )

    def wake(self, model: str) -> None:
        """What a box does: the model is loading from now on."""
        self.woken.append(model)
        self.routes[model] = replace(self.routes[model], state=RouteState.LOADING)

    async def ask(
        self, method: str, path: str, body: bytes | Mapping[str, Any] = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.session.request(method, self.url + path, data=io.BytesIO(data), headers=headers) as response:
            return Answer(response.status, response.headers, await response.read())

    async def post(self, path: str, body: bytes | Mapping[str, Any], **headers: str) -> Answer:
        return await self.ask("POST", path, body, {k.replace("_", "-"): v for k, v in headers.items()})

    async def get(self, path: str) -> Answer:
        return await self.ask("GET", path)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> Any:
        """The error's code, in either shape."""
        return self.json["error"]["code"]


class UnderTest:
    """The data plane that the tests run on just now; each test runs on all of them."""

    plane = next(iter(PLANES))


@contextlib.asynccontextmanager
async def running_api(
    pool: Pool | None = None, gate: Gate = OPEN_GATE, objects: ObjectStore | None = None
) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        api = Api(free_port(), session, gate=gate, objects=objects)
        deps = api.deps()
        listener = PLANES[UnderTest.plane]("the API", ApiApp(deps, Relay(deps, pool)), "127.0.0.1", api.port)
        await listener.start()
        try:
            yield api
        finally:
            await listener.stop(2)


@contextlib.asynccontextmanager
async def raw_request(
    api: Api, path: str, body: Mapping[str, Any]
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A bare connection, so that the test decides what is read and when it breaks."""
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port, limit=4096)
    content = json.dumps(body).encode()
    writer.write(
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content
    )
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
