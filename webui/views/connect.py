"""How programs reach the API."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

from appliance.node.serving import ServingState
from appliance.run_loop import Outlook


@dataclass(frozen=True, slots=True)
class Connection:
    """How programs reach the API, with the address that this browser used."""

    base_url: str
    curl: str


def connection(host_header: str, api_port: int, model: str) -> Connection:
    """What is shown is pasted into a shell: a model's name must not become a command."""
    base = f"http://{_without_port(host_header)}:{api_port}/v1"
    body = shlex.quote(json.dumps({"model": model, "messages": [{"role": "user", "content": "What is 3 + 4?"}]}))
    url = shlex.quote(f"{base}/chat/completions")
    curl = f"curl {url} \\\n  -H 'Content-Type: application/json' \\\n  -d {body}"
    return Connection(base, curl)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def example_model(outlook: Outlook) -> str:
    """A name to show in examples: one that answers, if there is one."""
    entries = outlook.decision.serving
    ready = [entry.model for entry in entries if entry.state is ServingState.READY]
    return (ready or [entry.model for entry in entries] or ["MODEL"])[0]
