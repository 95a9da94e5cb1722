"""An invitation as one line of text."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.mesh.identity.tokens import LONGEST, BadToken, Fault, Token, parse, written
from appliance.mesh.types import Role
from tests.unit.mesh.identity.people import ANCHOR, NOW, bytes_of, node_of

TOKEN = Token(
    invite=bytes_of("invite", 8),
    secret=bytes_of("secret", 20),
    mesh=ANCHOR.mesh,
    issuer=node_of("anna"),
    addresses=("192.168.1.20:9338", "[fd00::20]:9338"),
    role=Role.NODE,
    expires=NOW,
    name="home",
)
TEXT = written(TOKEN)


def fault(text: str) -> Fault:
    found = parse(text)
    assert isinstance(found, BadToken)
    assert found.text.endswith(".")
    return found.fault


def test_a_token_comes_back_as_it_was() -> None:
    """Safe in an address, and short enough for a code that a camera reads."""
    assert parse(TEXT) == TOKEN
    assert TEXT.startswith("mbx1.")
    assert all(letter.isalnum() or letter in "._-" for letter in TEXT)
    assert len(TEXT) < 300


@pytest.mark.parametrize("text", [f"  {TEXT}\n", TEXT[:40] + "\r\n" + TEXT[40:], " ".join(TEXT)])
def test_what_mail_programs_do_to_it_does_not_matter(text: str) -> None:
    """Line ends, spaces."""
    assert parse(text) == TOKEN


@given(st.integers(5, len(TEXT) - 1), st.sampled_from("ABCxyz019_-"))
def test_a_tampered_token_is_noticed(place: int, letter: str) -> None:
    """A letter mistyped, wherever. What it changes back to the same bytes is the same token."""
    changed = TEXT[:place] + letter + TEXT[place + 1 :]
    assert changed == TEXT or parse(changed) == TOKEN or fault(changed) is Fault.DAMAGED


@given(st.integers(6, len(TEXT) - 1))
def test_a_token_that_was_cut_is_noticed(length: int) -> None:
    """The most common mistake: not all of it was copied."""
    assert fault(TEXT[:length]) is Fault.DAMAGED


@pytest.mark.parametrize(
    "text", ["", "hello", "192.168.1.20:9338", "mbx", "mbx.abc", "mbxx.abc", "https://mbx1.example", "mbx\uff11.abc"]
)
def test_something_else_is_no_token(text: str) -> None:
    """And the page can take it for an address instead."""
    assert fault(text) is Fault.NO_TOKEN


@pytest.mark.parametrize("text", ["mbx2.abc", "mbx17.xyz"])
def test_a_token_of_the_future_asks_for_an_update(text: str) -> None:
    """It is neither damaged nor nonsense."""
    assert fault(text) is Fault.NEWER


@given(st.text(max_size=200))
def test_any_text_has_an_answer(text: str) -> None:
    """People paste everything."""
    assert isinstance(parse(text), BadToken)
    assert isinstance(parse("mbx1." + text), BadToken)


def test_an_endless_text_is_not_worked_on() -> None:
    """Not even a well-formed one."""
    assert fault("mbx1." + "A" * 10 * LONGEST) is Fault.DAMAGED


def test_the_name_of_the_mesh_is_harmless() -> None:
    """Whoever made the token chose it."""
    named = Token(TOKEN.invite, TOKEN.secret, TOKEN.mesh, TOKEN.issuer, (), Role.NODE, NOW, "\x1b[31mhome\n" + "x" * 99)
    found = parse(written(named))
    assert isinstance(found, Token)
    assert found.shown_name == ("[31mhome " + "x" * 99)[:64]


def test_the_secret_gets_into_no_log() -> None:
    """Tokens are printed with their public parts only."""
    assert repr(TOKEN.secret) not in repr(TOKEN)
    assert TOKEN.secret.hex() not in repr(TOKEN)


def test_the_checksum_is_its_own() -> None:
    """A well-formed body without it is damaged."""
    body = base64.urlsafe_b64decode(TEXT[5:] + "=" * (-len(TEXT[5:]) % 4))[:-6]
    assert fault("mbx1." + base64.urlsafe_b64encode(body + bytes(6)).decode().rstrip("=")) is Fault.DAMAGED
