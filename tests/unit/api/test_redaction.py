"""What leaves the box in a support bundle holds no secret, and still says what a helper needs."""

from __future__ import annotations

import pytest

from appliance.api.redaction import Redactor, secrets_of

PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer 4f9a8b7c6d5e", "4f9a8b7c6d5e"),
        ("authorization=Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("asked with sk-proj-abcdefghijklmnop1234", "abcdefghijklmnop1234"),
        ("HF_TOKEN=hf_AbCdEfGhIjKlMnOpQr123", "hf_AbCdEfGhIjKlMnOpQr123"),
        ("$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA", "c2FsdA"),
        ("Claim it on the page with the code: ABCD-EFGH", "ABCD-EFGH"),
        ('{"password": "correct horse battery"}', "horse"),
        ("api_key='a secret with spaces'", "spaces"),
        ("MESHBOX_ADMIN_PASSWORD=hunter22", "hunter22"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "eyJzdWIiOiIxIn0"),
        ("http://anna:geheim@hub.lan/x", "geheim"),
        ("written by anna.b+test@example.org", "anna"),
        (PEM, "MC4CAQAwBQYDK2VwBCIEIA"),
        ("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA", "MC4CAQAwBQYDK2VwBCIEIA"),
        ("/home/anna/models/x.gguf", "anna"),
        ("/Users/anna.b/x", "anna"),
    ],
)
def test_secrets_are_taken_out(text: str, secret: str) -> None:
    """In whatever form they are usually met."""
    assert secret not in Redactor().text(text)


@pytest.mark.parametrize(
    "text",
    [
        "slot release: id  3 | task 0 | stop processing: n_tokens = 19, truncated = 0",
        "print_info: EOS token        = 151645 '<|im_end|>'",
        "/models/mesh-tiny-dense-Q8_0.gguf",
        "GET /api/status 200",
        "engine started as process 4716",
        "pci:0000:65:00.0",
        "192.168.1.20:9337 answered",
        "npm-package-with-a-long-name",
    ],
)
def test_what_helps_stays(text: str) -> None:
    """A bundle of nothing but gaps helps nobody."""
    assert Redactor().text(text) == text


def test_known_secrets_go_wherever_they_stand() -> None:
    """Also where nothing around them says that they are secret; words too short to be one stay."""
    redactor = Redactor(["QWER-TYUI", "abc"])
    assert redactor.text("typed QWER-TYUI into abc") == "typed [removed] into abc"


def test_documents_lose_the_values_of_secret_fields() -> None:
    """At any depth; the rest keeps its shape."""
    document = {
        "hub": {"token": "x1", "tokens_per_s": 12.5, "url": "https://a:b@hub.lan"},
        "keys": [{"name": "phone", "key_hash": "abcdef", "key": "s3"}],
        "code": "crash_loop",
        "locked": True,
        "password": None,
    }
    assert Redactor().document(document) == {
        "hub": {"token": "[removed]", "tokens_per_s": 12.5, "url": "https://[removed]@hub.lan"},
        "keys": [{"name": "phone", "key_hash": "[removed]", "key": "[removed]"}],
        "code": "crash_loop",
        "locked": True,
        "password": None,
    }


def test_secret_variables_are_told_by_their_names() -> None:
    """So that their values are removed from every text."""
    given = {"MESHBOX_ADMIN_PASSWORD": "p1", "HF_TOKEN": "t1", "MESHBOX_SETUP_CODE": "c1", "PATH": "/bin"}
    assert sorted(secrets_of(given)) == ["c1", "p1", "t1"]
