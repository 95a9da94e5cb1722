"""Which models of the catalogue suit a box."""

from __future__ import annotations

import pytest

from appliance.models.catalog import CATALOG, Entry, Skill, named
from appliance.placement.advice import Pick, Role, advise, pack, suits
from appliance.placement.fit import Code
from appliance.placement.room import GIB, PROCESSOR, Device, NodeResources


def box(on_gpu: int, in_memory: int) -> NodeResources:
    """With so many GiB of room."""
    gpus = (Device("pci:0", "Card", on_gpu * GIB),) if on_gpu else ()
    return NodeResources("box", "Box", gpus, Device(PROCESSOR, "memory", in_memory * GIB))


def entry(name: str) -> Entry:
    found = named(name)
    assert found is not None
    return found


def roles(picks: tuple[Pick, ...]) -> dict[Role, Pick]:
    return {role: pick for pick in picks for role in pick.roles}


def test_the_largest_form_that_fits_is_advised() -> None:
    """More room, more bits; with too little room the smallest, and that it is too big."""
    quants = [advise(entry("qwen3-8b"), box(room, 4)).form.quant for room in (6, 7, 9)]
    assert quants == ["Q4_K_M", "Q6_K", "Q8_0"]
    too_big = advise(entry("qwen3-8b"), box(0, 2))
    assert (too_big.form.quant, too_big.verdict.code, too_big.fits) == ("Q4_K_M", Code.TOO_BIG, False)


def test_a_model_beyond_the_gpu_is_advised_at_its_smallest() -> None:
    """What runs partly on the processor shall at least be small."""
    advice = advise(entry("qwen3-8b"), box(4, 32))
    assert (advice.form.quant, advice.verdict.code) == ("Q4_K_M", Code.PARTLY_ON_PROCESSOR)
    assert advice.fits


@pytest.mark.parametrize(
    ("node", "well", "at_all", "larger"),
    [(box(10, 32), True, True, True), (box(4, 32), False, True, True), (box(0, 16), True, True, False)],
)
def test_what_suits_a_box_is_told_by_size(node: NodeResources, well: bool, at_all: bool, larger: bool) -> None:
    """A file of 8 GB: well on a large card, partly on a small one; on a processor a larger form is no better."""
    suited = suits(node)
    assert suited is not None
    assert (suited.well(8 * 10**9), suited.at_all(8 * 10**9), suited.larger) == (well, at_all, larger)


def test_before_the_hardware_is_known_nothing_suits() -> None:
    """The usual order decides."""
    assert suits(None) is None


def test_before_the_hardware_is_known_nothing_is_promised() -> None:
    """The usual form, and no verdict."""
    advice = advise(entry("qwen3-8b"), None)
    assert (advice.form.quant, advice.verdict.code, advice.fits) == ("Q4_K_M", Code.UNKNOWN, False)
    assert pack(None) == ()


@pytest.mark.parametrize("resources", [box(0, 2), box(0, 14), box(0, 120), box(7, 14), box(23, 60), box(78, 200)])
def test_a_pack_has_one_for_each_kind_of_work(resources: NodeResources) -> None:
    """All of them fit, and can do what they are recommended for."""
    found = roles(pack(resources))
    assert set(found) == set(Role)
    assert all(pick.advice.fits for pick in found.values())
    assert Skill.CHAT in found[Role.CHAT].advice.entry.skills
    assert found[Role.CODE].advice.entry.skills & {Skill.CODE, Skill.TOOLS}
    assert Skill.VISION in found[Role.VISION].advice.entry.skills
    assert Skill.EMBEDDING in found[Role.EMBEDDING].advice.entry.skills


def test_larger_boxes_are_recommended_better_models() -> None:
    """The order follows the memory."""
    grades = [roles(pack(box(room, 16)))[Role.CHAT].advice.entry.grade for room in (3, 7, 23, 78)]
    assert grades == sorted(set(grades))


def test_nothing_is_recommended_that_crawls() -> None:
    """On a processor no model is that reads tens of GB for each word, however much memory there is."""
    chosen = roles(pack(box(0, 500)))
    assert "llama-3.3-70b" not in {pick.advice.entry.name for pick in chosen.values()}
    for pick in chosen.values():
        assert pick.advice.form.size * pick.advice.entry.active / pick.advice.entry.parameters <= 6e9


def test_the_search_leaves_room_for_the_talk() -> None:
    """The model for searching takes a small part of the memory."""
    found = roles(pack(box(11, 30)))
    assert found[Role.EMBEDDING].advice.form.size * 8 <= 30 * GIB


def test_a_box_without_room_is_recommended_nothing() -> None:
    """Rather than something that cannot run."""
    assert pack(box(0, 0)) == ()
    assert pack(box(0, 8), CATALOG[:0]) == ()
