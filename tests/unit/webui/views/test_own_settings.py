"""Settings of a single model as a form, and back."""

from __future__ import annotations

from appliance.settings.schema import ModelSettings, ServingSettings
from webui.views.own_settings import form_values, own_fields, own_patch

OWN = ModelSettings(context=4096, slots=2, kv_type="q8_0", aliases=("a", "b"), sleep_after_min=0, draft="auto")


def test_what_is_shown_and_sent_back_changes_nothing() -> None:
    """A form saved untouched is the same settings."""
    for own in (OWN, ModelSettings()):
        assert ModelSettings.model_validate(own_patch(form_values(own))) == own


def test_an_empty_field_takes_the_setting_back() -> None:
    """Empty means: as for all models."""
    patch = own_patch({"context": " ", "slots": "", "kv_type": "", "sleep_after_min": "", "aliases": "\n \n"})
    assert ModelSettings.model_validate(patch) == ModelSettings()


def test_what_was_typed_wrongly_is_shown_again() -> None:
    """Nobody types twice."""
    fields = {field.name: field for field in own_fields(OWN, ServingSettings(), {"context": "many"})}
    assert fields["context"].value == "many"
    assert fields["slots"].value == "2"


def test_a_draft_that_was_named_elsewhere_stays() -> None:
    """The form offers it beside the usual choices, so that saving does not lose it."""
    own = ModelSettings(draft="My-Own-Draft")
    fields = {field.name: field for field in own_fields(own, ServingSettings())}
    assert ("My-Own-Draft", "My-Own-Draft") in fields["draft"].choices
    assert ModelSettings.model_validate(own_patch(form_values(own))) == own
    assert len({value for value, _ in own_fields(ModelSettings(), ServingSettings())[3].choices}) == 4


def test_the_common_value_is_named() -> None:
    """So that one knows what empty means."""
    fields = {field.name: field for field in own_fields(ModelSettings(), ServingSettings(slots=7))}
    assert fields["slots"].usual == "7"
