"""The choice of the model left to the box, and what a named model cannot take."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.routing.table import Route, RouteState
from tests.app.proxy.harness import MODEL, TALKS, Api, Engine, ready

CHAT = "/v1/chat/completions"
PICTURE = "data:image/png;base64,AAAA"
LIMITS: dict[str, Any] = {"temperature": 0, "max_tokens": 4}
PICTURED: dict[str, dict[str, Any]] = {
    CHAT: {
        "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PICTURE}}]}],
    },
    "/v1/responses": {
        "input": [{"role": "user", "content": [{"type": "input_image", "image_url": PICTURE}]}],
    },
    "/v1/messages": {
        "max_tokens": 4,
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                ],
            }
        ],
    },
}


def said(*texts: str, model: str | None = "auto") -> dict[str, Any]:
    roles = ("user", "assistant")
    messages = [{"role": roles[number % 2], "content": text} for number, text in enumerate(texts)]
    return LIMITS | {"messages": messages} | ({} if model is None else {"model": model})


@pytest.fixture
def two(api: Api, engine: Engine) -> Api:
    """Two names for one engine: which of them was chosen is all that is looked at."""
    api.serve(ready(engine.endpoint, "general-8B"), ready(engine.endpoint, "some-coder-7B"))
    return api


async def test_the_answer_names_the_choice_and_why(two: Api) -> None:
    """In its headers; the field `model` is the engine's own name."""
    answer = await two.post(CHAT, said("Write a Python function that sorts a list"))
    assert answer.headers["X-Meshbox-Model"] == "some-coder-7B"
    assert answer.headers["X-Meshbox-Route"] == "solo; auto: code (moderate), best suited of 2"


async def test_a_conversation_stays_with_its_model(two: Api) -> None:
    """The second turn goes where the first was answered, whatever it is about; another conversation does not."""
    first = "Write a Python function that sorts a list"
    await two.post(CHAT, said(first))
    answer = await two.post(CHAT, said(first, "Here it is.", "Thanks! Tell me a story"))
    other = await two.post(CHAT, said("Tell me a story"))
    assert answer.headers["X-Meshbox-Route"] == "solo; auto: as before in this conversation"
    assert [one.headers["X-Meshbox-Model"] for one in (answer, other)] == ["some-coder-7B", "general-8B"]


async def test_what_failed_is_not_remembered(two: Api) -> None:
    """A conversation that the model refused is chosen for anew."""
    bad = {**said("Write a Python function that sorts a list"), "response_format": {"type": "nonsense"}}
    assert (await two.post(CHAT, bad)).status == 400
    assert "best suited" in (await two.post(CHAT, said(bad["messages"][0]["content"]))).headers["X-Meshbox-Route"]


async def test_no_model_is_as_good_as_auto(api: Api) -> None:
    """An absent name leaves the choice to the box."""
    answer = await api.post(CHAT, said("Hello", model=None))
    assert (answer.json["model"], answer.headers["X-Meshbox-Route"]) == (
        MODEL,
        "solo; auto: the only model that can answer this",
    )


async def test_a_name_is_a_name(two: Api) -> None:
    """Never another model than the one asked for, however well that would suit."""
    answer = await two.post(CHAT, said("Write a Python function that sorts a list", model="general-8B"))
    told = (answer.headers["X-Meshbox-Model"], answer.headers["X-Meshbox-Route"])
    assert told == ("general-8B", "solo; asked for by name")


@pytest.mark.parametrize("path", PICTURED)
async def test_a_picture_for_a_model_that_cannot_see(api: Api, path: str) -> None:
    """A clear refusal, which names a model that can."""
    eyes = Route("with-eyes", RouteState.AVAILABLE, TALKS, modalities=("text", "image"))
    api.serve(*api.routes.values(), eyes)
    answer = await api.post(path, {**PICTURED[path], "model": MODEL})
    assert (answer.status, answer.code, answer.json["error"]["models"]) == (400, "unsupported_input", ["with-eyes"])
    assert answer.json["error"]["message"] == (
        f"The model {MODEL} does not take pictures. Ask for with-eyes, which can."
    )


async def test_a_picture_where_nobody_sees(api: Api) -> None:
    """Left to the box, it says that it has no such model."""
    answer = await api.post(CHAT, PICTURED[CHAT])
    assert (answer.status, answer.code) == (400, "unsupported_input")
    assert answer.json["error"]["message"].startswith("No model of this box takes pictures.")
