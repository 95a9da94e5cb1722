"""The description of the management API: complete, and what the routes do when they are asked by it."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from litestar.routes import HTTPRoute

from tests.app.web.harness import Web
from tests.app.web.surface import app_of, calls

CONFIG = Path(__file__).with_name("schemathesis.toml")
METHODS = {"get", "put", "post", "patch", "delete"}
LEFT_OUT = {
    "/api/events": "its answer never ends; test_routes.py listens to it",
    "/api/logout": "it ends the login that the other calls need; test_access.py calls it",
}
# What other programs rely on. A route may be added here when it is made; none may be taken out or renamed.
PROMISED = {
    "/healthz": {"get"},
    "/metrics": {"get"},
    "/readyz": {"get"},
    "/api/events": {"get"},
    "/api/gpus": {"get"},
    "/api/gpus/benchmark": {"post"},
    "/api/gpus/{id}/selftest": {"post"},
    "/api/issues": {"get"},
    "/api/issues/{issue_id}/dismiss": {"post"},
    "/api/issues/{issue_id}/fix": {"post"},
    "/api/jobs": {"get"},
    "/api/jobs/{job_id}": {"get", "delete"},
    "/api/keys": {"get", "post"},
    "/api/keys/{id}": {"delete"},
    "/api/login": {"post"},
    "/api/logs": {"get"},
    "/api/models": {"get", "post"},
    "/api/models/cleanup": {"post"},
    "/api/models/resolve": {"get"},
    "/api/models/search": {"get"},
    "/api/models/upload": {"post"},
    "/api/models/{model}": {"delete"},
    "/api/plans": {"post"},
    "/api/serving": {"get", "post"},
    "/api/serving/{model}": {"delete"},
    "/api/settings": {"get", "patch"},
    "/api/settings/export": {"get"},
    "/api/settings/import": {"post"},
    "/api/setup": {"post"},
    "/api/status": {"get"},
    "/api/support-bundle": {"get"},
}
PAGES = {
    "/",
    "/about",
    "/activity",
    "/chat",
    "/connect",
    "/gpus",
    "/keys",
    "/login",
    "/logs",
    "/models",
    "/repairs",
    "/settings",
}
PAGES |= {"/setup", "/topology"}
Json = dict[str, Any]


async def schema_of(web: Web) -> Json:
    answer = await web.call("GET", "/schema")
    assert answer.status == 200
    document: Json = json.loads(await answer.text())
    return document


def operations(document: Json) -> dict[tuple[str, str], Json]:
    return {
        (method.upper(), path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


async def test_promised_routes_keep_their_names(web: Web) -> None:
    """Programs are written against them."""
    made = {(method.lower(), _bare(path)) for method, path in operations(await schema_of(web))}
    assert {(method, _bare(path)) for path, methods in PROMISED.items() for method in methods} <= made


async def test_promised_pages_keep_their_addresses(web: Web) -> None:
    """People have them among their bookmarks."""
    assert {call.route for call in calls(web) if call.page} >= PAGES


def _bare(path: str) -> str:
    """What a parameter is called inside is no promise."""
    return re.sub(r"\{\w+\}", "{}", path)


async def test_every_management_route_is_described(web: Web) -> None:
    """A route that is added and not described would be one that nobody finds."""
    described = {path for _, path in operations(await schema_of(web))}
    made = {route.path_format for route in app_of(web).routes if isinstance(route, HTTPRoute)}
    assert {path for path in made if path.startswith("/api/")} <= described


async def test_every_operation_says_what_it_does_and_what_it_answers(web: Web) -> None:
    """A summary, a description, a subject, what comes back when it works, and how an error looks."""
    document = await schema_of(web)
    subjects = {tag["name"]: tag["description"] for tag in document["tags"]}
    assert all(subjects.values())
    lacking = {
        name: flaws for name, operation in operations(document).items() if (flaws := _flaws(operation, subjects))
    }
    assert not lacking


def _flaws(operation: Json, subjects: Json) -> list[str]:
    good = {status: answer for status, answer in operation["responses"].items() if status.startswith("2")}
    problems = [answer for status, answer in operation["responses"].items() if status.startswith("4")]
    flaws = [part for part in ("summary", "description") if not operation.get(part)]
    if not operation.get("tags") or not set(operation["tags"]) <= set(subjects):
        flaws.append("subject")
    if not good or not all(_has_schema(answer) for status, answer in good.items() if status != "204"):
        flaws.append("answer")
    if not problems or not all("application/problem+json" in answer["content"] for answer in problems):
        flaws.append("problems")
    return flaws


def _has_schema(answer: Json) -> bool:
    return bool(answer.get("content")) and all("schema" in content for content in answer["content"].values())


async def test_every_field_of_every_body_is_explained(web: Web) -> None:
    """In words, where a program's author looks for them."""
    schemas = (await schema_of(web))["components"]["schemas"]
    bodies = {name: schema for name, schema in schemas.items() if name.endswith("Body")}
    silent = {
        f"{name}.{field}"
        for name, schema in bodies.items()
        for field, about in schema.get("properties", {}).items()
        if not about.get("description")
    }
    assert bodies
    assert not silent


@pytest.mark.timeout(240)
@pytest.mark.usefixtures("nothing_outside")
async def test_every_route_keeps_to_its_description(web: Web, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """No 500, no answer that is not described, no wrong input taken, nothing without a login, 405 for other methods."""
    asked = operations(await schema_of(web))
    with caplog.at_level(logging.ERROR):
        code, said = await ask_everything(web, tmp_path)
    assert code == 0, said
    assert f"Tested: {len(asked) - len(LEFT_OUT)}\n" in said
    assert not [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
    assert (await web.call("GET", "/api/status")).status == 200, "the login was lost on the way: little was tried"


async def ask_everything(web: Web, folder: Path) -> tuple[int | None, str]:
    """In a process of its own, so that it does not take the time of the box that it asks."""
    left_out = [word for path in LEFT_OUT for word in ("--exclude-path", path)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", web.url + "/schema"),
        *("--header", f"Authorization: Bearer {web.token}", "--output-sanitize", "false", *left_out),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode, re.sub(r"[ \t]+\n", "\n", said.decode(errors="replace"))
