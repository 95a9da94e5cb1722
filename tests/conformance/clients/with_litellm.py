"""LiteLLM: as OpenAI, and as Anthropic."""

from __future__ import annotations

from typing import Any

import litellm  # type: ignore[import-not-found]

QUESTION = [{"role": "user", "content": "What is 3 + 4?"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a town",
        "parameters": {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]},
    },
}


def _chat(url: str, model: str, **more: Any) -> Any:
    return litellm.completion(
        model=f"openai/{model}", api_base=f"{url}/v1", api_key="none", messages=QUESTION, temperature=0, **more
    )


def chat(url: str, model: str) -> Any:
    said = _chat(url, model)
    return [said.choices[0].message.content, said.choices[0].finish_reason, said.usage.completion_tokens]


def stream(url: str, model: str) -> Any:
    pieces = list(_chat(url, model, stream=True, stream_options={"include_usage": True}))
    text = "".join(choice.delta.content or "" for piece in pieces for choice in piece.choices)
    return [text, [piece.usage.completion_tokens for piece in pieces if getattr(piece, "usage", None)]]


def tools(url: str, model: str) -> Any:
    said = _chat(url, model, tools=[WEATHER], tool_choice="required", max_tokens=64)
    return [call.function.name for call in said.choices[0].message.tool_calls or []]


def embeddings(url: str, model: str) -> Any:
    said = litellm.embedding(
        model=f"openai/{model}",
        api_base=f"{url}/v1",
        api_key="none",
        input=["blue sky", "fish"],
    )
    return [len(entry["embedding"]) for entry in said.data]


def as_anthropic(url: str, model: str) -> Any:
    said = litellm.completion(
        model=f"anthropic/{model}", api_base=url, api_key="none", messages=QUESTION, temperature=0, max_tokens=16
    )
    return said.choices[0].message.content


def responses(url: str, model: str) -> Any:
    said = litellm.responses(
        model=f"openai/{model}", api_base=f"{url}/v1", api_key="none", input="What is 3 + 4?", temperature=0
    )
    return said.output_text


def refusal(url: str, _model: str) -> Any:
    try:
        _chat(url, "nothing")
    except litellm.NotFoundError as error:
        return error.status_code
    return None


ASKED = {
    "chat": chat,
    "stream": stream,
    "tools": tools,
    "embeddings": embeddings,
    "as_anthropic": as_anthropic,
    "responses": responses,
    "refusal": refusal,
}
