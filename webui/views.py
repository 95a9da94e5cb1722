"""View models: what a page shows, made from what the box knows. Pure; templates hold no logic of their own."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from appliance.hardware.types import Gpu, Inventory
from appliance.node.issues import Issue
from appliance.node.serving import ServingEntry, ServingState
from appliance.node.snapshot import NodeState
from appliance.run_loop import Outlook

_STATE_WORDS = {
    ServingState.PLANNED: "planned",
    ServingState.FETCHING: "fetching",
    ServingState.LOADING: "loading",
    ServingState.PROBING: "answering its test question",
    ServingState.READY: "ready",
    ServingState.SLEEPING: "asleep",
    ServingState.RECOVERING: "starting again",
    ServingState.FAILED: "failed",
}
_TONES = {ServingState.READY: "good", ServingState.FAILED: "bad", ServingState.RECOVERING: "warn"}

_HEADLINES = {
    NodeState.STARTING: ("busy", "Starting", "Looking at the hardware and the model files."),
    NodeState.LOADING: ("busy", "Loading", "A model is on its way; the API tells programs when to come back."),
    NodeState.SERVING: ("good", "Answering", "Programs and people can ask this box now."),
    NodeState.STANDBY: ("warn", "Nothing to serve", "No model answers on this box."),
    NodeState.DRAINING: ("warn", "Stopping", "Running answers come to their end; new ones are not taken."),
    NodeState.CLIENT: ("good", "Client", "This box passes requests on."),
}


@dataclass(frozen=True, slots=True)
class NavItem:
    label: str
    path: str
    icon: str
    current: bool


@dataclass(frozen=True, slots=True)
class Headline:
    tone: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    name: str
    tone: str
    state: str
    percent: int | None  # progress while loading
    facts: tuple[tuple[str, str], ...]
    trouble: str | None


@dataclass(frozen=True, slots=True)
class Meter:
    """A bar with its words."""

    label: str
    text: str
    percent: int | None


@dataclass(frozen=True, slots=True)
class GpuCard:
    name: str
    id: str
    memory: Meter
    facts: tuple[tuple[str, str], ...]
    note: str | None


@dataclass(frozen=True, slots=True)
class HardwareView:
    processor: str
    cores: int
    memory: Meter
    gpus: tuple[GpuCard, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IssueCard:
    id: str
    tone: str
    title: str
    meaning: str
    advice: str
    details: tuple[str, ...]
    fix: str | None


_PAGES = (("Dashboard", "/", "home"), ("Chat", "/chat", "chat"), ("Logs", "/logs", "logs"))


def navigation(path: str) -> tuple[NavItem, ...]:
    return tuple(NavItem(label, target, icon, target == path) for label, target, icon in _PAGES)


def headline(outlook: Outlook) -> Headline:
    return Headline(*_HEADLINES[outlook.decision.state])


def model_cards(outlook: Outlook) -> tuple[ModelCard, ...]:
    return tuple(_model_card(entry) for entry in outlook.decision.serving)


def _model_card(entry: ServingEntry) -> ModelCard:
    child, failure = entry.child, entry.failure
    percent = round(entry.progress * 100) if entry.progress is not None else None
    return ModelCard(
        name=entry.model,
        tone=_TONES.get(entry.state, "busy"),
        state=_STATE_WORDS[entry.state],
        percent=percent if entry.state in (ServingState.LOADING, ServingState.RECOVERING) else None,
        facts=tuple(_model_facts(entry)),
        trouble=failure.detail if failure and (child is None or entry.state is not ServingState.READY) else None,
    )


def _model_facts(entry: ServingEntry) -> Iterable[tuple[str, str]]:
    child = entry.child
    if child is None:
        return
    if child.answer_ms is not None and entry.state is ServingState.READY:
        label = "Self-test" if child.spec.self_test else "Test question"
        words = "answered right in {ms} ms" if child.spec.self_test else "answered in {ms} ms"
        yield label, words.format(ms=max(1, round(child.answer_ms)))
    if child.context:
        yield "Context", f"{child.context:,} tokens"
    if entry.spec is not None:
        yield "At once", f"{entry.spec.slots} requests"
    if child.restarts:
        yield "Restarts", str(child.restarts)


def hardware_view(inventory: Inventory | None) -> HardwareView | None:
    if inventory is None:
        return None
    memory = inventory.memory
    return HardwareView(
        processor=inventory.cpu.name,
        cores=inventory.cpu.cores,
        memory=memory_meter("Memory", memory.total, memory.total - memory.available),
        gpus=tuple(_gpu_card(gpu) for gpu in inventory.gpus),
        notes=inventory.notes,
    )


def _gpu_card(gpu: Gpu) -> GpuCard:
    readings = (
        ("Use", gpu.utilisation, "{:.0%}"),
        ("Temperature", gpu.temperature, "{:.0f} °C"),
        ("Power", gpu.power, "{:.0f} W"),
    )
    facts = tuple((label, form.format(value)) for label, value, form in readings if value is not None)
    return GpuCard(gpu.name, gpu.id, memory_meter("Memory", gpu.memory_total, gpu.memory_used), facts, gpu.reason)


def memory_meter(label: str, total: int | None, used: int | None) -> Meter:
    if not total:
        return Meter(label, "not known", None)
    if used is None:
        return Meter(label, size_text(total), None)
    used = min(max(used, 0), total)
    return Meter(label, f"{size_text(used)} of {size_text(total)} in use", round(100 * used / total))


def size_text(size: int) -> str:
    """Binary units, as memory is sold."""
    if size >= 1 << 30:
        return f"{size / (1 << 30):.1f} GiB"
    return f"{size / (1 << 20):.0f} MiB"


def issue_cards(issues: Iterable[Issue]) -> tuple[IssueCard, ...]:
    return tuple(
        IssueCard(
            id=issue.id,
            tone="bad" if issue.severity.value == "error" else "warn",
            title=issue.title,
            meaning=issue.meaning,
            advice=issue.advice,
            details=issue.details,
            fix=issue.fix.label if issue.fix else None,
        )
        for issue in issues
    )


@dataclass(frozen=True, slots=True)
class Connection:
    """How programs reach the API, with the address that this browser used."""

    base_url: str
    curl: str


def connection(host_header: str, api_port: int, model: str) -> Connection:
    """What is shown is pasted into a shell: a model's name must not become a command."""
    base = f"http://{_without_port(host_header)}:{api_port}/v1"
    body = shlex.quote(json.dumps({"model": model, "messages": [{"role": "user", "content": "What is 3 + 4?"}]}))
    url = shlex.quote(f"{base}/chat/completions")
    curl = f"curl {url} \\\n  -H 'Content-Type: application/json' \\\n  -d {body}"
    return Connection(base, curl)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def example_model(outlook: Outlook) -> str:
    """A name to show in examples: one that answers, if there is one."""
    entries = outlook.decision.serving
    ready = [entry.model for entry in entries if entry.state is ServingState.READY]
    return (ready or [entry.model for entry in entries] or ["MODEL"])[0]


def chat_models(outlook: Outlook) -> tuple[str, ...]:
    return tuple(route.model for route in outlook.decision.routes.routes.values() if route.reason is None)
