"""A conversation in OpenAI's shape: pictures as parts of a message, calls of tools with ids."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from appliance.proxy.ollama.shapes import Message, ToolCall

_KINDS = {"iVBOR": "image/png", "R0lGOD": "image/gif", "UklGR": "image/webp", "Qk": "image/bmp"}
USUAL_KIND = "image/jpeg"
LINK = "data:image/"


def conversation(messages: Iterable[Message]) -> list[dict[str, Any]]:
    calls = _Calls()
    return [_message(message, calls) for message in messages]


def content(text: str, images: Iterable[str] | None) -> str | list[dict[str, Any]]:
    """Pictures stand before the text, as Ollama has them."""
    parts = [{"type": "image_url", "image_url": {"url": picture(image)}} for image in images or ()]
    return [*parts, {"type": "text", "text": text}] if parts else text


def picture(image: str) -> str:
    """Always the picture itself: an address would have the engine fetch it."""
    if image.startswith(LINK):
        return image
    kind = next((kind for start, kind in _KINDS.items() if image.startswith(start)), USUAL_KIND)
    return f"data:{kind};base64,{image}"


def _message(message: Message, calls: _Calls) -> dict[str, Any]:
    said: dict[str, Any] = {"role": message.role, "content": content(message.content or "", message.images)}
    if message.thinking:
        said["reasoning_content"] = message.thinking
    if message.tool_calls:
        said["tool_calls"] = [_call(call, calls.made(call)) for call in message.tool_calls]
    if message.role == "tool":
        said["tool_call_id"] = message.tool_call_id or calls.answered(message.tool_name)
        if message.tool_name:
            said["name"] = message.tool_name
    return said


def _call(call: ToolCall, call_id: str) -> dict[str, Any]:
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": call.function.name, "arguments": _as_text(call.function.arguments)},
    }


def _as_text(arguments: msgspec.Raw) -> str:
    """OpenAI's arguments are a text with JSON in it; some programs send them so here as well."""
    try:
        return msgspec.json.decode(arguments, type=str)
    except msgspec.MsgspecError:
        return bytes(arguments).decode("utf-8", "replace")


@dataclass(slots=True)
class _Calls:
    """Programs for Ollama need not give ids: a result belongs to the earliest call of its name that has none."""

    count: int = 0
    open: list[tuple[str, str]] = field(default_factory=list)  # id, name

    def made(self, call: ToolCall) -> str:
        self.count += 1
        call_id = call.id or f"call{self.count:05d}"  # nine letters and digits: what the strictest templates take
        self.open.append((call_id, call.function.name))
        return call_id

    def answered(self, name: str | None) -> str:
        found = next((one for one in self.open if name in (None, "", one[1])), None)
        if found is None:
            self.count += 1
            return f"call{self.count:05d}"
        self.open.remove(found)
        return found[0]
