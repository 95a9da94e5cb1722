"""Runs the layers of the tests and says how long each took: `python -m tests.tools.layers [layer…] [--with layer]`.

Every layer runs, also after one failed: the whole picture at once. What needs only the processor runs side by side;
real boxes, the browser and containers have deadlines and run alone.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

BIN = Path(sys.executable).parent
LINT = (
    (str(BIN / "ruff"), "check", "."),
    (str(BIN / "ruff"), "format", "--check", "."),
    (str(BIN / "lint-imports"), "--no-cache"),
    (str(BIN / "mypy"),),
)


def pytest(*folders: str) -> tuple[tuple[str, ...], ...]:
    return ((sys.executable, "-m", "pytest", "--durations=5", "--durations-min=2", *folders),)


LAYERS = {
    "lint": LINT,
    "unit": pytest("tests/unit", "tests/app", "tests/tools"),
    "sim": pytest("tests/sim"),
    "native": pytest("tests/native"),
    "live": pytest("tests/live"),
    "conformance": pytest("tests/conformance"),
    "browser": pytest("tests/browser"),
    "image": pytest("tests/image"),
}
USUAL = ("lint", "unit", "sim", "native", "live", "conformance", "browser")
SIDE_BY_SIDE = frozenset({"lint", "unit", "sim", "native"})
COUNT = re.compile(r"(\d+) (passed|failed|skipped|errors?|xfailed|deselected)\b(?=.* in [\d.]+s)")


@dataclass
class Result:
    layer: str
    seconds: float = 0
    ok: bool = True
    said: list[str] = field(default_factory=list)

    @property
    def closing(self) -> str:
        """The last words of the layer; pytest's are its counts."""
        return next((line.strip("= \n") for line in reversed(self.said) if line.strip()), "")


def run(layer: str, *, aloud: bool) -> Result:
    """Runs the layer's commands; `aloud` shows their output as it comes, else all of it at the end."""
    result, began = Result(layer), time.monotonic()
    for command in LAYERS[layer]:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                result.said.append(line)
                if aloud:
                    print(line, end="", flush=True)
        result.ok &= process.returncode == 0
    result.seconds = time.monotonic() - began
    if not aloud:
        print(f"\n=== {layer}\n", *result.said, sep="", flush=True)
    return result


def run_all(layers: Sequence[str]) -> list[Result]:
    together = [layer for layer in layers if layer in SIDE_BY_SIDE]
    alone = [layer for layer in layers if layer not in SIDE_BY_SIDE]
    if len(together) == 1:
        together, alone = [], [*together, *alone]
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda layer: run(layer, aloud=False), together))
    for layer in alone:
        print(f"\n=== {layer}", flush=True)
        results.append(run(layer, aloud=True))
    return results


def total(results: Sequence[Result]) -> str:
    """All counts of all layers as one line of the form that pytest closes with."""
    counts: Counter[str] = Counter()
    for result in results:
        for number, what in COUNT.findall(result.closing):
            counts[what.removesuffix("s") if what == "errors" else what] += int(number)
    counted = ", ".join(f"{number} {what}" for what, number in sorted(counts.items())) or "no tests"
    return f"=== {counted} in {sum(r.seconds for r in results):.0f}s of work ==="


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.layers", description=__doc__)
    parser.add_argument("layers", nargs="*", metavar="layer", help=" ".join(LAYERS))
    parser.add_argument("--with", nargs="+", default=[], dest="further", metavar="layer", help="besides the usual ones")
    options = parser.parse_args()
    layers = [*(options.layers or USUAL), *options.further]
    if unknown := sorted(set(layers) - set(LAYERS)):
        parser.error(f"no layer is called {', '.join(unknown)}; there are {', '.join(LAYERS)}")
    results = run_all(layers)
    print("\n=== layers")
    for result in results:
        verdict = "ok" if result.ok else "FAILED"
        print(f"{result.layer:11} {result.seconds:5.0f} s  {verdict:6}  {result.closing}")
    print(total(results))
    return 0 if all(result.ok for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
