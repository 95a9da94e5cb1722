"""Who keeps a model file. Pure. What another program keeps is used where it lies and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class Keeper(StrEnum):
    """The values stay the same for programs that read them."""

    OWNER = "found"  # the person, who put it there
    OLLAMA = "ollama"
    LM_STUDIO = "lm_studio"
    HUGGING_FACE = "hugging_face"

    @property
    def program(self) -> str | None:
        """What the program is called; None for the owner."""
        return _TITLES.get(self)


_TITLES = {Keeper.OLLAMA: "Ollama", Keeper.LM_STUDIO: "LM Studio", Keeper.HUGGING_FACE: "Hugging Face tools"}
_LM_STUDIO = frozenset({"lmstudio", "lm-studio", "lm studio", "lm_studio"})
_PUBLISHER_AND_REPOSITORY = 2


def keeper_of(parts: Sequence[str]) -> Keeper:
    """By the parts of a path. LM Studio has no mark of its own: it is `lmstudio/[models/]publisher/repository/file`."""
    for position, name in enumerate(parts):
        if name.casefold().lstrip(".") in _LM_STUDIO:
            below = list(parts[position + 1 : -1])
            if len(below[1:] if below[:1] == ["models"] else below) == _PUBLISHER_AND_REPOSITORY:
                return Keeper.LM_STUDIO
    return Keeper.OWNER
