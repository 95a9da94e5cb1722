"""Whether a small model drafts: as a wish that is sent with a load, and on the page of a model."""

from __future__ import annotations

from tests.app.web.harness import Web
from tests.builders import MODEL_ID

HTML = {"Accept": "text/html"}


async def test_a_draft_may_be_named_when_a_model_is_loaded(web: Web) -> None:
    """The wish stands in the settings of that model."""
    answer = await web.call("POST", "/api/serving", json={"model": MODEL_ID, "draft": "auto"})
    assert answer.status == 202
    assert web.settings.current.serving.per_model[MODEL_ID].draft == "auto"


async def test_the_page_of_a_model_sets_it_too(web: Web) -> None:
    """A choice; empty takes it back."""
    page = await (await web.call("GET", f"/models/{MODEL_ID}", headers=HTML)).text()
    assert '<label for="draft">Drafting</label>' in page
    for sent, stored in (("off", "off"), ("", None)):
        answer = await web.call("POST", f"/models/{MODEL_ID}/own", data={"draft": sent}, headers=HTML)
        assert answer.status in (200, 303)
        own = web.settings.current.serving.per_model.get(MODEL_ID)
        assert (own.draft if own else None) == stored
