"""What to paste where, so that a program uses this box. Checked against the programs' versions of November 2026."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from webui.views.connect import curl_command
from webui.views.pasting import Recipe, Step, Target, json_line, json_text, shell, toml

QUESTION = "What is 3 + 4?"
CODEX_KEY = "MESHBOX_API_KEY"
GOOSE_APP = (
    "In the Goose app: Settings, Models, Configure providers, OpenAI; then enter this as host, and any word as key."
)
GOOSE_APP_KEY = (
    "In the Goose app: Settings, Models, Configure providers, OpenAI; then enter this as host, and a key of this box "
    "as key."
)
OPEN_WEBUI_RUNS = (
    "One that runs already: Admin Panel, Settings, Connections, add an OpenAI API connection with this address and "
    "any word as key."
)
OPEN_WEBUI_RUNS_KEY = (
    "One that runs already: Admin Panel, Settings, Connections, add an OpenAI API connection with this address and a "
    "key of this box as key."
)


def claude_code(target: Target) -> Recipe:
    model = target.model
    variables = {
        "ANTHROPIC_BASE_URL": target.address.root,
        "ANTHROPIC_AUTH_TOKEN": target.key,
        "ANTHROPIC_MODEL": model,
        "ANTHROPIC_DEFAULT_OPUS_MODEL": model,
        "ANTHROPIC_DEFAULT_SONNET_MODEL": model,
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": model,
        "ANTHROPIC_SMALL_FAST_MODEL": model,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    return Recipe(
        id="claude-code",
        name="Claude Code",
        uses="/v1/messages",
        about="The variables send Claude Code to this box, with one model for its large and its small tasks.",
        steps=(
            Step("Start it like this:", shell("claude", variables=variables)),
            Step(
                "Or for good: put this into .claude/settings.json in your home folder, beside what is there.",
                json_text({"env": variables}),
            ),
        ),
        check=Step("It answers when you run:", shell("claude", "-p", QUESTION, variables=variables)),
        notes=_room(target),
    )


def codex(target: Target) -> Recipe:
    model, v1 = toml(target.model), toml(target.address.v1)
    own = f', env_key = "{CODEX_KEY}"' if target.needs_key else ""
    provider = f'{{ name = "Meshbox", base_url = {v1}, wire_api = "responses"{own} }}'
    variables = {CODEX_KEY: target.key} if target.needs_key else {}
    options = (
        "-c", f"model={model}",
        "-c", 'model_provider="meshbox"',
        "-c", f"model_providers.meshbox={provider}",
    )  # fmt: skip
    lasting = (
        f'model = {model}\nmodel_provider = "meshbox"\n\n'
        f'[model_providers.meshbox]\nname = "Meshbox"\nbase_url = {v1}\nwire_api = "responses"'
    ) + (f'\nenv_key = "{CODEX_KEY}"' if target.needs_key else "")
    return Recipe(
        id="codex",
        name="Codex",
        uses="/v1/responses",
        about="Codex learns of this box as one more provider of models.",
        steps=(
            Step("Start it like this:", shell("codex", *options, variables=variables)),
            Step(
                "Or for good: put this at the top of .codex/config.toml in your home folder, then start codex.", lasting
            ),
        ),
        check=Step(
            "It answers when you run:",
            shell("codex", "exec", "--skip-git-repo-check", *options, QUESTION, variables=variables),
        ),
        notes=(
            "Codex warns that it has no metadata of the model; that does no harm.",
            *_codex_key(target),
            *_room(target),
        ),
    )


def _codex_key(target: Target) -> tuple[str, ...]:
    said = f"With the file, Codex takes the key of this box from the variable {CODEX_KEY}."
    return (said,) if target.needs_key else ()


def opencode(target: Target) -> Recipe:
    config = {
        "provider": {
            "meshbox": {
                "npm": "@ai-sdk/openai-compatible",
                "name": "Meshbox",
                "options": {"baseURL": target.address.v1, "apiKey": target.key},
                "models": {target.model: {"name": target.model}},
            }
        },
        "model": f"meshbox/{target.model}",
    }
    variables = {"OPENCODE_CONFIG_CONTENT": json_line(config)}
    return Recipe(
        id="opencode",
        name="OpenCode",
        uses="/v1/chat/completions",
        about="OpenCode learns of this box as one more provider of models.",
        steps=(
            Step("Start it like this:", shell("opencode", variables=variables)),
            Step(
                "Or for good: put this into .config/opencode/opencode.json in your home folder, or into opencode.json "
                "of a project.",
                json_text(config),
            ),
        ),
        check=Step("It answers when you run:", shell("opencode", "run", QUESTION, variables=variables)),
        notes=_room(target),
    )


def pi(target: Target) -> Recipe:
    provider = {
        "baseUrl": target.address.v1,
        "api": "openai-completions",
        "apiKey": target.key,
        "compat": {"supportsDeveloperRole": False, "supportsReasoningEffort": False},
        "models": [{"id": target.model} | ({"contextWindow": target.context} if target.context else {})],
    }
    options = ("--provider", "meshbox", "--model", target.model)
    return Recipe(
        id="pi",
        name="pi",
        uses="/v1/chat/completions",
        about="pi reads the providers that it knows from a file.",
        steps=(
            Step(
                "Put this into .pi/agent/models.json in your home folder:",
                json_text({"providers": {"meshbox": provider}}),
            ),
            Step("Then start it like this:", shell("pi", *options)),
        ),
        check=Step("It answers when you run:", shell("pi", *options, "-p", QUESTION)),
        notes=_room(target),
    )


def goose(target: Target) -> Recipe:
    variables = {
        "GOOSE_PROVIDER": "openai",
        "OPENAI_HOST": target.address.root,
        "OPENAI_BASE_PATH": "v1/chat/completions",
        "OPENAI_API_KEY": target.key,
        "GOOSE_MODEL": target.model,
    }
    return Recipe(
        id="goose",
        name="Goose",
        uses="/v1/chat/completions",
        about="The variables let Goose take this box for its OpenAI provider.",
        steps=(
            Step("Start it like this:", shell("goose", "session", variables=variables)),
            Step(
                GOOSE_APP_KEY if target.needs_key else GOOSE_APP,
                target.address.root,
            ),
        ),
        check=Step("It answers when you run:", shell("goose", "run", "-t", QUESTION, variables=variables)),
        notes=_room(target),
    )


def open_webui(target: Target) -> Recipe:
    inside = target.address.only_here
    host = f"http://host.docker.internal:{target.address.root.rpartition(':')[2]}/v1" if inside else target.address.v1
    found = ("--add-host=host.docker.internal:host-gateway",) if inside else ()
    command = (
        "docker", "run", "-d", "--name", "open-webui", "-p", "3000:8080", *found,
        "-v", "open-webui:/app/backend/data",
        "-e", f"OPENAI_API_BASE_URL={host}", "-e", f"OPENAI_API_KEY={target.key}", "-e", "ENABLE_OLLAMA_API=false",
        "ghcr.io/open-webui/open-webui:main",
    )  # fmt: skip
    return Recipe(
        id="open-webui",
        name="Open WebUI",
        uses="/v1/chat/completions",
        about="Open WebUI shows every model of this box in its list.",
        steps=(
            Step("A new one starts like this, and is then found on port 3000:", shell(*command)),
            Step(
                OPEN_WEBUI_RUNS_KEY if target.needs_key else OPEN_WEBUI_RUNS,
                host,
            ),
        ),
        check=Step("It works when this model is in its list of models:", target.model),
        notes=("The variables count at its very first start; later the connections are changed on its own page.",),
    )


def curl(target: Target) -> Recipe:
    own = target.key if target.needs_key else None
    sent = ("-H", f"Authorization: Bearer {own}") if own else ()
    return Recipe(
        id="curl",
        name="curl",
        uses="/v1/chat/completions",
        about="One question from a terminal, with nothing to install.",
        steps=(Step("Ask a question:", curl_command(target.address.v1, target.model, own)),),
        check=Step("The models that answer are listed by:", shell("curl", *sent, f"{target.address.v1}/models")),
    )


def openai_python(target: Target) -> Recipe:
    program = (
        "from openai import OpenAI\n\n"
        f"client = OpenAI(base_url={target.address.v1!r}, api_key={target.key!r})\n"
        "answer = client.chat.completions.create(\n"
        f"    model={target.model!r},\n"
        f'    messages=[{{"role": "user", "content": {json.dumps(QUESTION)}}}],\n'
        ")\n"
        "print(answer.choices[0].message.content)"
    )
    return Recipe(
        id="openai-python",
        name="openai for Python",
        uses="/v1/chat/completions",
        about="The official OpenAI package; client.responses.create works as well.",
        steps=(
            Step("Install it:", shell("pip", "install", "openai")),
            Step("Save this as ask.py:", program),
        ),
        check=Step("It prints an answer when you run:", shell("python", "ask.py")),
    )


def openai_node(target: Target) -> Recipe:
    address = json.dumps(target.address.v1)
    program = (
        'import OpenAI from "openai";\n\n'
        f"const client = new OpenAI({{ baseURL: {address}, apiKey: {json.dumps(target.key)} }});\n"
        "const answer = await client.chat.completions.create({\n"
        f"  model: {json.dumps(target.model)},\n"
        f'  messages: [{{ role: "user", content: {json.dumps(QUESTION)} }}],\n'
        "});\n"
        "console.log(answer.choices[0].message.content);"
    )
    return Recipe(
        id="openai-node",
        name="openai for Node.js",
        uses="/v1/chat/completions",
        about="The official OpenAI package; client.responses.create works as well.",
        steps=(
            Step("Install it:", shell("npm", "install", "openai")),
            Step("Save this as ask.mjs:", program),
        ),
        check=Step("It prints an answer when you run:", shell("node", "ask.mjs")),
    )


RECIPES: Mapping[str, Callable[[Target], Recipe]] = {
    "claude-code": claude_code,
    "codex": codex,
    "opencode": opencode,
    "goose": goose,
    "pi": pi,
    "open-webui": open_webui,
    "curl": curl,
    "openai-python": openai_python,
    "openai-node": openai_node,
}

AGENT_PROMPT = 16_384  # coding agents send 3,000 to 10,000 tokens before the first word of a person


def _room(target: Target) -> tuple[str, ...]:
    if target.context is None or target.context >= AGENT_PROMPT:
        return ()
    sentence = (
        "This model takes {count:,} tokens at once. Coding agents send several thousand before your first word: choose "
        "a model with a longer context for them."
    )
    return (sentence.format(count=target.context),)


def as_text(recipe: Recipe) -> str:
    """The same as plain text."""
    head = f"{recipe.name} with this Meshbox (uses {recipe.uses})\n\n{recipe.about}\n"
    steps = "".join(f"\n{step.words}\n\n{step.text}\n" for step in (*recipe.steps, recipe.check))
    notes = "".join(f"\n{note}\n" for note in recipe.notes)
    return head + steps + notes
