"""The texts of the connect page, used as they stand against a real box."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import anthropic
import httpx
import openai
import pytest

from tests.live.box import Box

pytestmark = pytest.mark.live

QUESTION = "What is 3 + 4?"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with Box(tmp_path_factory.mktemp("box")) as one:
        one.wait_ready()
        yield one


def text_of(box: Box, agent: str) -> str:
    answer = box.manage("GET", f"/connect/{agent}")
    assert answer.status == 200
    return answer.body.decode()


def after(text: str, words: str) -> str:
    """What stands below a line of words, up to the next empty line that ends it."""
    return re.split(re.escape(words) + r"[^\n]*\n\n", text)[1]


def json_in(text: str) -> dict[str, object]:
    return dict(json.JSONDecoder().raw_decode(text[text.index("{\n") :])[0])


def run(command: list[str], folder: Path) -> str:
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=50, check=False)
    assert said.returncode == 0, said.stderr
    return said.stdout


def test_the_python_program_runs(box: Box, tmp_path: Path) -> None:
    """Saved as the page says, it prints an answer."""
    program = after(text_of(box, "openai-python"), "Save this as ask.py").split("\n\nIt prints")[0]
    (tmp_path / "ask.py").write_text(program)
    assert "7" in run([sys.executable, "ask.py"], tmp_path)


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
def test_the_curl_lines_run(box: Box, tmp_path: Path) -> None:
    """Pasted into a shell."""
    text = text_of(box, "curl")
    answer = json.loads(run(["sh", "-c", after(text, "Ask a question").split("\n\n")[0]], tmp_path))
    assert "7" in answer["choices"][0]["message"]["content"]
    listed = json.loads(run(["sh", "-c", after(text, "The models that answer").strip()], tmp_path))
    assert answer["model"] in [model["id"] for model in listed["data"]]


def test_the_values_for_claude_code_answer(box: Box) -> None:
    """As its own library uses them: address, token and model."""
    variables = json_in(text_of(box, "claude-code"))["env"]
    assert isinstance(variables, dict)
    client = anthropic.Anthropic(
        base_url=variables["ANTHROPIC_BASE_URL"], auth_token=variables["ANTHROPIC_AUTH_TOKEN"], api_key=None
    )
    with client:
        for name in ("ANTHROPIC_MODEL", "ANTHROPIC_SMALL_FAST_MODEL"):
            said = client.messages.create(
                model=variables[name], max_tokens=8, messages=[{"role": "user", "content": QUESTION}]
            )
            assert "7" in str(said.content)


def test_the_values_for_codex_answer(box: Box) -> None:
    """By the Responses API, streamed, as Codex asks."""
    text = after(text_of(box, "codex"), "Or for good").split("\n\nIt answers")[0]
    config = tomllib.loads(text)
    provider = config["model_providers"][config["model_provider"]]
    with openai.OpenAI(base_url=provider["base_url"], api_key="none") as client:
        stream = client.responses.create(model=config["model"], input=QUESTION, stream=True)
        assert "7" in "".join(event.delta for event in stream if event.type == "response.output_text.delta")


def test_the_values_for_opencode_and_pi_answer(box: Box) -> None:
    """By the chat API, streamed."""
    opencode = json_in(text_of(box, "opencode"))
    provider = opencode["provider"]["meshbox"]  # type: ignore[index]
    pi = json_in(text_of(box, "pi"))["providers"]["meshbox"]  # type: ignore[index]
    wanted = [
        (provider["options"]["baseURL"], provider["options"]["apiKey"], next(iter(provider["models"]))),
        (pi["baseUrl"], pi["apiKey"], pi["models"][0]["id"]),
    ]
    for url, key, model in wanted:
        with openai.OpenAI(base_url=url, api_key=key) as client:
            stream = client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": QUESTION}], stream=True
            )
            assert "7" in "".join(c.delta.content or "" for chunk in stream for c in chunk.choices)


def test_the_values_for_goose_answer(box: Box) -> None:
    """Host and path as Goose puts them together."""
    variables = dict(re.findall(r"^([A-Z_]+)=(\S+) \\$", text_of(box, "goose"), re.MULTILINE))
    url = f"{variables['OPENAI_HOST']}/{variables['OPENAI_BASE_PATH']}"
    body = {"model": variables["GOOSE_MODEL"], "messages": [{"role": "user", "content": QUESTION}]}
    answer = httpx.post(url, json=body, headers={"Authorization": f"Bearer {variables['OPENAI_API_KEY']}"}, timeout=30)
    assert "7" in answer.json()["choices"][0]["message"]["content"]
