"""What a model can do beyond text, and how sure that is."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.models.capabilities import claims_of, hub_claims, projector_claims, remembered_claims, strongest
from appliance.models.gguf_header import read_header
from appliance.models.profile import make_profile
from appliance.models.types import Ability, Capability, Claim, Level
from tests.unit.models.gguf_files import BUNDLED, MODELS, gguf_bytes

TOOL_TEMPLATE = "{% if tools %}{{ tools }}{% endif %}{% if message.role == 'tool' %}x{% endif %}"


def levels(architecture: str = "llama", **metadata: Any) -> dict[Capability, Level]:
    named = {name.replace("__", "."): value for name, value in metadata.items()}
    claims = claims_of(read_header(gguf_bytes(named, architecture=architecture)), architecture, frozenset())
    assert [claim.capability for claim in claims] == list(Capability)
    return {claim.capability: claim.level for claim in claims}


def test_a_plain_model_claims_nothing() -> None:
    """Each capability is named all the same."""
    assert set(levels().values()) == {Level.NONE}


@pytest.mark.parametrize(
    ("template", "level"),
    [
        (TOOL_TEMPLATE, Level.SURE),
        ("{% if tools %}{{ tools }}{% endif %}", Level.LIKELY),
        ("{{ messages }}", Level.NONE),
        ("", Level.NONE),
    ],
)
def test_the_template_says_whether_tools_are_known(template: str, level: Level) -> None:
    """Sure only when it also takes their answers."""
    assert levels(tokenizer__chat_template=template)[Capability.TOOLS] is level


@pytest.mark.parametrize(
    ("metadata", "level"),
    [
        ({"tokenizer__chat_template": "<think>"}, Level.SURE),
        ({"tokenizer__chat_template": "{% if enable_thinking %}"}, Level.SURE),
        ({"tokenizer__chat_template": "<|channel|>analysis"}, Level.SURE),
        ({"general__name": "DeepSeek R1 Distill"}, Level.LIKELY),
        ({"general__finetune": "Thinking-2507"}, Level.LIKELY),
        ({"general__name": "Star1"}, Level.NONE),
    ],
)
def test_reasoning_shows_in_the_template_or_the_name(metadata: dict[str, Any], level: Level) -> None:
    """A name is a hint only."""
    assert levels(**metadata)[Capability.REASONING] is level


@pytest.mark.parametrize(
    ("architecture", "metadata", "capability"),
    [
        ("qwen2vl", {}, Capability.VISION),
        ("llama", {"general__tags": ["image-text-to-text"]}, Capability.VISION),
        ("llama", {"general__name": "InternVL3 8B"}, Capability.VISION),
        ("qwen2", {"general__basename": "Qwen2.5-VL"}, Capability.VISION),
        ("llama", {"general__name": "Ultravox v0.5"}, Capability.AUDIO),
        ("qwen2", {"general__name": "Qwen2-Audio 7B"}, Capability.AUDIO),
    ],
)
def test_families_that_see_or_hear_are_likely_to(
    architecture: str, metadata: dict[str, Any], capability: Capability
) -> None:
    """Without a projector they cannot, so it is never sure."""
    assert levels(architecture, **metadata)[capability] is Level.LIKELY


@pytest.mark.parametrize(
    ("name", "capability"),
    [
        *((name, Capability.VISION) for name in ("Qwen-VL 7B", "Qwen2.5-VL", "LLaVA-1.6", "mllama", "Llama-3.2-11B")),
        *((name, Capability.VISION) for name in ("PaliGemma 2", "Idefics3", "Molmo-7B", "InternVL3", "GLM-4V-9B")),
        *((name, Capability.VISION) for name in ("GLM-4.1V-9B", "Ovis2-8B", "Florence-2")),
        *((name, Capability.AUDIO) for name in ("Qwen2-Audio", "SeaLLMs-Audio-7B", "Ultravox v0.5", "Qwen2.5-Omni")),
        *((name, Capability.AUDIO) for name in ("Whisper large", "Voxtral-Mini")),
    ],
)
def test_a_name_of_a_family_is_a_hint(name: str, capability: Capability) -> None:
    """No more than that: what a name says decides nothing."""
    assert levels(general__name=name)[capability] is Level.LIKELY


@pytest.mark.parametrize("name", ["SeaLLMs-v3-7B", "Provision 7B", "Division-8B", "OmniCoder"])
def test_a_name_that_only_sounds_like_one_is_none(name: str) -> None:
    """Whole words count."""
    found = levels(general__name=name)
    assert {found[Capability.VISION], found[Capability.AUDIO]} == {Level.NONE}


def test_a_projector_makes_it_sure() -> None:
    """Of the trained files one has eyes."""
    header = read_header((MODELS / "mmproj-mesh-tiny-second-F16.gguf").read_bytes())
    assert [(claim.capability, claim.level) for claim in projector_claims(header)] == [(Capability.VISION, Level.SURE)]


def test_the_surest_claim_counts() -> None:
    """And stands where it stood."""
    likely, sure = Claim(Capability.VISION, Level.LIKELY, "a"), Claim(Capability.VISION, Level.SURE, "b")
    tools = Claim(Capability.TOOLS, Level.NONE, "c")
    assert strongest((likely, tools), (sure,)) == (sure, tools)
    assert strongest((sure,), (likely,)) == (sure,)


def test_experts_and_embedding_are_facts() -> None:
    """Read from the header."""
    assert levels(llama__expert_count=8)[Capability.EXPERTS] is Level.SURE
    header = read_header(gguf_bytes({"qwen3.pooling_type": 3}, architecture="qwen3"))
    claims = claims_of(header, "qwen3", frozenset({Ability.EMBEDDING}))
    assert claims[4].level is Level.SURE
    assert levels(general__name="nomic-embed")[Capability.EMBEDDING] is Level.LIKELY


def test_the_bundled_model_knows_tools() -> None:
    """As its template shows."""
    (path,) = BUNDLED.glob("*.gguf")
    profile = make_profile(read_header(path.read_bytes()))
    assert profile.level(Capability.TOOLS) is Level.SURE
    assert profile.level(Capability.VISION) is Level.NONE


def test_what_the_hub_says_is_likely_at_most() -> None:
    """Anybody may write it there; and nothing follows from words that nobody knows."""
    found = hub_claims(["Image-Text-to-Text", "moe", "gguf", "en"])
    assert [(claim.capability, claim.level) for claim in found] == [
        (Capability.VISION, Level.LIKELY),
        (Capability.EXPERTS, Level.LIKELY),
    ]
    assert hub_claims(["text-generation", "conversational"]) == ()


def test_of_a_model_that_is_here_the_header_knows_its_experts() -> None:
    """The rest of what the hub said stays likely."""
    (claim,) = remembered_claims([Capability.VISION, Capability.EXPERTS])
    assert (claim.capability, claim.level) == (Capability.VISION, Level.LIKELY)
