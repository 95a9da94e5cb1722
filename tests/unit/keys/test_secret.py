"""Secrets of keys."""

from __future__ import annotations

import re

from appliance.api.redaction import Redactor
from appliance.keys.secret import digest, hint_of, looks_like_ours, new_secret


def test_a_secret_has_256_random_bits() -> None:
    """In letters and digits that no shell, header or file minds."""
    secrets = {new_secret() for _ in range(200)}
    assert len(secrets) == 200
    assert all(re.fullmatch(r"mbx_[0-9A-Za-z]{43}", secret) for secret in secrets)
    assert len({letter for secret in secrets for letter in secret[4:]}) == 62
    assert 62**43 > 2**256


def test_what_is_kept_does_not_tell_the_secret() -> None:
    """A digest, and four letters of it to tell keys apart."""
    secret = new_secret()
    assert (len(digest(secret)), secret.encode() in digest(secret)) == (32, False)
    assert secret.endswith(hint_of(secret))
    assert len(hint_of(secret)) == 4


def test_ours_are_told_from_others() -> None:
    """Programs send all kinds of made-up keys."""
    assert looks_like_ours(new_secret())
    assert not any(looks_like_ours(other) for other in ("sk-none", "ollama", "MBX_x", "", "xmbx_"))


def test_a_secret_does_not_leave_with_a_log() -> None:
    """Should one ever get into it."""
    secret = new_secret()
    assert secret[4:] not in Redactor().text(f"the client sent {secret}, which is wrong")
