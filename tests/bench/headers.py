"""How long our reader takes for the header of a model, beside the `gguf` package, and how little of a file it needs."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf

from appliance.models.gguf_header import Truncated, read_header
from appliance.models.peek import FIRST_READ, GROWTH, MOST
from tests.bench.report import Result, median
from tests.unit.models.gguf_files import BUNDLED, write_gguf

VOCABULARY, LETTERS, LONGEST = 152_000, 256, 24
ROUNDS, ORACLE_ROUNDS = 15, 1  # the oracle takes its time
BAR_S = 0.1


async def bench() -> Result:
    return await asyncio.to_thread(_bench)


def _bench() -> Result:
    with tempfile.TemporaryDirectory() as folder:
        large = write_large(Path(folder) / "large.gguf")
        small = BUNDLED / "mesh-tiny-dense-Q8_0.gguf"
        ours = _times(lambda: read_header(large.read_bytes()), ROUNDS)
        rows = [
            _row("large: gguf", _times(lambda: gguf.GGUFReader(large), ORACLE_ROUNDS), ours),
            _row("large: ours", ours, ours),
            _row("large: ours, reading on as needed", _times(lambda: read_beginning(large), ROUNDS), ours),
        ]
        little = _times(lambda: read_header(small.read_bytes()), ROUNDS)
        rows.append(_row("bundled: gguf", _times(lambda: gguf.GGUFReader(small), ROUNDS), little))
        rows.append(_row("bundled: ours", little, little))
        reads, size = read_beginning(large)
        note = f"reading on as needed: {reads} reads, {size >> 10} of {large.stat().st_size >> 10} KiB"
    title = f"the header of a model; the large one has {VOCABULARY} tokens"
    return Result("headers", title, rows, f"large: p50 < {BAR_S * 1000:.0f} ms", median(ours) < BAR_S, (note,))


def write_large(path: Path) -> Path:
    """Tokens as a tokenizer has them: each is made of two earlier ones, and the merges say of which."""
    chance = random.Random(1)
    tokens = [chr(0x100 + number) for number in range(LETTERS)]
    merges, known = [], set(tokens)
    while len(tokens) < VOCABULARY:
        first, second = chance.choice(tokens), chance.choice(tokens)
        if len(first + second) <= LONGEST and first + second not in known:
            known.add(first + second)
            tokens.append(first + second)
            merges.append(f"{first} {second}")
    metadata = {"tokens": tokens, "token_type": [1] * len(tokens), "merges": merges}
    return write_gguf(path, {f"tokenizer.ggml.{key}": value for key, value in metadata.items()})


def read_beginning(path: Path) -> tuple[int, int]:
    """As a file elsewhere is read: a little, then more while it is not enough. How often, and how much of it."""
    data, wanted, reads = b"", FIRST_READ, 0
    with path.open("rb") as file:
        while True:
            data, reads = data + file.read(wanted - len(data)), reads + 1
            try:
                read_header(data)
            except Truncated as error:
                wanted = min(max(error.needed, wanted * GROWTH), MOST)
            else:
                return reads, len(data)


def _times(work: Callable[[], object], rounds: int) -> list[float]:
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return times


def _row(what: str, times: list[float], ours: list[float]) -> dict[str, Any]:
    return {
        "what": what,
        "p50 ms": median(times) * 1000,
        "least ms": min(times) * 1000,
        "most ms": max(times) * 1000,
        "x ours": median(times) / median(ours),
        "rounds": len(times),
    }
