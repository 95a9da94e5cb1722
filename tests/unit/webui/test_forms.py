"""Forms of settings: only what a person changed himself is taken, and nobody's change is lost unseen."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.settings.difference import plain
from appliance.settings.fields import Path, sections
from appliance.settings.schema import HardwareSettings, ModelSettings, ServingSettings, Settings
from webui.forms import answers, merged, text_of, with_buttons
from webui.views.settings import FieldView, settings_view

SECTIONS = {section.name: section for section in sections()}


def browser_form(settings: Settings, section: str) -> dict[str, str]:
    """What a browser would send of an untouched form."""
    (view,) = (one for one in settings_view(plain(settings), ()) if one.name == section)
    form: dict[str, str] = {}
    for group in view.groups:
        for entry in group.entries:
            form[entry.name] = entry.key
        fields = [field for entry in group.entries for field in entry.fields] or [group.field]
        for field in fields:
            form |= _sent(field)
    return form


def _sent(field: FieldView) -> dict[str, str]:
    sent = {f"was.{field.name}": field.was}
    return sent if field.kind == "switch" and not field.text else sent | {field.name: field.text}


def changes(section: str, form: Mapping[str, str]) -> dict[Path, object]:
    return {answer.path: answer.typed for answer in answers(SECTIONS[section], form, ())}


RICH = Settings(
    serving=ServingSettings(
        models=("a", "b"), per_model={"org/a.b:Q4": ModelSettings(slots=2, aliases=("x", "y")), "z": ModelSettings()}
    ),
    hardware=HardwareSettings(memory_caps={"pci:0": 512}),
)


def test_an_untouched_form_changes_nothing() -> None:
    """Whatever is set."""
    for name in SECTIONS:
        assert changes(name, browser_form(RICH, name)) == {}


def test_each_kind_is_read_as_what_it_is() -> None:
    """Numbers, lines, choices, switches and texts."""
    serving = browser_form(Settings(), "serving")
    serving |= {"serving.slots": " 8 ", "serving.models": " a \r\n\r\nb\r\n", "serving.kv_type": "q8_0"}
    assert changes("serving", serving) == {
        ("serving", "slots"): 8,
        ("serving", "models"): ["a", "b"],
        ("serving", "kv_type"): "q8_0",
    }
    web = browser_form(Settings(), "web")
    del web["web.public_metrics"]
    assert changes("web", web) == {("web", "public_metrics"): False}
    assert changes("node", {"was.node.name": "meshbox", "node.name": " den "}) == {("node", "name"): "den"}


def test_what_makes_no_sense_stays_as_it_was_typed() -> None:
    """The settings refuse it, and the page can show it again."""
    for typed in ("many", "1e9", "4.5", "٣", "", "9" * 40):
        form = browser_form(Settings(), "serving") | {"serving.slots": typed}
        assert changes("serving", form) == {("serving", "slots"): typed}


def test_a_field_that_is_not_in_the_form_is_left_alone() -> None:
    """Also one that the environment fixes, whatever is sent for it."""
    assert changes("serving", {"serving.slots": "8"}) == {}
    form = {"was.node.name": "env", "node.name": "den"}
    assert answers(SECTIONS["node"], form, ["node.name"]) == ()


def test_entries_are_changed_added_and_removed() -> None:
    """By their names, which may hold any sign."""
    form = browser_form(RICH, "serving")
    form |= {
        "serving.per_model[0].context": "512",
        "serving.per_model[1].remove": "on",
        "serving.per_model[new]": " fresh ",
        "serving.per_model[new].slots": "3",
    }
    assert changes("serving", form) == {
        ("serving", "per_model", "org/a.b:Q4", "context"): 512,
        ("serving", "per_model", "z"): None,
        ("serving", "per_model", "fresh", "slots"): 3,
    }


def test_an_entry_of_one_value_goes_when_it_is_emptied() -> None:
    """And another is added by name and value."""
    form = browser_form(RICH, "hardware")
    form |= {
        "hardware.memory_caps[0].value": "",
        "hardware.memory_caps[new]": "pci:1",
        "hardware.memory_caps[new].value": "7",
    }
    assert changes("hardware", form) == {
        ("hardware", "memory_caps", "pci:0"): None,
        ("hardware", "memory_caps", "pci:1"): 7,
    }


def test_changes_of_different_fields_go_together() -> None:
    """Two people in two tabs."""
    form = browser_form(Settings(), "serving") | {"serving.slots": "8"}
    now = Settings(serving=ServingSettings(threads=2))
    result = merged(answers(SECTIONS["serving"], form, ()), plain(now))
    assert (result.patch, result.conflicts) == ({"serving": {"slots": 8}}, {})


def test_changes_of_the_same_field_collide() -> None:
    """Unless both wanted the same."""
    form = browser_form(Settings(), "serving") | {"serving.slots": "8", "serving.threads": "2"}
    now = Settings(serving=ServingSettings(slots=2, threads=2))
    result = merged(answers(SECTIONS["serving"], form, ()), plain(now))
    assert (result.patch, result.conflicts) == ({}, {("serving", "slots"): 2})


def test_an_entry_that_changed_meanwhile_is_not_removed_unseen() -> None:
    """Its removal collides with the change."""
    form = browser_form(RICH, "serving") | {"serving.per_model[1].remove": "on"}
    now = Settings(serving=ServingSettings(per_model={"z": ModelSettings(slots=9)}))
    result = merged(answers(SECTIONS["serving"], form, ()), plain(now))
    assert list(result.conflicts) == [("serving", "per_model", "z")]


def test_a_button_sets_a_field_back_or_takes_the_value_of_others() -> None:
    """What else was typed stays typed."""
    form = browser_form(Settings(serving=ServingSettings(slots=9)), "serving") | {"serving.threads": "3"}
    back = with_buttons(SECTIONS["serving"], form | {"reset": "serving.slots"})
    assert changes("serving", back) == {("serving", "slots"): 4, ("serving", "threads"): 3}
    taken = with_buttons(SECTIONS["serving"], form | {"serving.slots": "1", "take": "serving.slots"})
    assert changes("serving", taken) == {("serving", "threads"): 3}


def test_strange_forms_change_nothing() -> None:
    """Names that nobody made."""
    for form in ({"reset": "node.name\x00"}, {"take": "x"}, {"serving.per_model[99999]": "a"}, {"was.": "", "": ""}):
        assert changes("serving", with_buttons(SECTIONS["serving"], form)) == {}


def test_values_stand_in_inputs_as_text() -> None:
    """Nothing, switches and lists too."""
    assert [text_of(value) for value in (None, False, True, 0, "a", ["a", "b"])] == ["", "", "on", "0", "a", "a\nb"]
