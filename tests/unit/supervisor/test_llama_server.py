"""Command line, environment and output of llama-server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appliance.hardware.engine_layout import HOST, Lain
from appliance.models.types import Ability
from appliance.node.snapshot import EngineSpec
from appliance.routing.table import Endpoint
from appliance.supervisor.llama_server import (
    OWNER_MARK,
    LaidOut,
    Loaded,
    LoadProgress,
    LogText,
    Notice,
    command_line,
    environment,
    read_line,
    tool_environment,
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


def test_an_engine_that_ends_with_its_parent_needs_no_other_program() -> None:
    """One program less to start; who the parent is, its environment says."""
    line = command_line("/e/llama-server", spec(Ability.CHAT), ENDPOINT, 3, ends_with_parent=True)
    assert line[:2] == ["/e/llama-server", "--model"]
    assert environment({}, ENDPOINT, "node1", parent=77)["LLAMA_SERVER_PARENT"] == "77"


def test_an_engine_is_told_which_of_its_parts_suit_the_machine() -> None:
    """It does not look through all of them again."""
    variables = environment({}, ENDPOINT, "node1", parts=("/e/libggml-cpu-zen4.so", "/e/libggml-rpc.so"))
    assert variables["GGML_BACKEND_FILES"] == "/e/libggml-cpu-zen4.so:/e/libggml-rpc.so"


def test_where_nothing_is_left_to_lay_out_the_model_is_not_read_for_it() -> None:
    """A helper that drafts is laid out beside its model: that the engine does itself."""
    settled = replace(spec(Ability.CHAT), settled=True)
    line = command_line("x", settled, ENDPOINT, 3)
    assert line[line.index("--fit") + 1] == "off"
    assert "--fit" not in command_line("x", replace(settled, drafting="mtp"), ENDPOINT, 3)
    assert "--fit" not in command_line("x", spec(Ability.CHAT), ENDPOINT, 3)


def test_the_self_test_model_answers_a_newcomer_right() -> None:
    """Without luck in it: who asks what is 3 + 4 gets 7, whichever client he uses."""
    line = command_line("x", replace(spec(Ability.CHAT), self_test=True), ENDPOINT, 3)
    assert line[line.index("--temp") + 1] == "0"
    assert "--temp" not in command_line("x", spec(Ability.CHAT), ENDPOINT, 3)


def test_a_model_whose_first_question_touches_all_of_it_is_not_warmed_up_before() -> None:
    """What the test question does anyway is not done twice."""
    line = command_line("x", replace(spec(Ability.CHAT), warm_up=False), ENDPOINT, 3)
    assert "--no-warmup" in line
    assert "--no-warmup" not in command_line("x", spec(Ability.CHAT), ENDPOINT, 3)


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


def test_a_projector_and_the_memory_for_prompts_are_passed() -> None:
    """Eyes, and how much may be remembered."""
    plain = spec(Ability.CHAT)
    line = command_line("x", replace(plain, projector="/m/eyes.gguf", cache_mib=512), ENDPOINT, 3)
    assert line[line.index("--mmproj") :] == ["--mmproj", "/m/eyes.gguf", "--cache-ram", "512"]
    assert not {"--mmproj", "--spec-type", "--cache-ram"} & set(command_line("x", plain, ENDPOINT, 3))


@pytest.mark.parametrize(
    ("helped", "arguments"),
    [
        (
            {"drafting": "model", "draft": "/m/draft.gguf", "devices": ("CUDA0", "CUDA1")},
            [
                *("--spec-type", "draft-simple", "--spec-draft-model", "/m/draft.gguf", "--spec-draft-n-max", "8"),
                *("--spec-draft-p-min", "0.75", "--spec-draft-device", "CUDA0,CUDA1"),
            ],
        ),
        ({"drafting": "mtp"}, ["--spec-type", "draft-mtp", "--spec-draft-n-max", "3"]),
        ({"drafting": "ngram"}, ["--spec-type", "ngram-map-k", "--spec-ngram-map-k-size-m", "8"]),
    ],
)
def test_each_way_of_drafting_is_named_to_the_engine(helped: dict[str, Any], arguments: list[str]) -> None:
    """A model that drafts lies on the devices of the one it drafts for."""
    line = command_line("x", replace(spec(Ability.CHAT), **helped), ENDPOINT, 3)
    assert line[line.index("--spec-type") :] == arguments


def test_a_draft_follows_its_model_where_the_engine_chooses() -> None:
    """Without devices named there is nothing to name for the draft."""
    line = command_line("x", replace(spec(Ability.CHAT), drafting="model", draft="/m/draft.gguf"), ENDPOINT, 3)
    assert "--spec-draft-device" not in line


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


LAID_OUT = (
    '{"type":"fit_memory_breakdown","data":{"unit":"MiB","rows":[{"kind":"device","name":"CUDA0","total":24105,'
    '"free":24105,"self":11,"model":3,"context":2,"compute":5,"unaccounted":-11},{"kind":"host","name":"Host",'
    '"self":2,"model":0,"context":0,"compute":2}]}}'
)


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
        (
            LAID_OUT,
            LaidOut((Lain("CUDA0", 3, 11), Lain(HOST, 0, 2))),
        ),
        ('{"type":"fit_memory_breakdown","data":7}', LaidOut(())),
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


def test_an_engine_held_to_gpus_sees_nothing_else() -> None:
    """Its devices by name, and what the box itself was shown does not count among them."""
    held = replace(spec(devices=("CUDA0", "CUDA1")), visible=(("CUDA_VISIBLE_DEVICES", "GPU-a,GPU-b"),))
    line = command_line("x", held, ENDPOINT, 3)
    assert line[line.index("--device") + 1] == "CUDA0,CUDA1"
    inherited = {"CUDA_VISIBLE_DEVICES": "0", "HIP_VISIBLE_DEVICES": "1", "PATH": "/bin"}
    given = environment(inherited, ENDPOINT, "me", held.visible)
    assert (given["CUDA_VISIBLE_DEVICES"], given["PATH"]) == ("GPU-a,GPU-b", "/bin")
    assert "HIP_VISIBLE_DEVICES" not in given
    assert environment(inherited, ENDPOINT, "me")["CUDA_VISIBLE_DEVICES"] == "0"


def test_memory_is_left_free_on_each_device() -> None:
    """In the order of the devices."""
    line = command_line("x", replace(spec(devices=("CUDA0", "CUDA1")), margins_mib=(1024, 16_000)), ENDPOINT, 3)
    assert line[line.index("--fit-target") + 1] == "1024,16000"


def test_a_test_of_a_device_leaves_no_layer_elsewhere() -> None:
    """However full it is: otherwise the processor would be tested."""
    line = command_line("x", replace(spec(devices=("CUDA0",)), whole=True, margins_mib=(5,)), ENDPOINT, 3)
    assert line[line.index("--n-gpu-layers") + 1] == "all"
    assert line[line.index("--fit") + 1] == "off"
    assert "--fit-target" not in line


def test_other_programs_of_the_engine_get_no_key() -> None:
    """But the mark by which what is left of them is found."""
    given = tool_environment({"LLAMA_API_KEY": "x", "MESHBOX_DATA": "/d", "PATH": "/bin"}, "me")
    assert given == {"PATH": "/bin", "GGML_NO_BACKTRACE": "1", OWNER_MARK: "me"}
