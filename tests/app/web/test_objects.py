"""Objects through the management port."""

from __future__ import annotations

from io import BytesIO

import pytest

from appliance.objects.types import LARGEST, MIB
from tests.app.web.harness import Web

OBJECTS = "/api/objects"


async def test_up_and_away(web: Web) -> None:
    """What it is, where it is, how long; then it is removed, once."""
    answer = await web.call("POST", OBJECTS, data=BytesIO(b"GIF89a" + bytes(20)), headers={"Content-Type": "text/html"})
    about = await answer.json()
    assert (answer.status, about["type"], about["size"], about["uses_left"]) == (201, "image/gif", 26, 3)
    assert set(about) == {"id", "url", "size", "type", "expires_at", "uses_left"}
    removed = await web.call("DELETE", f"{OBJECTS}/{about['id']}")
    again = await web.call("DELETE", f"{OBJECTS}/{about['id']}")
    assert (removed.status, again.status, (await again.json())["code"]) == (200, 404, "object_not_found")


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_only_for_who_has_logged_in(web: Web, method: str) -> None:
    """Others are told to."""
    web.headers = {}
    answer = await web.call(method, OBJECTS if method == "POST" else f"{OBJECTS}/x", data=b"x")
    assert (answer.status, (await answer.json())["code"]) == (401, "not_logged_in")


@pytest.mark.parametrize("path", ["..%2F..%2Fsecrets%2Fnode.key", "%2e%2e", "x" * 3000, "%00"])
async def test_no_path_is_an_id(web: Web, path: str) -> None:
    """Whatever is asked for is not known."""
    answer = await web.call("DELETE", f"{OBJECTS}/{path}")
    assert answer.status in (404, 405)


@pytest.mark.parametrize(
    ("data", "kind", "status", "code"),
    [
        (b"", "image/png", 422, "empty_object"),
        (b"x", "multipart/form-data", 400, "malformed_form"),
        (
            b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx",
            "multipart/form-data; boundary=b",
            400,
            "malformed_form",
        ),
        (bytes(LARGEST + MIB), "image/png", 413, "too_large"),
    ],
    ids=["empty", "no boundary", "cut short", "too large"],
)
async def test_what_is_refused(web: Web, data: bytes, kind: str, status: int, code: str) -> None:
    """A problem document says why."""
    answer = await web.call("POST", OBJECTS, data=BytesIO(data), headers={"Content-Type": kind})
    assert (answer.status, (await answer.json())["code"]) == (status, code)


async def test_a_box_without_room_for_objects(web: Web) -> None:
    """The setting turns them off."""
    await web.call("PATCH", "/api/settings", json={"api": {"objects_mib": 0}})
    answer = await web.call("POST", OBJECTS, data=BytesIO(b"x"))
    assert (answer.status, (await answer.json())["code"]) == (403, "objects_off")


async def test_they_are_metrics(web: Web) -> None:
    """What is kept, what came, what was refused and what is gone."""
    about = await (await web.call("POST", OBJECTS, data=BytesIO(b"GIF89a" + bytes(20)))).json()
    await web.call("POST", OBJECTS, data=BytesIO(b"GIF89a"))
    await web.call("POST", OBJECTS, data=b"")
    await web.call("DELETE", f"{OBJECTS}/{about['id']}")
    lines = (await (await web.call("GET", "/metrics")).text()).splitlines()
    told = {line.rpartition(" ")[0]: line.rpartition(" ")[2] for line in lines if line.startswith("meshbox_object")}
    assert told == {
        "meshbox_objects": "1.0",
        "meshbox_object_bytes": "6.0",
        "meshbox_objects_taken_total": "2.0",
        "meshbox_objects_taken_bytes_total": "32.0",
        'meshbox_objects_refused_total{reason="empty_object"}': "1.0",
        'meshbox_objects_ended_total{how="used"}': "0.0",
        'meshbox_objects_ended_total{how="removed"}': "1.0",
        'meshbox_objects_ended_total{how="expired"}': "0.0",
    }


async def test_the_activity_page_tells_how_many_are_kept(web: Web) -> None:
    """And nothing of them while there are none."""
    assert "kept for some minutes" not in await (await web.call("GET", "/activity")).text()
    await web.call("POST", OBJECTS, data=BytesIO(b"GIF89a" + bytes(2048)))
    assert "kept for some minutes" in await (await web.call("GET", "/activity")).text()
