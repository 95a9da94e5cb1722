"""The OpenAPI document of the management API, completed with what is the same for every route.

The framework writes routes, parameters and bodies; here each gets its summary, its errors and whether it needs a login.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from litestar import Litestar, Request
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.routes import HTTPRoute

from appliance.api.login import PUBLIC
from appliance.api.requests import Body
from appliance.settings.schema import Settings

Json = dict[str, Any]

METHODS = ("get", "put", "post", "patch", "delete")
PROBLEM: Json = {
    "type": "object",
    "description": "What went wrong (RFC 9457), sometimes with further members that say more.",
    "required": ["title", "status", "code", "detail"],
    "properties": {
        "title": {"type": "string", "description": "The code in words"},
        "status": {"type": "integer", "description": "The status of the answer"},
        "code": {"type": "string", "description": "For programs: stays the same"},
        "detail": {"type": "string", "description": "For people: what happened and what to do"},
        "fields": {
            "type": "object",
            "description": "What is wrong with which field, by its dotted name",
            "additionalProperties": {"type": "string"},
        },
    },
}
REVISION = "Of the document that the change was made from; another one in the meantime, and the change is refused"
GOES = "Takes the entry away"
LOGINS: Json = {
    "token": {"type": "http", "scheme": "bearer", "description": "The token that POST /api/login gave"},
}


@dataclass
class FileOperation(Operation):
    """Of a route that takes a file as its raw body."""

    def __post_init__(self) -> None:
        schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        self.request_body = RequestBody({"application/octet-stream": OpenAPIMediaType(schema=schema)}, required=True)


@dataclass
class WithoutBodyAsWell(Operation):
    """Of a route whose body may be left out."""

    def __post_init__(self) -> None:
        if isinstance(self.request_body, RequestBody):
            self.request_body.required = False


class Described(JsonRenderPlugin):
    """Renders the completed document."""

    def __init__(self) -> None:
        super().__init__(path=("/", "/openapi.json"))
        self._completed: Json | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: Json) -> bytes:
        if self._completed is None:
            self._completed = completed(openapi_schema, frozenset(public_operations(request.app)))
        return super().render(request, self._completed)


def public_operations(app: Litestar) -> Iterator[tuple[str, str]]:
    """Path and method of what is open to everybody."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                if handler.opt.get(PUBLIC):
                    yield from ((route.path_format, method.lower()) for method in handler.http_methods)


def completed(document: Json, public: frozenset[tuple[str, str]]) -> Json:
    paths = {
        path: {
            name: _operation(value, needs_login=(path, name) not in public) if name in METHODS else value
            for name, value in item.items()
        }
        for path, item in document["paths"].items()
    }
    components = dict(document.get("components", {}))
    components["schemas"] = {**_closed(components.get("schemas", {})), **settings_schemas(), "Problem": PROBLEM}
    return {**document, "paths": paths, "components": {**components, "securitySchemes": LOGINS}}


def settings_schemas() -> Json:
    """What a change of the settings may hold: any part of the document."""
    document = Settings.model_json_schema(ref_template="#/components/schemas/{model}")
    sections = document.pop("$defs")
    for section in sections.values():
        for field in section["properties"].values():
            for pattern, entry in field.get("patternProperties", {}).items():
                field["patternProperties"][pattern] = {"anyOf": [entry, {"type": "null", "description": GOES}]}
    changed = document["properties"] | {"revision": {"type": ["integer", "null"], "description": REVISION}}
    return {**sections, "SettingsPatch": {**document, "title": "SettingsPatch", "properties": changed}}


def _closed(schemas: Json) -> Json:
    """The framework does not tell which bodies take nothing but what they name."""
    closed = {body.__name__ for body in Body.__subclasses__()}
    return {
        name: {**schema, "additionalProperties": False} if name in closed else schema
        for name, schema in schemas.items()
    }


def _operation(operation: Json, *, needs_login: bool) -> Json:
    answers = {status: _answer(answer) for status, answer in operation["responses"].items() if status < "400"}
    if needs_login:
        answers["401"] = _problem("Nobody is logged in.")
    answers["4XX"] = _problem("The request cannot be met as it is.")
    answers["5XX"] = _problem("The box, or another one that it asked, could not do it.")
    description = operation.get("description", "")
    summary = " ".join(description.split("\n\n")[0].split()).removesuffix(".")
    return operation | {
        "summary": summary or operation.get("summary", ""),
        "responses": answers,
        "security": [{name: []} for name in LOGINS] if needs_login else [],
    }


def _answer(answer: Json) -> Json:
    """What a route encoded by itself is an object as well: the framework takes it for a text."""
    content = answer.get("content", {})
    if content.get("application/json", {}).get("schema") == {"type": "string"}:
        return answer | {"content": {"application/json": {"schema": {"type": "object"}}}}
    return answer


def _problem(description: str) -> Json:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {"application/problem+json": {"schema": schema}}}
