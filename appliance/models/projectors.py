"""Which file beside a model gives it eyes or ears. Pure.

A projector belongs to the models of its own folder that are called like it. One with a name that says nothing
(`mmproj-F16.gguf`) belongs to what lies in its folder alone, else to models that wait for one of its width.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from appliance.models.capabilities import projector_claims, strongest
from appliance.models.choice import COMPANION_ORDER, quant_of
from appliance.models.gguf_header import Header
from appliance.models.names import without_quantisation
from appliance.models.shards import shard_of
from appliance.models.types import Ability, Capability, Claim, Level, Model

_MARK = re.compile(r"[-_.]?mmproj[-_.]?", re.IGNORECASE)
_SAY_NOTHING = frozenset({"", "model"})
_SENSES = (Capability.VISION, Capability.AUDIO)
_LAST_LAYERS = ("mm.2.bias", "mm.a.mlp.2.bias")  # of the usual kinds: as wide as the model


@dataclass(frozen=True, slots=True)
class Seer:
    """What the header of a projector says."""

    claims: tuple[Claim, ...]
    width: int = 0  # elements that the model is handed for each token; 0: not known
    certain: bool = False  # the width was read off the weights


@dataclass(frozen=True, slots=True)
class Projector:
    path: str
    seer: Seer
    size: int = 0  # bytes


def read_projector(header: Header) -> Seer | None:
    """None for a companion of another kind."""
    claims = projector_claims(header)
    if header.text("general.architecture") != "clip" or not claims:
        return None
    for tensor in header.tensors:
        if tensor.name in _LAST_LAYERS and len(tensor.shape) == 1:
            return Seer(claims, tensor.shape[0], certain=True)
    keys = ("clip.vision.projection_dim", "clip.audio.projection_dim", "clip.projection_dim")
    return Seer(claims, next((width for key in keys if (width := header.number(key))), 0))


def paired(models: Iterable[Model], projectors: Sequence[Projector]) -> tuple[Model, ...]:
    """Each model with the projector that belongs to it, when there is one."""
    listed = tuple(models)
    around: defaultdict[PurePath, set[str]] = defaultdict(set)
    for model in listed:
        around[PurePath(model.path).parent].add(_stem(model.path))
    return tuple(_with_best(model, projectors, around[PurePath(model.path).parent]) for model in listed)


def with_projector(model: Model, projector: Projector) -> Model:
    """The model with that which its keeper says belongs to it, if they fit each other."""
    return _with(model, projector) if _fits(projector, model) else model


def _with_best(model: Model, projectors: Sequence[Projector], stems: set[str]) -> Model:
    if model.projector is not None:
        return model
    found = _best(model, projectors, stems)
    return model if found is None else _with(model, found)


def _best(model: Model, projectors: Sequence[Projector], stems: set[str]) -> Projector | None:
    found = [p for p in projectors if _belongs(p, model, alone=len(stems) == 1)]
    return min(found, key=lambda p: (not _named_like(p, model), _rank(p.path), p.path), default=None)


def _belongs(projector: Projector, model: Model, *, alone: bool) -> bool:
    width, seer = model.profile.width if model.profile else 0, projector.seer
    if PurePath(projector.path).parent != PurePath(model.path).parent or not _fits(projector, model):
        return False
    if _named_like(projector, model):
        return True
    same_width = bool(width) and seer.width == width
    if _stem(projector.path) not in _SAY_NOTHING:
        return alone and same_width
    return alone or (same_width and _waits(model))


def _fits(projector: Projector, model: Model) -> bool:
    """With one of another width the engine would refuse to start."""
    width, seer = model.profile.width if model.profile else 0, projector.seer
    return Ability.COMPLETION in model.abilities and not (seer.certain and width and seer.width != width)


def _waits(model: Model) -> bool:
    """Its file says that it comes with one."""
    return model.profile is not None and any(model.profile.level(sense) is Level.LIKELY for sense in _SENSES)


def _named_like(projector: Projector, model: Model) -> bool:
    return _stem(projector.path) == _stem(model.path)


def _stem(path: str) -> str:
    """What a file is called, without its quantisation, its number and what marks a projector."""
    name = PurePath(path).name.rpartition(".")[0]
    shard = shard_of(name)
    return without_quantisation(f"-{_MARK.sub('-', shard.stem if shard else name)}").strip("-_. ").casefold()


def _rank(path: str) -> int:
    quant = quant_of(path.rpartition(".")[0])
    return COMPANION_ORDER.index(quant) if quant in COMPANION_ORDER else len(COMPANION_ORDER)


def _with(model: Model, projector: Projector) -> Model:
    profile = model.profile
    if profile is not None:
        weights = replace(profile.weights, beside=profile.weights.beside + projector.size)
        profile = replace(profile, claims=strongest(profile.claims, projector.seer.claims), weights=weights)
    return replace(model, projector=projector.path, profile=profile)
