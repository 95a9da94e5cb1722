"""What /metrics counts."""

from __future__ import annotations

from appliance.activity.totals import Totals
from tests.unit.activity.builders import ended


def test_tokens_and_times_add_up_for_each_model() -> None:
    """A bound counts all that kept it; what took longer than all bounds is in the last."""
    totals = Totals()
    for seconds in (0.01, 0.3, 500.0, None):
        totals.add(ended(tokens_in=2, tokens_out=3, first_token=seconds))
    totals.add(ended(model="other"))
    model = totals.models()["m"]
    buckets = dict(model.buckets())
    assert (model.tokens_in, model.tokens_out, model.first_token_sum) == (8, 12, 500.31)
    assert (buckets["0.01"], buckets["0.25"], buckets["0.5"], buckets["120.0"], buckets["+Inf"]) == (1, 1, 2, 2, 3)
    assert totals.models()["other"].tokens_out == 0


def test_a_request_that_found_no_model_has_no_totals() -> None:
    """Names that strangers make up must not fill the memory."""
    totals = Totals()
    totals.add(ended(model="", status=404))
    assert dict(totals.models()) == {}
