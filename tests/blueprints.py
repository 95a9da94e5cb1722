"""Models of real size with nothing in them: the header of a published model, and a hole where its weights would be.

The engine works out what such a file takes before it reads any weight, so models far larger than this machine can be
checked against it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import gguf
import numpy as np

ALIGNMENT = 32
BLOCK, BLOCK_SIZE = 32, 34  # of Q8_0
HEADER = 1 << 20  # more than any of these headers takes
TRAINED = 131072

# One tensor a line: its name, and its shape as the engine counts it. Capital letters are the sizes of the model.
ATTENTION = """
attn_norm.weight E
attn_q.weight E H*K
attn_k.weight E G*K
attn_v.weight E G*K
attn_output.weight H*K E
"""
NORMED_HEADS = "attn_q_norm.weight K\nattn_k_norm.weight K\n"
BIASES = "attn_q.bias H*K\nattn_k.bias G*K\nattn_v.bias G*K\n"
DENSE = "ffn_gate.weight E F\nffn_up.weight E F\nffn_down.weight F E\n"
EXPERTS = "ffn_gate_inp.weight E X\nffn_gate_exps.weight E M X\nffn_up_exps.weight E M X\nffn_down_exps.weight M E X\n"
SHARED = "ffn_gate_shexp.weight E M\nffn_up_shexp.weight E M\nffn_down_shexp.weight M E\n"
FFN_NORM = "ffn_norm.weight E\n"
POST_NORMS = "post_attention_norm.weight E\n"
ENDS = "token_embd.weight E V\noutput_norm.weight E\n"
OUTPUT = "output.weight E V\n"

Sizes = Mapping[str, int]


@dataclass(frozen=True)
class Blueprint:
    """`keys` are written with the architecture's name in front."""

    architecture: str
    sizes: Sizes  # L layers, E elements between them, V tokens, and what else the tensors need
    keys: Mapping[str, Any]
    layer: Callable[[int], str]
    ends: str = ENDS + OUTPUT
    context: int = TRAINED
    tensors: Mapping[str, tuple[int, ...]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tensors", dict(self._tensors()))

    def _tensors(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        yield from self._shapes(self.ends, "")
        for number in range(self.sizes["L"]):
            yield from self._shapes(self.layer(number), f"blk.{number}.")

    def _shapes(self, lines: str, prefix: str) -> Iterator[tuple[str, tuple[int, ...]]]:
        for name, *extents in map(str.split, filter(None, lines.splitlines())):
            yield prefix + name, tuple(prod(self._extent(part) for part in e.split("*")) for e in extents)

    def _extent(self, part: str) -> int:
        return int(part) if part.isdecimal() else self.sizes[part]


def header_bytes(plan: Blueprint) -> bytes:
    """What is read of such a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_blueprint(Path(folder) / "model.gguf", plan)
        with path.open("rb") as file:
            return file.read(HEADER)


def write_blueprint(path: Path, plan: Blueprint) -> Path:
    """A file that is as long as the model, and takes next to no room."""
    writer = gguf.GGUFWriter(path, plan.architecture)
    add_keys(writer, plan)
    writer.add_tokenizer_model("none")
    sizes = [_announce(writer, name, shape) for name, shape in plan.tensors.items()]
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    os.truncate(path, sum(size + -size % ALIGNMENT for size in (path.stat().st_size, *sizes)))
    return path


def add_keys(writer: gguf.GGUFWriter, plan: Blueprint) -> None:
    basics = {"context_length": plan.context, "embedding_length": plan.sizes["E"], "block_count": plan.sizes["L"]}
    common = {"vocab_size": plan.sizes["V"], "attention.layer_norm_rms_epsilon": 1e-6}
    for key, value in {**basics, **common, **plan.keys}.items():
        _add(writer, f"{plan.architecture}.{key}", value)


def _announce(writer: gguf.GGUFWriter, name: str, shape: tuple[int, ...]) -> int:
    """Puts a tensor into the table; returns its size."""
    if len(shape) == 1 or shape[0] % BLOCK or ".ssm_" in name:
        size = 4 * prod(shape)
        writer.add_tensor_info(name, tuple(reversed(shape)), np.dtype(np.float32), size)
        return size
    row = shape[0] // BLOCK * BLOCK_SIZE
    kind = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor_info(name, (*reversed(shape[1:]), row), np.dtype(np.uint8), row * prod(shape[1:]), kind)
    return row * prod(shape[1:])


def _add(writer: gguf.GGUFWriter, key: str, value: Any) -> None:
    match value:
        case bool():
            writer.add_bool(key, value)
        case int():
            writer.add_uint32(key, value)
        case float():
            writer.add_float32(key, value)
        case _:
            writer.add_array(key, value)


def _heads(sizes: Sizes) -> dict[str, Any]:
    names = {"head_count": "H", "head_count_kv": "G", "key_length": "K", "value_length": "K"}
    return {f"attention.{name}": sizes[letter] for name, letter in names.items()}


def _experts(sizes: Sizes, used: int) -> dict[str, Any]:
    return {"expert_count": sizes["X"], "expert_used_count": used, "expert_feed_forward_length": sizes["M"]}


def llama(used: int = 0, **sizes: int) -> Blueprint:
    keys = {**_heads(sizes), "feed_forward_length": sizes["F"], "rope.dimension_count": sizes["K"]}
    if used:
        sizes |= {"M": sizes["F"]}
        keys |= {"expert_count": sizes["X"], "expert_used_count": used}
    return Blueprint("llama", sizes, keys, lambda _: ATTENTION + FFN_NORM + (EXPERTS if used else DENSE))


def qwen3(**sizes: int) -> Blueprint:
    keys = {**_heads(sizes), "feed_forward_length": sizes["F"]}
    return Blueprint("qwen3", sizes, keys, lambda _: ATTENTION + NORMED_HEADS + FFN_NORM + DENSE, ENDS)


def qwen3moe(used: int = 8, **sizes: int) -> Blueprint:
    keys = {**_heads(sizes), **_experts(sizes, used), "feed_forward_length": 6144}
    return Blueprint("qwen3moe", sizes, keys, lambda _: ATTENTION + NORMED_HEADS + FFN_NORM + EXPERTS)


def gemma3(window: int, **sizes: int) -> Blueprint:
    keys = {**_heads(sizes), "feed_forward_length": sizes["F"], "attention.sliding_window": window}
    layer = ATTENTION + NORMED_HEADS + FFN_NORM + POST_NORMS + "post_ffw_norm.weight E\n" + DENSE
    return Blueprint("gemma3", sizes, keys, lambda _: layer, ENDS)


def gpt_oss(used: int = 4, **sizes: int) -> Blueprint:
    keys = {**_heads(sizes), **_experts(sizes, used), "feed_forward_length": 2880, "attention.sliding_window": 128}
    biases = "attn_output.bias E\nffn_gate_inp.bias X\nffn_gate_exps.bias M X\nffn_up_exps.bias M X\n"
    layer = ATTENTION + POST_NORMS + "attn_sinks.weight H\n" + BIASES + biases + "ffn_down_exps.bias E X\n" + EXPERTS
    return Blueprint("gpt-oss", sizes, keys, lambda _: layer)


def glm4moe(used: int = 8, **sizes: int) -> Blueprint:
    """Its last layer only predicts ahead."""
    keys = {
        **_heads(sizes),
        **_experts(sizes, used),
        "feed_forward_length": sizes["F"],
        "rope.dimension_count": 64,
        "expert_shared_count": 1,
        "leading_dense_block_count": 1,
        "expert_gating_func": 2,
        "nextn_predict_layers": 1,
    }
    ahead = "nextn.enorm.weight E\nnextn.hnorm.weight E\nnextn.shared_head_norm.weight E\nnextn.eh_proj.weight 2*E E\n"

    def layer(number: int) -> str:
        network = DENSE if number == 0 else EXPERTS + SHARED + "exp_probs_b.bias X\n"
        return ATTENTION + BIASES + POST_NORMS + network + (ahead if number == sizes["L"] - 1 else "")

    return Blueprint("glm4moe", sizes, keys, layer)


def deepseek2(lead: int, used: int = 8, **sizes: int) -> Blueprint:
    """Q and R are the ranks of queries and of keys and values, N, P and W the sizes within a head."""
    rank, rope, plain = sizes["R"], sizes["P"], sizes["N"]
    sizes |= {"A": plain + rope, "C": rank + rope}
    keys = {
        **_experts(sizes, used),
        "attention.head_count": sizes["H"],
        "attention.head_count_kv": 1,
        "attention.key_length": rank + rope,
        "attention.value_length": rank,
        "attention.key_length_mla": plain + rope,
        "attention.value_length_mla": sizes["W"],
        "attention.q_lora_rank": sizes["Q"],
        "attention.kv_lora_rank": rank,
        "rope.dimension_count": rope,
        "feed_forward_length": sizes["F"],
        "expert_shared_count": 1,
        "leading_dense_block_count": lead,
        "expert_gating_func": 2,
    }
    attention = """
    attn_norm.weight E
    attn_q_a.weight E Q
    attn_q_a_norm.weight Q
    attn_q_b.weight Q H*A
    attn_kv_a_mqa.weight E C
    attn_kv_a_norm.weight R
    attn_k_b.weight N R H
    attn_v_b.weight R W H
    attn_output.weight H*W E
    """
    body = attention.replace("    ", "") + FFN_NORM
    return Blueprint("deepseek2", sizes, keys, lambda n: body + (DENSE if n < lead else EXPERTS + SHARED))


def mamba(**sizes: int) -> Blueprint:
    """I is the size inside a layer, S that of its state, T the rank of its steps."""
    keys = {"ssm.conv_kernel": 4, "ssm.inner_size": sizes["I"], "ssm.state_size": sizes["S"]}
    keys |= {"ssm.time_step_rank": sizes["T"], "feed_forward_length": 0, "attention.head_count": 0}
    sizes |= {"D": sizes["T"] + 2 * sizes["S"]}
    layer = (
        "attn_norm.weight E\nssm_in.weight E 2*I\nssm_conv1d.weight 4 I\nssm_conv1d.bias I\nssm_x.weight I D\n"
        "ssm_dt.weight T I\nssm_dt.bias I\nssm_a S I\nssm_d I\nssm_out.weight I E\n"
    )
    return Blueprint("mamba", sizes, keys, lambda _: layer)


def qwen3next(used: int = 10, **sizes: int) -> Blueprint:
    """Three of four layers are delta nets of Y groups and Z heads with states of S times S."""
    inner, keys_size = sizes["S"] * sizes["Z"], sizes["S"] * sizes["Y"]
    sizes |= {"I": inner, "D": 2 * keys_size + inner}
    keys = {
        **_heads(sizes),
        **_experts(sizes, used),
        "feed_forward_length": 5120,
        "expert_shared_feed_forward_length": sizes["M"],
        "rope.dimension_count": 64,
        "ssm.conv_kernel": 4,
        "ssm.inner_size": inner,
        "ssm.state_size": sizes["S"],
        "ssm.time_step_rank": sizes["Z"],
        "ssm.group_count": sizes["Y"],
    }
    attention = ATTENTION.replace("attn_q.weight E H*K", "attn_q.weight E 2*H*K") + NORMED_HEADS
    delta = (
        "attn_norm.weight E\nattn_qkv.weight E D\nattn_gate.weight E I\nssm_conv1d.weight 4 D\nssm_dt.bias Z\nssm_a Z\n"
        "ssm_ba.weight E 2*Z\nssm_norm.weight S\nssm_out.weight I E\n"
    )
    network = POST_NORMS + EXPERTS + SHARED + "ffn_gate_inp_shexp.weight E\n"
    return Blueprint("qwen3next", sizes, keys, lambda n: (delta if (n + 1) % 4 else attention) + network)


def lfm2(attends: frozenset[int], **sizes: int) -> Blueprint:
    groups = [sizes["G"] if n in attends else 0 for n in range(sizes["L"])]
    keys = {"attention.head_count": sizes["H"], "attention.head_count_kv": groups}
    keys |= {"feed_forward_length": sizes["F"], "shortconv.l_cache": 3}
    short = "attn_norm.weight E\nshortconv.conv.weight 3 E\nshortconv.in_proj.weight E 3*E\n"
    short += "shortconv.out_proj.weight E E\n"
    ends = "token_embd.weight E V\ntoken_embd_norm.weight E\n"
    body = FFN_NORM + DENSE
    return Blueprint("lfm2", sizes, keys, lambda n: body + (ATTENTION + NORMED_HEADS if n in attends else short), ends)


def falcon_h1(**sizes: int) -> Blueprint:
    """Each layer attends and keeps a state."""
    sizes |= {"C": sizes["I"] + 2 * sizes["S"], "D": 2 * sizes["I"] + 2 * sizes["S"] + sizes["T"]}
    keys = {
        **_heads(sizes),
        "feed_forward_length": sizes["F"],
        "ssm.conv_kernel": 4,
        "ssm.inner_size": sizes["I"],
        "ssm.state_size": sizes["S"],
        "ssm.time_step_rank": sizes["T"],
        "ssm.group_count": 1,
    }
    state = (
        "ssm_in.weight E D\nssm_conv1d.weight 4 C\nssm_conv1d.bias C\nssm_dt.bias T\nssm_a 1 T\nssm_d 1 T\n"
        "ssm_out.weight I E\nffn_norm E\n"
    )
    return Blueprint("falcon-h1", sizes, keys, lambda _: ATTENTION + DENSE + state)


PUBLISHED = {
    "Llama-3.2-1B": llama(L=16, E=2048, H=32, G=8, K=64, F=8192, V=128256),
    "Llama-3.1-8B": llama(L=32, E=4096, H=32, G=8, K=128, F=14336, V=128256),
    "Llama-3.3-70B": llama(L=80, E=8192, H=64, G=8, K=128, F=28672, V=128256),
    "Llama-2-7B": llama(L=32, E=4096, H=32, G=32, K=128, F=11008, V=32000),
    "Mixtral-8x7B": llama(used=2, X=8, L=32, E=4096, H=32, G=8, K=128, F=14336, V=32000),
    "Qwen3-0.6B": qwen3(L=28, E=1024, H=16, G=8, K=128, F=3072, V=151936),
    "Qwen3-4B": qwen3(L=36, E=2560, H=32, G=8, K=128, F=9728, V=151936),
    "Qwen3-32B": qwen3(L=64, E=5120, H=64, G=8, K=128, F=25600, V=151936),
    "Qwen3-30B-A3B": qwen3moe(X=128, M=768, L=48, E=2048, H=32, G=4, K=128, V=151936),
    "Qwen3-235B-A22B": qwen3moe(X=128, M=1536, L=94, E=4096, H=64, G=4, K=128, V=151936),
    "Qwen3-Next-80B": qwen3next(X=512, M=512, L=48, E=2048, H=16, G=2, K=256, S=128, Y=16, Z=32, V=151936),
    "Gemma-3-1B": gemma3(512, L=26, E=1152, H=4, G=1, K=256, F=6912, V=262144),
    "Gemma-3-12B": gemma3(1024, L=48, E=3840, H=16, G=8, K=256, F=15360, V=262208),
    "gpt-oss-20b": gpt_oss(X=32, M=2880, L=24, E=2880, H=64, G=8, K=64, V=201088),
    "gpt-oss-120b": gpt_oss(X=128, M=2880, L=36, E=2880, H=64, G=8, K=64, V=201088),
    "GLM-4.5-Air": glm4moe(X=128, M=1408, L=47, E=4096, H=96, G=8, K=128, F=10944, V=151552),
    "GLM-4.7-Flash": deepseek2(
        1, used=4, X=64, M=1536, L=47, E=2048, H=20, Q=768, R=512, N=192, P=64, W=256, F=10240, V=154880
    ),
    "DeepSeek-V3": deepseek2(
        3, X=256, M=2048, L=61, E=7168, H=128, Q=1536, R=512, N=128, P=64, W=128, F=18432, V=129280
    ),
    "Mamba-2.8B": mamba(L=64, E=2560, I=5120, S=16, T=160, V=50280),
    "LFM2-1.2B": lfm2(frozenset({2, 5, 8, 10, 12, 14}), L=16, E=2048, H=32, G=8, K=64, F=8192, V=65536),
    "Falcon-H1-3B": falcon_h1(L=32, E=2560, H=12, G=2, K=128, F=9216, I=4096, S=256, T=32, V=65536),
}
