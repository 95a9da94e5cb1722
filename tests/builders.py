"""Values for tests: each builder has defaults for what a test does not care about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from appliance.hardware.types import Cpu, Inventory, Memory
from appliance.models.types import Ability, Library, Model
from appliance.node.serving import engine_spec
from appliance.node.snapshot import Child, ChildState, NodeFacts, Snapshot
from appliance.routing.table import Endpoint
from appliance.settings.schema import ServingSettings, Settings

MODEL_ID = "mesh-tiny-dense-Q8_0"
INVENTORY = Inventory(Cpu("Test processor", 4), Memory(16 << 30, 8 << 30))


def make_model(model_id: str = MODEL_ID, **fields: Any) -> Model:
    base = Model(
        model_id, f"/models/{model_id}.gguf", 1000, "qwen3", 1024, frozenset({Ability.CHAT, Ability.COMPLETION})
    )
    return replace(base, **fields)


def make_snapshot(
    *, wanted: tuple[str, ...] = (MODEL_ID,), models: tuple[Model, ...] | None = None, **fields: Any
) -> Snapshot:
    """A box whose hardware and library are known and which wants one model that is there."""
    facts = NodeFacts(id="node", version="0.1.0", flavor="cpu", started_at=0.0, api_port=9337, web_port=3131)
    library = Library(models=(make_model(),) if models is None else models)
    base = Snapshot(facts, Settings(serving=ServingSettings(models=wanted)), inventory=INVENTORY, library=library)
    return replace(base, **fields)


def make_child(
    snapshot: Snapshot, model_id: str = MODEL_ID, state: ChildState = ChildState.READY, **fields: Any
) -> Child:
    """The child that `snapshot` asks for, in some state."""
    assert snapshot.library is not None
    model = snapshot.library.find(model_id)
    assert model is not None
    endpoint = Endpoint("127.0.0.1", 4000, "key") if state is ChildState.READY else None
    return replace(Child(engine_spec(model, snapshot), state, since=0.0, endpoint=endpoint), **fields)


def with_child(snapshot: Snapshot, child: Child) -> Snapshot:
    return replace(snapshot, children={**snapshot.children, child.spec.model: child})
