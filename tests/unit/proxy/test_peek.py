"""Looking into request bodies."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.proxy.errors import ApiError
from appliance.proxy.peek import Peeked, peek_json, peek_multipart

KIND = "multipart/form-data; boundary=sep"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def form(*parts: tuple[str, bytes]) -> bytes:
    lines = [b"--sep\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (n.encode(), v) for n, v in parts]
    return b"".join(lines) + b"--sep--\r\n"


def status_of(peek: Callable[[], Peeked]) -> int:
    try:
        peek()
    except ApiError as error:
        return error.status
    return 200


def refusal(body: bytes) -> str:
    with pytest.raises(ApiError) as raised:
        peek_json(body)
    assert raised.value.status == 400
    return raised.value.message


def test_model_and_stream_are_found() -> None:
    """Both are read wherever they stand, and the place of the model with them."""
    body = b' {"messages" : [{"model":"no"}], "model" : "mesh\\u002dtiny" ,"stream":true}'
    assert peek_json(body) == Peeked("mesh-tiny", stream=True, model_span=(43, 59))


@pytest.mark.parametrize("body", [b"{}", b'{"a":1}', b'{"model":null}', b'{"stream":false}'])
def test_an_absent_model_is_none(body: bytes) -> None:
    """No model, or null, leaves the choice to the box."""
    peeked = peek_json(body)
    assert (peeked.model, peeked.stream) == (None, False)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "no body"),
        (b" \n", "no body"),
        (b"[1]", "JSON object"),
        (b'"x"', "JSON object"),
        (b'{"a":1', "not valid JSON"),
        (b'{"a":1}x', "not valid JSON"),
        (b'{"a":NaN}', "not valid JSON"),
        (b'{"a":"\\ud800"}', "not valid JSON"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", "nested too deeply"),
        (b'{"model":5}', "has to be a string"),
        (b'{"model":"  "}', "empty"),
        (b'{"model":"' + b"x" * 2000 + b'"}', "too long"),
        (b'{"model":"a","model":"b"}', "given twice"),
        (b'{"model":"a","model":"a"}', "given twice"),
        (b'{"a":1,"a":12}', "given twice"),
        (b'{"a":12,"a":1}', "given twice"),
        (b'{"a":1,"\\u0061":1}', "given twice"),
        (b'{"a":[1],"b":1,"a":[1]}', "given twice"),
        (json.dumps({str(n): 0 for n in range(1001)}).encode(), "more than 1000 fields"),
    ],
)
def test_what_an_engine_could_stumble_over_is_refused(body: bytes, says: str) -> None:
    """Each fault is a 400 that says what is wrong."""
    assert says in refusal(body)


@given(st.binary(max_size=300))
def test_any_bytes_are_peeked_or_refused(body: bytes) -> None:
    """No bytes at all raise anything but a 400."""
    assert status_of(lambda: peek_json(body)) in (200, 400)


@given(st.dictionaries(st.text(max_size=10), VALUES, max_size=6), st.text(min_size=1, max_size=30), st.booleans())
def test_every_object_is_understood(fields: dict[str, Any], model: str, indented: bool) -> None:
    """Whatever else is in an object, its model is found, and only its model is replaced."""
    body = json.dumps({**fields, "model": f"m{model}"}, indent=2 if indented else None).encode()
    peeked = peek_json(body)
    assert (peeked.model, json.loads(peeked.naming(body, "réal"))) == (
        f"m{model}",
        {**fields, "model": "réal"},
    )


@given(st.dictionaries(st.text(max_size=10), VALUES, min_size=1, max_size=6), st.data())
def test_a_repeated_field_is_always_seen(fields: dict[str, Any], data: st.DataObject) -> None:
    """A field given twice is refused, whatever its values are and wherever they stand."""
    pairs = list(fields.items())
    pairs.insert(data.draw(st.integers(0, len(pairs))), (data.draw(st.sampled_from(list(fields))), data.draw(VALUES)))
    body = "{" + ",".join(f"{json.dumps(key)}:{json.dumps(value)}" for key, value in pairs) + "}"
    assert "given twice" in refusal(body.encode())


def test_a_right_name_leaves_the_body_untouched() -> None:
    """No byte is changed, and none copied, when the name is right or absent."""
    named, unnamed = b'{"model":"a"}', b"{ }"
    assert peek_json(named).naming(named, "a") is named
    assert peek_json(unnamed).naming(unnamed, "a") is unnamed


def test_null_becomes_the_real_name() -> None:
    """An engine route that repeats the name would otherwise repeat null."""
    body = b'{"model": null, "input": "x"}'
    assert peek_json(body).naming(body, "a") == b'{"model": "a", "input": "x"}'


def test_a_form_tells_its_model() -> None:
    """The field `model` is read, whatever other parts there are."""
    body = form(('name="file"; filename="model"', b"\x00\xffRIFF"), ('name="model"', b"whisper"))
    assert peek_multipart(body, KIND) == Peeked("whisper")


def test_a_form_without_model() -> None:
    """A file that happens to be called model is not the model."""
    assert peek_multipart(form(('name="model"; filename="a.wav"', b"x")), KIND) == Peeked()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", KIND),
        (b"x", KIND),
        (form(('name="model"', b"a"))[:-6], KIND),
        (form(('name="model"', b"a")), "application/json"),
        (form(('name="model"', b"a")), "multipart/form-data"),
        (form(('name="model"', b"a")), "multipart/form-data; boundary=other"),
        (form(('name="model"', b"\xff\xfe")), KIND),
        (form(('name="model"', b"x" * 100_000)), KIND),
        (form(('name="model"', b"")), KIND),
        (form(('name="model"', b"a"), ('name="model"', b"b")), KIND),
        (form(*[('name="x"', b"")] * 200), KIND),
    ],
)
def test_broken_forms_are_refused(body: bytes, kind: str) -> None:
    """Each is a 400."""
    with pytest.raises(ApiError) as raised:
        peek_multipart(body, kind)
    assert raised.value.status == 400


@given(st.binary(max_size=200), st.text(max_size=40))
def test_any_form_is_peeked_or_refused(body: bytes, kind: str) -> None:
    """No bytes and no content type raise anything but a 400."""
    for content_type in (kind, KIND, f"multipart/form-data; boundary={kind}"):
        assert status_of(partial(peek_multipart, b"--sep\r\n" + body, content_type)) in (200, 400)


@pytest.mark.parametrize(
    ("body", "answers"),
    [
        (b'{"prompt": "a"}', 1),
        (b'{"prompt": "a", "n": 3}', 3),
        (b'{"prompt": ["a", "b"], "n": 3}', 6),
        (b'{"prompt": ["a", "b"], "n": 3, "n_cmpl": 2}', 4),
        (b'{"prompt": [1, 2, 3]}', 1),
        (b'{"prompt": [[1, 2], [3]]}', 2),
        (b'{"prompt": []}', 1),
        (b'{"n": 0}', 1),
        (b'{"n": -3}', 1),
        (b'{"n": "many"}', 1),
        (b'{"n": 99999999999}', 1),
        (b'{"n": 99999}', 10_000),
    ],
)
def test_several_answers_are_seen(body: bytes, answers: int) -> None:
    """Their tokens are told for one of them only."""
    assert peek_json(body).answers == answers


@pytest.mark.parametrize(("model", "said"), [(b'"auto"', "Hi"), (b"null", "Hi"), (b'"tiny"', "")])
def test_the_subject_is_looked_at_only_when_it_decides(model: bytes, said: str) -> None:
    """Who names a model does not pay for a choice that nobody makes."""
    body = b'{"model":%s,"messages":[{"role":"user","content":"Hi"}]}' % model
    assert peek_json(body).facts.said == said


def test_a_picture_is_seen_for_a_named_model_as_well() -> None:
    """It may be one that cannot see."""
    body = b'{"model":"tiny","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]}'
    assert peek_json(body).facts.senses == {"image"}


@pytest.mark.parametrize(
    ("tier", "batch"), [('"flex"', True), ('"batch"', True), ('"auto"', False), ("7", False), ("null", False)]
)
def test_the_service_tier_tells_batch_work(tier: str, batch: bool) -> None:
    """As OpenAI names it; anything else is interactive."""
    assert peek_json(b'{"service_tier":%s}' % tier.encode()).batch is batch
