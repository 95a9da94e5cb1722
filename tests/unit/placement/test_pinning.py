"""From pinned GPUs to what makes the engine use exactly these."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.hardware.engine_devices import EngineDevices
from appliance.hardware.types import Gpu, Inventory
from appliance.placement.matching import PinCode, PinProblem
from appliance.placement.pinning import Pins, margins_mib, meant, only_processor, pin
from tests.gpu_boxes import amd, intel, listing, machine, mig, nvidia

ONE, TWO = nvidia(0x41, 1), nvidia(0x65, 2)
RTX = "NVIDIA GeForce RTX 3090"
RADEON = "AMD Radeon RX 7900 XTX (RADV NAVI31)"


def cuda(*gpus: Gpu) -> tuple[Inventory, EngineDevices]:
    here = machine(*gpus)
    return here, listing(here, *((f"CUDA{number}", RTX, None) for number, _ in enumerate(gpus)))


def problem(wanted: tuple[str, ...], here: Inventory, listed: EngineDevices) -> PinProblem:
    found = pin(wanted, here, listed)
    assert isinstance(found, PinProblem)
    return found


def test_cuda_is_shown_exactly_the_pinned_gpu() -> None:
    """By its UUID; of all GPUs it then sees one, which it calls the first."""
    assert pin((TWO.id,), *cuda(ONE, TWO)) == Pins(
        gpus=(TWO.id,), devices=("CUDA0",), visible=(("CUDA_VISIBLE_DEVICES", str(TWO.uuid)),), totals_mib=(24_000,)
    )


def test_several_gpus_keep_their_order() -> None:
    """The engine numbers what it sees in the order it is told."""
    pins = pin((TWO.id, ONE.id), *cuda(ONE, TWO))
    assert isinstance(pins, Pins)
    assert pins.devices == ("CUDA0", "CUDA1")
    assert pins.visible == (("CUDA_VISIBLE_DEVICES", f"{TWO.uuid},{ONE.uuid}"),)


def test_a_gpu_may_be_named_by_its_uuid() -> None:
    """And both of its names together mean it once."""
    pins = pin((f"uuid:{TWO.uuid}", TWO.id), *cuda(ONE, TWO))
    assert isinstance(pins, Pins)
    assert pins.gpus == (TWO.id,)


def test_a_mig_device_is_shown_by_its_own_uuid() -> None:
    """The whole GPU is not in the inventory: nothing can run on it."""
    part = mig(ONE, 7)
    here = machine(part, mig(ONE, 8))
    pins = pin((part.id,), here, listing(here, ("CUDA0", part.name, None)))
    assert isinstance(pins, Pins)
    assert (pins.devices, pins.visible) == (("CUDA0",), (("CUDA_VISIBLE_DEVICES", str(part.uuid)),))


def test_cuda_runs_on_one_mig_device_only() -> None:
    """More would silently be one."""
    parts = mig(ONE, 7), mig(ONE, 8)
    here = machine(*parts)
    found = problem(tuple(part.id for part in parts), here, listing(here, ("CUDA0", parts[0].name, None)))
    assert found.code is PinCode.NO_MATCH


def test_rocm_is_shown_the_gpu_by_its_unique_id() -> None:
    """As the runtime writes it."""
    gpu = amd(0x03)
    here = machine(gpu, amd(0x0C, "0011223344556677"))
    pins = pin((gpu.id,), here, listing(here, ("ROCm0", "AMD Radeon RX 7900 XTX", None), ("ROCm1", "AMD", None)))
    assert isinstance(pins, Pins)
    assert (pins.devices, pins.visible) == (("ROCm0",), (("ROCR_VISIBLE_DEVICES", "GPU-00a1b2c3d4e5f607"),))


def test_rocm_without_unique_ids_goes_by_the_bus() -> None:
    """Cards for home use often have none."""
    gpu, other = amd(0x03, None), amd(0x0C, None)
    here = machine(gpu, other)
    pins = pin((gpu.id,), here, listing(here, ("ROCm0", "AMD Radeon", other), ("ROCm1", "AMD Radeon", gpu)))
    assert pins == Pins(gpus=(gpu.id,), devices=("ROCm1",), totals_mib=(24_000,))


def test_vulkan_goes_by_the_bus() -> None:
    """Two equal cards are told apart, whatever order the driver lists them in."""
    one, two = amd(0x03), amd(0x0C, "0011223344556677")
    here = machine(one, two)
    listed = listing(here, ("Vulkan0", RADEON, two), ("Vulkan1", RADEON, one))
    assert pin((one.id,), here, listed) == Pins(gpus=(one.id,), devices=("Vulkan1",), totals_mib=(24_000,))


def test_vulkan_of_several_makers_goes_by_the_maker() -> None:
    """When drivers do not tell the place on the bus: one card of each maker leaves no doubt."""
    cards = nvidia(0x01), amd(0x03), intel(0x06)
    here = machine(*cards)
    texts = "Intel(R) Arc(tm) A770 Graphics (DG2)", RADEON, RTX
    listed = listing(here, *((f"Vulkan{number}", text, None) for number, text in enumerate(texts)))
    found = [pin((gpu.id,), here, listed) for gpu in cards]
    assert [pins.devices for pins in found if isinstance(pins, Pins)] == [("Vulkan2",), ("Vulkan1",), ("Vulkan0",)]


def test_two_cards_of_a_maker_go_by_their_names() -> None:
    """Whatever ornaments the driver adds."""
    small, large = amd(0x03, name="Radeon RX 6600"), amd(0x0C, name="Radeon RX 7900 XTX")
    here = machine(small, large)
    listed = listing(here, ("Vulkan0", RADEON, None), ("Vulkan1", "AMD Radeon RX 6600 (RADV NAVI23)", None))
    assert pin((large.id,), here, listed) == Pins(gpus=(large.id,), devices=("Vulkan0",), totals_mib=(24_000,))


def test_two_equal_cards_that_nothing_tells_apart_are_ambiguous() -> None:
    """Running on either would be a guess."""
    one, two = amd(0x03), amd(0x0C, "0011223344556677")
    here = machine(one, two)
    found = problem((one.id,), here, listing(here, ("Vulkan0", RADEON, None), ("Vulkan1", RADEON, None)))
    assert found.code is PinCode.AMBIGUOUS
    assert "Vulkan0" in found.detail
    assert "Vulkan1" in found.detail


def test_an_equal_card_that_the_engine_does_not_list_is_ambiguous_too() -> None:
    """The one it lists may be either of them."""
    one, two = amd(0x03), amd(0x0C, "0011223344556677")
    here = machine(one, two)
    assert problem((one.id,), here, listing(here, ("Vulkan0", RADEON, None))).code is PinCode.AMBIGUOUS


def test_a_card_whose_place_is_taken_by_another_is_not_guessed() -> None:
    """The listed device sits elsewhere on the bus."""
    one, two = amd(0x03), amd(0x0C, "0011223344556677")
    here = machine(one, two)
    assert problem((one.id,), here, listing(here, ("Vulkan0", RADEON, two))).code is PinCode.NO_MATCH


def test_a_gpu_that_is_gone_is_missing() -> None:
    """And the problem says which are there."""
    found = problem(("pci:0000:99:00.0",), *cuda(ONE))
    assert found.code is PinCode.MISSING
    assert ONE.id in found.detail


def test_a_gpu_that_was_split_is_missing() -> None:
    """Its parts are named."""
    part = mig(ONE, 7)
    here = machine(part)
    found = problem((ONE.id,), here, listing(here, ("CUDA0", part.name, None)))
    assert found.code is PinCode.MISSING
    assert part.id in found.detail


@pytest.mark.parametrize("wanted", ["index:0", "CUDA0", "Vulkan1", "0"])
def test_a_name_that_may_change_is_never_pinned(wanted: str) -> None:
    """Tomorrow another GPU may have it."""
    assert problem((wanted,), *cuda(ONE)).code is PinCode.NOT_PINNABLE


def test_a_gpu_that_is_shown_but_not_pinnable_says_why() -> None:
    """In the words of the inventory."""
    fallback = replace(ONE, id="index:0", pinnable=False, reason="The driver tells no id.")
    found = problem(("index:0",), *cuda(fallback))
    assert (found.code, "The driver tells no id." in found.detail) == (PinCode.NOT_PINNABLE, True)


def test_a_box_without_any_gpu_to_pin_says_so() -> None:
    """More than a missing GPU is amiss."""
    here = machine(replace(ONE, id="index:0", pinnable=False))
    assert problem(("pci:0000:65:00.0",), here, listing(here)).code is PinCode.NOTHING_PINNABLE
    assert problem(("pci:0000:65:00.0",), machine(), listing(machine())).code is PinCode.NOTHING_PINNABLE


def test_a_gpu_that_the_engine_cannot_use_has_no_match() -> None:
    """An NVIDIA card and an engine for processors."""
    here = machine(ONE)
    assert problem((ONE.id,), here, listing(here)).code is PinCode.NO_MATCH


def test_an_engine_that_could_not_be_asked_has_no_match() -> None:
    """Its driver hangs: nothing is started on the chance."""
    here = machine(ONE)
    found = problem((ONE.id,), here, listing(here, trouble="it did not answer."))
    assert (found.code, "it did not answer." in found.detail) == (PinCode.NO_MATCH, True)


def test_a_list_of_other_hardware_is_waited_over() -> None:
    """After a card went, the engine's names may mean other cards."""
    here, listed = cuda(ONE, TWO)
    assert pin((ONE.id,), machine(ONE), listed) is None
    assert pin((ONE.id,), here, None) is None


def test_what_is_gone_needs_no_list() -> None:
    """It is told at once."""
    found = pin((TWO.id,), machine(ONE), None)
    assert isinstance(found, PinProblem)
    assert found.code is PinCode.MISSING


def test_a_unified_gpu_can_be_pinned() -> None:
    """It shares the machine's memory and is a device like any other."""
    gpu = amd(0x04, None, unified_memory=True)
    here = machine(gpu)
    pins = pin((gpu.id,), here, listing(here, ("Vulkan0", "AMD Radeon Graphics (RADV PHOENIX)", gpu)))
    assert isinstance(pins, Pins)
    assert pins.devices == ("Vulkan0",)


def test_the_processor_alone_sees_no_gpu() -> None:
    """No device, and CUDA is not even looked at."""
    assert only_processor(cuda(ONE)[1]) == Pins(devices=("none",), visible=(("CUDA_VISIBLE_DEVICES", "-1"),))
    assert only_processor(None) == Pins(devices=("none",))


def test_a_limit_is_what_stays_free() -> None:
    """Of each device in its order; those without one keep the usual margin."""
    pins = Pins(gpus=(ONE.id, TWO.id), devices=("CUDA0", "CUDA1"), totals_mib=(24_000, 24_000))
    assert margins_mib(pins, {TWO.id: 8000}, 1024) == (1024, 16_000)
    assert margins_mib(pins, {TWO.id: 23_900}, 1024) == (1024, 1024)
    assert margins_mib(pins, {}, 1024) == ()


def test_ids_are_looked_up_by_place_and_by_uuid() -> None:
    """In the order of the inventory."""
    assert meant((f"uuid:{TWO.uuid}", ONE.id, "index:9"), machine(ONE, TWO)) == (ONE, TWO)
