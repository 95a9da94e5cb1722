"""Whose a file is."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from appliance.models.keepers import Keeper, keeper_of


@pytest.mark.parametrize(
    ("path", "keeper"),
    [
        ("/models/lmstudio/org/repo/a.gguf", Keeper.LM_STUDIO),
        ("/models/lm-studio/models/org/repo/a.gguf", Keeper.LM_STUDIO),
        ("/home/me/.lmstudio/models/org/repo/a.gguf", Keeper.LM_STUDIO),
        ("/home/me/.cache/lm-studio/models/org/repo/a.gguf", Keeper.LM_STUDIO),
        ("/models/LMStudio/org/repo/a.gguf", Keeper.LM_STUDIO),
        ("/models/org/repo/a.gguf", Keeper.OWNER),
        ("/models/lmstudio/a.gguf", Keeper.OWNER),
        ("/models/lmstudio/org--repo/a.gguf", Keeper.OWNER),
        ("/srv/lmstudio/data/models/org/a.gguf", Keeper.OWNER),
        ("lmstudio", Keeper.OWNER),
    ],
)
def test_lm_studio_is_known_by_its_folders(path: str, keeper: Keeper) -> None:
    """Publisher and repository below a folder of its name; elsewhere two folders say nothing."""
    assert keeper_of(PurePosixPath(path).parts) is keeper


def test_every_program_has_a_name() -> None:
    """The owner has none: he is asked himself."""
    assert {keeper: keeper.program for keeper in Keeper if keeper.program is None} == {Keeper.OWNER: None}
