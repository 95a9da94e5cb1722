"""What a download consists of."""

from __future__ import annotations

from appliance.jobs.plan import KEY_LENGTH, model_id, plan_repo, plan_url
from appliance.models.choice import Choice, RemoteFile, Variant
from appliance.models.hub import FoundRepo, RepoFacts
from appliance.models.refs import UrlRef

HASH = "ab" * 32


def test_a_plan_of_a_repository() -> None:
    """Pinned to its commit; a file with a checksum is known by it."""
    model, companion = RemoteFile("m-Q8_0.gguf", 10, HASH), RemoteFile("mmproj.gguf", 2)
    facts = RepoFacts(FoundRepo("org/repo"), "commit", (model, companion))
    choice = Choice(Variant("m-Q8_0", "Q8_0", (model,)), companion)
    plan = plan_repo("org/repo", facts, choice, lambda *parts: "/".join(parts))
    assert (plan.model, plan.size, plan.revision, plan.quant) == ("m-Q8_0", 12, "commit", "Q8_0")
    assert [(f.url, f.target, f.companion) for f in plan.files] == [
        ("org/repo/commit/m-Q8_0.gguf", "org--repo/m-Q8_0.gguf", False),
        ("org/repo/commit/mmproj.gguf", "org--repo/mmproj.gguf", True),
    ]
    assert plan.files[0].key == HASH[:KEY_LENGTH]
    assert len(plan.files[1].key) == KEY_LENGTH


def test_a_plan_of_a_file_of_the_web() -> None:
    """In a folder of its host."""
    plan = plan_url(UrlRef("https://example.org/a/x.gguf?sig=1", "x.gguf"), 10)
    assert (plan.model, plan.source, plan.size) == ("x", "example.org", 10)
    assert [(f.url, f.target, f.from_hub) for f in plan.files] == [
        ("https://example.org/a/x.gguf?sig=1", "example.org/x.gguf", False)
    ]


def test_shards_of_the_web_are_looked_for_beside_the_first() -> None:
    """With what follows the path; a senseless number of them is not."""
    plan = plan_url(UrlRef("https://e.org/a/x%20y-00001-of-00002.gguf?sig=1", "x y-00001-of-00002.gguf"), 10)
    assert [f.url for f in plan.files] == [
        "https://e.org/a/x%20y-00001-of-00002.gguf?sig=1",
        "https://e.org/a/x%20y-00002-of-00002.gguf?sig=1",
    ]
    assert (plan.size, plan.model) == (None, "x y")
    assert len(plan_url(UrlRef("https://e.org/x-00001-of-99999.gguf", "x-00001-of-99999.gguf"), 1).files) == 1


def test_the_model_is_called_as_the_library_will_call_it() -> None:
    """Without folder, ending and number."""
    assert model_id("a--b/m-Q8_0-00001-of-00003.gguf") == "m-Q8_0"
