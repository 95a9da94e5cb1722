"""Models on disk, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from appliance.models.cache import Cache
from appliance.models.keepers import Keeper
from appliance.models.names import resolve_name
from appliance.models.weights import Weights


class Ability(StrEnum):
    """What a model can be asked for."""

    CHAT = "chat"
    COMPLETION = "completion"
    EMBEDDING = "embedding"
    RERANK = "rerank"


class Capability(StrEnum):
    """What a model may be able to do beyond plain text."""

    VISION = "vision"
    AUDIO = "audio"
    TOOLS = "tools"
    REASONING = "reasoning"
    EMBEDDING = "embedding"
    EXPERTS = "moe"


class Level(StrEnum):
    """How sure a claim is, the surest first; only what is sure decides where a request goes."""

    SURE = "sure"
    LIKELY = "likely"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Claim:
    capability: Capability
    level: Level
    source: str  # what says so, for a person


@dataclass(frozen=True, slots=True)
class Experts:
    count: int
    used: int  # for each token


@dataclass(frozen=True, slots=True)
class RopeScaling:
    """How the model was stretched beyond the context it was first trained on."""

    kind: str
    factor: float
    original_context: int


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """What begins and ends a text; None where the file does not say."""

    begin: int | None = None
    end: int | None = None
    adds_begin: bool | None = None
    adds_end: bool | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything that the files of a model say about it."""

    architecture: str
    context_length: int
    abilities: frozenset[Ability]
    quantisation: str | None = None
    parameters: int = 0
    vocabulary: int = 0
    width: int = 0  # elements between the layers
    feed_forward: int = 0
    weights: Weights = field(default_factory=Weights)
    cache: Cache = field(default_factory=Cache)
    experts: Experts | None = None
    rope: RopeScaling | None = None
    tokenizer: str | None = None
    pre_tokenizer: str | None = None
    special: SpecialTokens = SpecialTokens()
    chat_template: bool = False
    claims: tuple[Claim, ...] = ()

    def level(self, capability: Capability) -> Level:
        return next((claim.level for claim in self.claims if claim.capability is capability), Level.NONE)


@dataclass(frozen=True, slots=True)
class Model:
    """One usable model. `id` is its file's name without `.gguf` and shard number: the name clients use."""

    id: str
    path: str  # of the first file when there are several
    size: int  # bytes, of all its files
    architecture: str
    context_length: int
    abilities: frozenset[Ability]
    parameters: int | None = None
    quantisation: str | None = None
    bundled: bool = False
    projector: str | None = None  # path of the file beside it that gives it eyes or ears
    keeper: Keeper = Keeper.OWNER
    also: tuple[str, ...] = ()  # further names that it is found by
    told: tuple[Capability, ...] = ()  # what the hub it was fetched from said it can do
    # left out of comparisons, which the library makes on every scan: another file is another path, size or quantisation
    profile: Profile | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class BrokenFile:
    """A model file (or a folder of them) that cannot be served, and why, as a whole sentence."""

    id: str
    path: str
    reason: str
    keeper: Keeper = Keeper.OWNER
    foreign: bool = False  # nothing is wrong with it: it is of a kind that the engine does not take


@dataclass(frozen=True, slots=True)
class Library:
    models: tuple[Model, ...] = ()
    broken: tuple[BrokenFile, ...] = ()
    unreadable: str | None = None  # why the models folder as a whole cannot be read

    def find(self, model_id: str) -> Model | None:
        return next((m for m in self.models if m.id == model_id), None)

    def at(self, path: str) -> Model | None:
        return next((m for m in self.models if m.path == path), None)

    def named(self, name: str) -> Model | None:
        """The model that a name means: its id in any of the usual forms, else a further name of it."""
        found = resolve_name(name, (m.id for m in self.models))
        if found is not None:
            return self.find(found)
        further = {also: model for model in self.models for also in model.also}
        return further.get(resolve_name(name, further) or "")
