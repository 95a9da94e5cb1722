"""The command line and environment of one llama-server, as a pure function of what it is to run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from appliance.hardware.engine_layout import REPORT, Layout, parse_report
from appliance.models.drafts import MOST_AHEAD, MOST_DRAFTED, Way
from appliance.models.types import Ability
from appliance.node.snapshot import EngineSpec
from appliance.routing.table import Endpoint

NOTICE = "cmd_child_to_router:state:"
VISIBILITY = frozenset(
    {
        *("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL"),
        "GGML_VK_VISIBLE_DEVICES",
    }
)
SURE_ENOUGH = "0.75"  # a draft that is less sure of its next token stops there: what is refused was for nothing
OWNER_MARK = "MESHBOX_ENGINE_OF"  # in the environment of every engine: whose it is


def command_line(
    binary: str, spec: EngineSpec, endpoint: Endpoint, cores: int, *, ends_with_parent: bool = False
) -> list[str]:
    """What to execute. The kernel ends the engine when the supervisor is gone, however it went: `setpriv` asks for that
    where the engine does not do it itself."""
    guard = [] if ends_with_parent else ["setpriv", "--pdeathsig", "KILL", "--"]
    return [*guard, binary, *_arguments(spec, endpoint, spec.threads or cores)]


def _arguments(spec: EngineSpec, endpoint: Endpoint, threads: int) -> list[str]:
    arguments = ["--model", spec.path, "--alias", spec.model, "--host", endpoint.host, "--port", str(endpoint.port)]
    arguments += ["--parallel", str(spec.slots), "--no-ui", "--slots", "--metrics", "--offline", "--log-jsonl"]
    arguments += ["--kv-unified"]  # every request may use the whole context
    if spec.context:
        arguments += ["--ctx-size", str(spec.context)]
    if spec.kv_type != "f16":  # the engine keeps values in fewer bits only with flash attention
        arguments += ["--cache-type-k", spec.kv_type, "--cache-type-v", spec.kv_type, "--flash-attn", "on"]
    if threads:
        arguments += ["--threads", str(threads)]
    arguments += _places(spec) + _helpers(spec)
    if not spec.warm_up:
        arguments += ["--no-warmup"]
    if spec.self_test:
        arguments += ["--temp", "0"]  # unless a request says otherwise: at the usual one it is wrong once in five
    if Ability.RERANK in spec.abilities:
        arguments += ["--reranking"]
    elif Ability.EMBEDDING in spec.abilities:
        arguments += ["--embeddings"]
    return arguments


def _helpers(spec: EngineSpec) -> list[str]:
    """What gives it eyes or ears, what drafts for it, and how much it may remember."""
    arguments = ["--mmproj", spec.projector] if spec.projector else []
    arguments += _drafting(spec)
    return arguments if spec.cache_mib < 0 else [*arguments, "--cache-ram", str(spec.cache_mib)]


def _drafting(spec: EngineSpec) -> list[str]:
    """Other files or layers alone propose nothing: the way has to be named. A draft lies where its model does."""
    match spec.drafting:
        case Way.MODEL:
            arguments = ["--spec-type", "draft-simple", "--spec-draft-model", spec.draft]
            arguments += ["--spec-draft-n-max", str(MOST_DRAFTED), "--spec-draft-p-min", SURE_ENOUGH]
            return [*arguments, "--spec-draft-device", ",".join(spec.devices)] if spec.devices else arguments
        case Way.AHEAD:
            return ["--spec-type", "draft-mtp", "--spec-draft-n-max", str(MOST_AHEAD)]
        case Way.REPEATS:
            return ["--spec-type", "ngram-map-k", "--spec-ngram-map-k-size-m", str(MOST_DRAFTED)]
        case _:
            return []


def _places(spec: EngineSpec) -> list[str]:
    """On which devices, and how much of each. The engine leaves margins free by keeping layers on the processor."""
    arguments = ["--device", ",".join(spec.devices)] if spec.devices else []
    if spec.whole:
        return [*arguments, "--fit", "off", "--n-gpu-layers", "all"]
    if spec.settled and not spec.drafting:  # what it would find out is known; it reads the model twice for that
        return [*arguments, "--fit", "off"]
    return [*arguments, "--fit-target", ",".join(map(str, spec.margins_mib))] if spec.margins_mib else arguments


def environment(
    inherited: Mapping[str, str],
    endpoint: Endpoint,
    owner: str,
    visible: Iterable[tuple[str, str]] = (),
    parts: Sequence[str] = (),
    parent: int | None = None,
) -> dict[str, str]:
    """The engine's environment: no secret of ours but its own key, and no setting that would overrule its arguments.

    `visible` shows it nothing but its own GPUs; what else hides or orders GPUs would be counted among these.

    With LLAMA_SERVER_ROUTER_PORT set it reports its load progress on standard output, and ends when its standard
    input is closed. `parts` are those of its files that suit this machine; `parent` is whom it shall not outlive.
    """
    own = {"LLAMA_API_KEY": endpoint.key, "LLAMA_SERVER_ROUTER_PORT": "1"}
    if parts:
        own["GGML_BACKEND_FILES"] = ":".join(parts)
    if parent is not None:
        own["LLAMA_SERVER_PARENT"] = str(parent)
    return tool_environment(inherited, owner, visible) | own


def tool_environment(
    inherited: Mapping[str, str], owner: str, visible: Iterable[tuple[str, str]] = ()
) -> dict[str, str]:
    """The same for a program of the engine that serves nobody."""
    shown = dict(visible)
    dropped = VISIBILITY if shown else frozenset[str]()
    kept = {k: v for k, v in inherited.items() if not k.startswith(("MESHBOX_", "LLAMA_")) and k not in dropped}
    return kept | {"GGML_NO_BACKTRACE": "1", OWNER_MARK: owner} | shown


@dataclass(frozen=True, slots=True)
class LoadProgress:
    fraction: float


@dataclass(frozen=True, slots=True)
class Loaded:
    context: int | None


@dataclass(frozen=True, slots=True)
class LogText:
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class LaidOut:
    """On which devices it means to put what."""

    layout: Layout


Notice = LoadProgress | Loaded | LogText | LaidOut


def read_line(line: str) -> Notice | None:
    """What a line of the engine's output says; None for an empty one."""
    line = line.strip()
    if line.startswith(NOTICE):
        return _state_notice(_json_object(line.removeprefix(NOTICE)))
    if line.startswith("{"):
        record = _json_object(line)
        if record.get("type") == REPORT:
            return LaidOut(parse_report(record.get("data")))
        if record.get("type") == "log":
            return LogText(str(record.get("level", "info")), str(record.get("msg", "")).strip())
    return LogText("info", line) if line else None


def _state_notice(record: Mapping[str, object]) -> Notice | None:
    payload = record.get("payload")
    details: Mapping[str, object] = payload if isinstance(payload, dict) else {}
    match record.get("state"):
        case "loading":
            return LoadProgress(_overall(details))
        case "ready":
            meta = details.get("meta")
            context = meta.get("n_ctx") if isinstance(meta, dict) else None
            return Loaded(context if isinstance(context, int) else None)
        case _:
            return None


def _overall(details: Mapping[str, object]) -> float:
    """Progress over all stages (text model, projector, draft), each counted alike."""
    stages, current, value = details.get("stages"), details.get("current"), details.get("value")
    fraction = float(value) if isinstance(value, int | float) else 0.0
    if not isinstance(stages, list) or current not in stages:
        return fraction
    return (stages.index(current) + fraction) / len(stages)


def _json_object(text: str) -> dict[str, object]:
    try:
        record = json.loads(text)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
