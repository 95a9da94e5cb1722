"""Files as the engine's own tools write them, seen by the library."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from appliance.models.library import Scanner
from tests.live.box import ROOT, SELF_TEST_MODEL

pytestmark = pytest.mark.live

BUNDLED = ROOT / "appliance" / "models" / "bundled"


@pytest.mark.parametrize(("options", "count"), [([], 3), (["--no-tensor-first-split"], 4)])
def test_a_model_split_by_the_engines_tool_is_one_model(tmp_path: Path, options: list[str], count: int) -> None:
    """It is the same model as before, in several files, also when the first holds no weights."""
    tool, source = ROOT / "build" / "engine" / "llama-gguf-split", BUNDLED / f"{SELF_TEST_MODEL}.gguf"
    target = tmp_path / SELF_TEST_MODEL
    command = [str(part) for part in (tool, "--split", "--split-max-tensors", 25, *options, source, target)]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    library = Scanner(tmp_path, tmp_path / "none").scan()
    whole = Scanner(BUNDLED, tmp_path / "none").scan().models[0]
    split = library.models[0]
    assert (split.id, split.abilities, split.parameters) == (whole.id, whole.abilities, whole.parameters)
    assert split.path == f"{target}-00001-of-{count:05d}.gguf"
    assert split.size == sum(p.stat().st_size for p in tmp_path.iterdir())
