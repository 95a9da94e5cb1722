"""Models as single boxes serve them: whole, or a share of one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.mesh.plain import bounded, plain
from appliance.mesh.types import PeerModel
from appliance.node.serving import ServingEntry, ServingState
from webui.views.mesh_words import digest, page_of, percent
from webui.views.serving import model_card

_MODEL_WORDS = {
    state.value: (card.state, card.tone) for state in ServingState for card in (model_card(ServingEntry("", state)),)
}
_KINDS = {"solo": "whole", "pipeline": "split by layers", "experts": "split by experts"}


@dataclass(frozen=True, slots=True)
class PartView:
    """A model, or what one box computes of it."""

    id: str
    key: str
    href: str
    name: str
    state: str
    tone: str
    kind: str
    share: str  # "60 %"; "whole" when the box does it alone
    percent: int
    host: bool
    context: int | None


def part_views(models: Iterable[PeerModel]) -> tuple[PartView, ...]:
    """Each model once, whatever a peer says."""
    return tuple(part_view(model) for model in {model.id: model for model in models}.values())


def part_view(model: PeerModel) -> PartView:
    state, tone = model_words(model.state)
    much = percent(model.share)
    return PartView(
        id=model.id,
        key=digest("m", model.id),
        href=page_of("model", model.id),
        name=plain(model.id) or "(no name)",
        state=state,
        tone=tone,
        kind=_KINDS.get(model.kind) or plain(model.kind, 40),
        share="whole" if model.kind == "solo" and much == 100 else f"{much} %",
        percent=much,
        host=model.host,
        context=bounded(model.context),
    )


def model_words(state: str) -> tuple[str, str]:
    """The word and tone for a model's state; a newer box may know states that this one does not."""
    return _MODEL_WORDS.get(state) or (plain(state, 40) or "not known", "busy")
