"""Settings as files: exported, imported, and brought back from the backups of the box."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from appliance.settings.backups import KEPT
from appliance.settings.exchange import FORMAT
from appliance.settings.schema import Settings
from tests.app.web.harness import Web

Json = dict[str, Any]


async def export(web: Web) -> Json:
    answer = await web.call("GET", "/api/settings/export")
    assert answer.status == 200
    document: Json = await answer.json()
    return document


async def change(web: Web, /, **sections: Json) -> int:
    answer = await web.call("PATCH", "/api/settings", json=sections)
    assert answer.status == 200, await answer.text()
    return int((await answer.json())["revision"])


async def take(web: Web, document: object, query: str = "") -> tuple[int, Json]:
    body = io.BytesIO(document if isinstance(document, bytes) else json.dumps(document).encode())
    answer = await web.call("POST", f"/api/settings/import{query}", data=body)
    return answer.status, await answer.json()


def file_of(settings: Json, **more: object) -> Json:
    return {"format": FORMAT, "version": 1, "settings": settings, **more}


async def test_an_export_says_what_it_is(web: Web) -> None:
    """Format, version, time and box; nothing of the document's bookkeeping; it is saved under a name."""
    await change(web, node={"name": "den"})
    answer = await web.call("GET", "/api/settings/export")
    document = await answer.json()
    assert (document["format"], document["version"], document["node_name"]) == (FORMAT, 1, "den")
    assert document["made_at"].endswith("Z")
    assert "revision" not in document["settings"]
    assert "attachment" in answer.headers["Content-Disposition"]


async def test_an_import_brings_back_what_was_exported(web: Web) -> None:
    """What was added since goes away again, entries of single models too."""
    await change(web, node={"name": "den"}, web={"allowed_hosts": ["a.example.org"]})
    before = await export(web)
    await change(web, node={"name": "attic"}, serving={"per_model": {"m": {"context": 512}}})
    status, told = await take(web, before)
    assert (status, told["dry_run"]) == (200, False)
    assert {"name": "node.name", "old": "attic", "new": "den"} in told["changes"]
    assert (await export(web))["settings"] == before["settings"]


async def test_a_dry_run_changes_nothing(web: Web) -> None:
    """It tells what would change."""
    before = web.settings.current
    status, told = await take(web, file_of({"node": {"name": "den"}}), "?dry_run=true")
    assert (status, told["dry_run"]) == (200, True)
    assert told["changes"] == [{"name": "node.name", "old": before.node.name, "new": "den"}]
    assert web.settings.current == before


async def test_what_a_file_does_not_name_stays(web: Web) -> None:
    """A file with one field changes one field."""
    await change(web, serving={"slots": 2})
    await take(web, file_of({"node": {"name": "den"}}))
    assert (web.settings.current.node.name, web.settings.current.serving.slots) == ("den", 2)


async def test_an_import_from_a_stale_revision_is_refused(web: Web) -> None:
    """What somebody else changed since the preview is not overwritten unseen."""
    revision = await change(web, node={"name": "den"})
    await change(web, node={"name": "attic"})
    status, told = await take(web, file_of({"serving": {"slots": 2}}), f"?from_revision={revision}")
    assert (status, told["code"]) == (409, "stale_revision")
    assert web.settings.current.serving.slots == Settings().serving.slots


HOSTILE = [
    (b"", 400, "bad_request"),
    (b"{", 400, "bad_request"),
    (b"\xff\xfe{\x00}\x00", 400, "bad_request"),
    (b"[" * 200_000, 400, "bad_request"),
    (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400, "bad_request"),
    (b'{"format": "x", "format": "meshbox-settings"}', 400, "duplicate_name"),
    (b'{"format": "meshbox-settings", "version": 1, "settings": {"node": {}, "node": {}}}', 400, "duplicate_name"),
    (b'{"\\ud800": 1}', 400, "bad_request"),
    (b'{"format": NaN}', 400, "bad_request"),
    (b'{"format": ' + b"9" * 10_000 + b"}", 400, "bad_request"),
    (b"[]", 422, "unknown_format"),
    (b"null", 422, "unknown_format"),
    (b'{"format": "other", "version": 1, "settings": {}}', 422, "unknown_format"),
    (b'{"format": "meshbox-settings", "settings": {}}', 422, "unknown_format"),
    (b'{"format": "meshbox-settings", "version": true, "settings": {}}', 422, "unknown_format"),
    (b'{"format": "meshbox-settings", "version": 1, "settings": []}', 422, "unknown_format"),
    (b'{"format": "meshbox-settings", "version": 2, "settings": {}}', 422, "newer_version"),
    (b'{"format": "meshbox-settings", "version": 1, "settings": {"node": 5}}', 422, "invalid_fields"),
    (b'{"format": "meshbox-settings", "version": 1, "settings": {"nonsense": {}}}', 422, "invalid_fields"),
    (b'{"format": "meshbox-settings", "version": 1, "settings": {"setup": 5}}', 422, "invalid_fields"),
    (b" " * (1 << 20) + b"{}", 413, "too_large"),
]


@pytest.mark.parametrize(("body", "status", "code"), HOSTILE, ids=lambda value: str(value)[:40])
async def test_a_file_that_cannot_be_taken_changes_nothing(web: Web, body: bytes, status: int, code: str) -> None:
    """Each mistake has its status and code; none is a fault of the box."""
    before = web.settings.current
    assert (await take(web, body))[0] == status
    assert (await take(web, body))[1]["code"] == code
    assert web.settings.current == before


async def test_a_file_with_one_wrong_field_is_refused_whole(web: Web) -> None:
    """And the field is named."""
    status, told = await take(web, file_of({"node": {"name": "den"}, "serving": {"slots": 0}}))
    assert (status, list(told["fields"])) == (422, ["serving.slots"])
    assert web.settings.current.node.name != "den"


async def test_a_file_with_countless_mistakes_gets_a_short_answer(web: Web) -> None:
    """The answer to a hostile file does not grow with it."""
    status, told = await take(web, file_of({"node": {f"field {n}": n for n in range(20_000)}}))
    assert status == 422
    assert len(told["fields"]) <= 100


async def test_a_file_saved_by_a_notepad_is_taken(web: Web) -> None:
    """Some editors put a mark before the text."""
    body = b"\xef\xbb\xbf" + json.dumps(file_of({"node": {"name": "den"}})).encode()
    assert (await take(web, body))[0] == 200


async def test_each_change_leaves_a_backup(web: Web, tmp_path: Path) -> None:
    """The newest first, with what each changed; each can be imported as it is."""
    first = web.settings.current.node.name
    await change(web, node={"name": "den"})
    await change(web, serving={"slots": 2})
    listed = (await (await web.call("GET", "/api/settings/backups")).json())["backups"]
    assert [backup["changes"] for backup in listed] == [
        [{"name": "serving.slots", "old": 4, "new": 2}],
        [{"name": "node.name", "old": first, "new": "den"}],
        [],
    ]
    assert [backup["current"] for backup in listed] == [True, False, False]
    file = tmp_path / "backups" / f"settings-{listed[1]['revision']}.json"
    assert (await take(web, file.read_bytes()))[0] == 200


async def test_only_the_last_backups_are_kept(web: Web, tmp_path: Path) -> None:
    """The folder does not grow for ever."""
    for number in range(KEPT + 3):
        await change(web, node={"name": f"box {number}"})
    assert len(list((tmp_path / "backups").iterdir())) == KEPT
    listed = (await (await web.call("GET", "/api/settings/backups")).json())["backups"]
    assert len(listed) == KEPT


async def test_a_backup_is_restored(web: Web) -> None:
    """As a new revision, after a look at what would change."""
    revision = await change(web, node={"name": "den"})
    await change(web, node={"name": "attic"})
    path = f"/api/settings/backups/{revision}/restore"
    look = await (await web.call("POST", f"{path}?dry_run=true")).json()
    assert look["changes"] == [{"name": "node.name", "old": "attic", "new": "den"}]
    assert web.settings.current.node.name == "attic"
    told = await (await web.call("POST", path)).json()
    assert web.settings.current.node.name == "den"
    assert told["revision"] == web.settings.current.revision > revision + 1


@pytest.mark.parametrize("revision", ["999", "-1", "9" * 30, "9" * 5000, "../../secrets/password"])
async def test_an_unknown_backup_is_not_found(web: Web, revision: str) -> None:
    """Whatever its number looks like."""
    assert (await web.call("POST", f"/api/settings/backups/{revision}/restore")).status in (404, 405)


async def test_a_damaged_backup_is_passed_over(web: Web, tmp_path: Path) -> None:
    """The others are still there."""
    await change(web, node={"name": "den"})
    revision = await change(web, node={"name": "attic"})
    (tmp_path / "backups" / f"settings-{revision - 1}.json").write_bytes(b"{")
    (tmp_path / "backups" / "settings-x.json").write_bytes(b"{")
    listed = (await (await web.call("GET", "/api/settings/backups")).json())["backups"]
    assert revision in [backup["revision"] for backup in listed]
    assert (await web.call("POST", f"/api/settings/backups/{revision - 1}/restore")).status == 404


async def test_a_backup_that_cannot_be_written_does_not_stop_a_change(web: Web, tmp_path: Path) -> None:
    """The change is in force, and the trouble is told."""
    (tmp_path / "backups").write_bytes(b"in the way")
    await change(web, node={"name": "den"})
    assert web.settings.current.node.name == "den"
    assert web.wrote[-1] is not None


async def test_the_schema_names_the_sections(web: Web) -> None:
    """Programs can check a document before they send it, and see what is fixed."""
    schema = await (await web.call("GET", "/api/settings/schema")).json()
    assert {"node", "serving", "api", "web"} <= set(schema["properties"])
    assert schema["locked"] == []
