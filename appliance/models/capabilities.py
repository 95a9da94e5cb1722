"""What a model can do beyond text, how sure that is, and what says so.

Only what is sure may decide where a request goes: a name is a hint, a projector beside the model is a proof.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from appliance.models import architectures as known
from appliance.models.gguf_header import Array, Header
from appliance.models.types import Ability, Capability, Claim, Level

_LOOKED_AT = 200_000  # characters of a template; the longest published ones have a tenth
_TOOLS = re.compile(r"\btools\b|\btool_calls?\b")
_TOOL_ANSWERS = re.compile(r"""['"]tool['"]|\btool_calls?\b|\btool_response""")
_THINKS = re.compile(r"<think|enable_thinking|reasoning_content|<\|channel\|>analysis|\[THINK\]")
_SEEING_NAMES = re.compile(
    r"[-_ ]vl\b|llava|mllama|llama-?3\.2-(11|90)b|paligemma|idefics|molmo|internvl|glm-?4(\.\d)?v"
    r"|\bovis|florence|\bvision",
    re.IGNORECASE,
)
_HEARING_NAMES = re.compile(r"qwen2-?audio|seallms?-?audio|ultravox|\bomni\b|whisper|voxtral|audio", re.IGNORECASE)
_THINKING_NAMES = re.compile(r"\br1\b|reason|thinking|\bqwq\b", re.IGNORECASE)
_EMBEDDING_NAMES = re.compile(r"embed|\bbge\b|\be5\b", re.IGNORECASE)


def claims_of(header: Header, architecture: str, abilities: frozenset[Ability]) -> tuple[Claim, ...]:
    """One claim for each capability, in their order."""
    name, tags = _names(header), _tags(header)
    return (
        _sense(Capability.VISION, [*_seeing(architecture, tags, name)]),
        _sense(Capability.AUDIO, [*_hearing(tags, name)]),
        _tools(header),
        _reasoning(header, name),
        _embedding(abilities, name),
        _experts(header, architecture),
    )


_TOLD_BY_THE_HUB = {
    Capability.VISION: frozenset({"image-text-to-text", "image-to-text", "visual-question-answering", "vision"}),
    Capability.AUDIO: frozenset({"audio-text-to-text", "automatic-speech-recognition", "audio"}),
    Capability.TOOLS: frozenset({"tool-calling", "tool-use", "function-calling", "tools"}),
    Capability.REASONING: frozenset({"reasoning", "thinking"}),
    Capability.EMBEDDING: frozenset({"feature-extraction", "sentence-similarity", "embeddings"}),
    Capability.EXPERTS: frozenset({"moe", "mixture-of-experts"}),
}


def hub_claims(words: Iterable[str]) -> tuple[Claim, ...]:
    """What the hub says of a model that is not here yet, by its task and tags: likely, as anybody may write them."""
    said = {word.casefold() for word in words}
    told = (capability for capability, known_words in _TOLD_BY_THE_HUB.items() if said & known_words)
    return tuple(Claim(capability, Level.LIKELY, "what the hub says of it") for capability in told)


def remembered_claims(told: Iterable[Capability]) -> tuple[Claim, ...]:
    """The same of a model that is here: its header knows better whether it has experts."""
    here = (capability for capability in told if capability is not Capability.EXPERTS)
    return tuple(Claim(capability, Level.LIKELY, "what the hub said of it") for capability in here)


def projector_claims(header: Header) -> tuple[Claim, ...]:
    """What the file beside a model adds to it: eyes, ears or both."""
    found = []
    for capability, key in (
        (Capability.VISION, "clip.has_vision_encoder"),
        (Capability.AUDIO, "clip.has_audio_encoder"),
    ):
        if header.metadata.get(key) is True:
            found.append(Claim(capability, Level.SURE, "the projector beside it"))
    return tuple(found)


def strongest(claims: tuple[Claim, ...], more: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """Each capability with the surest claim of both; of two alike the first."""
    order = list(Level)
    by_capability = {claim.capability: claim for claim in claims}
    for claim in more:
        other = by_capability.get(claim.capability)
        if other is None or order.index(claim.level) < order.index(other.level):
            by_capability[claim.capability] = claim
    return tuple(by_capability[capability] for capability in Capability if capability in by_capability)


def _seeing(architecture: str, tags: set[str], name: str) -> Iterator[str]:
    if architecture in known.SEES:
        yield "its family"
    if "image-text-to-text" in tags:
        yield "the tags in its file"
    if _SEEING_NAMES.search(name):
        yield "its name"


def _hearing(tags: set[str], name: str) -> Iterator[str]:
    if "audio-text-to-text" in tags:
        yield "the tags in its file"
    if _HEARING_NAMES.search(name):
        yield "its name"


def _sense(capability: Capability, hints: list[str]) -> Claim:
    """A text model alone cannot see or hear: it takes the projector that its family comes with."""
    if hints:
        return Claim(capability, Level.LIKELY, f"{hints[0]}; it takes a projector beside it")
    return Claim(capability, Level.NONE, "nothing in its file says so")


def _tools(header: Header) -> Claim:
    template = _template(header)
    if not template:
        return Claim(Capability.TOOLS, Level.NONE, "it has no chat template")
    if _TOOLS.search(template):
        answers = _TOOL_ANSWERS.search(template) is not None
        return Claim(Capability.TOOLS, Level.SURE if answers else Level.LIKELY, "its chat template")
    return Claim(Capability.TOOLS, Level.NONE, "its chat template knows no tools")


def _reasoning(header: Header, name: str) -> Claim:
    if _THINKS.search(_template(header)):
        return Claim(Capability.REASONING, Level.SURE, "its chat template")
    if _THINKING_NAMES.search(name):
        return Claim(Capability.REASONING, Level.LIKELY, "its name")
    return Claim(Capability.REASONING, Level.NONE, "nothing in its file says so")


def _embedding(abilities: frozenset[Ability], name: str) -> Claim:
    if abilities & {Ability.EMBEDDING, Ability.RERANK}:
        return Claim(Capability.EMBEDDING, Level.SURE, "its pooling or architecture")
    if _EMBEDDING_NAMES.search(name):
        return Claim(Capability.EMBEDDING, Level.LIKELY, "its name")
    return Claim(Capability.EMBEDDING, Level.NONE, "nothing in its file says so")


def _experts(header: Header, architecture: str) -> Claim:
    count = header.number(f"{architecture}.expert_count")
    if count is not None and count > 0:
        return Claim(Capability.EXPERTS, Level.SURE, "its number of experts")
    return Claim(Capability.EXPERTS, Level.NONE, "it has no experts")


def _template(header: Header) -> str:
    return (header.text("tokenizer.chat_template") or "")[:_LOOKED_AT]


def _names(header: Header) -> str:
    return " ".join((header.text(f"general.{key}") or "")[:200] for key in ("name", "basename", "finetune"))


def _tags(header: Header) -> set[str]:
    value = header.metadata.get("general.tags")
    return {item for item in value.items or () if isinstance(item, str)} if isinstance(value, Array) else set()
