"""What can be asked of an engine: path, the ability it takes, and in which shape its errors are told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from appliance.models.types import Ability


class Shape(StrEnum):
    """How clients of a route expect errors."""

    OPENAI = "openai"
    RESPONSES = "responses"  # as OpenAI, but its streams are made of named events
    ANTHROPIC = "anthropic"


@dataclass(frozen=True, slots=True)
class EnginePath:
    path: str
    ability: Ability | None = None  # None: any model will do
    shape: Shape = Shape.OPENAI
    multipart: bool = False
    streams: bool = False  # answers in events when asked to
    works: bool = True  # takes one of the engine's places side by side
    senses: frozenset[str] = frozenset()  # what it always comes with beside text


ENGINE_PATHS = {
    entry.path: entry
    for entry in (
        EnginePath("/v1/chat/completions", Ability.CHAT, streams=True),
        EnginePath("/v1/completions", Ability.COMPLETION, streams=True),
        EnginePath("/v1/embeddings", Ability.EMBEDDING),
        EnginePath("/v1/rerank", Ability.RERANK),
        EnginePath("/v1/responses", Ability.CHAT, Shape.RESPONSES, streams=True),
        EnginePath("/v1/messages", Ability.CHAT, Shape.ANTHROPIC, streams=True),
        EnginePath("/v1/messages/count_tokens", Ability.CHAT, Shape.ANTHROPIC, works=False),
        EnginePath("/v1/audio/transcriptions", Ability.CHAT, multipart=True, senses=frozenset({"audio"})),
        EnginePath("/tokenize", works=False),
        EnginePath("/detokenize", works=False),
        EnginePath("/apply-template", Ability.CHAT, works=False),
        EnginePath("/infill", Ability.COMPLETION),
    )
}

MODELS = "/v1/models"


def shape_of(path: str) -> Shape:
    """In which shape errors of any path are told, known or not."""
    known = ENGINE_PATHS.get(path)
    if known is not None:
        return known.shape
    return Shape.ANTHROPIC if path.startswith("/v1/messages") else Shape.OPENAI


def api_path(path: str) -> str:
    """The path as :9337 knows it, wherever the API is mounted; a slash at the end means nothing."""
    mounted = path.find("/v1/")
    return path[max(mounted, 0) :].rstrip("/") or "/"
