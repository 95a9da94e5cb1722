"""A request of Ollama's routes as one that the relay takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from appliance.proxy.errors import bad_request
from appliance.proxy.ollama.messages import content, conversation
from appliance.proxy.ollama.options import answer_format, engine_options, ignored_options, thinking
from appliance.proxy.ollama.shapes import Asking, Chat, Embed, Generate, is_given, read
from appliance.routing.table import AUTO

CHAT, COMPLETIONS, INFILL, EMBEDDINGS = "/v1/chat/completions", "/v1/completions", "/infill", "/v1/embeddings"
LOAD = "/apply-template"  # waits for a model that is not loaded, and costs next to nothing
LATEST = ":latest"


class Telling(StrEnum):
    """In which shape the answer is told."""

    CHAT = "chat"
    GENERATE = "generate"
    EMBED = "embed"
    EMBEDDING = "embedding"  # of the older route


@dataclass(frozen=True, slots=True)
class Asked:
    model: str  # as it was asked for
    telling: Telling
    path: str  # of the relay; empty: nothing has to be asked of an engine
    body: bytes = b""
    stream: bool = False
    reason: str = ""  # why nothing is said: `load` or `unload`
    dimensions: int | None = None
    ignored: tuple[str, ...] = ()


def ask_chat(body: bytes) -> Asked:
    """Raises ApiError (400), as the others do."""
    request = read(body, Chat)
    if not request.messages:
        return _without_words(request, Telling.CHAT)
    fields = {"messages": conversation(request.messages), **_manner(request)}
    if is_given(request.tools):
        fields["tools"] = request.tools
    return _asked(request, Telling.CHAT, CHAT, fields)


def ask_generate(body: bytes) -> Asked:
    request = read(body, Generate)
    if request.suffix:
        ends = {"input_prefix": request.prompt or "", "input_suffix": request.suffix}
        return _asked(request, Telling.GENERATE, INFILL, {**ends, **engine_options(request.options, "n_predict")})
    if not request.prompt and not request.images:
        return _without_words(request, Telling.GENERATE)
    if request.raw:
        return _asked(request, Telling.GENERATE, COMPLETIONS, {"prompt": request.prompt, **_manner(request)})
    if request.template:
        raise bad_request(
            "This box uses the template in the model's own file. Leave 'template' out, or send the finished prompt "
            "with 'raw'.",
            param="template",
        )
    system = [{"role": "system", "content": request.system}] if request.system else []
    question = {"role": "user", "content": content(request.prompt or "", request.images)}
    fields = {"messages": [*system, question], **_manner(request)}
    return _asked(request, Telling.GENERATE, CHAT, fields)


def ask_embed(body: bytes) -> Asked:
    request = read(body, Embed)
    return _embedding(request, Telling.EMBED, request.input)


def ask_embedding(body: bytes) -> Asked:
    request = read(body, Embed)
    return _embedding(request, Telling.EMBEDDING, request.prompt if request.prompt is not None else request.input)


def _embedding(request: Embed, telling: Telling, texts: str | list[str] | None) -> Asked:
    model, dimensions = request.wanted, request.dimensions or None
    if dimensions is not None and dimensions < 1:
        raise bad_request("The field 'dimensions' has to be 1 or more.", param="dimensions")
    if not texts:
        return Asked(model, telling, "")
    fields = {"model": _real(model), "input": texts, "encoding_format": "float"}
    ignored = _ignored(request.options, keep_alive=request.keep_alive is not None)
    return Asked(model, telling, EMBEDDINGS, msgspec.json.encode(fields), dimensions=dimensions, ignored=ignored)


def _manner(request: Asking) -> dict[str, Any]:
    """How an answer of OpenAI's routes is to be."""
    stream = {"stream": True, "stream_options": {"include_usage": True}} if request.streams else {}
    return {**engine_options(request.options), **answer_format(request.format), **thinking(request), **stream}


def _asked(request: Asking, telling: Telling, path: str, fields: Mapping[str, Any]) -> Asked:
    model = request.wanted
    whole = {"model": _real(model), "stream": request.streams, **fields}
    ignored = _ignored(request.options, keep_alive=request.keep_alive is not None)
    if isinstance(request, Generate) and is_given(request.context):
        ignored = (*ignored, "context")
    return Asked(model, telling, path, msgspec.json.encode(whole), request.streams, ignored=ignored)


def _without_words(request: Asking, telling: Telling) -> Asked:
    """How programs have a model loaded, or put out of memory: that is left to the box, which others use as well."""
    model = request.wanted
    if _is_nought(request.keep_alive):
        return Asked(model, telling, "", stream=request.streams, reason="unload", ignored=("keep_alive",))
    fields = {"model": _real(model), "messages": [{"role": "user", "content": ""}]}
    ignored = _ignored(request.options, keep_alive=request.keep_alive is not None)
    return Asked(model, telling, LOAD, msgspec.json.encode(fields), request.streams, "load", ignored=ignored)


def _ignored(options: Mapping[str, Any] | None, *, keep_alive: bool) -> tuple[str, ...]:
    return (*ignored_options(options), *(("keep_alive",) if keep_alive else ()))


def _is_nought(keep_alive: float | str | None) -> bool:
    if isinstance(keep_alive, str):
        return keep_alive.strip().rstrip("hmsnu") == "0"
    return keep_alive == 0


def _real(model: str) -> str:
    """Programs for Ollama add a tag to every name; the table knows what to make of it, except here."""
    return AUTO if model == AUTO + LATEST else model
