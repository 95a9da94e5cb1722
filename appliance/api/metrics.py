"""Numbers for Prometheus, taken from what the box knows when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from appliance.activity.totals import Totals
from appliance.api.encode import sendable
from appliance.keys.keyring import Keyring
from appliance.node.serving import ServingState
from appliance.node.snapshot import RequestLoad
from appliance.objects.store import ObjectStore
from appliance.objects.tally import End
from appliance.run_loop import RunLoop


class RequestCounts(Protocol):
    """What the API's request meter tells."""

    def totals(self) -> Mapping[tuple[str, str, int], int]: ...
    def bytes_sent(self) -> Mapping[str, int]: ...
    def rescued(self) -> Mapping[str, int]: ...
    def direct(self) -> Mapping[str, int]: ...
    def load(self) -> RequestLoad: ...


class BoxCollector(Collector):
    def __init__(
        self, loop: RunLoop, meter: RequestCounts, totals: Totals, keys: Keyring, objects: ObjectStore
    ) -> None:
        self._loop = loop
        self._meter = meter
        self._totals = totals
        self._keys = keys
        self._objects = objects

    def collect(self) -> Iterable[Metric]:
        for family in self._families():
            for sample in family.samples:  # names are written by others; one broken letter would cost all numbers
                sample.labels.update({key: sendable(value) for key, value in sample.labels.items()})
            yield family

    def _families(self) -> Iterable[Metric]:
        yield self._requests()
        yield self._answers()
        yield self._tokens()
        yield self._rescued()
        yield self._direct()
        yield self._first_tokens()
        yield from self._load()
        yield self._models()
        yield self._restarts()
        yield self._memory()
        yield self._issues()
        yield from self._key_use()
        yield from self._object_use()

    def _requests(self) -> Metric:
        family = CounterMetricFamily("meshbox_requests", "Requests that ended", labels=["model", "endpoint", "status"])
        for (model, endpoint, status), count in self._meter.totals().items():
            family.add_metric([model, endpoint, str(status)], count)
        return family

    def _answers(self) -> Metric:
        family = CounterMetricFamily("meshbox_answer_bytes", "Bytes of answers that ended", labels=["model"])
        for model, count in self._meter.bytes_sent().items():
            family.add_metric([model], count)
        return family

    def _rescued(self) -> Metric:
        family = CounterMetricFamily(
            "meshbox_rescued_answers", "Answers whose engine ended, gone on with by another one", labels=["model"]
        )
        for model, count in self._meter.rescued().items():
            family.add_metric([model], count)
        return family

    def _direct(self) -> Metric:
        family = CounterMetricFamily(
            "meshbox_direct_answers", "Answers that went straight from engine to client", labels=["model"]
        )
        for model, count in self._meter.direct().items():
            family.add_metric([model], count)
        return family

    def _tokens(self) -> Metric:
        family = CounterMetricFamily(
            "meshbox_tokens", "Tokens read and made, as engines tell them", labels=["model", "direction"]
        )
        for model, totals in self._totals.models().items():
            family.add_metric([model, "in"], totals.tokens_in)
            family.add_metric([model, "out"], totals.tokens_out)
        return family

    def _first_tokens(self) -> Metric:
        family = HistogramMetricFamily(
            "meshbox_time_to_first_token_seconds", "From a request to the first token of its answer", labels=["model"]
        )
        for model, totals in self._totals.models().items():
            family.add_metric([model], totals.buckets(), totals.first_token_sum)
        return family

    def _load(self) -> Iterator[Metric]:
        load = self._meter.load()
        yield GaugeMetricFamily("meshbox_requests_in_flight", "Requests being answered", value=load.in_flight)
        yield GaugeMetricFamily("meshbox_requests_queued", "Requests that wait in line", value=load.queued)

    def _models(self) -> Metric:
        family = GaugeMetricFamily("meshbox_model_state", "1 for the state a model is in", labels=["model", "state"])
        for entry in self._loop.outlook.decision.serving:
            for state in ServingState:
                family.add_metric([entry.model, state.value], float(entry.state is state))
        return family

    def _restarts(self) -> Metric:
        family = CounterMetricFamily("meshbox_engine_restarts", "Restarts of an engine that failed", labels=["model"])
        for model, child in self._loop.outlook.snapshot.children.items():
            family.add_metric([model], child.restarts)
        return family

    def _memory(self) -> Metric:
        family = GaugeMetricFamily("meshbox_memory_bytes", "Memory of this machine", labels=["device", "kind"])
        inventory = self._loop.outlook.snapshot.inventory
        if inventory is None:
            return family
        family.add_metric(["ram", "total"], inventory.memory.total)
        family.add_metric(["ram", "available"], inventory.memory.available)
        for gpu in inventory.gpus:
            family.add_metric([gpu.id, "total"], gpu.memory_total or 0)
            family.add_metric([gpu.id, "used"], gpu.memory_used or 0)
        return family

    def _issues(self) -> Metric:
        count = len(self._loop.outlook.decision.issues)
        return GaugeMetricFamily("meshbox_issues", "Troubles that the page shows", value=count)

    def _key_use(self) -> Iterable[Metric]:
        requests = CounterMetricFamily("meshbox_key_requests", "Requests let in with an API key", labels=["key"])
        refused = CounterMetricFamily("meshbox_key_refused", "Requests over a limit of an API key", labels=["key"])
        tokens = CounterMetricFamily("meshbox_key_tokens", "Tokens booked on an API key", labels=["key", "direction"])
        running = GaugeMetricFamily("meshbox_key_in_flight", "Requests being answered for an API key", labels=["key"])
        for one in self._keys.listed():
            name = one.key.name
            requests.add_metric([name], one.total.requests)
            refused.add_metric([name], one.refused)
            tokens.add_metric([name, "in"], one.total.tokens_in)
            tokens.add_metric([name, "out"], one.total.tokens_out)
            running.add_metric([name], one.running)
        return requests, refused, tokens, running

    def _object_use(self) -> Iterator[Metric]:
        store, tally = self._objects, self._objects.tally
        yield GaugeMetricFamily("meshbox_objects", "Attachments that are kept for requests", value=store.count)
        yield GaugeMetricFamily("meshbox_object_bytes", "Bytes of attachments, also coming in", value=store.filled)
        yield CounterMetricFamily("meshbox_objects_taken", "Attachments that were taken in", value=tally.taken)
        yield CounterMetricFamily(
            "meshbox_objects_taken_bytes", "Bytes of attachments that were taken in", value=tally.taken_bytes
        )
        refused = CounterMetricFamily(
            "meshbox_objects_refused", "Attachments that were not taken, or not found", labels=["reason"]
        )
        for reason, count in tally.refused.items():
            refused.add_metric([reason], count)
        ended = CounterMetricFamily("meshbox_objects_ended", "Attachments that are gone", labels=["how"])
        for how in End:
            ended.add_metric([how.value], tally.ended[how])
        yield from (refused, ended)


class Metrics:
    def __init__(
        self, loop: RunLoop, meter: RequestCounts, totals: Totals, keys: Keyring, objects: ObjectStore
    ) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(BoxCollector(loop, meter, totals, keys, objects))

    def text(self) -> bytes:
        return generate_latest(self._registry)
