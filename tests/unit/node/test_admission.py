"""Which models are let in beside each other, and with how much."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.node.admission import MODEST, Candidate, Grant, No, Refusal, Room, admit
from appliance.node.footprint import together
from appliance.node.snapshot import Snapshot
from appliance.node.wish import wished
from appliance.placement.room import GIB, GPU_MARGIN, PROCESSOR, memory_margin
from appliance.settings.schema import ServingSettings, Settings
from tests.builders import make_model, make_snapshot
from tests.unit.placement.values import gpu, inventory, published

PROFILE = published("Llama-3.1-8B")  # 8 GiB of weights; 1 GiB of cache for 8192 tokens
NAMES = ("one", "two", "three", "four")
MODELS = tuple(
    make_model(name, profile=PROFILE, size=PROFILE.weights.total, context_length=PROFILE.context_length)
    for name in NAMES
)
NOW = 1000.0


def box(*gpus: Any, serving: ServingSettings | None = None, **sizes: Any) -> Snapshot:
    snapshot = make_snapshot(wanted=NAMES, models=MODELS, inventory=inventory(*gpus, **sizes))
    return replace(snapshot, settings=Settings(serving=serving)) if serving else snapshot


def asked(snapshot: Snapshot, *held: dict[str, int], names: tuple[str, ...] = NAMES) -> dict[str, Grant | Refusal]:
    serving = snapshot.settings.serving
    candidates = [Candidate(model, wished(model.id, serving)) for model in MODELS if model.id in names]
    return admit(candidates, held, snapshot, NOW)


def let_in(answers: dict[str, Grant | Refusal]) -> list[str]:
    return [name for name, answer in answers.items() if isinstance(answer, Grant)]


def test_one_model_gets_as_much_context_as_there_is_room_for() -> None:
    """And the card is filled, but for its margin."""
    answer = asked(box(gpu(total=24)), names=("one",))["one"]
    assert isinstance(answer, Grant)
    assert MODEST < answer.context < PROFILE.context_length
    assert 20 * GIB < dict(answer.claims)["pci:0"] <= 23 * GIB


def test_a_context_that_fits_whole_is_left_to_the_engine() -> None:
    """Nothing to say."""
    answer = asked(box(gpu(total=80)), names=("one",))["one"]
    assert isinstance(answer, Grant)
    assert answer.context == 0


def test_several_models_share_what_there_is() -> None:
    """None takes the whole card for its context while others shall run beside it."""
    answers = asked(box(gpu(total=24)), names=("one", "two"))
    assert let_in(answers) == ["one", "two"]
    assert all(isinstance(a, Grant) and a.context >= MODEST for a in answers.values())


def test_who_finds_no_room_is_told_that_others_have_it() -> None:
    """It would fit alone."""
    answers = asked(box(gpu(total=24)))
    assert sorted(let_in(answers)) == ["one", "two"]
    refused = answers["three"]
    assert isinstance(refused, Refusal)
    assert refused.why is No.CROWDED


def test_nobody_is_let_in_where_it_would_run_worse_than_alone() -> None:
    """Beside what fills the card it would run on the processor: slowly, for as long as it runs."""
    answers = asked(box(gpu(total=24)), {"pci:0": 20 * GIB}, names=("one",))
    assert let_in(answers) == []


def test_what_fits_not_even_alone_says_so() -> None:
    """With the numbers; others run."""
    small = replace(MODELS[0], profile=published("Qwen3-0.6B"), size=published("Qwen3-0.6B").weights.total)
    snapshot = box(total=6, available=6)
    serving = snapshot.settings.serving
    candidates = [Candidate(model, wished(model.id, serving)) for model in (MODELS[1], small)]
    answers = admit(candidates, (), snapshot, NOW)
    assert let_in(answers) == [small.id]
    refused = answers["two"]
    assert isinstance(refused, Refusal)
    assert (refused.why, refused.text[:12]) == (No.TOO_BIG, "Does not fit")


def test_alone_even_a_model_that_is_too_big_may_try() -> None:
    """An empty box has nothing to lose; our sums may be wrong, and the engine has the last word."""
    assert let_in(asked(box(total=6, available=6), names=("one",))) == ["one"]
    assert let_in(asked(box(total=6, available=6), {PROCESSOR: GIB}, names=("one",))) == []


def test_memory_for_earlier_prompts_is_what_can_be_spared() -> None:
    """A tenth of the memory at first, less for each further model; as the owner says when he says it."""
    answers = asked(box(total=64, available=60))
    caches = [answer.cache_mib for answer in answers.values() if isinstance(answer, Grant)]
    assert len(caches) >= 2
    assert caches == sorted(caches, reverse=True)
    fixed = box(total=64, available=60, serving=ServingSettings(models=NAMES, prompt_cache_mib=100))
    assert {answer.cache_mib for answer in asked(fixed).values() if isinstance(answer, Grant)} == {100}


def test_a_wish_for_a_context_is_kept() -> None:
    """Nobody gets less than what was asked for, rather nothing."""
    wish = ServingSettings(models=NAMES, context=65536)
    answers = asked(box(gpu(total=24), serving=wish))
    assert let_in(answers) == ["one"]
    assert isinstance(answers["one"], Grant)
    assert answers["one"].context == 65536


@settings(deadline=None, max_examples=60)
@given(
    st.integers(8, 96),
    st.integers(8, 128),
    st.integers(0, 40),
    st.integers(0, 60),
    st.permutations(NAMES),
)
def test_nothing_is_promised_twice(card: int, memory: int, held: int, used: int, names: list[str]) -> None:
    """Whatever is let in, all together stays within what others leave free, unless a model tries its luck alone."""
    snapshot = box(gpu(total=card, used=min(used, card)), total=memory, available=memory * 3 // 4)
    taken = {"pci:0": min(held, card) * GIB, PROCESSOR: min(held, memory // 4) * GIB}
    answers = asked(snapshot, taken, names=tuple(names))
    granted = [dict(answer.claims) for answer in answers.values() if isinstance(answer, Grant)]
    if not granted or (len(granted) == 1 and not sum(taken.values())):
        return
    promised = together([taken, *granted])
    assert promised.get("pci:0", 0) <= max(card * GIB - GPU_MARGIN - min(used, card) * GIB, taken["pci:0"])
    room = memory * 3 // 4 * GIB - memory_margin(memory * GIB)
    assert promised.get(PROCESSOR, 0) <= max(room, taken[PROCESSOR])


def test_room_needs_to_know_the_hardware() -> None:
    """Before the first look nobody is let in."""
    unknown = replace(box(), inventory=None)
    with pytest.raises(ValueError, match="hardware"):
        Room(unknown, NOW)
