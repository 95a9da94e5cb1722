"""What a page says after something was done: `/page?done=code` shows the sentence behind the code, and nothing else."""

from __future__ import annotations

NOTICES = {
    "saved": "Saved.",
    "trying_again": "The box tries it again now.",
    "hidden": "Hidden until it happens again.",
    "shown": "Shown again.",
    "fetching": "The model is being fetched.",
    "loading": "The model is being loaded.",
    "unloaded": "The model is unloaded; its file stays.",
    "asleep": "The model sleeps until somebody asks for it.",
    "deleted": "The model was deleted.",
    "cleaned_up": "The models that were not used were deleted.",
    "cancelled": "Cancelled.",
    "dismissed": "Taken off the list.",
    "token_stored": "The token is stored. What asked for it can be tried again now.",
    "token_removed": "The token is removed.",
    "testing": "The test is on its way; its result shows up here.",
    "measuring": "The measurement is on its way; its figures show up here.",
    "measuring_drafting": "The model starts anew and is measured with its helper and without.",
    "limit_set": "The limit is set. Models on this GPU start anew where they have to.",
    "memory_limit_set": "The limit is set. Models keep to it when they are loaded next.",
    "gpu_taken_back": "The GPU is yours: models leave it now.",
    "keys_required": "From now on only programs with a key are answered.",
    "keys_not_required": "From now on everybody in your network is answered.",
    "key_revoked": "The key is revoked.",
    "gpu_shared": "Models may use the GPU again.",
}
