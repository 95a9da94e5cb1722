"""Testing, measuring, limiting and pinning GPUs: routes and pages, with an engine double where a GPU is needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from appliance.hardware.types import Inventory
from appliance.node.events import EngineDevicesListed, HardwareProbed
from appliance.node.jobs import ENDED
from appliance.run_loop import Outlook
from appliance.supervisor.device_list import DeviceList
from tests.app.web.harness import Web, running_web
from tests.builders import MODEL_ID, make_snapshot
from tests.fakes.engine import FakeEngine, make_engine
from tests.gpu_boxes import machine, nvidia

ONE, TWO = nvidia(0x41, 1), nvidia(0x65, 2)
LITTLE = 2  # GiB of memory: what is measured with stays small
CARD = "NVIDIA GeForce RTX 3090 (24124 MiB, 23861 MiB free)"
PAGE = {"Accept": "text/html"}


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    return make_engine(tmp_path / "engine", f"CUDA0: {CARD}", f"CUDA1: {CARD}")


@pytest.fixture
async def box(tmp_path: Path, engine: FakeEngine) -> AsyncIterator[Web]:
    """A claimed box with two equal cards, whose engine was asked which devices it has."""
    snapshot = make_snapshot(inventory=machine(ONE, TWO, memory=LITTLE))
    async with running_web(tmp_path, snapshot, engine=engine.folder) as web:
        await web.claim()
        await look(web, engine)
        yield web


async def look(web: Web, engine: FakeEngine, inventory: Inventory | None = None) -> None:
    """What the watchers would do."""
    if inventory is not None:
        web.post(HardwareProbed(inventory))
        await until(web, lambda o: o.snapshot.inventory == inventory)
    known = web.loop.outlook.snapshot.inventory
    assert known is not None
    listed = DeviceList(engine.folder, engine.folder / "model.gguf", "test").read(known)
    web.post(EngineDevicesListed(listed))
    await until(web, lambda o: o.snapshot.engine_devices == listed)


async def until(web: Web, condition: Callable[[Outlook], object]) -> None:
    async with asyncio.timeout(60):
        async for outlook in web.loop.watch():
            if condition(outlook):
                return


async def call(web: Web, method: str, path: str, body: object = None, status: int = 202) -> Any:
    answer = await web.call(method, path, **({} if body is None else {"json": body}))
    assert answer.status == status, await answer.text()
    return await answer.json()


async def ended(web: Web, job: Any) -> Any:
    await until(web, lambda o: job["id"] in o.snapshot.jobs and o.snapshot.jobs[job["id"]].state in ENDED)
    return await call(web, "GET", f"/api/jobs/{job['id']}", status=200)


async def gpu(web: Web, number: int = 0) -> Any:
    return (await call(web, "GET", "/api/gpus", status=200))["gpus"][number]


async def page(web: Web, path: str = "/gpus") -> str:
    answer = await web.call("GET", path, headers=PAGE)
    assert answer.status == 200
    return await answer.text()


async def test_a_gpu_that_answers_right_is_told_so(box: Web, engine: FakeEngine) -> None:
    """The question went to that GPU alone, with every layer on it."""
    job = await ended(box, await call(box, "POST", f"/api/gpus/{TWO.id}/selftest"))
    assert (job["kind"], job["state"], job["subject"]) == ("selftest", "done", TWO.id)
    test = (await gpu(box, 1))["selftest"]
    assert (test["ok"], test["code"], test["detail"]) == (True, None, None)
    assert test["answer_ms"] > 0
    assert (await gpu(box, 0))["selftest"] is None
    asked = engine.calls()[-1]
    assert asked["seen"] == {"CUDA_VISIBLE_DEVICES": TWO.uuid}
    arguments = asked["arguments"]
    assert isinstance(arguments, list)
    assert arguments[arguments.index("--device") + 1] == "CUDA0"
    assert arguments[arguments.index("--n-gpu-layers") + 1] == "all"


async def test_a_gpu_that_answers_wrongly_becomes_an_issue(box: Web, engine: FakeEngine) -> None:
    """Until it answers right."""
    engine.answers("8")
    job = await ended(box, await call(box, "POST", f"/api/gpus/{ONE.id}/selftest"))
    assert (job["state"], job["error"]["code"]) == ("failed", "wrong_answer")
    await until(box, lambda o: any(i.id == f"wrong_gpu:{ONE.id}" for i in o.decision.issues))
    assert "computes wrong answers" in await page(box)
    assert "computes wrong answers" in await page(box, "/repairs")
    engine.answers("7")
    await ended(box, await call(box, "POST", f"/api/gpus/{ONE.id}/selftest"))
    await until(box, lambda o: not any(i.id.startswith("wrong_gpu") for i in o.decision.issues))


async def test_a_gpu_that_could_not_be_asked_is_not_called_wrong(box: Web, engine: FakeEngine) -> None:
    """Its memory may have been full."""
    engine.answers("crash")
    job = await ended(box, await call(box, "POST", f"/api/gpus/{ONE.id}/selftest"))
    assert (job["state"], job["error"]["code"]) == ("failed", "crashed")
    assert (await gpu(box))["selftest"]["ok"] is False
    assert not any(i.id.startswith("wrong_gpu") for i in box.loop.outlook.decision.issues)
    assert "could not be tested" in await page(box)


async def test_tests_run_one_at_a_time_and_can_be_cancelled(box: Web, engine: FakeEngine) -> None:
    """One that hangs holds the next up until somebody cancels it; its engine is gone then."""
    engine.answers("silence")
    first = await call(box, "POST", f"/api/gpus/{ONE.id}/selftest")
    assert (await call(box, "POST", f"/api/gpus/{ONE.id}/selftest"))["id"] == first["id"]
    async with asyncio.timeout(20):
        while "--port" not in str(engine.calls()[-1]["arguments"]):  # noqa: ASYNC110 - written by another process
            await asyncio.sleep(0.02)
    second = await call(box, "POST", f"/api/gpus/{TWO.id}/selftest")
    assert second["state"] == "queued"
    engine.answers("7")
    await call(box, "DELETE", f"/api/jobs/{first['id']}", status=200)
    assert (await ended(box, first))["state"] == "cancelled"
    assert (await ended(box, second))["state"] == "done"
    assert (await gpu(box))["selftest"] is None


async def test_a_job_that_is_over_is_taken_off_the_list(box: Web) -> None:
    """Like any other."""
    job = await ended(box, await call(box, "POST", f"/api/gpus/{ONE.id}/selftest"))
    await call(box, "DELETE", f"/api/jobs/{job['id']}", status=200)
    await until(box, lambda o: job["id"] not in o.snapshot.jobs)
    await call(box, "GET", f"/api/jobs/{job['id']}", status=404)


async def test_everything_is_measured_unless_something_is_named(box: Web, engine: FakeEngine) -> None:
    """Each device alone; figures of arithmetic and of reading."""
    job = await ended(box, await call(box, "POST", "/api/gpus/benchmark", {"gpus": [ONE.id]}))
    assert (job["state"], job["kind"]) == ("done", "benchmark")
    assert {str(c["seen"]) for c in engine.calls()[1:]} == {str({"CUDA_VISIBLE_DEVICES": ONE.uuid})}
    bench = (await gpu(box))["benchmark"]
    assert bench["bandwidth"] > 0
    assert bench["fp16_gflops"] > 0
    assert bench["problem"] is None
    assert (await gpu(box, 1))["benchmark"] is None
    text = await page(box)
    assert "GB/s" in text
    assert "Measured" in text


async def test_measured_speed_stands_in_the_plans(box: Web) -> None:
    """Before a model is loaded it is told how fast it will be."""
    plans = (await call(box, "POST", "/api/plans", {"model": MODEL_ID}, status=200))["plans"]
    assert plans[0]["predicted"] is None
    await ended(box, await call(box, "POST", "/api/gpus/benchmark", {"gpus": [ONE.id, TWO.id, "cpu"]}))
    plans = (await call(box, "POST", "/api/plans", {"model": MODEL_ID}, status=200))["plans"]
    assert plans[0]["predicted"]["tokens_per_s"] > 0


async def test_a_device_that_cannot_be_measured_says_why(box: Web, engine: FakeEngine) -> None:
    """In the words of the tool."""
    engine.answers("crash")
    job = await ended(box, await call(box, "POST", "/api/gpus/benchmark", {"gpus": [ONE.id]}))
    assert job["state"] == "failed"
    assert "out of memory" in job["error"]["detail"]
    assert "out of memory" in (await gpu(box))["benchmark"]["problem"]


async def test_results_outlive_a_restart_and_not_a_new_driver(tmp_path: Path, engine: FakeEngine) -> None:
    """They are kept with what they were found with."""
    snapshot = make_snapshot(inventory=machine(ONE))
    async with running_web(tmp_path, snapshot, engine=engine.folder) as web:
        await web.claim()
        await look(web, engine)
        await ended(web, await call(web, "POST", f"/api/gpus/{ONE.id}/selftest"))
        token = web.headers
    async with running_web(tmp_path, snapshot, engine=engine.folder) as web:
        web.headers = token
        await look(web, engine)
        await until(web, lambda o: o.snapshot.trials)
        assert (await gpu(web))["selftest"]["ok"] is True
        await look(web, engine, machine(replace(ONE, driver="2.0")))
        assert (await gpu(web))["selftest"] is None


async def test_what_is_not_there_or_has_no_lasting_name_is_refused(box: Web, engine: FakeEngine) -> None:
    """For every action the same way."""
    fallback = replace(TWO, id="index:1", pinnable=False, reason="The driver tells no id.")
    await look(box, engine, machine(ONE, fallback))
    for path, body in (("selftest", None), ("cap", {"mib": 1})):
        answer = await call(box, "POST", f"/api/gpus/pci:0000:99:00.0/{path}", body, status=404)
        assert answer["code"] == "unknown_gpu"
        answer = await call(box, "POST", f"/api/gpus/index:1/{path}", body, status=409)
        assert answer["code"] == "not_pinnable"
    answer = await call(box, "POST", "/api/gpus/benchmark", {"gpus": ["pci:0000:99:00.0"]}, status=404)
    assert answer["code"] == "unknown_gpu"
    await call(box, "POST", "/api/gpus/benchmark", {"gpus": []}, status=422)
    await call(box, "POST", f"/api/gpus/{ONE.id}/cap", {"mib": -1}, status=422)


async def test_a_limit_is_set_and_lifted(box: Web) -> None:
    """It stands in the settings and on the page."""
    await call(box, "POST", f"/api/gpus/{ONE.id}/cap", {"mib": 8192}, status=200)
    assert box.settings.current.hardware.memory_caps == {ONE.id: 8192}
    await until(box, lambda o: o.snapshot.settings.hardware.memory_caps)
    assert (await gpu(box))["memory_cap_mib"] == 8192
    assert "8.0 GiB are in use" in await page(box)
    await call(box, "POST", f"/api/gpus/{ONE.id}/cap", {"mib": None}, status=200)
    assert box.settings.current.hardware.memory_caps == {}


async def test_the_machines_memory_is_limited_and_set_free(box: Web) -> None:
    """By the same routes; it cannot be taken back altogether."""
    await call(box, "POST", "/api/gpus/cpu/cap", {"mib": 4096}, status=200)
    await until(box, lambda o: o.snapshot.settings.hardware.machine_memory_mib == 4096)
    assert (await call(box, "GET", "/api/gpus", status=200))["cpu"]["memory_cap_mib"] == 4096
    assert "Models take at most 4.0 GiB of it, all together." in await page(box)
    refused = await call(box, "POST", "/api/gpus/cpu/cap", {"mib": 0}, status=422)
    assert refused["fields"]["mib"].startswith("At least 1")
    answer = await box.call("POST", "/gpus/limit", data={"gpu": "cpu", "gib": "0"}, headers=PAGE)
    assert answer.status == 422
    assert "Write a number of GiB, 0.1 or more" in await answer.text()
    answer = await box.call("POST", "/gpus/limit", data={"gpu": "cpu", "gib": ""}, headers=PAGE)
    assert answer.headers["Location"] == "/gpus?done=memory_limit_set"
    assert box.settings.current.hardware.machine_memory_mib == 0


async def test_a_gpu_that_is_gone_stays_in_sight(box: Web, engine: FakeEngine) -> None:
    """On the page and in the answer of the route, until it is back."""
    await look(box, engine, replace(machine(ONE, memory=LITTLE), gone=(TWO,)))
    assert (await call(box, "GET", "/api/gpus", status=200))["gone"] == [{"id": TWO.id, "name": TWO.name}]
    assert "It was here earlier and cannot be found now." in await page(box)
    assert f"GPU {TWO.id} ({TWO.name}) is gone" in await page(box, "/repairs")
    await look(box, engine, machine(ONE, TWO, memory=LITTLE))
    assert "It was here earlier" not in await page(box)


async def test_what_only_the_engine_tells_of_is_shown(tmp_path: Path) -> None:
    """And refused for everything that needs a lasting name."""
    engine = make_engine(tmp_path / "engine", "Vulkan0: Mali-G715 (8192 MiB, 8000 MiB free)")
    (engine.folder / "libggml-vulkan.so").touch()
    async with running_web(tmp_path, make_snapshot(inventory=machine(memory=LITTLE)), engine=engine.folder) as web:
        await web.claim()
        await look(web, engine)
        shown = await gpu(web)
        assert (shown["id"], shown["name"], shown["pinnable"]) == ("Vulkan0", "Mali-G715", False)
        assert "Mali-G715" in await page(web)
        await call(web, "POST", "/api/gpus/Vulkan0/selftest", status=404)


async def test_the_page_takes_a_gpu_back_and_shares_it_again(box: Web) -> None:
    """One button each."""
    answer = await box.call("POST", "/gpus/take-back", data={"gpu": ONE.id}, headers=PAGE)
    assert (answer.status, answer.headers["Location"]) == (303, "/gpus?done=gpu_taken_back")
    await until(box, lambda o: o.snapshot.settings.hardware.memory_caps == {ONE.id: 0})
    assert "Let models use it again" in await page(box)
    await box.call("POST", "/gpus/share", data={"gpu": ONE.id}, headers=PAGE)
    assert box.settings.current.hardware.memory_caps == {}


@pytest.mark.parametrize(("typed", "cap"), [("8", 8192), ("7,5", 7680), (" 0 ", 0), ("", None)])
async def test_a_limit_is_written_in_gib(box: Web, typed: str, cap: int | None) -> None:
    """With a comma or a point; nothing is no limit."""
    answer = await box.call("POST", "/gpus/limit", data={"gpu": ONE.id, "gib": typed}, headers=PAGE)
    assert answer.status == 303
    assert box.settings.current.hardware.memory_caps.get(ONE.id) == cap


@pytest.mark.parametrize("typed", ["a lot", "-1", "1e9", "nan", "inf"])
async def test_what_is_no_amount_comes_back_with_a_word(box: Web, typed: str) -> None:
    """Beside the field, with what was typed still in it."""
    answer = await box.call("POST", "/gpus/limit", data={"gpu": TWO.id, "gib": typed}, headers=PAGE)
    assert answer.status == 422
    text = await answer.text()
    assert "Write a number of GiB" in text
    assert f'value="{typed}"' in text
    assert box.settings.current.hardware.memory_caps == {}


async def test_the_page_starts_tests_and_measurements(box: Web) -> None:
    """Its rows show how far they are."""
    answer = await box.call("POST", "/gpus/selftest", data={"gpu": ONE.id}, headers=PAGE)
    assert answer.headers["Location"] == "/gpus?done=testing"
    await until(box, lambda o: len(o.snapshot.jobs) == 1)
    assert f"Testing {ONE.id}" in await page(box)
    answer = await box.call("POST", "/gpus/benchmark", data={"gpu": ONE.id}, headers=PAGE)
    assert answer.headers["Location"] == "/gpus?done=measuring"


async def test_a_model_is_pinned_when_it_is_loaded(box: Web) -> None:
    """The wish stands in the settings; an empty list takes it away."""
    await call(box, "POST", "/api/serving", {"model": MODEL_ID, "gpus": [TWO.id]})
    assert box.settings.current.serving.per_model[MODEL_ID].gpus == (TWO.id,)
    await until(box, lambda o: o.decision.serving[0].spec and o.decision.serving[0].spec.gpus == (TWO.id,))
    (entry,) = (await call(box, "GET", "/api/serving", status=200))["serving"]
    assert entry["gpus"] == [TWO.id]
    await call(box, "POST", "/api/serving", {"model": MODEL_ID, "ctx": 512})
    assert box.settings.current.serving.per_model[MODEL_ID].gpus == (TWO.id,)
    await call(box, "POST", "/api/serving", {"model": MODEL_ID, "gpus": []})
    assert box.settings.current.serving.per_model[MODEL_ID].gpus == ()


@pytest.mark.parametrize(
    ("wanted", "code"),
    [("pci:0000:99:00.0", "pin_missing"), ("index:0", "pin_not_pinnable"), ("CUDA0", "pin_not_pinnable")],
)
async def test_a_pin_that_cannot_be_kept_is_refused(box: Web, wanted: str, code: str) -> None:
    """Nothing is written."""
    answer = await call(box, "POST", "/api/serving", {"model": MODEL_ID, "gpus": [wanted]}, status=409)
    assert answer["code"] == code
    assert box.settings.current.serving.per_model == {}


async def test_a_pin_that_cannot_be_kept_any_more_fails_and_says_why(box: Web, engine: FakeEngine) -> None:
    """The GPU was pulled out: an issue with a way to the model."""
    await call(box, "POST", "/api/serving", {"model": MODEL_ID, "gpus": [TWO.id]})
    await look(box, engine, machine(ONE))
    await until(box, lambda o: any(i.id == f"pin_failed:{MODEL_ID}" for i in o.decision.issues))
    (entry,) = (await call(box, "GET", "/api/serving", status=200))["serving"]
    assert (entry["state"], entry["reason"]["code"]) == ("failed", "pin_missing")
    text = await page(box, f"/models/{MODEL_ID}")
    assert "A GPU that is not here" in text


async def test_the_page_of_a_model_pins_it(box: Web) -> None:
    """A box to tick for each GPU; none ticked lets the box choose."""
    form = {"context": "", "slots": "", "sleep_after_min": "", "kv_type": "", "aliases": ""}
    answer = await box.call("POST", f"/models/{MODEL_ID}/own", data=form | {f"gpu:{TWO.id}": "on"}, headers=PAGE)
    assert answer.status == 303
    assert box.settings.current.serving.per_model[MODEL_ID].gpus == (TWO.id,)
    await until(box, lambda o: o.snapshot.settings.serving.per_model)
    text = await page(box, f"/models/{MODEL_ID}")
    assert f'name="gpu:{TWO.id}" checked' in text
    assert f'name="gpu:{ONE.id}">' in text
    await box.call("POST", f"/models/{MODEL_ID}/own", data=form, headers=PAGE)
    assert box.settings.current.serving.per_model[MODEL_ID].gpus == ()
