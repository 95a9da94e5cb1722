"""The pages and management API in process: the real run loop and application, with events posted by the test."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp

from appliance.activity.recorder import Recorder, Sources
from appliance.activity.store import ActivityStore
from appliance.api.about import Premises
from appliance.api.access import Access
from appliance.api.deps import ApiDeps
from appliance.api.feed import EventFeed
from appliance.api.metrics import Metrics
from appliance.attention import note_issues
from appliance.jobs.trials import DeviceTrials, make_trials
from appliance.jobs.work import ModelWork, make_model_work
from appliance.keys.keyring import Keyring
from appliance.keys.store import KeyStore
from appliance.logs import LogRing
from appliance.models.disk import FreeBytes, free_bytes
from appliance.models.transfer import Patience
from appliance.node.events import Event, SettingsChanged
from appliance.node.snapshot import RequestLoad, Snapshot
from appliance.objects.store import ObjectStore
from appliance.objects.types import MIB
from appliance.run_loop import RunLoop
from appliance.serve import Listener
from appliance.settings.store import SettingsStore
from appliance.storage.database import Database
from appliance.storage.errors import StorageFailed
from appliance.storage.sessions import Sessions
from appliance.tasks import TaskGroup
from tests.builders import make_snapshot
from tests.live.box import free_ports
from webui.app import create_web_app
from webui.render import STATIC, compile_all
from webui.security import Guarded

NO_HUB = "http://127.0.0.1:9"  # nothing listens there: no test reaches the real one
IMPATIENT = Patience(tries=4, first_s=0.01, longest_s=0.05)
CODE = "ABCD-EFGH"
PASSWORD = "correct horse battery"


class Counts:
    """A request meter that has seen two requests."""

    def totals(self) -> Mapping[tuple[str, str, int], int]:
        return {("m", "/v1/chat/completions", 200): 2}

    def bytes_sent(self) -> Mapping[str, int]:
        return {"m": 10}

    def rescued(self) -> Mapping[str, int]:
        return {"m": 1}

    def direct(self) -> Mapping[str, int]:
        return {"m": 1}

    def load(self) -> RequestLoad:
        return RequestLoad(in_flight=1)


async def echo_relay(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the path it was asked for: the real relay has tests of its own."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


@dataclass
class Web:
    """A running page, and a browser-like client."""

    url: str
    session: aiohttp.ClientSession
    loop: RunLoop
    settings: SettingsStore
    access: Access
    logs: LogRing
    stopping: asyncio.Event
    wrote: list[StorageFailed | None]
    models: ModelWork
    activity: Recorder
    trials: DeviceTrials
    keys: Keyring
    app: Guarded
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def call(self, method: str, path: str, **arguments: Any) -> aiohttp.ClientResponse:
        """One request whose answer is read to its end."""
        headers = {**self.headers, **arguments.pop("headers", {})}
        async with self.session.request(
            method, self.url + path, headers=headers, allow_redirects=False, **arguments
        ) as response:
            await response.read()
            return response

    async def claim(self) -> None:
        answer = await self.call("POST", "/api/setup", json={"code": CODE, "password": PASSWORD})
        assert answer.status == 200, await answer.text()
        self.token = (await answer.json())["token"]
        self.session.cookie_jar.clear()
        self.headers = {"Authorization": f"Bearer {self.token}"}

    def post(self, event: Event) -> None:
        self.loop.post(event)


def idle_recorder(loop: RunLoop, database: Database) -> Recorder:
    """Looks only when the test says so."""
    sources = Sources(
        load=lambda: loop.outlook.snapshot.requests,
        peak=lambda: loop.outlook.snapshot.requests.in_flight,
        waiting_for=lambda _: 0,
        children=dict,
        inventory=lambda: loop.outlook.snapshot.inventory,
        processor_seconds=lambda _: None,
        keep_days=lambda: loop.outlook.snapshot.settings.activity.keep_days,
    )
    return Recorder(sources, ActivityStore(database))


@asynccontextmanager
async def running_web(
    folder: Path,
    snapshot: Snapshot | None = None,
    *,
    hub: str = NO_HUB,
    free: FreeBytes = free_bytes,
    engine: Path | None = None,
) -> AsyncIterator[Web]:
    compile_all()  # once for all tests
    (folder / "secrets").mkdir(exist_ok=True)
    (port,) = free_ports(1)
    stopping, logs, wrote = asyncio.Event(), LogRing(), list[StorageFailed | None]()
    base = snapshot or make_snapshot()
    loop = RunLoop(replace(base, node=replace(base.node, web_port=port)), lambda _: None, time.time)
    settings = SettingsStore(
        folder / "settings.json", base.settings, {}, lambda s: loop.post(SettingsChanged(s)), wrote.append
    )
    database = Database(folder / "state.db")
    await database.open()
    sessions = Sessions(database, lambda: settings.current.web.session_days * 86400.0, time.time, wrote.append)
    await sessions.open()
    access = Access(folder / "secrets", sessions, CODE, time.time)
    models = make_model_work(
        models_folder=folder / "models",
        secrets=folder / "secrets",
        endpoint=hub,
        database=database,
        loop=loop,
        settings=lambda: settings.current.models,
        patience=IMPATIENT,
        planning=IMPATIENT,
        free=free,
    )
    activity = idle_recorder(loop, database)
    engine = engine or folder / "engine"
    keys = Keyring(KeyStore(database), wrote=wrote.append)
    await keys.open()
    objects = ObjectStore(folder / "objects", room=lambda: settings.current.api.objects_mib * MIB)
    trials = make_trials(engine=engine, owner="test", database=database, loop=loop, cores=lambda: 2)
    deps = ApiDeps(
        loop=loop,
        settings=settings,
        access=access,
        feed=EventFeed(loop, time.time),
        metrics=Metrics(loop, Counts(), activity.totals, keys, objects),
        logs=logs,
        models=models,
        activity=activity,
        trials=trials,
        keys=keys,
        objects=objects,
        premises=Premises(folder, folder, folder / "engine", STATIC / "vendor"),
        stopping=stopping,
        clock=time.time,
    )
    app = create_web_app(deps, echo_relay)
    listener, tasks = Listener("test", app, "127.0.0.1", port), TaskGroup()
    tasks.start("run loop", loop.run())
    tasks.start("note issues", note_issues(loop, time.time))
    await listener.start()
    await models.open(loop)
    await trials.open()
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            url = f"http://127.0.0.1:{port}"
            yield Web(url, session, loop, settings, access, logs, stopping, wrote, models, activity, trials, keys, app)
    finally:
        stopping.set()
        await listener.stop(2)
        await trials.close()
        await tasks.close()
        await models.close()
        objects.close()
        await database.close()
