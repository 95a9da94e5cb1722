"""Ollama's own client."""

from __future__ import annotations

from typing import Any

import ollama  # type: ignore[import-not-found]

QUESTION = [{"role": "user", "content": "What is 3 + 4?"}]
COLD = {"temperature": 0, "num_predict": 64}


def get_weather(city: str) -> str:
    """Get the weather of a city.

    Args:
      city: name of the city
    """
    return city


def models(url: str, model: str) -> Any:
    client = ollama.Client(url)
    return [
        [entry.model for entry in client.list().models],
        [entry.model for entry in client.ps().models],
        client.show(model).capabilities,
    ]


def chat(url: str, model: str) -> Any:
    said = ollama.Client(url).chat(model, QUESTION, options=COLD)
    return [said.message.content, said.done_reason, said.eval_count]


def stream(url: str, model: str) -> Any:
    pieces = list(ollama.Client(url).chat(model, QUESTION, options=COLD, stream=True))
    return ["".join(piece.message.content for piece in pieces), pieces[-1].done_reason, pieces[-1].eval_count]


def generate(url: str, model: str) -> Any:
    client, prompt = ollama.Client(url), QUESTION[0]["content"]
    pieces = client.generate(model, prompt, options=COLD, stream=True)
    return [client.generate(model, prompt, options=COLD).response, "".join(piece.response for piece in pieces)]


def tools(url: str, model: str) -> Any:
    client, asked = ollama.Client(url), [{"role": "user", "content": "What is the weather in Sofia?"}]
    called = client.chat(model, asked, tools=[get_weather], options=COLD).message
    told = [*asked, called, {"role": "tool", "tool_name": "get_weather", "content": "rain"}]
    said = client.chat(model, told, tools=[get_weather], options=COLD).message
    return [[[call.function.name, dict(call.function.arguments)] for call in called.tool_calls], said.content]


def embeddings(url: str, model: str) -> Any:
    client = ollama.Client(url)
    found = client.embed(model, ["blue sky", "fish"]).embeddings
    return [len(vector) for vector in (*found, client.embeddings(model, "fish").embedding)]


def loading(url: str, model: str) -> Any:
    client = ollama.Client(url)
    return [client.generate(model).done_reason, client.generate(model, keep_alive=0).done_reason]


def refusals(url: str, _model: str) -> Any:
    client = ollama.Client(url)
    told = []
    for ask in (lambda: client.chat("nothing-like-it", QUESTION), lambda: list(client.pull("llama3.2", stream=True))):
        try:
            ask()
        except ollama.ResponseError as error:
            told.append(error.status_code)
    return told


ASKED = {
    "models": models,
    "chat": chat,
    "stream": stream,
    "generate": generate,
    "tools": tools,
    "embeddings": embeddings,
    "loading": loading,
    "refusals": refusals,
}
