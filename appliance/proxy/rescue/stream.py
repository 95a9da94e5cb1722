"""What each kind of stream had said when it broke, and how it goes on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import msgspec

from appliance.proxy.asgi import json_bytes
from appliance.proxy.rescue.events import Event, read_events

TOLD = b": meshbox: the engine of this answer ended; another one went on\n\n"
_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict")
_BOUND = ("grammar", "json_schema", "response_format", "text")  # what the answer has to look like from its first letter
_GO_ON = {"continue_final_message": True, "add_generation_prompt": False}


class CannotGoOn(Exception):
    """Why the answer cannot be gone on with, for the log."""


class Broken(ABC):
    """One answer that broke off. `tokens` is how many the client has, once that was counted."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._body = dict(body)
        self.tokens = 0
        self.text = ""
        self.over = False  # all was said, but for the mark at the end

    @property
    def said(self) -> str:
        """All that cost tokens."""
        return self.text

    def closing(self) -> bytes:
        """What is still missing when all was said."""
        return Event("", None).bytes() if self.over else b""

    @abstractmethod
    def hear(self, event: Event) -> None:
        """Takes in an event that was sent before. May raise CannotGoOn."""

    @abstractmethod
    def _asking(self) -> dict[str, Any]:
        """The fields of the request that change."""

    @abstractmethod
    def fitted(self, event: Event) -> Event | None:
        """An event of the next engine as one of this answer; None when the client has it already."""

    def next_request(self) -> bytes:
        """What the next engine is asked, less what was said; one token at least, so that it brings the end."""
        limits = {k: max(1, v - self.tokens) for k in _LIMITS if isinstance(v := self._body.get(k), int) and v > 0}
        return json_bytes({**self._body, **limits, **self._asking()})


class BrokenChat(Broken):
    def __init__(self, body: Mapping[str, Any]) -> None:
        super().__init__(body)
        self.reasoning = ""
        self._same: dict[str, Any] = {}

    def hear(self, event: Event) -> None:
        if event.data is None:
            return
        self._same = self._same or {k: event.data[k] for k in ("id", "created") if k in event.data}
        for choice in event.data.get("choices", ()):
            self.over = self.over or choice.get("finish_reason") is not None
            delta = choice.get("delta", {})
            if delta.get("tool_calls"):
                raise CannotGoOn("it was calling a tool")
            self.text += delta.get("content") or ""
            self.reasoning += delta.get("reasoning_content") or ""

    @property
    def said(self) -> str:
        return self.reasoning + self.text

    def _asking(self) -> dict[str, Any]:
        said = {"role": "assistant", "content": self.text}
        if self.reasoning:
            said["reasoning_content"] = self.reasoning
        return {"messages": [*self._body["messages"], said], **_GO_ON}

    def fitted(self, event: Event) -> Event | None:
        if event.data is None:
            return event
        data = event.data | self._same
        if "usage" in data:
            data["usage"] = _more(data["usage"], "prompt_tokens", "completion_tokens", self.tokens)
        choices = [fitted for choice in data.get("choices", ()) if (fitted := self._choice(choice)) is not None]
        if data.get("choices") and not choices:
            return None
        return Event(event.name, data | {"choices": choices})

    def _choice(self, choice: dict[str, Any]) -> dict[str, Any] | None:
        delta = dict(choice.get("delta", {}))
        if delta.pop("role", None) and not delta.get("content"):
            delta.pop("content", None)
        return {**choice, "delta": delta} if delta or choice.get("finish_reason") else None


class BrokenCompletion(Broken):
    def __init__(self, body: Mapping[str, Any]) -> None:
        super().__init__(body)
        self._same: dict[str, Any] = {}
        if not isinstance(body.get("prompt"), str) or body.get("suffix") or body.get("echo"):
            raise CannotGoOn("only the text of a prompt can be gone on with")

    def hear(self, event: Event) -> None:
        if event.data is not None:
            self._same = self._same or {k: event.data[k] for k in ("id", "created") if k in event.data}
            for choice in event.data.get("choices", ()):
                self.text += choice.get("text") or ""
                self.over = self.over or choice.get("finish_reason") is not None

    def _asking(self) -> dict[str, Any]:
        return {"prompt": self._body["prompt"] + self.text}

    def fitted(self, event: Event) -> Event | None:
        if event.data is None:
            return event
        data = event.data | self._same
        if "usage" in data:
            data["usage"] = _more(data["usage"], "prompt_tokens", "completion_tokens", self.tokens)
        return Event(event.name, data)


class BrokenMessage(Broken):
    """Of the Anthropic API. The engine says all again there, in its first words."""

    _HAD = frozenset({"message_start", "content_block_start", "ping"})

    def __init__(self, body: Mapping[str, Any]) -> None:
        super().__init__(body)
        self._repeated = ""

    def hear(self, event: Event) -> None:
        data = event.data or {}
        block, delta = data.get("content_block", {}), data.get("delta", {})
        self.over = self.over or bool(delta.get("stop_reason"))
        if block.get("type", "text") != "text" or data.get("index", 0) != 0:
            raise CannotGoOn("it was thinking or calling a tool")
        self.text += delta.get("text") or ""
        self._repeated = self.text

    def _asking(self) -> dict[str, Any]:
        return {"messages": [*self._body["messages"], {"role": "assistant", "content": self.text}]}

    def fitted(self, event: Event) -> Event | None:
        data = dict(event.data or {})
        if data.get("type") in self._HAD:
            return None
        if data.get("type") == "content_block_delta":
            text = self._new(data["delta"].get("text") or "")
            return Event(event.name, data | {"delta": data["delta"] | {"text": text}}) if text else None
        if "usage" in data:
            data["usage"] = _more(data["usage"], "input_tokens", "output_tokens", self.tokens)
        return Event(event.name, data)

    def closing(self) -> bytes:
        return Event("message_stop", {"type": "message_stop"}).bytes() if self.over else b""

    def _new(self, text: str) -> str:
        known = min(len(text), len(self._repeated))
        if text[:known] != self._repeated[:known]:
            raise CannotGoOn("the next engine did not take up what had been said")
        self._repeated = self._repeated[known:]
        return text[known:]


class BrokenResponse(Broken):
    _HAD = frozenset(
        {"response.created", "response.in_progress", "response.output_item.added", "response.content_part.added"}
    )

    def __init__(self, body: Mapping[str, Any]) -> None:
        super().__init__(body)
        self._id = self._item = ""
        self._whole = ""

    def hear(self, event: Event) -> None:
        data = event.data or {}
        self._id = self._id or data.get("response", {}).get("id", "")
        item = data.get("item", {})
        if item.get("type", "message") != "message":
            raise CannotGoOn("it was thinking or calling a tool")
        self._item = self._item or item.get("id", "")
        if data.get("type") == "response.output_text.delta":
            self.text += data.get("delta") or ""
        self.over = self.over or data.get("type") == "response.completed"
        self._whole = self.text

    def closing(self) -> bytes:
        return b""  # its last event is the mark at the end

    def _asking(self) -> dict[str, Any]:
        asked = self._body["input"]
        before = [{"role": "user", "content": asked}] if isinstance(asked, str) else list(asked)
        said = {"type": "output_text", "text": self.text}
        message = {"type": "message", "role": "assistant", "status": "in_progress", "content": [said]}
        return {"input": [*before, message], **_GO_ON}

    def fitted(self, event: Event) -> Event | None:
        data = dict(event.data or {})
        if data.get("type") in self._HAD:
            return None
        if "item_id" in data:
            data["item_id"] = self._item
        if data.get("type") == "response.output_text.delta":
            self._whole += data.get("delta") or ""
        return Event(event.name, self._closing(data))

    def _closing(self, data: dict[str, Any]) -> dict[str, Any]:
        """Events at the end repeat all that was said."""
        if "text" in data:
            data["text"] = self._whole
        if "part" in data:
            data["part"] = data["part"] | {"text": self._whole}
        if "item" in data:
            data["item"] = self._message(data["item"])
        if "response" in data:
            response = dict(data["response"]) | {"id": self._id}
            response["output"] = [self._message(item) for item in response.get("output", ())]
            if "usage" in response:
                response["usage"] = _more(response["usage"], "input_tokens", "output_tokens", self.tokens)
            data["response"] = response
        return data

    def _message(self, item: dict[str, Any]) -> dict[str, Any]:
        if item.get("type") != "message":
            return item
        return item | {"id": self._item, "content": [part | {"text": self._whole} for part in item.get("content", ())]}


_KINDS: Mapping[str, type[Broken]] = {
    "/v1/chat/completions": BrokenChat,
    "/v1/completions": BrokenCompletion,
    "/v1/messages": BrokenMessage,
    "/v1/responses": BrokenResponse,
}


def broken_stream(path: str, body: bytes, sent: bytes) -> Broken:
    """Raises CannotGoOn."""
    asked = msgspec.json.decode(body, type=dict[str, Any])
    kind = _KINDS.get(path)
    if kind is None:
        raise CannotGoOn(f"answers of {path} cannot be gone on with")
    bound = [name for name in _BOUND if asked.get(name) and not _is_plain(asked[name])]
    if bound or (asked.get("n") or 1) != 1:
        raise CannotGoOn(f"it asks for {', '.join(bound) or 'several answers'}")
    broken = kind(asked)
    for event in read_events(sent):
        broken.hear(event)
    return broken


def _is_plain(wanted: object) -> bool:
    """`text` of the Responses API and `response_format` may just say that text will do."""
    if not isinstance(wanted, Mapping):
        return False
    inner = wanted.get("format", wanted)
    return isinstance(inner, Mapping) and inner.get("type", "text") == "text"


def _more(usage: Mapping[str, Any], into: str, out: str, tokens: int) -> dict[str, Any]:
    """What the next engine read of the answer was not in the prompt, but written before."""
    fixed = dict(usage)
    for name, change in ((into, -tokens), (out, tokens)):
        if isinstance(fixed.get(name), int):
            fixed[name] = max(0, fixed[name] + change)
    return fixed
