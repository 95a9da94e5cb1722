"""Who is a browser, and from where."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.proxy.errors import ApiError
from appliance.proxy.guard import check_browser, cors_headers, preflight_headers
from appliance.settings.schema import ApiSettings, Settings

PAGE = "https://app.example.org"
LISTED = Settings(api=ApiSettings(allowed_origins=(PAGE,)))


def scope(**headers: str) -> dict[str, Any]:
    return {"headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]}


def verdict(**headers: str) -> str | int | None:
    try:
        return check_browser(scope(**headers), LISTED)
    except ApiError as error:
        return error.status


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"host": "anything.example.org"}, None),
        ({"host": "nas:9337", "origin": "http://nas:9337"}, None),
        ({"host": "NAS:9337", "origin": "http://nas:9337"}, None),
        ({"host": "nas:9337", "origin": PAGE}, PAGE),
        ({"host": "nas:9337", "origin": PAGE.upper()}, PAGE),
        ({"host": "nas:9337", "origin": PAGE + ":8443"}, 403),
        ({"host": "nas:9337", "origin": "http://nas:8080"}, 403),
        ({"host": "nas:9337", "origin": "null"}, 403),
        ({"host": "nas:9337", "origin": "chrome-extension://abc"}, 403),
        ({"host": "nas:9337", "sec_fetch_site": "cross-site"}, 403),
        ({"host": "nas:9337", "sec_fetch_site": "none"}, None),
        ({"host": "nas:9337", "sec_fetch_site": "same-origin"}, None),
        ({"host": "evil.example.org", "origin": "http://evil.example.org"}, 421),
        ({"host": "evil.example.org", "origin": PAGE}, 421),
        ({"host": "evil.example.org", "sec_fetch_site": "same-origin"}, 421),
        ({"origin": PAGE}, 421),
    ],
)
def test_who_may_call(headers: dict[str, str], expected: str | int | None) -> None:
    """Programs always, pages of the box, listed pages; nobody else, and nobody under a rebound name."""
    assert verdict(**headers) == expected


def test_cors_names_the_one_origin() -> None:
    """Never a star, and caches are told that the answer depends on the origin."""
    headers = dict(cors_headers(PAGE))
    assert (headers[b"access-control-allow-origin"], headers[b"vary"]) == (PAGE.encode(), b"Origin")


def test_odd_preflights_are_not_echoed() -> None:
    """A header list that is no list of names is not repeated."""
    headers = dict(preflight_headers(scope(access_control_request_headers="a<b"), ("GET",)))
    assert headers == {b"access-control-allow-methods": b"GET", b"access-control-max-age": b"600"}


def test_private_network_preflights_are_granted() -> None:
    """Browsers ask for it when a public page calls a private address."""
    asked = scope(access_control_request_private_network="true")
    assert (b"access-control-allow-private-network", b"true") in preflight_headers(asked, ("GET",))
