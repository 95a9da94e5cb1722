"""What two boxes tell each other beside the request."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.proxy.asgi import json_bytes
from appliance.proxy.boxes.words import ELSEWHERE, Unserved, asked_for, asking, check_answer, refused, told_with
from appliance.proxy.endpoints import Shape
from appliance.proxy.errors import ApiError, draining, model_not_found, unsupported


def asked(model: str) -> str:
    return asked_for({"headers": asking(model, batch=False)})


@pytest.mark.parametrize("name", ["mesh-tiny-dense-Q8_0", "mödel 漢字", "a%20b", "x\r\ny: z"])
def test_a_name_arrives_as_it_was_meant(name: str) -> None:
    """Whatever signs it has; a header carries only some of them."""
    assert asked(name) == name


def test_a_request_without_a_name() -> None:
    """Asks for nothing."""
    assert asked_for({"headers": []}) == ""


@pytest.mark.parametrize("shape", Shape)
def test_a_refusal_comes_back_as_it_was(shape: Shape) -> None:
    """Status, code, words, details and when to come again, from every shape of route."""
    told = ApiError(429, "queue_full", "Too many.", retry_after=7, details={"retry_in": 7, "models": ["a", "b"]})
    heard = refused(429, told.headers, json_bytes(told.body(shape)), "m").answer
    assert (heard.status, heard.code, heard.message, heard.headers) == (429, "queue_full", "Too many.", told.headers)
    assert heard.body(shape) == told.body(shape)


def test_which_refusals_another_box_may_spare_the_client() -> None:
    """What lies with the box, not what lies with the request."""
    told = {error.code: bool(told_with(error)) for error in (model_not_found("m", ()), draining(), unsupported("x"))}
    assert told == {"model_not_found": True, "box_stopping": True, "unsupported_endpoint": True}
    assert not told_with(ApiError(400, "invalid_request", "No."))


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_what_two_boxes_disagree_about_is_no_fault_of_the_client(status: int) -> None:
    """It hears that it may try again, and another box is asked before that."""
    heard = refused(status, [(ELSEWHERE, b"1")], json_bytes(model_not_found("m", ()).body(Shape.OPENAI)), "m")
    assert (heard.answer.status, heard.answer.code, heard.elsewhere) == (503, "box_refused", True)


@pytest.mark.parametrize("kind", [b"text/html", b"image/svg+xml", b"", b"application/jsonp"])
def test_an_answer_of_a_kind_that_no_engine_gives(kind: bytes) -> None:
    """Goes no further: in a browser it might be more than words."""
    with pytest.raises(Unserved):
        check_answer(200, [(b"content-type", kind)], b"<script>", "m")


@pytest.mark.parametrize("kind", [b"application/json; charset=utf-8", b"text/event-stream", b"Text/Plain"])
def test_an_answer_goes_on(kind: bytes) -> None:
    """As engines give it."""
    check_answer(200, [(b"content-type", kind)], b"{}", "m")


@given(
    st.integers(100, 999),
    st.lists(st.tuples(st.sampled_from([b"retry-after", ELSEWHERE, b"x"]), st.binary(max_size=20)), max_size=4),
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
        max_leaves=12,
    ).map(lambda error: _encoded({"error": error}))
    | st.dictionaries(
        st.text("abcdefgh_", max_size=8), st.text() | st.integers() | st.lists(st.text()), max_size=6
    ).map(lambda more: _encoded({"error": {"code": "some_code", "message": "No.", **more}})),
)
def test_whatever_a_box_answers_becomes_a_sound_error(
    status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    """Of bounded size, in every shape."""
    error = refused(status, headers, body, "m").answer
    assert 400 <= error.status < 600
    for shape in Shape:
        assert len(json_bytes(error.body(shape))) < 100_000
    assert all(b"\n" not in value for _, value in error.headers)


def _encoded(value: object) -> bytes:
    try:
        return msgspec.json.encode(value)
    except (UnicodeEncodeError, OverflowError, msgspec.MsgspecError):
        return b"?"
