"""Which device of the engine is which GPU, beside what pinning makes of it."""

from __future__ import annotations

import pytest

from appliance.placement.matching import only_listed, with_totals
from tests.gpu_boxes import amd, intel, listing, machine, nvidia


def test_what_only_the_engine_tells_of_is_listed() -> None:
    """By its name of today; what may be a GPU of the inventory is not listed twice."""
    here = machine(nvidia(0x41))
    listed = listing(here, ("Vulkan0", "NVIDIA GeForce RTX 3090", None), ("Vulkan1", "Mali-G715", None))
    (found,) = only_listed(here, listed)
    assert (found.id, found.name, found.vendor, found.memory_total) == ("Vulkan1", "Mali-G715", "unknown", 24_000 << 20)
    assert not found.pinnable
    assert only_listed(here, None) == ()
    assert only_listed(machine(), listed) == ()  # the list was made when the machine was another one


@pytest.mark.parametrize(
    ("backend", "text", "vendor"),
    [("Vulkan0", "AMD Radeon RX 6600 (RADV NAVI23)", "amd"), ("CUDA0", "Orin", "nvidia"), ("ROCm0", "gfx1151", "amd")],
)
def test_who_made_it_is_told_by_name_or_driver(backend: str, text: str, vendor: str) -> None:
    """CUDA runs on one maker's devices only."""
    here = machine()
    assert [gpu.vendor for gpu in only_listed(here, listing(here, (backend, text, None)))] == [vendor]


def test_a_device_at_a_place_of_its_own_is_another_one() -> None:
    """Two cards of one maker, of which only one is in the inventory."""
    here, other = machine(nvidia(0x41)), nvidia(0x65, 2)
    listed = listing(here, ("Vulkan0", "NVIDIA GeForce RTX 3090", here.gpus[0]), ("Vulkan1", other.name, other))
    assert [gpu.id for gpu in only_listed(here, listed)] == ["Vulkan1"]


def test_memory_that_the_driver_does_not_tell_is_what_the_engine_counts() -> None:
    """So a card on such a driver can be used; what is told, and what is shared, stays as it is."""
    here = machine(intel(0x03, memory_total=None), amd(0x41), intel(0x00, memory_total=None, unified_memory=True))
    listed = listing(here, ("Vulkan0", "Intel(R) Arc(tm) A770 Graphics (DG2)", here.gpus[0]))
    assert [gpu.memory_total for gpu in with_totals(here, listed).gpus] == [24_000 << 20, 24 << 30, None]
    assert with_totals(here, None) is here


def test_a_total_of_another_device_is_not_taken() -> None:
    """Where the engine cannot tell which one it is, it stays unknown."""
    here = machine(intel(0x03, memory_total=None), intel(0x04, memory_total=None))
    listed = listing(here, ("Vulkan0", "Intel Arc", None), ("Vulkan1", "Intel Arc", None))
    assert [gpu.memory_total for gpu in with_totals(here, listed).gpus] == [None, None]
