"""The box's state and the models it serves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.node.serving import ServingEntry, ServingState
from appliance.node.snapshot import NodeState
from appliance.run_loop import Outlook
from webui.views.words import size_text

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
    note: str | None


def headline(outlook: Outlook) -> Headline:
    return Headline(*_HEADLINES[outlook.decision.state])


def model_cards(outlook: Outlook) -> tuple[ModelCard, ...]:
    return tuple(model_card(entry) for entry in outlook.decision.serving)


def model_card(entry: ServingEntry) -> ModelCard:
    child, failure = entry.child, entry.failure
    percent = round(entry.progress * 100) if entry.progress is not None else None
    return ModelCard(
        name=entry.model,
        tone=_TONES.get(entry.state, "busy"),
        state=_STATE_WORDS[entry.state],
        percent=percent if entry.state in (ServingState.LOADING, ServingState.RECOVERING) else None,
        facts=tuple(_model_facts(entry)),
        trouble=failure.detail if failure and (child is None or entry.state is not ServingState.READY) else None,
        note=entry.note,
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
        if entry.spec.claims:
            yield "Memory set aside", size_text(sum(size for _, size in entry.spec.claims))
    if entry.guest:
        yield "Loaded", "when a program asked for it"
    if child.restarts:
        yield "Restarts", str(child.restarts)
