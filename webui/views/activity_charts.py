"""Which charts the activity page shows, and of what they are made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from appliance.activity.bins import Bin
from appliance.activity.series import Window
from appliance.hardware.types import Inventory
from webui.charts.scale import BYTES, CELSIUS, COUNT, RATE, SECONDS, SHARE, WATTS, Unit, number
from webui.charts.types import Chart, Line

Figure = Callable[[Bin], float | None]
STYLES = 8  # that the stylesheet knows

OUTCOMES = (("Answered", "answered"), ("Client left", "cancelled"), ("Refused", "refused"), ("Failed", "failed"))


class ChartMaker:
    """Charts of one window."""

    def __init__(self, window: Window, inventory: Inventory | None) -> None:
        self._window = window
        self._inventory = inventory
        self._known = tuple(one is not None for one in window.bins)

    def box(self) -> tuple[Chart, ...]:
        """What was asked of the box and how it answered."""
        return self._requests(), self._speed(), self._first_token(), self._at_once(), self._processor(), self._memory()

    def gpus(self) -> tuple[Chart, ...]:
        """One line a GPU; none when there is no GPU."""
        names = self._gpu_names()
        totals = [gpu.memory_total for gpu in self._inventory.gpus if gpu.memory_total] if self._inventory else []
        if not names:
            return ()
        return (
            self._gpu_chart("gpu_use", "GPU use", "How busy each GPU was.", "utilisation", SHARE, 1.0),
            self._gpu_chart(
                "gpu_memory",
                "GPU memory",
                "How much memory of each GPU was in use, by whomever.",
                "memory_used",
                BYTES,
                max(totals, default=None),
            ),
            self._gpu_chart("gpu_power", "GPU power", "What each GPU took.", "power", WATTS),
            self._gpu_chart("gpu_temperature", "GPU temperature", "How hot each GPU was.", "temperature", CELSIUS),
        )

    def _requests(self) -> Chart:
        lines = tuple(self._outcome(label, outcome) for label, outcome in OUTCOMES)
        about = "How requests ended; the legend counts them all."
        return self._chart("requests", "Requests a minute", about, RATE, lines, stacked=True)

    def _outcome(self, label: str, outcome: str) -> Line:
        minutes = self._window.step / 60
        count = sum(getattr(one, outcome) for one in self._window.bins if one is not None)
        return replace(self._line(label, outcome, lambda one: getattr(one, outcome) / minutes), said=number(count))

    def _speed(self) -> Chart:
        line = self._line("Tokens a second", "s1", lambda one: one.speed(self._window.step))
        about = "Tokens that were made, all answers together; those that still run count as far as can be seen."
        return self._chart("speed", "Tokens a second", about, RATE, (line,))

    def _first_token(self) -> Chart:
        lines = (
            self._line("Half of the answers within", "s1", lambda one: one.first_median),
            self._line("Slowest", "s2", lambda one: one.first_worst or None),
        )
        return self._chart("first_token", "Time to the first token", "How long answers took to begin.", SECONDS, lines)

    def _at_once(self) -> Chart:
        lines = (
            self._line("Being answered", "s1", lambda one: one.in_flight),
            self._line("Waiting", "s2", lambda one: one.queued),
        )
        return self._chart("at_once", "Requests at once", "The most at the same time.", COUNT, lines)

    def _processor(self) -> Chart:
        line = self._line("Engines", "s1", lambda one: one.processor.value)
        about = "What share of the processor the engines of this box took."
        return self._chart("processor", "Processor", about, SHARE, (line,), top=1.0)

    def _memory(self) -> Chart:
        line = self._line("In use", "s1", lambda one: one.memory.value)
        top = float(self._inventory.memory.total) if self._inventory else None
        return self._chart("memory", "Memory", "Memory of the machine in use, by whomever.", BYTES, (line,), top=top)

    def _gpu_chart(
        self, chart_id: str, title: str, about: str, gauge: str, unit: Unit, top: float | None = None
    ) -> Chart:
        names = enumerate(self._gpu_names().items())
        lines = tuple(self._gpu_line(index, name, gpu, gauge) for index, (gpu, name) in names)
        return self._chart(chart_id, title, about, unit, lines, top=top)

    def _gpu_line(self, index: int, name: str, gpu: str, gauge: str) -> Line:
        return self._line(name, f"s{index % STYLES + 1}", lambda one: one.gauge(gpu, gauge))

    def _gpu_names(self) -> dict[str, str]:
        """Of what is there and of what was there; alike ones are numbered."""
        present = {gpu.id: gpu.name for gpu in self._inventory.gpus} if self._inventory else {}
        gone = {gpu: gpu for one in self._window.bins if one is not None for gpu in one.gpus if gpu not in present}
        return dict(zip((*present, *gone), _numbered((*present.values(), *gone.values())), strict=True))

    def _line(self, label: str, style: str, figure: Figure) -> Line:
        return Line(label, style, tuple(None if one is None else figure(one) for one in self._window.bins))

    def _chart(
        self,
        chart_id: str,
        title: str,
        about: str,
        unit: Unit,
        lines: tuple[Line, ...],
        *,
        stacked: bool = False,
        top: float | None = None,
    ) -> Chart:
        return Chart(
            chart_id, title, about, unit, self._window.start, self._window.step, lines, self._known, stacked, top
        )


def _numbered(names: Iterable[str]) -> list[str]:
    found = list(names)
    return [f"{index}: {name}" if found.count(name) > 1 else name for index, name in enumerate(found)]
