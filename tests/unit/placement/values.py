"""Boxes and models for the tests of placement."""

from __future__ import annotations

from functools import cache

from appliance.hardware.types import Cpu, Gpu, Inventory, Memory
from appliance.models.gguf_header import read_header
from appliance.models.profile import make_profile
from appliance.models.types import Profile
from appliance.placement.room import GIB, Known, NodeResources, resources_of
from tests.blueprints import PUBLISHED, header_bytes


@cache
def published(name: str) -> Profile:
    """A model of real size, with weights in eight bits."""
    return make_profile(read_header(header_bytes(PUBLISHED[name])))


def gpu(number: int = 0, total: int | None = 24, used: int = 0, *, unified: bool = False) -> Gpu:
    """Sizes in GiB."""
    size = None if total is None else total * GIB
    return Gpu(f"pci:{number}", f"Card {number}", "nvidia", size, used * GIB, unified_memory=unified)


def inventory(*gpus: Gpu, total: int = 64, available: int = 60) -> Inventory:
    return Inventory(Cpu("Processor", 8), Memory(total * GIB, available * GIB), gpus)


def box(*gpus: Gpu, total: int = 64, available: int = 60, known: Known | None = None) -> NodeResources:
    return resources_of(inventory(*gpus, total=total, available=available), "box", "Box", known)
