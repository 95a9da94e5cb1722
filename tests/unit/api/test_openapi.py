"""What is added to the framework's description of the routes."""

from __future__ import annotations

from typing import Any

from appliance.api.openapi import completed, settings_schemas

OPERATION = {
    "description": "Does something.\n\nAnd says more\nabout it.",
    "responses": {
        "200": {"content": {"application/json": {"schema": {"type": "string"}}}},
        "400": {"description": "?"},
    },
}


def complete(public: frozenset[tuple[str, str]] = frozenset()) -> Any:
    document = {"paths": {"/api/x": {"post": OPERATION}}, "components": {"schemas": {"LoginBody": {"type": "object"}}}}
    return completed(document, public)


def test_the_first_sentence_sums_up() -> None:
    """The rest stays in the description."""
    operation = complete()["paths"]["/api/x"]["post"]
    assert operation["summary"] == "Does something"
    assert "about it" in operation["description"]


def test_errors_look_like_ours_and_not_like_the_frameworks() -> None:
    """Problem documents for every kind of error."""
    answers = complete()["paths"]["/api/x"]["post"]["responses"]
    assert set(answers) == {"200", "401", "4XX", "5XX"}
    assert all("application/problem+json" in answers[code]["content"] for code in ("401", "4XX", "5XX"))


def test_what_is_public_asks_for_no_login() -> None:
    """Everything else names the token."""
    closed, opened = complete(), complete(frozenset({("/api/x", "post")}))
    assert closed["paths"]["/api/x"]["post"]["security"] == [{"token": []}]
    assert opened["paths"]["/api/x"]["post"]["security"] == []
    assert "401" not in opened["paths"]["/api/x"]["post"]["responses"]


def test_bodies_take_nothing_but_what_they_name() -> None:
    """The framework forgets to say so."""
    assert complete()["components"]["schemas"]["LoginBody"]["additionalProperties"] is False


def test_a_change_of_the_settings_may_hold_any_part_of_them() -> None:
    """None is required, and entries of maps can be taken away."""
    schemas = settings_schemas()
    assert "required" not in schemas["SettingsPatch"]
    (entry,) = schemas["ServingSettings"]["properties"]["per_model"]["patternProperties"].values()
    assert {"type": "null", "description": "Takes the entry away"} in entry["anyOf"]
