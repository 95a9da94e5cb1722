"""What people type and paste."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.mesh.discovery.typed import Invitation, Place, Wrong, typed
from appliance.mesh.lanes.address import Address
from tests.unit.mesh.discovery.published import token_of


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("192.168.1.20", "192.168.1.20", 9338),
        ("  192.168.1.20:9400\n", "192.168.1.20", 9400),
        ("kitchen", "kitchen", 9338),
        ("Kitchen.Local.", "kitchen.local", 9338),
        ("box_2.lan:1", "box_2.lan", 1),
        ("m\u00fchle.lan", "xn--mhle-0ra.lan", 9338),
        ("\uff11\uff19\uff12.168.1.20", "192.168.1.20", 9338),
        ("fd00::20", "fd00::20", 9338),
        ("[FD00::20]", "fd00::20", 9338),
        ("[fd00::20]:9400", "fd00::20", 9400),
        ("fe80::1%eth0", "fe80::1%eth0", 9338),
        ("::ffff:192.168.1.20", "192.168.1.20", 9338),
        ("http://192.168.1.20:3131/mesh?x=1#y", "192.168.1.20", 9338),
        ("HTTPS://kitchen.local/", "kitchen.local", 9338),
        ("http://[fd00::20]:3131/", "fd00::20", 9338),
        ("kitchen.local:3131/topology", "kitchen.local", 9338),
        ("kitchen:3131", "kitchen", 9338),
        ("kitchen:9337", "kitchen", 9338),
        ("kitchen:", "kitchen", 9338),
        ("127.0.0.1:9400", "127.0.0.1", 9400),
        ("localhost", "localhost", 9338),
    ],
)
def test_addresses_are_understood(text: str, host: str, port: int) -> None:
    """As people write and paste them."""
    assert typed(text) == Place(Address(host, port))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "Type the address"),
        ("   ", "Type the address"),
        ("x" * 500, "too long"),
        ("ftp://kitchen", "ftp"),
        ("me@kitchen", "@"),
        ("http://me:secret@kitchen/", "@"),
        ("kitchen box", "spaces"),
        ("kitchen:0", "port"),
        ("kitchen:65536", "port"),
        ("kitchen:http", "port"),
        ("kitchen:-1", "port"),
        ("kitchen:\u0661\u0662", "port"),
        ("192.168.1", "four numbers"),
        ("192.168.1.256", "four numbers"),
        ("3232235777", "four numbers"),
        ("0.0.0.0", "no single machine"),
        ("255.255.255.255", "no single machine"),
        ("224.0.0.251", "no single machine"),
        ("[ff02::1]", "no single machine"),
        ("[::]", "no single machine"),
        ("::ffff:0.0.0.0", "no single machine"),
        ("fd00::2000000", "IPv6"),
        ("fe80::1%", "IPv6"),
        ("fe80::1%eth 0", "spaces"),
        ("[fd00::20", "brackets"),
        ("[fd00::20]9338", "brackets"),
        ("[kitchen]", "brackets"),
        ("-kitchen", "no name"),
        ("kitchen..lan", "no name"),
        ("k!tchen", "no name"),
        ("\u202e", "no name"),
        ("a" * 64 + ".lan", "no name"),
        ("\u00fc" * 64 + ".lan", "no name"),
        ("http://", "no name"),
        ("http://localhost:3131/", "machine you sit at"),
        ("http://127.0.0.1:3131/", "machine you sit at"),
        ("http://[::1]:3131/", "machine you sit at"),
    ],
)
def test_what_is_wrong_is_said(text: str, word: str) -> None:
    """In a sentence about this very mistake."""
    answer = typed(text)
    assert isinstance(answer, Wrong)
    assert word in answer.text
    assert answer.text.endswith((".", "]:9338."))


@pytest.mark.parametrize("around", ["{}", " {}\n", "http://kitchen:3131/mesh?token={}&x=1", "Join us: {} - see you"])
def test_an_invitation_is_recognised(around: str) -> None:
    """Alone, in a link, in a sentence."""
    answer = typed(around.format(token_of()))
    assert isinstance(answer, Invitation)


def test_a_broken_line_does_not_matter() -> None:
    """Mail programs break long words."""
    token = token_of()
    assert isinstance(typed(token[:60] + "\r\n" + token[60:]), Invitation)


def test_a_damaged_invitation_is_no_address() -> None:
    """The sentence speaks of invitations."""
    answer = typed(token_of()[:-3])
    assert isinstance(answer, Wrong)
    assert "invitation" in answer.text


def test_an_invitation_of_a_later_version_is_named() -> None:
    """The box is what is too old."""
    answer = typed("mbx7." + token_of()[5:])
    assert isinstance(answer, Wrong)
    assert "newer" in answer.text


def test_a_machine_may_be_called_like_an_invitation() -> None:
    """What is far too short for an invitation is a name."""
    assert typed("mbx1.lan") == Place(Address("mbx1.lan"))


@given(st.text(max_size=80) | st.text("0123456789.:[]%/@mbxhtp-", max_size=40))
def test_nothing_typed_does_harm(text: str) -> None:
    """A place, an invitation, or a sentence that can be shown."""
    match typed(text):
        case Place(address):
            assert 0 < len(address.host) <= 253
            assert address.host.isascii()
            assert 0 < address.port < 65536
        case Wrong(words):
            assert words.isprintable()
