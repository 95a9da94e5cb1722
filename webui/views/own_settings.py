"""The form with which a single model is given settings of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from appliance.settings.schema import ModelSettings, ServingSettings

NUMBERS = ("context", "slots", "sleep_after_min")
KV_CHOICES = (
    ("", "As for all models"),
    ("f16", "f16: exact"),
    ("q8_0", "q8_0: half the memory, hardly any loss"),
    ("q4_0", "q4_0: a quarter of the memory, some loss"),
)


DRAFT_CHOICES = (
    ("", "As for all models"),
    ("auto", "The best way there is, as long as it is faster"),
    ("ngram", "Text that repeats is proposed again"),
    ("off", "Nothing drafts for it"),
)


@dataclass(frozen=True, slots=True)
class OwnField:
    name: str
    label: str
    kind: str  # number | choice | lines
    value: str
    help: str
    usual: str = ""
    choices: tuple[tuple[str, str], ...] = ()


def own_fields(
    own: ModelSettings, common: ServingSettings, typed: Mapping[str, str] | None = None
) -> tuple[OwnField, ...]:
    """`typed` is what a person just wrote, when it could not be saved."""
    values = form_values(own) | dict(typed or {})
    return (
        OwnField(
            "context",
            "Context length",
            "number",
            values["context"],
            "How many tokens of a conversation it sees. 0 takes the model's own length.",
            usual=str(common.context),
        ),
        OwnField(
            "slots",
            "Requests at once",
            "number",
            values["slots"],
            "How many requests it answers side by side. They share the context.",
            usual=str(common.slots),
        ),
        OwnField(
            "kv_type",
            "How the context is kept",
            "choice",
            values["kv_type"],
            f"For all models: {common.kv_type}. Fewer bits leave room for a longer context.",
            choices=KV_CHOICES,
        ),
        OwnField(
            "draft",
            "Drafting",
            "choice",
            values["draft"],
            "A small model, or the model's own layers, propose the next words and it checks them: the same answers, "
            "often sooner. Off by itself when it is measured not to pay.",
            choices=_drafts(values["draft"]),
        ),
        OwnField(
            "sleep_after_min",
            "Sleep after minutes without a request",
            "number",
            values["sleep_after_min"],
            "A sleeping model frees its memory and wakes with the next request. 0: never.",
            usual=str(common.sleep_after_min),
        ),
        OwnField(
            "aliases",
            "Further names",
            "lines",
            values["aliases"],
            "One a line. Programs may ask for the model under each of them.",
        ),
    )


def _drafts(chosen: str) -> tuple[tuple[str, str], ...]:
    """A model that was named elsewhere stays to be chosen."""
    named = chosen not in {value for value, _ in DRAFT_CHOICES}
    return (*DRAFT_CHOICES, (chosen, chosen)) if named else DRAFT_CHOICES


def form_values(own: ModelSettings) -> dict[str, str]:
    numbers = {name: "" if getattr(own, name) is None else str(getattr(own, name)) for name in NUMBERS}
    return {**numbers, "kv_type": own.kv_type or "", "draft": own.draft or "", "aliases": "\n".join(own.aliases)}


def own_patch(typed: Mapping[str, str]) -> dict[str, object]:
    """What was typed, as a change of the settings; what is no number stays text and is refused by the settings."""
    patch: dict[str, object] = {name: typed.get(name, "").strip() or None for name in NUMBERS}
    patch["kv_type"] = typed.get("kv_type") or None
    if "draft" in typed:
        patch["draft"] = typed["draft"].strip() or None
    patch["aliases"] = [line.strip() for line in typed.get("aliases", "").splitlines() if line.strip()]
    return patch
