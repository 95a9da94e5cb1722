"""Browser pages of strangers get nowhere; pages that the owner lists do; programs are not concerned."""

from __future__ import annotations

import pytest

from appliance.settings.schema import ApiSettings, Settings, WebSettings
from tests.app.proxy.harness import QUESTION, Api

CHAT = "/v1/chat/completions"
PAGE = "https://chat.example.org"


async def test_a_foreign_page_is_refused_before_any_work(api: Api) -> None:
    """No request of a foreign page reaches an engine."""
    said = await api.post(CHAT, QUESTION, Origin=PAGE)
    assert (said.status, said.code, dict(api.meter.totals())) == (403, "origin_not_allowed", {})


async def test_errors_for_browsers_have_the_shape_of_the_route(api: Api) -> None:
    """On Anthropic's routes the refusal is in Anthropic's shape."""
    said = await api.post("/v1/messages", QUESTION, Origin="null")
    assert (said.status, said.json["type"], said.json["error"]["type"]) == (403, "error", "permission_error")


async def test_a_listed_page_may_ask_and_read(api: Api) -> None:
    """A page on the list gets its preflight, its answer, and may read even an error."""
    api.settings = Settings(api=ApiSettings(allowed_origins=(PAGE,)))
    asked = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-a, content-type",
    }
    preflight = await api.ask("OPTIONS", CHAT, headers=asked)
    good, bad = await api.post(CHAT, QUESTION, Origin=PAGE), await api.post(CHAT, b"{", Origin=PAGE)
    assert [
        (a.status, a.headers.get("Access-Control-Allow-Origin"), a.headers.get("Vary")) for a in (preflight, good, bad)
    ] == [
        (204, PAGE, "Origin"),
        (200, PAGE, "Origin"),
        (400, PAGE, "Origin"),
    ]
    assert preflight.headers["Access-Control-Allow-Headers"] == "x-a, content-type"


async def test_an_unlisted_page_gets_no_preflight(api: Api) -> None:
    """The browser is told nothing that would let it go on."""
    said = await api.ask("OPTIONS", CHAT, headers={"Origin": PAGE, "Access-Control-Request-Method": "POST"})
    assert (said.status, "Access-Control-Allow-Origin" in said.headers) == (403, False)


@pytest.mark.parametrize("host", ["evil.example.org", "evil.example.org:9337"])
async def test_a_rebound_name_is_refused(api: Api, host: str) -> None:
    """A page whose own name points at this box (DNS rebinding) gets a 421, though its origin equals the host."""
    said = await api.ask("POST", CHAT, b"{}", headers={"Host": host, "Origin": f"http://{host}"})
    assert (said.status, said.code) == (421, "host_not_allowed")


async def test_a_name_that_the_owner_allows_is_no_rebinding(api: Api) -> None:
    """A name of web.allowed_hosts may be used."""
    api.settings = Settings(web=WebSettings(allowed_hosts=("box.example.org",)))
    headers = {"Host": "box.example.org", "Origin": "https://box.example.org"}
    assert (await api.ask("GET", "/v1/models", headers=headers)).status == 200


async def test_a_page_of_the_box_itself_may_call(api: Api) -> None:
    """Same origin, allowed name: fine."""
    host = f"127.0.0.1:{api.port}"
    said = await api.post(CHAT, QUESTION, Host=host, Origin=f"http://{host}", Sec_Fetch_Site="same-origin")
    assert (said.status, "Access-Control-Allow-Origin" in said.headers) == (200, False)


async def test_a_cross_site_request_without_origin_is_refused(api: Api) -> None:
    """An image tag of a foreign page reads nothing here."""
    said = await api.ask("GET", "/v1/models", headers={"Sec-Fetch-Site": "cross-site"})
    assert (said.status, said.code) == (403, "origin_not_allowed")


async def test_programs_may_use_any_name(api: Api) -> None:
    """Who sends neither Origin nor Sec-Fetch-Site is no browser: any Host will do."""
    assert (await api.post(CHAT, QUESTION, Host="box.example.org")).status == 200


async def test_a_typed_address_is_answered(api: Api) -> None:
    """Opening the model list in a browser by hand works."""
    assert (await api.ask("GET", "/v1/models", headers={"Sec-Fetch-Site": "none"})).status == 200
