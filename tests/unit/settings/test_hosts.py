"""Which host names a browser may use for this box."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.settings.hosts import host_allowed


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:3131",
        "LocalHost:3131",
        "127.0.0.1:3131",
        "192.168.178.20",
        "8.8.8.8:9337",
        "[::1]:9337",
        "[fd00::12]",
        "[::ffff:10.0.0.1]:80",
        "nas",
        "my_box-2:3131",
        "box.local",
        "box.local.:3131",
        "a.b.lan",
        "box.home.arpa:1",
        "meshbox.internal",
        "box.localhost",
    ],
)
def test_names_that_nobody_outside_can_give_out_are_allowed(host: str) -> None:
    """Addresses, single labels and names of local zones always open the box."""
    assert host_allowed(host, ())


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "example.org",
        "example.org:3131",
        "local.example.org",
        "evil.notlocal",
        "127.0.0.1.example.org",
        "300.1.1.1",
        "127.0.0.1:port",
        "localhost:123456",
        "[::1",
        "::1",
        "[::g]",
        "[1:2]",
        "user@localhost",
        "localhost/..",
        "local host",
        "b\u00fcro",
        ".local",
        "-.local",
        "box..",
    ],
)
def test_other_names_and_garbage_are_refused(host: str) -> None:
    """A name that the public DNS can give out, or no name at all, does not open the box."""
    assert not host_allowed(host, ())


def test_an_allowed_name_opens_the_box() -> None:
    """A name of the owner's list is allowed with any port and in any case, and only that name."""
    extra = ("Box.Example.org",)
    assert [host_allowed(h, extra) for h in ("box.example.org:443", "BOX.example.ORG", "a.box.example.org")] == [
        True,
        True,
        False,
    ]


def test_a_wildcard_allows_all_names_below_it() -> None:
    """`*.example.org` allows every name below example.org, not the name itself and no look-alike."""
    extra = ("*.example.org",)
    hosts = ("a.example.org", "a.b.example.org:1", "example.org", "notexample.org")
    assert [host_allowed(h, extra) for h in hosts] == [True, True, False, False]


@given(st.text(max_size=60), st.lists(st.text(max_size=20), max_size=3))
def test_any_text_gets_an_answer(host: str, extra: list[str]) -> None:
    """Whatever a client sends, the answer is yes or no."""
    assert host_allowed(host, extra) in (True, False)
