"""Stands in for llama-server in the engine's own tests: runs it with our models in place of those of the hub.

Direct, it becomes the engine. Through, it has the nursery start the engine and the API in front of it, and lives as
long as both do. It starts a few hundred times, so it imports nothing that takes time.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
FIXTURES = REPOSITORY / "tests" / "fixtures" / "models"
TALKER = REPOSITORY / "appliance" / "models" / "bundled" / "mesh-tiny-dense-Q8_0.gguf"
SEER = (str(FIXTURES / "mesh-tiny-second-Q8_0.gguf"), "--mmproj", str(FIXTURES / "mmproj-mesh-tiny-second-F16.gguf"))
QUICK = ("--no-warmup", "--threads", "1", "--threads-batch", "1")  # with a model so small, two wait for each other
TALKATIVE = ("--logit-bias", "0-30", "--logit-bias", "2-30")  # the tests want answers that go on until they are cut
EMBEDS = ("--pooling", "mean")  # an embedding model says so itself; ours is none
FILLS = tuple(
    word for part in ("pre", "suf", "mid") for word in ("--override-kv", f"tokenizer.ggml.fim_{part}_token_id=int:3")
)
OURS: dict[str, tuple[str, ...]] = {
    "ggml-org/test-model-stories260K": (str(TALKER), *TALKATIVE),
    "ggml-org/test-model-stories260K-infill": (str(TALKER), *TALKATIVE, *FILLS),
    "ggml-org/models/bert-bge-small/ggml-model-f16.gguf": (str(TALKER), *EMBEDS),
    "ggml-org/models/jina-reranker-v1-tiny-en/ggml-model-f16.gguf": (str(TALKER),),
    "ggml-org/stories15M_MOE/stories15M_MOE-F16.gguf": (str(FIXTURES / "mesh-tiny-moe-Q8_0.gguf"),),
    "ggml-org/tinygemma3-GGUF:Q8_0": (*SEER, *TALKATIVE),
}
ENGINE, NURSERY = "CONFORMANCE_ENGINE", "CONFORMANCE_NURSERY"


def with_our_model(arguments: Sequence[str]) -> list[str]:
    """The command line without the hub. What is given later counts, so a test's own pooling wins."""
    named, rest = {"--hf-repo": "", "--hf-file": ""}, []
    words = iter(arguments)
    for word in words:
        if word in named:
            named[word] = next(words)
        else:
            rest.append(word)
    wanted = "/".join(filter(None, named.values()))
    if not wanted:
        return rest
    if wanted not in OURS:
        raise SystemExit(f"there is no model of ours in place of {wanted}")
    return ["--model", *OURS[wanted], *QUICK, *rest]


def becomes_router(arguments: Iterable[str]) -> bool:
    """Without a model the engine starts others of its kind, which no box has it do."""
    return "--model" not in arguments


def stay(nursery: str, arguments: list[str]) -> int:
    """Asks for the engine and the API, and waits for the end: ours, or theirs."""
    environment = {name: value for name, value in os.environ.items() if name.startswith(("LLAMA_", "AIP_"))}
    asked = {"arguments": arguments, "environment": environment, "folder": str(Path.cwd())}
    told: list[int] = []
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(nursery)

        def leave(number: int, _frame: object) -> None:
            told.append(number)
            line.shutdown(socket.SHUT_WR)

        signal.signal(signal.SIGTERM, leave)
        line.sendall(json.dumps(asked).encode() + b"\n")
        while line.recv(1024):
            pass
    return 0 if told else 1


def main() -> None:
    arguments, nursery = with_our_model(sys.argv[1:]), os.environ.get(NURSERY)
    if nursery and not becomes_router(arguments):
        sys.exit(stay(nursery, arguments))
    engine = os.environ[ENGINE]
    os.execv(engine, [engine, *arguments])


if __name__ == "__main__":
    main()
