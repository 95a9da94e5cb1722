"""ASGI helpers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.proxy.asgi import header_value, request_id, respond


@given(st.text())
def test_any_text_fits_into_a_header(text: str) -> None:
    """No name of a model or box can break a header or begin another."""
    assert re.fullmatch(rb"[ -~]*", header_value(text))


def test_plain_text_stays_as_it_is() -> None:
    """Usual names are readable."""
    assert header_value("mesh-tiny-dense-Q8_0; text/x") == b"mesh-tiny-dense-Q8_0; text/x"


@pytest.mark.parametrize("given", [b"a", b"req_01HX.5-6:7/8", b"x" * 128])
def test_a_sane_request_id_is_taken_over(given: bytes) -> None:
    """Short and plain: taken."""
    assert request_id({"headers": [(b"x-request-id", given)]}) == given


@pytest.mark.parametrize("given", [b"", b"x" * 129, b"a b", b"a\x00", b"-a", "ä".encode()])
def test_any_other_is_replaced(given: bytes) -> None:
    """Else a new one is made, each time another."""
    scope = {"headers": [(b"x-request-id", given)]}
    made = {request_id(scope), request_id(scope), request_id({"headers": []})}
    assert [bool(re.fullmatch(rb"req-[0-9a-f]{24}", i)) for i in made] == [True] * 3


async def test_a_head_only_answer_keeps_its_length() -> None:
    """HEAD: the headers of GET, no body."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await respond(send, 200, b"{}", only_head=True)
    assert (dict(sent[0]["headers"])[b"content-length"], sent[1]["body"]) == (b"2", b"")
