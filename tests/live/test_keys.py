"""API keys of a real box, by the official clients, over a restart."""

from __future__ import annotations

from pathlib import Path

import anthropic
import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionUserMessageParam

from tests.live.box import SELF_TEST_MODEL, Box

pytestmark = pytest.mark.live

QUESTION = "What is 3 + 4?"


def make(box: Box, **fields: object) -> str:
    answer = box.manage("POST", "/api/keys", fields)
    assert answer.status == 201, answer.body
    secret: str = answer.json["secret"]
    return secret


def close(box: Box) -> None:
    assert box.manage("PATCH", "/api/settings", {"api": {"require_key": True}}).status == 200


def client(box: Box, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=box.api_url + "/v1", api_key=key, max_retries=0)


def ask(openai_client: openai.OpenAI, *, stream: bool = False) -> str:
    messages = [ChatCompletionUserMessageParam(role="user", content=QUESTION)]
    if not stream:
        whole = openai_client.chat.completions.create(model=SELF_TEST_MODEL, messages=messages)
        return str(whole.choices[0].message.content)
    chunks = openai_client.chat.completions.create(model=SELF_TEST_MODEL, messages=messages, stream=True)
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def test_a_closed_box_answers_its_keys_and_nobody_else(tmp_path: Path) -> None:
    """Limits and use hold over a restart; the chat of the page needs no key; a revoked key is refused."""
    with Box(tmp_path) as box:
        box.wait_ready()
        secret = make(box, name="Laptop", tokens_per_day=1000)
        close(box)
        with client(box, "sk-none") as stranger, pytest.raises(openai.AuthenticationError):
            ask(stranger)
        with client(box, secret) as known:
            assert ask(known) == ask(known, stream=True) == "7"
        said = anthropic.Anthropic(base_url=box.api_url, api_key=secret).messages.create(
            model=SELF_TEST_MODEL, max_tokens=8, messages=[{"role": "user", "content": QUESTION}]
        )
        assert "7" in str(said.content)
        relayed = box.manage(
            "POST", "/api/openai/v1/chat/completions", {"messages": [{"role": "user", "content": QUESTION}]}
        )
        assert relayed.status == 200
        (key,) = box.manage("GET", "/api/keys").json["keys"]
        assert key["today"]["requests"] == 3
        used = key["today"]["tokens"]
        assert used["in"] >= 3 * 18
        assert used["out"] >= 3 * 2
        assert not [line for line in box.lines if secret in line]
        box.stop()
        box.start()
        box.wait_ready()
        (again,) = box.manage("GET", "/api/keys").json["keys"]
        assert (again["today"]["tokens"], again["used_at"]) == (used, key["used_at"])
        assert httpx.get(box.api_url + "/v1/models").status_code == 401
        assert httpx.get(box.api_url + "/v1/models", headers={"x-api-key": secret}).status_code == 200
        box.manage("PATCH", f"/api/keys/{key['id']}", {"tokens_per_day": 1})
        with client(box, secret) as known, pytest.raises(openai.RateLimitError) as limited:
            ask(known)
        assert limited.value.code == "rate_limit_exceeded"
        assert box.manage("DELETE", f"/api/keys/{key['id']}").status == 204
        with client(box, secret) as known, pytest.raises(openai.AuthenticationError):
            ask(known)
