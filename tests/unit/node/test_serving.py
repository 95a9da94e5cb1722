"""What is wanted, as entries, engine specs and routes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.models.types import Ability, Capability, Claim, Level, Library, Model, Profile
from appliance.node.commands import EndEngine, RunEngine
from appliance.node.decide import decide
from appliance.node.failure import Failure
from appliance.node.loads import new_load
from appliance.node.routes import routing_table
from appliance.node.serving import ServingEntry, ServingState, engine_spec, wanted_entries
from appliance.node.snapshot import Child, ChildState, EngineSpec, Phase, Snapshot
from appliance.routing.table import Route, RouteState
from appliance.settings.schema import ModelSettings, ServingSettings
from tests.builders import MODEL_ID, make_child, make_model, make_snapshot, with_child
from tests.unit.placement.values import gpu, inventory, published

NOW = 1000.0
EIGHT_B = published("Llama-3.1-8B")
EMBEDDER = make_model("bge-F16", abilities=frozenset({Ability.EMBEDDING}))


def serving(snapshot: Snapshot, **fields: object) -> Snapshot:
    changed = snapshot.settings.serving.model_copy(update=fields)
    return replace(snapshot, settings=snapshot.settings.model_copy(update={"serving": changed}))


def test_a_spec_holds_the_model_and_the_owners_wishes() -> None:
    """Everything an engine is started with comes from model and settings."""
    snapshot = replace(serving(make_snapshot(), context=512, slots=2, threads=3), attempts={EMBEDDER.id: 4})
    assert engine_spec(EMBEDDER, snapshot) == EngineSpec(
        model="bge-F16",
        path="/models/bge-F16.gguf",
        abilities=frozenset({Ability.EMBEDDING}),
        context=512,
        asked_context=512,
        slots=2,
        threads=3,
        cache_mib=1638,
        size=1000,
        attempt=4,
    )


def test_a_draft_is_used_when_the_owner_wants_one() -> None:
    """Not unless told; for one model otherwise than for all; and none for a model that sees."""
    special = Profile("qwen3", 1024, make_model().abilities, vocabulary=2048, tokenizer="gpt2", pre_tokenizer="qwen2")
    target = make_model("Qwen3-8B-Q8_0", size=9000, profile=special)
    draft = make_model("Qwen3-0.6B-Q8_0", size=600, profile=special)
    off = serving(make_snapshot(models=(target, draft)), speculation="off")
    auto = serving(off, speculation="auto")
    assert engine_spec(target, off).draft == ""
    assert engine_spec(target, auto).draft == draft.path
    assert engine_spec(replace(target, projector="/models/eyes.gguf"), auto).draft == ""
    own = {target.id: ModelSettings(draft="off")}
    assert engine_spec(target, serving(auto, per_model=own)).draft == ""
    assert engine_spec(target, serving(off, per_model={target.id: ModelSettings(draft=draft.id)})).draft == draft.path
    assert engine_spec(target, replace(auto, library=None)).draft == ""


def test_a_model_with_eyes_is_served_with_them() -> None:
    """And clients are told what they may send to it, as far as that is sure."""
    sees = Claim(Capability.VISION, Level.SURE, "the projector beside it")
    profile = Profile("llama", 1024, make_model().abilities, claims=(sees,))
    model = make_model(projector="/models/eyes.gguf", profile=profile)
    snapshot = make_snapshot(models=(model,))
    assert engine_spec(model, snapshot).projector == "/models/eyes.gguf"
    shown = [
        routing_table(wanted_entries(box, NOW), box).routes[MODEL_ID].modalities for box in (snapshot, make_snapshot())
    ]
    assert shown == [("text", "image"), ("text",)]


def test_only_the_bundled_model_is_put_to_the_test() -> None:
    """Its answers are known."""
    snapshot = make_snapshot()
    assert [engine_spec(replace(EMBEDDER, bundled=b), snapshot).self_test for b in (True, False)] == [True, False]


def test_an_engine_warms_up_only_where_its_first_question_would_miss_something() -> None:
    """Experts that the question does not ask, eyes, and files of which nothing is known."""
    experts, unknown = published("Qwen3-30B-A3B"), None
    models = [make_model(profile=profile) for profile in (EIGHT_B, experts, unknown)]
    models.append(make_model(profile=EIGHT_B, projector="/models/eyes.gguf"))
    assert [engine_spec(model, make_snapshot()).warm_up for model in models] == [False, True, True, True]


def test_entries_keep_the_owners_order() -> None:
    """As in the settings, missing ones too."""
    snapshot = make_snapshot(wanted=("none", "bge-F16", MODEL_ID), models=(make_model(), EMBEDDER))
    assert [entry.model for entry in wanted_entries(snapshot, NOW)] == ["none", "bge-F16", MODEL_ID]


@pytest.mark.parametrize(
    "snapshot", [make_snapshot(library=None), make_snapshot(inventory=None)], ids=["library", "inventory"]
)
def test_nothing_is_started_before_all_is_known(snapshot: Snapshot) -> None:
    """An engine started without knowing the cores would be replaced a moment later."""
    assert wanted_entries(snapshot, NOW) == (ServingEntry(MODEL_ID, ServingState.PLANNED),)


def test_a_missing_model_says_its_name() -> None:
    """Who asks for it learns what the box looked for."""
    entry = wanted_entries(make_snapshot(wanted=("gpt-9",), library=Library()), NOW)[0]
    assert entry == ServingEntry(
        "gpt-9", ServingState.FAILED, failure=Failure("model_missing", "No file of this box is called 'gpt-9'.")
    )


def test_an_engine_with_another_spec_does_not_count() -> None:
    """Its answers are not those that were asked for; requests wait for the right one."""
    snapshot = make_snapshot()
    child = make_child(snapshot)
    old = with_child(snapshot, replace(child, spec=replace(child.spec, slots=9)))
    assert wanted_entries(old, NOW)[0] == ServingEntry(MODEL_ID, ServingState.PLANNED, spec=child.spec)


def test_routes_tell_clients_what_they_need() -> None:
    """A ready one its address and context, a loading one its progress, a failed one its reason."""
    models = (make_model(), EMBEDDER, make_model("third"))
    snapshot = make_snapshot(wanted=(MODEL_ID, "bge-F16", "third", "fourth"), models=models)
    ready = make_child(snapshot, context=777)
    loading = make_child(snapshot, "bge-F16", ChildState.STARTING, phase=Phase.LOADING, progress=0.5)
    failed = make_child(snapshot, "third", ChildState.FAILED, failure=Failure("load_failed", "Too large."))
    for child in (ready, loading, failed):
        snapshot = with_child(snapshot, child)
    chat = make_model().abilities
    assert dict(routing_table(wanted_entries(snapshot, NOW), snapshot).routes) == {
        MODEL_ID: Route(MODEL_ID, RouteState.READY, chat, endpoint=ready.endpoint, context=777, reach=1024, slots=4),
        "bge-F16": Route("bge-F16", RouteState.LOADING, EMBEDDER.abilities, reach=1024, progress=0.5, started=0.0),
        "third": Route("third", RouteState.FAILED, chat, reach=1024, reason="Too large."),
        "fourth": Route("fourth", RouteState.FAILED, frozenset(), reason="No file of this box is called 'fourth'."),
    }


MODELS: tuple[Model, ...] = tuple(make_model(f"m{n}-Q8_0") for n in range(4))
IDS = st.sampled_from([m.id for m in MODELS] + ["m1", "gone"])


def carried_out(snapshot: Snapshot) -> Snapshot:
    """The snapshot once every command of a round has had its effect."""
    children = dict(snapshot.children)
    for command in decide(snapshot, 0.0).commands:
        match command:
            case RunEngine(spec):
                children[spec.model] = Child(spec, ChildState.READY, since=1.0)
            case EndEngine(model):
                del children[model]
    return replace(snapshot, children=children)


@settings(deadline=None)
@given(
    st.lists(IDS, max_size=5),
    st.dictionaries(IDS, st.tuples(st.integers(0, 2), st.sampled_from([ChildState.READY, ChildState.STARTING]))),
    st.integers(0, 2),
)
def test_one_round_brings_about_what_is_wanted(
    wanted: list[str], running: dict[str, tuple[int, ChildState]], context: int
) -> None:
    """Whatever ran before: after its commands exactly the wanted engines run, and no command is left."""
    document = make_snapshot().settings.model_copy(
        update={"serving": ServingSettings(models=tuple(wanted), context=context)}
    )
    snapshot = make_snapshot(models=MODELS, settings=document)
    specs = {
        name: EngineSpec(name, f"/models/{name}.gguf", MODELS[0].abilities, context=c)
        for name, (c, _) in running.items()
    }
    before = replace(snapshot, children={n: Child(specs[n], state, since=0.0) for n, (_, state) in running.items()})
    after = carried_out(before)
    assert {n: c.spec for n, c in after.children.items()} == {
        entry.model: entry.spec for entry in wanted_entries(after, NOW) if entry.spec is not None
    }
    assert decide(after, 0.0).commands == ()


def crowded(**fields: Any) -> Snapshot:
    """A card for two of three."""
    models = tuple(
        make_model(name, profile=EIGHT_B, size=EIGHT_B.weights.total, context_length=EIGHT_B.context_length)
        for name in ("one", "two", "three")
    )
    snapshot = make_snapshot(wanted=("one", "two", "three"), models=models, inventory=inventory(gpu(total=24)))
    return replace(snapshot, **fields)


def states_of(snapshot: Snapshot, now: float = NOW) -> list[tuple[str, ServingState]]:
    return [(entry.model, entry.state) for entry in wanted_entries(snapshot, now)]


def test_what_finds_no_room_sleeps_and_says_why() -> None:
    """A request wakes it like any other that sleeps."""
    entries = {entry.model: entry for entry in wanted_entries(crowded(), NOW)}
    assert [entries[name].state.value for name in ("one", "two", "three")] == ["planned", "planned", "sleeping"]
    assert "Other models take the memory" in (entries["three"].note or "")
    assert entries["three"].spec is None


def test_who_is_called_comes_before_the_others() -> None:
    """Somebody waits for it, and for the others nobody."""
    called = crowded(called={"three": NOW})
    assert states_of(called)[-1] == ("three", ServingState.PLANNED)
    assert [name for name, state in states_of(called) if state is ServingState.SLEEPING] == ["two"]


def test_who_waits_for_room_is_not_asleep() -> None:
    """Programs are told that it is on its way; a call that nobody renews is forgotten."""
    snapshot = crowded(called={"three": NOW})
    for name in ("one", "two"):
        child = make_child(snapshot, name)
        held = replace(child.spec, claims=(("pci:0", 11 << 30),))
        snapshot = with_child(snapshot, replace(child, spec=held))
    entry = wanted_entries(snapshot, NOW)[-1]
    assert (entry.state, entry.waits_for_room) == (ServingState.PLANNED, True)
    assert states_of(snapshot, NOW + 61.0)[-1] == ("three", ServingState.SLEEPING)
    person = replace(snapshot, jobs={"j": new_load("j", "three", NOW)})
    assert states_of(person, NOW + 61.0)[-1] == ("three", ServingState.PLANNED)


def test_what_an_engine_was_granted_stays() -> None:
    """Neither more memory nor less starts it anew."""
    snapshot = crowded()
    spec = wanted_entries(snapshot, NOW)[0].spec
    assert spec is not None
    assert spec.context > 0
    running = with_child(snapshot, Child(spec, ChildState.READY, since=0.0))
    for total in (12, 80):
        later = replace(running, inventory=inventory(gpu(total=total)))
        assert wanted_entries(later, NOW)[0].spec == spec


def test_a_guest_is_served_as_long_as_it_runs_or_somebody_asks() -> None:
    """One that could not start leaves no trace."""
    models = (make_model(), make_model("guest"))
    snapshot = make_snapshot(models=models, guests=frozenset({"guest"}), called={"guest": NOW})
    assert [name for name, _ in states_of(snapshot)] == [MODEL_ID, "guest"]
    assert [name for name, _ in states_of(snapshot, NOW + 61.0)] == [MODEL_ID]
    running = with_child(snapshot, make_child(snapshot, "guest"))
    assert states_of(running, NOW + 61.0)[-1] == ("guest", ServingState.READY)


def test_who_gives_way_is_asleep() -> None:
    """Until its engine is gone, and then as long as there is no room."""
    snapshot = make_snapshot()
    running = replace(with_child(snapshot, make_child(snapshot)), yielding=frozenset({MODEL_ID}))
    assert states_of(running) == [(MODEL_ID, ServingState.SLEEPING)]
    assert decide(running, NOW).commands == (EndEngine(MODEL_ID),)
