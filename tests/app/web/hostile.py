"""A box all of whose names mean harm: models, files, engines, accelerators, jobs, troubles, peers, log lines."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from appliance.activity.types import Ended
from appliance.hardware.types import Cpu, Gpu, Inventory, Memory
from appliance.mesh.types import Link
from appliance.models.types import BrokenFile, Library, Model
from appliance.node.decide import decide
from appliance.node.failure import Failure
from appliance.node.jobs import Job, JobKind, JobState
from appliance.node.snapshot import ChildState, Snapshot, TroubleKind
from appliance.settings.schema import ModelSettings, NodeSettings, ServingSettings, Settings
from tests.app.web.harness import Web
from tests.builders import make_child, make_model, make_snapshot, with_child
from tests.peers import HOSTILE_TEXTS, make_hostile, make_peer

TEXTS = (
    *HOSTILE_TEXTS,
    "<svg/onload=alert(1)>",
    "--><script>alert(1)</script><!--",
    "</script></title></textarea></section></hx-partial><script>alert(1)</script>",
    "' onmouseover='alert(1)' x='",
    '" onfocus="alert(1)" autofocus="',
    "` onclick=alert(1) `",
    "javascript:alert(1)",
    "//evil.example/x",
    "data: x\n\nevent: status\ndata: {}\n\n",
    "a\r\nSet-Cookie: x=1\r\n\r\n<html>",
    "{% raw %}{{ self.__init__ }}",
    "../../../etc/passwd",
    "&lt;script&gt;&#60;script&#62;",
    "<a href=http://evil.example>click</a>",
    "x" * 200 + "<b>",
    "\U0001d54f" * 5000,
)


def hostile_snapshot(web: Web, text: str) -> Snapshot:
    """Every text that some part of the box or somebody outside could send is `text`."""
    now = web.loop.outlook.snapshot
    broken = BrokenFile(f"{text}!", f"/models/{text}.gguf", text)
    names = (text, f"{text} 2", f"a/{text}", _takeable(text), _takeable(text) + " 2")
    snapshot = replace(
        make_snapshot(),
        node=replace(now.node, version=text, flavor=text),
        settings=_settings(now.settings, _takeable(text)),
        inventory=_inventory(text),
        library=Library((*map(_model, dict.fromkeys(names)), make_model()), (broken,), unreadable=text),
        troubles=dict.fromkeys(TroubleKind, text),
        jobs={job.id: job for job in _jobs(text)},
    )
    return _peers(_children(snapshot, text), text)


def _model(name: str) -> Model:
    return make_model(name, path=f"/models/{name}.gguf", architecture=name, quantisation=name)


def _takeable(text: str) -> str:
    """As far as settings take it: no control characters, nothing that is no letter, no longer than a name may be."""
    plain = "".join(c for c in text if c.isprintable() or (c > "\x9f" and not "\ud800" <= c <= "\udfff"))
    return plain[:500].strip() or "x"


def _settings(settings: Settings, name: str) -> Settings:
    own = ModelSettings(aliases=(name,))
    serving = ServingSettings(models=(name, f"{name} 2", f"missing/{name}"), per_model={name: own})
    return settings.model_copy(update={"node": NodeSettings(name=name[:64].strip()), "serving": serving})


def _inventory(text: str) -> Inventory:
    gpu = Gpu(text, text, text, 8 << 30, 1 << 30, False, text, text, uuid=text, bus_id=text)
    second = replace(gpu, id=f"{text} 2", pinnable=True, reason=None, partition_of=text, memory_total=None)
    return Inventory(Cpu(text, 4, (text,)), Memory(16 << 30, 8 << 30), (gpu, second), (text, text), gone=(gpu,))


def _jobs(text: str) -> list[Job]:
    failure = Failure(text, text, (text, text))
    return [
        Job(f"{text}{state}", kind, text, state, time.time(), note=text, error=failure, result=text, progress=0.5)
        for kind in JobKind
        for state in JobState
    ]


def _children(snapshot: Snapshot, text: str) -> Snapshot:
    name = _takeable(text)
    failure = Failure("load_failed", text, (text,) * 20)
    failed = make_child(snapshot, name, ChildState.FAILED, failure=failure)
    return with_child(with_child(snapshot, failed), make_child(snapshot, f"{name} 2", answer_ms=3.0))


def _peers(snapshot: Snapshot, text: str) -> Snapshot:
    number = TEXTS.index(text) if text in TEXTS else 0
    whole = replace(make_hostile(make_peer(number), 0), id=f"{text} 0", name=text, version=text, flavor=text)
    odd = make_hostile(make_peer(number), number)
    links = (Link(snapshot.node.id, whole.id, None, via=text), Link(whole.id, text, None), Link(text, text, None))
    return replace(snapshot, peers={whole.id: whole, odd.id: odd}, links=links)


def show(web: Web, text: str) -> None:
    """Makes the running box be like that at once, and has it do and say something as well."""
    snapshot = hostile_snapshot(web, text)
    web.loop._publish(snapshot, decide(snapshot, time.time()))
    web.activity.request_ended(
        Ended(time.time(), text, text, text, text, text, 200, True, 1.0, tokens_in=1, tokens_out=2)
    )
    record = logging.LogRecord(f"meshbox.{text}", logging.ERROR, "", 0, "%s", (text,), None)
    web.logs.emit(record)
