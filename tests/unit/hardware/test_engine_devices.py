"""What the engine writes about its devices."""

from __future__ import annotations

import pytest

from appliance.hardware.engine_devices import (
    EngineDevice,
    EngineDevices,
    NotAList,
    parse_list,
    parse_places,
    parse_shared,
    with_places,
    with_shared,
    without_free,
)

CUDA = """ggml_cuda_init: found 2 CUDA devices (Total VRAM: 48248 MiB):
  Device 0: NVIDIA GeForce RTX 3090, compute capability 8.6, VMM: yes, VRAM: 24124 MiB
load_backend: loaded CUDA backend from /engine/libggml-cuda.so
Available devices:
  CUDA0: NVIDIA GeForce RTX 3090 (24124 MiB, 23861 MiB free)
  CUDA1: NVIDIA GeForce RTX 3090 (24124 MiB, 17 MiB free)
"""
VULKAN = """Available devices:
  Vulkan0: AMD Radeon RX 7900 XTX (RADV NAVI31) (24560 MiB, 24001 MiB free)
  Vulkan1: Intel(R) UHD Graphics 770 (ADL-S GT1) (32011 MiB, 28810 MiB free)
"""


def test_devices_are_read_with_their_memory() -> None:
    """What drivers write before the list is passed over."""
    assert parse_list(CUDA) == (
        EngineDevice("CUDA0", "NVIDIA GeForce RTX 3090", 24124, free_mib=23861),
        EngineDevice("CUDA1", "NVIDIA GeForce RTX 3090", 24124, free_mib=17),
    )


def test_names_may_hold_brackets() -> None:
    """The memory is what stands last."""
    assert [(device.text, device.backend) for device in parse_list(VULKAN)] == [
        ("AMD Radeon RX 7900 XTX (RADV NAVI31)", "Vulkan"),
        ("Intel(R) UHD Graphics 770 (ADL-S GT1)", "Vulkan"),
    ]


def test_no_device_is_an_empty_list() -> None:
    """An engine for processors."""
    assert parse_list("Available devices:\n  (none)\n") == ()


@pytest.mark.parametrize(
    "output",
    [
        "",
        "error: unknown argument: --list-devices",
        "Available devices:\n" + "".join(f"  CUDA{n}: x (1 MiB, 1 MiB free)\n" for n in range(65)),
        "Available devices:\n  CUDA0: x (1 MiB, 1 MiB free)\n  CUDA0: y (1 MiB, 1 MiB free)\n",
    ],
)
def test_what_is_no_list_is_not_taken_for_one(output: str) -> None:
    """No list is not the same as a list of nothing."""
    with pytest.raises(NotAList):
        parse_list(output)


def test_places_on_the_bus_are_read_from_the_log() -> None:
    """Also of names with brackets; what a driver does not tell stays unknown."""
    log = (
        "0.1 I llama_prepare_model_devices: using device Vulkan0 (AMD (RADV NAVI31)) (0000:03:00.0) - 24 MiB free\n"
        "0.1 I llama_prepare_model_devices: using device Vulkan1 (Intel(R) UHD) (unknown id) - 28810 MiB free\n"
    )
    assert parse_places(log) == {"Vulkan0": "0000:03:00.0"}
    placed = with_places(parse_list(VULKAN), parse_places(log))
    assert [device.bus_id for device in placed] == ["0000:03:00.0", None]


def test_whose_memory_they_work_in_is_read_from_the_log() -> None:
    """What nobody tells stays unknown; what was told before stays told."""
    log = (
        "ggml_vulkan: Found 2 Vulkan devices:\n"
        "ggml_vulkan: 0 = AMD Radeon RX 7900 XTX (RADV NAVI31) (radv) | uma: 0 | fp16: dot2 | bf16: 0 | warp size: 64\n"
        "ggml_vulkan: 1 = Intel(R) UHD Graphics 770 (ADL-S GT1) (Intel open-source Mesa driver) | uma: 1 | fp16: 1\n"
    )
    assert parse_shared(log) == {"Vulkan0": False, "Vulkan1": True}
    assert [device.shared for device in parse_list(VULKAN)] == [None, None]
    told = with_shared(parse_list(VULKAN), parse_shared(log))
    assert [device.shared for device in with_shared(told, {})] == [False, True]


def test_a_list_may_say_nothing_of_what_is_free() -> None:
    """The rest of it holds."""
    listed = EngineDevices("engine", devices=parse_list(VULKAN))
    (first, _) = without_free(listed).devices
    assert (first.total_mib, first.free_mib) == (24560, None)
