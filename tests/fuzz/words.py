"""The look into a request's JSON: what is taken, Python's own reader takes too and understands in the same way."""

from __future__ import annotations

import json
from typing import Any

from appliance.proxy.errors import ApiError
from appliance.proxy.marking import refers_to_objects
from appliance.proxy.peek import peek_json, peek_multipart

OTHER = 'another "name"'


def check_words(data: bytes) -> None:
    refers_to_objects(data)
    _check_form(data)
    try:
        peeked = peek_json(data)
    except ApiError:
        return
    fields = _read(data)
    model = fields.get("model")
    assert peeked.model == model
    assert peeked.stream == (fields.get("stream") is True)
    assert 1 <= peeked.answers <= 10_000
    if peeked.model_span is None:
        assert "model" not in fields
        return
    start, end = peeked.model_span
    assert json.loads(data[start:end]) == model
    renamed = _read(peeked.naming(data, OTHER))
    assert renamed == {**fields, "model": OTHER}


def _read(data: bytes) -> dict[str, Any]:
    """Numbers stay text: they may be longer than Python reads."""
    read: dict[str, Any] = json.loads(data.decode("utf-8"), parse_int=str, parse_float=str, object_pairs_hook=_Fields)
    assert isinstance(read, _Fields)
    assert not read.double
    return dict(read)


class _Fields(dict[str, Any]):
    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.double = len(self) < len(pairs)


def _check_form(data: bytes) -> None:
    try:
        peek_multipart(data, "multipart/form-data; boundary=b")
    except ApiError:
        return
