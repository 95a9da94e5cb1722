"""The environment of the process: each variable is checked, a bad one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.settings.bootstrap import BadEnvironment, read_environment, unknown_variables


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MESHBOX_DATA", "MESHBOX_MODELS", "MESHBOX_ENGINE", "MESHBOX_FLAVOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("MESHBOX_API_PORT", "http", "port of the API"),
        ("MESHBOX_API_PORT", "70000", "less than or equal to 65535"),
        ("MESHBOX_WEB_PORT", "9337", "give each its own port"),
        ("MESHBOX_FLAVOR", "quantum", "'cuda', 'rocm', 'vulkan', 'cpu'"),
        ("MESHBOX_LOG", "loud", "'console' or 'json'"),
        ("MESHBOX_BIND", "my host", "address to listen on"),
        ("MESHBOX_ADMIN_PASSWORD", "short", "at least 8 characters"),
        ("MESHBOX_NODE_NAME", "a\tb", "name of this box"),
        ("MESHBOX_HF_ENDPOINT", "ftp://x", "mirror of the model hub"),
        ("MESHBOX_HF_ENDPOINT", "http://[", "mirror of the model hub"),
        ("MESHBOX_HF_ENDPOINT", "http://:80", "it names no host"),
        ("MESHBOX_SETUP_CODE", "abc", "code that claims the box"),
    ],
)
def test_a_bad_value_is_named_with_what_would_be_right(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, hint: str
) -> None:
    """The message names the variable and helps to mend it."""
    monkeypatch.setenv(name, value)
    with pytest.raises(BadEnvironment) as caught:
        read_environment()
    assert name in str(caught.value)
    assert hint in str(caught.value)


@pytest.mark.parametrize("name", ["MESHBOX_ADMIN_PASSWORD", "MESHBOX_SETUP_CODE"])
def test_a_secret_is_not_repeated_in_the_message(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Error messages end up in logs."""
    monkeypatch.setenv(name, "zq zq")
    with pytest.raises(BadEnvironment) as caught:
        read_environment()
    assert "zq zq" not in str(caught.value)


def test_advertised_addresses_are_a_comma_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blanks and empty parts do not count."""
    monkeypatch.setenv("MESHBOX_ADVERTISE", "10.0.0.1, box.lan:9338,")
    assert read_environment().advertise == ("10.0.0.1", "box.lan:9338")


def test_the_password_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One line feed at the end is not part of it."""
    file = tmp_path / "password"
    file.write_text("long enough\n")
    monkeypatch.setenv("MESHBOX_ADMIN_PASSWORD_FILE", str(file))
    assert read_environment().password() == "long enough"


@pytest.mark.parametrize("content", [None, "short\n"])
def test_a_password_file_that_is_of_no_use_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    """Missing and too short are told before anything starts."""
    file = tmp_path / "password"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("MESHBOX_ADMIN_PASSWORD_FILE", str(file))
    with pytest.raises(BadEnvironment, match="MESHBOX_ADMIN_PASSWORD_FILE"):
        read_environment().check()


@pytest.mark.parametrize("value", ["{", '{"nonsense": 1}', "no-such-file.json"])
def test_a_settings_document_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """MESHBOX_SETTINGS is checked at start."""
    monkeypatch.setenv("MESHBOX_SETTINGS", value)
    with pytest.raises(BadEnvironment, match="MESHBOX_SETTINGS"):
        read_environment().check()


def test_a_misspelt_variable_is_pointed_out() -> None:
    """A slip of the keyboard does not go unnoticed."""
    assert unknown_variables({"MESHBOX_APIPORT": "1", "MESHBOX_DATA": "x", "HOME": "/"}) == [
        "MESHBOX_APIPORT means nothing to Meshbox; did you mean MESHBOX_API_PORT?"
    ]
