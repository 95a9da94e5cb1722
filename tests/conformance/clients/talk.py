"""Talks to the API with one client and prints what came, as JSON: `python talk.py litellm|langchain URL MODEL`.

It runs in the environment of the clients, so it imports nothing of ours.
"""

from __future__ import annotations

import importlib
import json
import sys

if __name__ == "__main__":
    client, url, model = sys.argv[1:]
    module = importlib.import_module(f"with_{client}")
    print(json.dumps({name: ask(url, model) for name, ask in module.ASKED.items()}))
