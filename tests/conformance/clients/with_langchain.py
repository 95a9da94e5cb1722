"""LangChain's client of OpenAI."""

from __future__ import annotations

from typing import Any

from langchain_openai import ChatOpenAI, OpenAIEmbeddings  # type: ignore[import-not-found]

QUESTION = "What is 3 + 4?"


def weather(town: str) -> str:
    """The weather in a town."""
    return f"sunny in {town}"


def _model(url: str, model: str, **more: Any) -> ChatOpenAI:
    return ChatOpenAI(base_url=f"{url}/v1", api_key="none", model=model, temperature=0, max_retries=0, **more)


def chat(url: str, model: str) -> Any:
    said = _model(url, model).invoke(QUESTION)
    return [said.text, said.response_metadata["finish_reason"], said.usage_metadata["output_tokens"]]


def stream(url: str, model: str) -> Any:
    pieces = list(_model(url, model, stream_usage=True).stream(QUESTION))
    used = [piece.usage_metadata["output_tokens"] for piece in pieces if piece.usage_metadata]
    return ["".join(piece.text for piece in pieces), used]


def tools(url: str, model: str) -> Any:
    bound = _model(url, model, max_tokens=64).bind_tools([weather], tool_choice="required")
    return [call["name"] for call in bound.invoke(QUESTION).tool_calls]


def embeddings(url: str, model: str) -> Any:
    # What has no tokenizer at hand sends text; the usual check of the length would fetch OpenAI's.
    client = OpenAIEmbeddings(base_url=f"{url}/v1", api_key="none", model=model, check_embedding_ctx_length=False)
    return [len(vector) for vector in client.embed_documents(["blue sky", "fish"])]


def responses(url: str, model: str) -> Any:
    return _model(url, model, use_responses_api=True).invoke(QUESTION).text


ASKED = {"chat": chat, "stream": stream, "tools": tools, "embeddings": embeddings, "responses": responses}
