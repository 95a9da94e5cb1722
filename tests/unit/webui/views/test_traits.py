"""What one model can do, in words."""

from __future__ import annotations

from appliance.models.types import Capability, Claim, Level, Profile
from tests.builders import make_model
from webui.views.traits import Trait, traits


def test_each_claim_says_how_sure_it_is_and_why() -> None:
    """A hint is no promise."""
    claims = (
        Claim(Capability.VISION, Level.LIKELY, "its name; it takes a projector beside it"),
        Claim(Capability.TOOLS, Level.SURE, "its chat template"),
        Claim(Capability.EXPERTS, Level.NONE, "it has no experts"),
    )
    model = make_model(profile=Profile("llama", 1024, frozenset(), claims=claims))
    assert traits(model) == (
        Trait("Sees pictures", "warn", "perhaps", "its name; it takes a projector beside it"),
        Trait("Uses tools", "good", "yes", "its chat template"),
        Trait("Has experts of which few work at a time", "", "no", "it has no experts"),
    )


def test_every_capability_has_words() -> None:
    """None is left out."""
    claims = tuple(Claim(capability, Level.SURE, "x") for capability in Capability)
    assert len(traits(make_model(profile=Profile("llama", 1024, frozenset(), claims=claims)))) == len(Capability)


def test_a_model_of_which_nothing_is_known_claims_nothing() -> None:
    """The page shows no empty list then."""
    assert traits(make_model()) == ()
