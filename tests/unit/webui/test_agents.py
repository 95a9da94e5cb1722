"""What people paste: right for each program, and harmless whatever a model is called."""

from __future__ import annotations

import ast
import json
import re
import shlex
import tomllib
from typing import Any

import pytest

from webui.views.agents import RECIPES, as_text
from webui.views.connect import OWN_KEY, Address, address
from webui.views.pasting import Recipe, Target

HOSTILE = "x'; touch /tmp/owned #\"$(id)`id`\\ ]]> é${HOME} 'y"
HERE = Address("http://192.168.1.5:9337", "192.168.1.5")


def recipe(agent: str, model: str = HOSTILE, reach: Address = HERE, context: int | None = 131_072) -> Recipe:
    return RECIPES[agent](Target(reach, model, context))


def words_of(text: str) -> tuple[dict[str, str], list[str]]:
    """A command as a shell reads it: variables, and words."""
    words = shlex.split(text.replace("\\\n", " "))
    count = next(i for i, word in enumerate(words) if not re.match(r"[A-Z_]+=", word))
    return dict(word.split("=", 1) for word in words[:count]), words[count:]


def test_claude_code_gets_every_variable() -> None:
    """Address without /v1, a key that overrides a login, and one model for all its sizes; in both forms the same."""
    made = recipe("claude-code")
    variables, words = words_of(made.steps[0].text)
    assert words == ["claude"]
    assert variables["ANTHROPIC_BASE_URL"] == "http://192.168.1.5:9337"
    models = {name for name, value in variables.items() if value == HOSTILE}
    assert {"ANTHROPIC_MODEL", "ANTHROPIC_SMALL_FAST_MODEL", "ANTHROPIC_DEFAULT_HAIKU_MODEL"} <= models
    assert json.loads(made.steps[1].text) == {"env": variables}
    assert words_of(made.check.text) == (variables, ["claude", "-p", "What is 3 + 4?"])


def test_codex_gets_a_provider_of_the_responses_api() -> None:
    """As options and as a file, with the same meaning."""
    made = recipe("codex")
    _, words = words_of(made.steps[0].text)
    options = tomllib.loads("\n".join(words[2::2]))
    assert (words[0], set(words[1::2])) == ("codex", {"-c"})
    assert options == tomllib.loads(made.steps[1].text)
    assert options["model"] == HOSTILE
    assert options["model_providers"]["meshbox"] == {
        "name": "Meshbox",
        "base_url": "http://192.168.1.5:9337/v1",
        "wire_api": "responses",
    }


def test_opencode_gets_a_provider() -> None:
    """As a variable and as a file."""
    made = recipe("opencode")
    variables, words = words_of(made.steps[0].text)
    config = json.loads(made.steps[1].text)
    assert (words, json.loads(variables["OPENCODE_CONFIG_CONTENT"])) == (["opencode"], config)
    assert config["provider"]["meshbox"]["options"]["baseURL"] == "http://192.168.1.5:9337/v1"
    assert (list(config["provider"]["meshbox"]["models"]), config["model"]) == ([HOSTILE], f"meshbox/{HOSTILE}")


def test_pi_gets_a_provider_with_the_context_of_the_model() -> None:
    """In its file of models."""
    made = recipe("pi")
    provider: dict[str, Any] = json.loads(made.steps[0].text)["providers"]["meshbox"]
    assert (provider["api"], provider["baseUrl"]) == ("openai-completions", "http://192.168.1.5:9337/v1")
    assert provider["models"] == [{"id": HOSTILE, "contextWindow": 131_072}]
    assert words_of(made.steps[1].text)[1] == ["pi", "--provider", "meshbox", "--model", HOSTILE]


def test_goose_gets_host_and_path_apart() -> None:
    """It puts the two together itself."""
    variables, words = words_of(recipe("goose").steps[0].text)
    assert (variables["OPENAI_HOST"], variables["OPENAI_BASE_PATH"]) == (HERE.root, "v1/chat/completions")
    assert (variables["GOOSE_MODEL"], words) == (HOSTILE, ["goose", "session"])


@pytest.mark.parametrize(
    ("reach", "url", "hosts"),
    [
        (HERE, "http://192.168.1.5:9337/v1", 0),
        (address("localhost:3131", 9337), "http://host.docker.internal:9337/v1", 1),
        (address("[::1]:3131", 9337), "http://host.docker.internal:9337/v1", 1),
    ],
)
def test_open_webui_finds_the_box_out_of_its_container(reach: Address, url: str, hosts: int) -> None:
    """There, localhost would be the container itself."""
    _, words = words_of(recipe("open-webui", reach=reach).steps[0].text)
    assert f"OPENAI_API_BASE_URL={url}" in words
    assert len([word for word in words if word.startswith("--add-host=")]) == hosts


def test_the_python_program_is_python() -> None:
    """With address and model as they are."""
    program = ast.parse(recipe("openai-python").steps[1].text)
    values = {node.value for node in ast.walk(program) if isinstance(node, ast.Constant)}
    assert {HOSTILE, "http://192.168.1.5:9337/v1"} <= values


def test_the_node_program_holds_json_strings() -> None:
    """Which are strings of JavaScript too."""
    found = re.search(r"model: (\".*\"),\n", recipe("openai-node").steps[1].text)
    assert found is not None
    assert json.loads(found[1]) == HOSTILE


@pytest.mark.parametrize("agent", list(RECIPES))
def test_every_recipe_is_complete(agent: str) -> None:
    """What it uses, at least one text to paste, a check; nothing sends the reader to another site."""
    made = recipe(agent, "plain-model")
    assert made.id == agent
    assert made.uses.startswith("/v1/")
    assert all(step.words and step.text for step in (*made.steps, made.check))
    text = as_text(made)
    assert set(re.findall(r"https?://[^/\s:\"']+", text)) <= {"http://192.168.1.5"}
    assert "plain-model" in text


def test_a_model_with_too_little_room_for_agents_is_told() -> None:
    """Before somebody wonders about an error."""
    assert "1,024 tokens" in recipe("codex", context=1024).notes[-1]
    assert recipe("claude-code").notes == ()
    assert recipe("claude-code", context=None).notes == ()


@pytest.mark.parametrize("agent", list(RECIPES))
def test_a_box_that_asks_for_a_key_has_a_place_for_it(agent: str) -> None:
    """In every text that reaches it; as long as none is needed, nobody is told to fill one in."""
    closed = RECIPES[agent](Target(HERE, "plain-model", needs_key=True))
    assert OWN_KEY in as_text(closed)
    assert "any word" not in as_text(closed)
    assert OWN_KEY not in as_text(recipe(agent, "plain-model"))


def test_codex_finds_the_key_in_a_variable() -> None:
    """The one that its provider names, in both forms."""
    made = RECIPES["codex"](Target(HERE, HOSTILE, needs_key=True))
    for step in (made.steps[0], made.check):
        variables, words = words_of(step.text)
        options = tomllib.loads("\n".join(word for word in words if "=" in word))
        assert options["model_providers"]["meshbox"]["env_key"] in variables
    lasting = tomllib.loads(made.steps[1].text)
    assert lasting["model_providers"]["meshbox"]["env_key"] == "MESHBOX_API_KEY"
