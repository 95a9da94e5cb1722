"""Which charts the activity page shows, and of what they are made."""

from __future__ import annotations

from dataclasses import replace

from appliance.activity.series import RANGES, History, Window
from appliance.hardware.types import Inventory
from tests.builders import INVENTORY
from tests.unit.activity.builders import NOON, ended, gpu, reading
from webui.charts.types import Chart
from webui.views.activity_charts import ChartMaker

GPUS = replace(INVENTORY, gpus=(gpu(0), gpu(1)))


def window(*, inventory: Inventory = INVENTORY) -> Window:
    history = History()
    history.add_request(ended(NOON, first_token=0.5, tokens_out=40, generating=2.0))
    history.add_request(ended(NOON, status=503))
    history.add_reading(
        NOON, reading(in_flight=3, queued=2, memory=float(8 << 30), processor=0.25, gpus=inventory.gpus)
    )
    return history.window(RANGES[0], NOON + 4)


def by_id(charts: tuple[Chart, ...]) -> dict[str, Chart]:
    return {chart.id: chart for chart in charts}


def test_the_charts_of_the_box() -> None:
    """Rates are by the minute or second, gauges are the mean, loads the most; before anything was recorded is a gap."""
    charts = by_id(ChartMaker(window(), INVENTORY).box())
    latest = {name: [line.values[-1] for line in chart.lines] for name, chart in charts.items()}
    before = {value for chart in charts.values() for line in chart.lines for value in line.values[:-2]}
    assert latest["requests"] == [3, 0, 0, 3]
    assert [line.said for line in charts["requests"].lines] == ["1", "0", "0", "1"]
    assert (before, charts["requests"].known[:-2]) == ({None}, (False,) * 178)
    assert [line.values[-2] for line in charts["memory"].lines] == [8 << 30]
    assert [line.values[-2] for line in charts["at_once"].lines] == [3, 2]
    assert [line.values[-2] for line in charts["processor"].lines] == [0.25]
    assert charts["memory"].top == INVENTORY.memory.total


def test_a_box_without_gpus_has_no_charts_of_them() -> None:
    """An empty chart says nothing."""
    assert ChartMaker(window(), INVENTORY).gpus() == ()


def test_gpus_are_told_apart() -> None:
    """Two of the same name are numbered; one that is gone keeps its line."""
    seen = window(inventory=GPUS)
    charts = by_id(ChartMaker(seen, GPUS).gpus())
    gone = by_id(ChartMaker(seen, replace(GPUS, gpus=(gpu(0),))).gpus())
    assert [line.label for line in charts["gpu_use"].lines] == ["0: Test GPU", "1: Test GPU"]
    assert [line.label for line in gone["gpu_power"].lines] == ["Test GPU", "pci:1"]
    assert [line.values[-2] for line in charts["gpu_power"].lines] == [100, 100]
    assert [line.values[-2] for line in charts["gpu_temperature"].lines] == [None, None]
    assert charts["gpu_memory"].top == 24 << 30
