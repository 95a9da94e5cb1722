"""Lays the layers of a model out over devices, in order: each takes as many as it has room for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from appliance.models.types import Profile
from appliance.placement.needs import Wish, compute_bytes, layer_caches
from appliance.placement.room import Device, NodeResources


class Place(StrEnum):
    GPU = "gpu"
    MIXED = "gpu+cpu"
    PROCESSOR = "cpu"


class Item(NamedTuple):
    """Something that lies on one device: its size, and how much of it is read for each token."""

    size: int
    read: int


@dataclass(frozen=True, slots=True)
class Placed:
    device: Device
    size: int
    read: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything lies that found room; `total` is the size of all there is to place."""

    placed: tuple[Placed, ...]
    total: int
    fits: bool


def lay_out(profile: Profile, wish: Wish, node: NodeResources, place: Place, compute: int | None = None) -> Layout:
    """`wish.context` says how long a context; it is not 0 here. `compute` is handed in by those who know it."""
    if compute is None:
        compute = compute_bytes(profile, wish.context, wish.slots, wish.kv)
    looked_up = Item(profile.weights.embedding + profile.weights.tables, 0)
    if place is Place.PROCESSOR or (place is Place.GPU and node.unified):
        device = node.gpus[0] if place is Place.GPU else node.memory
        return _all_on(device, [*_whole_layers(profile, wish), *_ends(profile, device_is_own=False)], compute)
    ends = _ends(profile, device_is_own=True)
    if place is Place.GPU:
        placed, rest = _fill(node.gpus, [*_whole_layers(profile, wish), *ends], compute)
        return _with_memory(placed, node.memory, [looked_up], rest)
    placed, rest = _fill(node.gpus, [*_split_layers(profile, wish), *ends], compute)
    return _with_memory(placed, node.memory, [looked_up, *rest, Item(compute if rest else 0, 0)], [])


def _whole_layers(profile: Profile, wish: Wish) -> list[Item]:
    trunks = _trunks(profile, wish)
    experts = _of_each(profile.weights.experts, len(trunks))
    pairs = zip(trunks, experts, strict=True)
    return [Item(trunk.size + size, trunk.read + used_part(profile, size)) if size else trunk for trunk, size in pairs]


def _split_layers(profile: Profile, wish: Wish) -> list[Item]:
    """Experts last: they are large and little of them is read, so they are what goes to the processor first."""
    trunks = _trunks(profile, wish)
    experts = _of_each(profile.weights.experts, len(trunks))
    return trunks + [Item(size, used_part(profile, size)) for size in experts if size]


def _trunks(profile: Profile, wish: Wish) -> list[Item]:
    """Of each layer what every token goes through, with what it keeps."""
    caches = layer_caches(profile.cache, wish.context, wish.slots, wish.kv)
    weights = _of_each(profile.weights.layers, len(caches))
    return [Item(trunk + cache, trunk) for trunk, cache in zip(weights, caches, strict=True)]


def _ends(profile: Profile, *, device_is_own: bool) -> list[Item]:
    """What lies around the layers. Without an output of its own a model uses its embedding, copied to a GPU."""
    weights = profile.weights
    tail = 0 if profile.cache.layers else sum(weights.layers) + sum(weights.experts)
    output, copied = weights.output, 0 if weights.output else weights.embedding
    read = output + weights.other + tail + copied
    looked_up = 0 if device_is_own else weights.embedding - copied + weights.tables
    return [Item(read + weights.beside + looked_up, read)]


def used_part(profile: Profile, experts: int) -> int:
    return experts * profile.experts.used // profile.experts.count if profile.experts else experts


def _of_each(sizes: Sequence[int], count: int) -> Sequence[int]:
    """What is known of the first `count` layers; nothing of a layer that is not listed."""
    return (*sizes[:count], *(0,) * (count - len(sizes)))


def _all_on(device: Device, items: Iterable[Item], compute: int) -> Layout:
    listed = list(items)
    size = sum(item.size for item in listed) + compute
    placed = Placed(device, size, sum(item.read for item in listed))
    return Layout((placed,), size, size <= device.room)


def _fill(devices: Sequence[Device], items: Sequence[Item], compute: int) -> tuple[list[Placed], Sequence[Item]]:
    """Fills one device after the other; returns also what found no room."""
    placed, begin = [], 0
    for device in devices:
        room, end, read = device.room - compute, begin, 0
        while end < len(items) and items[end].size <= room:
            room, read, end = room - items[end].size, read + items[end].read, end + 1
        if end > begin:
            placed.append(Placed(device, device.room - room, read))
        begin = end
    return placed, items[begin:]


def _with_memory(placed: list[Placed], memory: Device, items: Sequence[Item], left: Sequence[Item]) -> Layout:
    """Puts `items` into the machine's memory; `left` are those that may not go there."""
    inside = Placed(memory, sum(item.size for item in items), sum(item.read for item in items))
    everything = (*placed, inside) if inside.size else tuple(placed)
    total = sum(p.size for p in everything) + sum(item.size for item in left)
    return Layout(everything, total, not left and inside.size <= memory.room)
