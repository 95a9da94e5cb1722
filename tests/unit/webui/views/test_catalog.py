"""The catalogue in words."""

from __future__ import annotations

from dataclasses import replace

from appliance.hardware.types import Gpu, Memory
from appliance.models.catalog import CATALOG
from appliance.node.snapshot import Snapshot
from tests.builders import INVENTORY, make_model, make_snapshot
from webui.views.catalog import catalog, names_like, recommended

GIB = 1 << 30


def with_gpu(gib: int, *, unified: bool = False) -> Snapshot:
    gpu = Gpu("pci:0", "Card", "nvidia", gib * GIB, unified_memory=unified)
    return make_snapshot(inventory=replace(INVENTORY, gpus=(gpu,)))


def test_recommendations_follow_the_box() -> None:
    """A larger card is recommended other models; each fits and says what for."""
    small, large = recommended(with_gpu(6)), recommended(with_gpu(80))
    assert small[0].name != large[0].name
    for row in (*small, *large):
        assert row.roles
        assert row.verdict is not None
        assert row.verdict.tone != "bad"
        assert row.ref.count(":") == 1


def test_shared_memory_is_counted_once() -> None:
    """An accelerator in the machine's memory brings none of its own."""
    plain = {row.name for row in recommended(with_gpu(512, unified=True))}
    assert plain <= {entry.name for entry in CATALOG if entry.forms[0].size < INVENTORY.memory.available}


def test_nothing_is_recommended_before_the_hardware_is_known_or_without_room() -> None:
    """Rather than something that cannot run."""
    assert recommended(make_snapshot(inventory=None)) == ()
    assert recommended(make_snapshot(inventory=replace(INVENTORY, memory=Memory(GIB, 0)))) == ()


def test_the_catalogue_is_empty_until_a_kind_is_chosen() -> None:
    """That keeps the page light; an unknown kind is none."""
    for ability in ("", "nonsense"):
        found = catalog(ability, make_snapshot())
        assert not found.rows
        assert not any(one.chosen for one in found.filters)
    assert len(catalog("all", make_snapshot()).rows) == len(CATALOG)


def test_what_fits_comes_first() -> None:
    """And among that the better ones."""
    rows = catalog("vision", make_snapshot()).rows
    tones = [row.verdict.tone == "bad" for row in rows if row.verdict]
    assert tones == sorted(tones)
    assert [one.label for one in catalog("vision", make_snapshot()).filters if one.chosen] == ["Pictures"]


def test_before_the_hardware_is_known_there_are_no_verdicts() -> None:
    """But the models can be looked at."""
    assert all(row.verdict is None for row in catalog("rerank", make_snapshot(inventory=None)).rows)


def test_a_model_that_is_here_is_not_offered_again() -> None:
    """Whatever its form."""
    snapshot = make_snapshot(models=(make_model("Qwen3-8B-Q6_K"),))
    here = {row.name for row in catalog("all", snapshot).rows if row.here}
    assert here == {"qwen3-8b"}


def test_a_search_shows_names_that_come_near() -> None:
    """All that have the words, else those that look alike."""
    assert {entry.name for entry in names_like("qwen3 coder")} == {"qwen3-coder-30b-a3b", "qwen3-coder-next"}
    assert "qwen3-8b" in {entry.name for entry in names_like("qwen3 8bb")}
    assert names_like("") == ()
    assert names_like("?!") == ()
