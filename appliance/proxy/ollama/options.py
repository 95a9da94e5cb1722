"""Parameters of a request in the engine's words, and the names of those that have no meaning here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from appliance.proxy.errors import bad_request
from appliance.proxy.ollama.shapes import Asking, is_given

_SAME = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "typical_p",
    "seed",
    "stop",
    "repeat_last_n",
    "repeat_penalty",
    "presence_penalty",
    "frequency_penalty",
    "mirostat",
    "mirostat_tau",
    "mirostat_eta",
)
_OTHERWISE_CALLED = {"num_keep": "n_keep"}
LENGTH = "num_predict"


def engine_options(given: Mapping[str, Any] | None, length: str = "max_tokens") -> dict[str, Any]:
    """`length` is what the route calls the most tokens of an answer; below 1 there is no such limit."""
    options = {name: value for name, value in (given or {}).items() if value is not None}
    known = {name: options[name] for name in _SAME if name in options}
    known |= {ours: options[name] for name, ours in _OTHERWISE_CALLED.items() if name in options}
    most = options.get(LENGTH)
    if isinstance(most, int | float) and most < 1:
        return known
    return known if most is None else {**known, length: most}


def ignored_options(given: Mapping[str, Any] | None) -> list[str]:
    """Those that the owner of the box decides (context, memory, threads), and those nobody knows."""
    known = {*_SAME, *_OTHERWISE_CALLED, LENGTH}
    return [f"options.{name}" for name, value in (given or {}).items() if name not in known and value is not None]


def answer_format(format: msgspec.Raw) -> dict[str, Any]:  # noqa: A002 - as the field is called
    """Raises ApiError (400) for anything but "json" and a schema."""
    if not is_given(format):
        return {}
    if bytes(format).strip() == b'"json"':
        return {"response_format": {"type": "json_object"}}
    if not bytes(format).lstrip().startswith(b"{"):
        raise bad_request("The field 'format' has to be \"json\" or a JSON schema.", param="format")
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": format}}}


def thinking(request: Asking) -> dict[str, Any]:
    """Raises ApiError (400) for a word that is no level."""
    think = request.think
    if think is None or think == "":
        return {}
    if isinstance(think, str):
        if think not in ("low", "medium", "high", "max"):
            raise bad_request(
                'The field \'think\' has to be true, false, "low", "medium", "high" or "max".', param="think"
            )
        return {"reasoning_effort": think}
    return {"chat_template_kwargs": {"enable_thinking": True}} if think else {"reasoning_effort": "none"}
