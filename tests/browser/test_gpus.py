"""The page of GPUs in a real browser, on a machine with GPUs of several makers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, expect

from appliance.hardware.trials import Benchmark, SelfTest, Trial, marks
from appliance.node.devices import pins_for
from appliance.node.events import HardwareProbed, JobReported, TrialsKept
from appliance.node.jobs import Job, JobKind, JobState
from appliance.node.serving import engine_spec
from appliance.node.snapshot import Snapshot
from appliance.placement.pinning import Pins
from appliance.settings.schema import HardwareSettings, ModelSettings, ServingSettings, Settings
from tests.browser.conftest import Account, faults
from tests.browser.served import Served, serving
from tests.builders import MODEL_ID, make_child, make_model, make_snapshot, with_child
from tests.gpu_boxes import ENGINE, GIB, amd, intel, listing, machine, nvidia

pytestmark = pytest.mark.browser

RTX = nvidia(0x41, memory_used=9 * GIB, utilisation=0.6, temperature=61.0, power=212.0)
RADEON = amd(0x65, memory_used=3 * GIB)
SHARED = intel(0x02, unified_memory=True, memory_total=None)
UNKNOWN = replace(nvidia(0x99, 3), id="index:3", pinnable=False, reason="The driver tells no id.")
HERE = machine(RTX, RADEON, SHARED, UNKNOWN)
LISTED = listing(HERE, ("Vulkan0", RTX.name, RTX), ("Vulkan1", RADEON.name, RADEON), ("Vulkan2", "Intel", SHARED))
GONE = "pci:0000:77:00.0"


def trials() -> dict[str, Trial]:
    mark, now = marks(HERE, ENGINE), time.time()
    wrong = SelfTest(ok=False, at=now, code="wrong_answer", detail="It answered 11.")
    figures = Benchmark(now, {"f16": 871e9, "q4_k": 780e9}, 71_234.0, 35_000.0)
    return {
        RTX.id: Trial(mark[RTX.id], SelfTest(ok=True, at=now, answer_ms=12.0), figures),
        RADEON.id: Trial(mark[RADEON.id], wrong),
        SHARED.id: Trial(mark[SHARED.id], benchmark=Benchmark(now, problem="There is too little free memory.")),
    }


def snapshot() -> Snapshot:
    """One model pinned to a card with a limit, one to a card that is gone; another card taken back."""
    second = make_model("second")
    own = {MODEL_ID: ModelSettings(gpus=(RTX.id,)), "second": ModelSettings(gpus=(GONE,))}
    settings = Settings(
        serving=ServingSettings(models=(MODEL_ID, "second"), per_model=own),
        hardware=HardwareSettings(memory_caps={RTX.id: 12_288, RADEON.id: 0}),
    )
    found = make_snapshot(models=(make_model(), second), inventory=HERE, engine_devices=LISTED, settings=settings)
    pins = pins_for(make_model(), found)
    assert isinstance(pins, Pins)
    return with_child(found, make_child(found, spec=engine_spec(make_model(), found, pins)))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("box"), snapshot()) as one:
        one.post(TrialsKept(trials()))
        yield one


@pytest.mark.timeout(180)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 820, 1440])
def test_no_fault_that_axe_finds(served: Served, page: Page, account: Account, theme: str, width: int) -> None:
    """Cards, forms and the question of the button; and nothing sticks out sideways."""
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    served.log_in(page)
    for path in ("/gpus", f"/models/{MODEL_ID}", "/models/second"):
        page.goto(served.url + path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.goto(served.url + "/gpus")
    page.get_by_role("button", name="Give me my GPU back").first.click()
    assert faults(page) == []
    assert account.complaints == []


def test_the_page_says_what_runs_where_and_what_was_found(served: Served, page: Page) -> None:
    """Each card for itself."""
    served.log_in(page)
    page.goto(served.url + "/gpus")
    rtx, radeon = (page.get_by_role("region", name=f"{gpu.name} {gpu.id}") for gpu in (RTX, RADEON))
    for text in (f"{MODEL_ID} (pinned)", "computes right, 12 ms", "871.0 GB/s", "71.2 TFLOP/s", "at most 12.0 GiB"):
        expect(rtx).to_contain_text(text)
    for text in ("computes wrong answers", "taken back", "No model runs here."):
        expect(radeon).to_contain_text(text)
    expect(page.get_by_role("region", name="Processor and memory")).to_contain_text("not tested yet")


def test_readings_and_jobs_change_by_themselves(served: Served, page: Page) -> None:
    """While what a person typed into the form stays."""
    served.log_in(page)
    page.goto(served.url + "/gpus")
    field = page.get_by_label("AMD Radeon RX 7900 XTX, GiB at most")
    field.fill("7.5")
    served.post(HardwareProbed(machine(replace(RTX, memory_used=20 * GIB), RADEON, SHARED, UNKNOWN)))
    job = Job("x", JobKind.BENCHMARK, "all devices", JobState.RUNNING, time.time(), note="Measuring with f16 weights")
    served.post(JobReported(job))
    expect(page.get_by_text("20.0 GiB of 24.0 GiB in use")).to_be_visible()
    expect(page.get_by_role("article", name="Measuring all devices")).to_contain_text("Measuring with f16 weights")
    expect(field).to_have_value("7.5")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_gpu_is_taken_back_and_shared_with_and_without_scripts(
    served: Served, browser: Browser, scripts: bool
) -> None:
    """The button asks before it does it; a limit is set beside it."""
    context = browser.new_context(java_script_enabled=scripts)
    page = context.new_page()
    served.log_in(page)
    page.goto(served.url + "/gpus")
    page.get_by_label("Intel GPU 8086:56a0, GiB at most").fill("2")
    page.locator("form:has(#limit-2)").get_by_role("button", name="Set the limit").click()
    expect(page.get_by_role("status").filter(has_text="The limit is set")).to_be_visible()
    page.locator("#limits .row").nth(2).get_by_role("button", name="Give me my GPU back").click()
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_role("status").filter(has_text="The GPU is yours")).to_be_visible()
    card = page.get_by_role("region", name="Intel GPU 8086:56a0")
    card.get_by_role("button", name="Let models use it again").click()
    expect(page.get_by_role("status").filter(has_text="Models may use the GPU again")).to_be_visible()
    expect(card.get_by_text("taken back")).to_have_count(0)
    context.close()
