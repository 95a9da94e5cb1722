"""Command line, environment and output of llama-server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.models.types import Ability
from appliance.node.snapshot import EngineSpec
from appliance.routing.table import Endpoint
from appliance.supervisor.llama_server import (
    OWNER_MARK,
    Loaded,
    LoadProgress,
    LogText,
    Notice,
    command_line,
    environment,
    read_line,
)

ENDPOINT = Endpoint("127.0.0.1", 4000, "geheim")


def spec(*abilities: Ability, context: int = 0, devices: tuple[str, ...] = ()) -> EngineSpec:
    return EngineSpec("tiny", "/m/tiny.gguf", frozenset(abilities), context=context, devices=devices)


def test_the_engine_listens_on_loopback_under_its_own_name() -> None:
    """The whole command line of a plain chat model."""
    assert command_line("/e/llama-server", spec(Ability.CHAT), ENDPOINT, 3) == [
        *("setpriv", "--pdeathsig", "KILL", "--", "/e/llama-server", "--model", "/m/tiny.gguf", "--alias", "tiny"),
        *("--host", "127.0.0.1", "--port", "4000", "--parallel", "4", "--no-ui", "--slots", "--metrics", "--offline"),
        *("--log-jsonl", "--kv-unified", "--threads", "3"),
    ]


def test_the_self_test_model_answers_a_newcomer_right() -> None:
    """Without luck in it: who asks what is 3 + 4 gets 7, whichever client he uses."""
    line = command_line("x", replace(spec(Ability.CHAT), self_test=True), ENDPOINT, 3)
    assert line[line.index("--temp") + 1] == "0"
    assert "--temp" not in command_line("x", spec(Ability.CHAT), ENDPOINT, 3)


def test_the_key_is_not_on_the_command_line() -> None:
    """Other users of the machine see command lines."""
    assert ENDPOINT.key not in " ".join(command_line("x", spec(Ability.CHAT), ENDPOINT, 3))


@pytest.mark.parametrize(
    ("abilities", "flag"),
    [((Ability.EMBEDDING,), "--embeddings"), ((Ability.RERANK, Ability.EMBEDDING), "--reranking")],
)
def test_kinds_of_models_get_their_flag(abilities: tuple[Ability, ...], flag: str) -> None:
    """Embedding and rerank models run in their own mode, and in one only."""
    flags = {"--embeddings", "--reranking"} & set(command_line("x", spec(*abilities), ENDPOINT, 3))
    assert flags == {flag}


def test_context_and_devices_are_passed() -> None:
    """What the owner set reaches the engine."""
    line = command_line("x", spec(Ability.CHAT, context=512, devices=("CUDA0", "CUDA1")), ENDPOINT, 3)
    assert line[line.index("--ctx-size") + 1] == "512"
    assert line[line.index("--device") + 1] == "CUDA0,CUDA1"


def test_the_environment_holds_no_secret_of_ours_and_no_overruling_setting() -> None:
    """The engine sees its own key, its owner, and the system's variables."""
    inherited = {"PATH": "/bin", "MESHBOX_ADMIN_PASSWORD": "x", "LLAMA_ARG_CTX_SIZE": "9", "CUDA_VISIBLE_DEVICES": "0"}
    assert environment(inherited, ENDPOINT, "node1") == {
        "PATH": "/bin",
        "CUDA_VISIBLE_DEVICES": "0",
        "LLAMA_API_KEY": "geheim",
        "LLAMA_SERVER_ROUTER_PORT": "1",
        "GGML_NO_BACKTRACE": "1",
        OWNER_MARK: "node1",
    }


@pytest.mark.parametrize(
    ("line", "notice"),
    [
        ("\n", None),
        ("plain words\n", LogText("info", "plain words")),
        ('{"type":"log","time":1,"level":"warn","msg":"srv hot\\n"}\n', LogText("warn", "srv hot")),
        ('{"type":"other"}', LogText("info", '{"type":"other"}')),
        ('{"broken', LogText("info", '{"broken')),
        (
            'cmd_child_to_router:state:{"state":"loading","payload":{"stages":["a"],"current":"a","value":0.5}}',
            LoadProgress(0.5),
        ),
        (
            'cmd_child_to_router:state:{"state":"loading","payload":{"stages":["a","b"],"current":"b","value":0.5}}',
            LoadProgress(0.75),
        ),
        ('cmd_child_to_router:state:{"state":"ready","payload":{"meta":{"n_ctx":1024}}}', Loaded(1024)),
        ('cmd_child_to_router:state:{"state":"ready","payload":[]}', Loaded(None)),
        ("cmd_child_to_router:state:nonsense", None),
        ('cmd_child_to_router:state:{"state":"sleeping","payload":{}}', None),
    ],
)
def test_output_lines_are_understood(line: str, notice: Notice | None) -> None:
    """State notices, log records and plain text, each for what it is."""
    assert read_line(line) == notice


@pytest.mark.parametrize(("set_by_owner", "cores", "expected"), [(5, 3, "5"), (0, 3, "3")])
def test_threads_are_the_owners_or_all_usable_cores(set_by_owner: int, cores: int, expected: str) -> None:
    """A container's limit counts, not the whole machine."""
    line = command_line("x", replace(spec(Ability.CHAT), threads=set_by_owner), ENDPOINT, cores)
    assert line[line.index("--threads") + 1] == expected
