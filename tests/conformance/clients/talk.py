"""Talks to the API with one client and prints what came, as JSON: `python talk.py litellm|langchain|ollama URL MODEL`.

It runs in the environment of the clients, so it imports nothing of ours.
"""

from __future__ import annotations

import importlib
import json
import sys
import traceback
from collections.abc import Callable
from typing import Any


def outcome(ask: Callable[[str, str], Any], url: str, model: str) -> Any:
    try:
        return ask(url, model)
    except Exception as error:  # noqa: BLE001 - one thing that a client cannot do hides no other
        traceback.print_exc()
        return f"{type(error).__name__}: {error}"


def main() -> None:
    client, url, model = sys.argv[1:]
    asked = importlib.import_module(f"with_{client}").ASKED
    print(json.dumps({name: outcome(ask, url, model) for name, ask in asked.items()}))


if __name__ == "__main__":
    main()
