"""Which addresses a file may be fetched from."""

from __future__ import annotations

import socket

import aiohttp
import pytest

from appliance.models import requests
from appliance.models.addresses import AddressRefused, PublicOnly, check_url, is_public
from appliance.models.failed import TransferFailed
from appliance.models.requests import Remote, make_session, opened
from tests.fakes.hub import running_hub


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e", "::ffff:93.184.215.14"]
)
def test_the_open_internet_is_public(address: str) -> None:
    """Also when the old kind of address is wrapped in the new."""
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "172.16.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "no address",
    ],
)
def test_everything_else_is_not(address: str) -> None:
    """This machine, its network, and what wraps them."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "url", ["http://example.org/x.gguf", "https://127.0.0.1/x.gguf", "https://[::1]/x", "ftp://x/y"]
)
def test_what_can_be_seen_is_refused_before_anything_is_asked(url: str) -> None:
    """Plain http, and addresses that are private as they stand."""
    with pytest.raises(AddressRefused, match=r"models\.allow_private_urls"):
        check_url(url)


@pytest.mark.parametrize("name", ["localhost", "127.1", "2130706433"])
async def test_names_are_judged_by_what_they_lead_to(name: str) -> None:
    """Also numbers that are an address in disguise."""
    with pytest.raises(AddressRefused):
        await PublicOnly().resolve(name, 80, socket.AF_INET)


async def test_a_guarded_session_does_not_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal comes from the moment of the connection and says what to do."""
    monkeypatch.setattr(requests, "check_url", lambda _: None)
    async with running_hub() as hub, make_session(guarded=True) as session:
        remote = Remote(hub.url.replace("127.0.0.1", "localhost") + "/files/x.gguf", guarded=True, from_hub=False)
        with pytest.raises(TransferFailed, match="allow_private_urls") as caught:
            async with opened(session, remote, {}):
                pass
        assert (caught.value.code, hub.requests) == ("address_refused", [])


async def test_redirects_are_looked_at_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """A harmless address may send on to one that is not."""
    checked: list[str] = []

    def check(url: str) -> None:
        checked.append(url)
        if len(checked) > 1:
            raise AddressRefused(url)

    monkeypatch.setattr(requests, "check_url", check)
    async with running_hub() as hub, aiohttp.ClientSession() as session:
        remote = Remote(f"{hub.url}/redirect?to=https://10.0.0.1/x.gguf", guarded=True, from_hub=False)
        with pytest.raises(TransferFailed) as caught:
            async with opened(session, remote, {}):
                pass
    assert (caught.value.code, checked[1]) == ("address_refused", "https://10.0.0.1/x.gguf")


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://[::1/x", "itself"])
async def test_senseless_redirects_end(target: str) -> None:
    """To another scheme, to no address at all, in a circle."""
    async with running_hub() as hub, make_session(guarded=False) as session:
        remote = Remote(hub.url + ("/circle" if target == "itself" else f"/redirect?to={target}"), from_hub=False)
        with pytest.raises(TransferFailed) as caught:
            async with opened(session, remote, {}):
                pass
        assert caught.value.code == "bad_answer"
