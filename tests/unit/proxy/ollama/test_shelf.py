"""The models as programs for Ollama list them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appliance.models.types import Ability, Capability, Library
from appliance.node.snapshot import NodeFacts
from appliance.placement.room import PROCESSOR
from appliance.proxy.ollama.shelf import Shelf, capabilities, loaded, shown, size_word, tagged, tags
from appliance.routing.table import Route, RouteState, RoutingTable
from appliance.settings.schema import ModelSettings, ServingSettings
from tests.builders import MODEL_ID, make_child, make_model, make_snapshot

NODE = NodeFacts("n", "0.0.0", "cpu", 1_700_000_000.0, 9337, 3131)
MODEL = replace(make_model(), size=5000, architecture="qwen3", quantisation="Q8_0", parameters=8_030_000_000)
READY = Route(
    MODEL_ID, RouteState.READY, frozenset({Ability.CHAT, Ability.COMPLETION}), context=4096, parameters=8_030_000_000
)
SHELF = Shelf(Library(models=(MODEL,)))


def table(*routes: Route) -> RoutingTable:
    return RoutingTable({route.model: route for route in routes})


def in_memory(*routes: Route, serving: ServingSettings | None = None, shelf: Shelf = SHELF) -> Any:
    settings = serving or ServingSettings()
    return loaded(table(*routes), shelf, NODE, settings, lambda _: 60.0, 1_700_000_000.0)["models"]


def test_every_model_that_can_be_asked_for_is_listed() -> None:
    """With a tag, as programs expect; the choice of the box stands last."""
    other = replace(READY, model="a:3b", state=RouteState.AVAILABLE)
    failed = replace(READY, model="broken", state=RouteState.FAILED)
    listed = tags(table(READY, other, failed), SHELF, NODE)["models"]
    assert [entry["name"] for entry in listed] == ["a:3b", f"{MODEL_ID}:latest", "auto:latest"]


def test_an_entry_has_all_that_programs_look_for() -> None:
    """What is not known is told as such, never left out: programs read it without asking."""
    (entry, _) = tags(table(READY), SHELF, NODE)["models"]
    assert len(entry.pop("digest")) == 64
    assert entry == {
        "name": f"{MODEL_ID}:latest",
        "model": f"{MODEL_ID}:latest",
        "modified_at": "2023-11-14T22:13:20.000000000Z",
        "size": 5000,
        "details": {
            "parent_model": "",
            "format": "gguf",
            "family": "qwen3",
            "families": ["qwen3"],
            "parameter_size": "8.0B",
            "quantization_level": "Q8_0",
        },
    }
    (unknown, _) = tags(table(replace(READY, parameters=None)), Shelf(), NODE)["models"]
    assert (unknown["details"]["family"], unknown["details"]["parameter_size"]) == ("unknown", "unknown")


def test_nothing_served_is_an_empty_list() -> None:
    """Not a choice among nothing."""
    assert tags(table(), Shelf(), NODE) == {"models": []}


def test_only_what_is_loaded_is_in_memory() -> None:
    """A model that stays leaves in a hundred years, another when its time is over."""
    asleep = replace(READY, model="asleep", state=RouteState.SLEEPING)
    (entry,) = in_memory(READY, asleep)
    assert (entry["name"], entry["context_length"], entry["expires_at"][:4]) == (f"{MODEL_ID}:latest", 4096, "2123")
    (soon,) = in_memory(READY, serving=ServingSettings(sleep_after_min=5))
    assert soon["expires_at"] == "2023-11-14T22:17:20.000000000Z"
    own = ServingSettings(sleep_after_min=5, per_model={MODEL_ID: ModelSettings(sleep_after_min=2)})
    assert in_memory(READY, serving=own)[0]["expires_at"] == "2023-11-14T22:14:20.000000000Z"


def test_memory_is_what_it_was_let_in_for() -> None:
    """On GPUs and beside them; as long as that is not known, the size of its files."""
    snapshot = make_snapshot()
    child = make_child(snapshot)
    child = replace(child, spec=replace(child.spec, claims=(("gpu-1", 300), (PROCESSOR, 100))))
    shelf = replace(SHELF, children={MODEL_ID: child}, inventory=snapshot.inventory)
    (entry,) = in_memory(READY, shelf=shelf)
    assert (entry["size"], entry["size_vram"]) == (400, 300)
    assert (in_memory(READY)[0]["size"], in_memory(READY)[0]["size_vram"]) == (5000, 0)


def test_a_model_tells_the_context_that_it_has_here() -> None:
    """Programs size their questions by it, whatever the model was made for."""
    told = shown(READY, SHELF, NODE)
    assert told["model_info"]["qwen3.context_length"] == 4096
    assert told["parameters"] == "num_ctx 4096"
    assert told["capabilities"] == ["completion"]
    asleep = shown(replace(READY, context=None), SHELF, NODE)
    assert asleep["model_info"]["qwen3.context_length"] == MODEL.context_length


def test_abilities_in_their_words() -> None:
    """Programs hide what a model cannot do."""
    able = replace(
        READY,
        abilities=frozenset({Ability.EMBEDDING}),
        skills=frozenset({Capability.TOOLS, Capability.REASONING}),
        modalities=("text", "image", "audio"),
    )
    assert capabilities(able) == ["embedding", "tools", "thinking", "vision", "audio"]


@pytest.mark.parametrize(
    ("parameters", "word"),
    [(0, "unknown"), (900_000, "900.00K"), (494_032_768, "494.03M"), (8_030_261_248, "8.0B")],
)
def test_sizes_are_written_as_ollama_does(parameters: int, word: str) -> None:
    """Some programs read the number out of it."""
    assert size_word(parameters) == word


def test_a_tag_is_kept() -> None:
    """Models that Ollama keeps have one."""
    assert (tagged("llama3.2:3b"), tagged("m")) == ("llama3.2:3b", "m:latest")
