"""What programs for Ollama send. Fields that mean nothing here are not looked at."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from appliance.proxy.errors import bad_request

NOTHING = msgspec.Raw(b"")
T = TypeVar("T")


class Function(msgspec.Struct):
    name: str = ""
    arguments: msgspec.Raw = msgspec.Raw(b"{}")


class ToolCall(msgspec.Struct):
    function: Function = msgspec.field(default_factory=Function)
    id: str | None = None


class Message(msgspec.Struct):
    role: str
    content: str | None = None
    thinking: str | None = None
    images: list[str] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None


class Named(msgspec.Struct):
    """A model, under its new name or the old one."""

    model: str | None = None
    name: str | None = None

    @property
    def wanted(self) -> str:
        """Raises ApiError (400) when there is none."""
        given = (self.model or self.name or "").strip()
        if not given:
            raise bad_request("model is required", "missing_model", "model")
        return given


class Asking(Named):
    """What chat and generate have in common."""

    stream: bool | None = None
    options: dict[str, Any] | None = None
    format: msgspec.Raw = NOTHING
    think: bool | str | None = None
    keep_alive: float | str | None = None

    @property
    def streams(self) -> bool:
        return self.stream is not False


class Chat(Asking):
    messages: list[Message] | None = None
    tools: msgspec.Raw = NOTHING


class Generate(Asking):
    prompt: str | None = None
    suffix: str | None = None
    system: str | None = None
    template: str | None = None
    images: list[str] | None = None
    raw: bool | None = None
    context: msgspec.Raw = NOTHING


class Embed(Named):
    input: str | list[str] | None = None
    prompt: str | None = None  # of the older route
    dimensions: int | None = None
    truncate: bool | None = None
    options: dict[str, Any] | None = None
    keep_alive: float | str | None = None


def read(body: bytes, shape: type[T]) -> T:
    """Raises ApiError (400) for what cannot be read so."""
    try:
        body.decode("utf-8")  # raw values are not checked for it
        return msgspec.json.decode(body, type=shape)
    except (UnicodeDecodeError, msgspec.DecodeError) as error:
        raise bad_request(f"The body is not a request of this route: {error}", "malformed_json") from error
    except RecursionError as error:
        raise bad_request("The JSON body is nested too deeply.", "malformed_json") from error


def is_given(raw: msgspec.Raw) -> bool:
    """Whether anything stands there: null and empty values mean nothing."""
    return bytes(raw).strip() not in (b"", b"null", b'""', b"[]", b"{}")
