"""The composition root: makes every part, wires them by constructor arguments, and keeps the order of start and end.

Start: data folder, settings, run loop, page, API, then everything slow. The page and the API open at once; engines,
hardware and model files report in when they are ready.
End: no new requests, page streams end, running answers get their time, engines end, servers stop, state is flushed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import signal
import time
from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from pathlib import Path

from appliance import __version__
from appliance.activity.recorder import Recorder, Sources
from appliance.activity.store import ActivityStore
from appliance.api.about import Premises
from appliance.api.access import Access
from appliance.api.deps import ApiDeps
from appliance.api.feed import EventFeed
from appliance.api.metrics import Metrics
from appliance.attention import keep_dismissals, note_issues
from appliance.fault import wait_for_folder
from appliance.hardware.probe import Prober
from appliance.hardware.types import Inventory
from appliance.jobs.new_devices import NewDevices
from appliance.jobs.trials import QUESTIONED, DeviceTrials, make_trials
from appliance.jobs.work import ModelWork, make_model_work
from appliance.keys.keyring import Keyring
from appliance.keys.store import KeyStore
from appliance.logs import LogRing
from appliance.models.library import Scanner
from appliance.node.events import (
    DrainStarted,
    IssueHidden,
    SettingsChanged,
    TroubleEnded,
    TroubleFound,
    WakeAsked,
)
from appliance.node.snapshot import NodeFacts, Snapshot, TroubleKind
from appliance.objects.store import ObjectStore
from appliance.objects.types import MIB
from appliance.proxy.app import ApiApp, ProxyDeps
from appliance.proxy.gate import OWNER_GATE, KeyGate
from appliance.proxy.meter import RequestMeter
from appliance.proxy.ollama.app import OllamaApp, OllamaDeps
from appliance.proxy.ollama.door import Door
from appliance.proxy.ollama.shelf import Shelf
from appliance.proxy.relay import Relay
from appliance.proxy.wire.listener import WireListener
from appliance.run_loop import RunLoop
from appliance.serve import Listener, PortTaken
from appliance.settings.bootstrap import Bootstrap
from appliance.settings.store import SettingsStore, first_document, load
from appliance.storage.database import Database
from appliance.storage.dismissals import Dismissals
from appliance.storage.errors import StorageFailed
from appliance.storage.folder import DataFolder
from appliance.storage.identity import IdentityDamaged, load_or_create, node_id
from appliance.storage.sessions import Sessions
from appliance.supervisor.device_list import DeviceList
from appliance.supervisor.draft_trials import DraftMeter
from appliance.supervisor.supervisor import Supervisor
from appliance.supervisor.vitals import processor_seconds
from appliance.tasks import TaskGroup
from appliance.watchers import (
    follow_loads,
    report_storage,
    watch_engine,
    watch_engine_devices,
    watch_hardware,
    watch_idle,
    watch_library,
    watch_load,
    watch_room,
)
from webui.app import create_web_app
from webui.render import STATIC, compile_all

log = logging.getLogger("meshbox")

BUNDLED = Path(__file__).parent / "models" / "bundled"
API_RETRY_SECONDS = 3.0
API_SERVERS: Mapping[str, type[Listener | WireListener]] = {"wire": WireListener, "asgi": Listener}
LAST_WORDS_SECONDS = 1.0  # for connections to close once nothing runs any more


async def run(bootstrap: Bootstrap, logs: LogRing) -> int:
    """Runs the box until it is told to stop; returns the exit code."""
    signals = StopSignals()
    folder = DataFolder(bootstrap.data)
    try:
        if not await wait_for_folder(folder, bootstrap, signals.stop):
            return 0
        return await _run_box(bootstrap, folder, logs, signals)
    except PortTaken as error:
        log.error("%s End the program that uses it, or choose another port with MESHBOX_WEB_PORT.", error)
        return 1
    except IdentityDamaged as error:
        log.error("%s. Restore the file from a backup, or delete it to start as a new box.", error)
        return 1
    finally:
        folder.release()


class StopSignals:
    """The first TERM or INT asks for a gentle end, the second for one at once."""

    def __init__(self) -> None:
        self.stop, self.hurry = asyncio.Event(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._received)

    def _received(self) -> None:
        (self.hurry if self.stop.is_set() else self.stop).set()


async def _run_box(bootstrap: Bootstrap, folder: DataFolder, logs: LogRing, signals: StopSignals) -> int:
    box = await make_box(bootstrap, folder, logs)
    try:
        await box.open()
        await signals.stop.wait()
        await box.drain(signals.hurry)
    finally:
        await box.close()
    return 0


@dataclass
class Box:
    """Every part of a running box."""

    bootstrap: Bootstrap
    loop: RunLoop
    settings: SettingsStore
    database: Database
    access: Access
    dismissals: Dismissals
    supervisor: Supervisor
    meter: RequestMeter
    activity: Recorder
    models: ModelWork
    trials: DeviceTrials
    keys: Keyring
    objects: ObjectStore
    page: Listener
    api: Listener | WireListener
    ollama: Door
    stopping: asyncio.Event
    tasks: TaskGroup

    async def open(self) -> None:
        self.tasks.start("run loop", self.loop.run())
        await self.page.start()
        self.tasks.start("open API", self._open_api())
        self.ollama.open()
        self.tasks.start("compile templates", asyncio.to_thread(compile_all))
        self.tasks.start("go on with downloads", self.models.open(self.loop))
        self.tasks.start("read earlier trials", self.trials.open())
        await self.supervisor.open()
        self._start_watching()
        self._say_where()

    async def _open_api(self) -> None:
        """Another program on the API port is a trouble to tell of, not a reason to have no page."""
        while True:
            try:
                await self.api.start()
            except PortTaken as error:
                log.error("%s Trying again every few seconds.", error)
                self.loop.post(TroubleFound(TroubleKind.API_PORT_TAKEN, str(error)))
                await asyncio.sleep(API_RETRY_SECONDS)
            else:
                self.loop.post(TroubleEnded(TroubleKind.API_PORT_TAKEN))
                return

    def _start_watching(self) -> None:
        post, bootstrap = self.loop.post, self.bootstrap
        scanner = Scanner(bootstrap.models_folder, BUNDLED, self.models.shelf.told_of)
        self.tasks.start("watch engine", watch_engine(bootstrap.engine, post))
        self.tasks.start("watch library", watch_library(scanner.scan, post, self.models.shelf.touched))
        self.tasks.start("watch hardware", watch_hardware(Prober().probe, self.loop))
        devices = DeviceList(bootstrap.engine.resolve(), QUESTIONED, self.loop.outlook.snapshot.node.id)
        self.tasks.start("watch engine devices", watch_engine_devices(self.loop, devices.read))
        self.tasks.start("watch load", watch_load(self.meter.load, post))
        self.tasks.start("note issues", note_issues(self.loop, time.time))
        self.tasks.start("keep dismissals", keep_dismissals(self.loop, self.dismissals))
        self.tasks.start("record activity", self.activity.run())
        self.tasks.start("keep use of keys", self.keys.run())
        self.tasks.start("forget old objects", self.objects.run())
        self.tasks.start("follow loads", follow_loads(self.loop))
        self.tasks.start("test new devices", NewDevices(self.loop, self.trials).run())
        self.tasks.start("watch idle models", watch_idle(self.loop, self.meter.idle_for))
        self.tasks.start("make room", watch_room(self.loop, self.meter.idle_for))

    def _say_where(self) -> None:
        port = self.bootstrap.web_port
        log.info(
            "Meshbox %s is open: http://localhost:%d (page), port %d (API)", __version__, port, self.bootstrap.api_port
        )
        if not self.access.claimed:
            log.info("This box belongs to nobody yet. Claim it on the page with the code: %s", self.access.setup_code)

    async def drain(self, hurry: asyncio.Event) -> None:
        """Answers that run get their time; nothing new is taken."""
        self.loop.post(DrainStarted())
        self.stopping.set()
        self.api.part()
        self.ollama.part()
        patience = self.settings.current.api.drain_s
        log.info("stopping; %d requests get up to %d seconds to end", self.meter.load().in_flight, patience)
        deadline = time.monotonic() + patience
        while any(astuple(self.meter.load())) and time.monotonic() < deadline and not hurry.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0.02)  # the meter is too hot a place for an event of its own

    async def close(self) -> None:
        self.stopping.set()
        await asyncio.gather(self.supervisor.close(), self.trials.close())
        doors = (self.page.stop, self.api.stop, self.ollama.close)
        await asyncio.gather(*(close(LAST_WORDS_SECONDS) for close in doors))
        await self.tasks.close()
        self.objects.close()
        await self.models.close()
        await self.activity.save()
        await self.keys.save()
        await self.database.close()
        log.info("stopped")


async def make_box(bootstrap: Bootstrap, folder: DataFolder, logs: LogRing) -> Box:
    with contextlib.suppress(OSError):  # the scanner tells when the folder is not there
        bootstrap.models_folder.mkdir(parents=True, exist_ok=True)
    key = load_or_create(folder.node_key)
    stored = load(folder.settings, first_document(bootstrap.settings))
    facts = NodeFacts(
        id=node_id(key),
        version=__version__,
        flavor=bootstrap.flavor,
        started_at=time.time(),
        api_port=bootstrap.api_port,
        web_port=bootstrap.web_port,
    )
    locked = {} if bootstrap.node_name is None else {"node.name": bootstrap.node_name}
    settings = SettingsStore(
        folder.settings,
        stored.settings,
        locked,
        changed=lambda document: loop.post(SettingsChanged(document)),
        wrote=lambda failure: report_storage(loop.post, failure),
    )
    supervisor = Supervisor(
        engine=bootstrap.engine.resolve(),
        owner=facts.id,
        post=lambda event: loop.post(event),  # noqa: PLW0108 - the loop is made below: it needs the supervisor
        work_of=lambda model: meter.in_flight(model),  # noqa: PLW0108 - made below
        silent_after=lambda: float(settings.current.api.silent_after_s),
        cores=lambda: usable_cores(loop.outlook.snapshot.inventory),
        measure=lambda *engine: drafts.measure(*engine),  # noqa: PLW0108 - made below
    )
    loop = RunLoop(Snapshot(facts, settings.current), supervisor.carry_out, time.time)
    if stored.trouble is not None:
        log.error("%s", stored.trouble)
        loop.post(TroubleFound(TroubleKind.SETTINGS_BROKEN, stored.trouble))
    later = asyncio.get_running_loop().call_later
    meter = RequestMeter(told=lambda ended: activity.requests_ended(ended), later=later)  # noqa: PLW0108 - made below
    stopping = asyncio.Event()
    database = Database(folder.database)
    await database.open()
    drafts = DraftMeter(database, lambda: loop.outlook.snapshot, loop.post)
    await drafts.open()
    sessions = Sessions(
        database,
        lifetime=lambda: settings.current.web.session_days * 86400.0,
        clock=time.time,
        wrote=lambda failure: report_storage(loop.post, failure),
    )
    await sessions.open()
    dismissals = Dismissals(database, wrote=lambda failure: report_storage(loop.post, failure))
    for issue_id, grave in (await dismissals.read()).items():
        loop.post(IssueHidden(issue_id, grave))
    activity = _make_recorder(loop, meter, settings, database)
    await activity.open()
    access = await _make_access(bootstrap, folder, sessions, loop)
    keys = Keyring(KeyStore(database), wrote=lambda failure: report_storage(loop.post, failure))
    await keys.open()
    objects = ObjectStore(folder.objects, room=lambda: settings.current.api.objects_mib * MIB)
    proxy = ProxyDeps(
        routes=lambda: loop.outlook.decision.routes,
        settings=lambda: loop.outlook.snapshot.settings,
        node=lambda: facts,
        meter=meter,
        stopping=stopping,
        wake=lambda model: loop.post(WakeAsked(model, time.time())),
        changed=loop.changed_within,
        gate=KeyGate(keys, required=lambda: settings.current.api.require_key),
        objects=objects,
    )
    for_owner = replace(proxy, gate=OWNER_GATE)  # who has logged in needs no key
    models = make_model_work(
        models_folder=bootstrap.models_folder,
        secrets=folder.secrets,
        endpoint=bootstrap.hf_endpoint,
        database=database,
        loop=loop,
        settings=lambda: settings.current.models,
    )
    trials = make_trials(
        engine=bootstrap.engine.resolve(),
        owner=facts.id,
        database=database,
        loop=loop,
        cores=lambda: usable_cores(loop.outlook.snapshot.inventory),
    )
    api = ApiDeps(
        loop=loop,
        settings=settings,
        access=access,
        feed=EventFeed(loop, time.time),
        metrics=Metrics(loop, meter, activity.totals, keys, objects),
        logs=logs,
        models=models,
        activity=activity,
        trials=trials,
        keys=keys,
        objects=objects,
        premises=Premises(bootstrap.data, bootstrap.models_folder, bootstrap.engine, STATIC / "vendor"),
        stopping=stopping,
        clock=time.time,
    )
    server, relay = API_SERVERS[bootstrap.data_plane], Relay(proxy)
    api_app = ApiApp(proxy, relay)
    ollama_app = OllamaApp(OllamaDeps(proxy, lambda: _shelf(loop.outlook.snapshot), api_app, relay))
    return Box(
        bootstrap=bootstrap,
        loop=loop,
        settings=settings,
        database=database,
        access=access,
        dismissals=dismissals,
        supervisor=supervisor,
        meter=meter,
        activity=activity,
        models=models,
        trials=trials,
        keys=keys,
        objects=objects,
        page=Listener("the page", create_web_app(api, Relay(for_owner)), bootstrap.bind, bootstrap.web_port),
        api=server("the API", api_app, bootstrap.bind, bootstrap.api_port),
        ollama=Door(loop, lambda port: server("the API for Ollama's programs", ollama_app, bootstrap.bind, port)),
        stopping=stopping,
        tasks=TaskGroup(),
    )


def _shelf(snapshot: Snapshot) -> Shelf:
    return Shelf(snapshot.library, snapshot.children, snapshot.inventory)


def _make_recorder(loop: RunLoop, meter: RequestMeter, settings: SettingsStore, database: Database) -> Recorder:
    sources = Sources(
        load=meter.load,
        peak=meter.take_peak,
        waiting_for=meter.in_flight,
        children=lambda: loop.outlook.snapshot.children,
        inventory=lambda: loop.outlook.snapshot.inventory,
        processor_seconds=processor_seconds,
        keep_days=lambda: settings.current.activity.keep_days,
        settle=meter.settle,
    )
    return Recorder(sources, ActivityStore(database, wrote=lambda failure: report_storage(loop.post, failure)))


async def _make_access(bootstrap: Bootstrap, folder: DataFolder, sessions: Sessions, loop: RunLoop) -> Access:
    access = Access(folder.secrets, sessions, bootstrap.setup_code or new_setup_code(), time.time)
    password = bootstrap.password()
    if password is not None and not access.claimed:
        try:
            await access.claim(access.setup_code, password)
            log.info("claimed with the password of the environment")
        except StorageFailed as failure:
            log.error("the password of the environment could not be stored: %s", failure)
            report_storage(loop.post, failure)
    return access


def usable_cores(inventory: Inventory | None) -> int:
    return inventory.cpu.cores if inventory is not None else 0


def new_setup_code() -> str:
    """Easy to read aloud and to type: no letter that looks like another."""
    alphabet = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
    letters = [secrets.choice(alphabet) for _ in range(8)]
    return "".join(letters[:4]) + "-" + "".join(letters[4:])
