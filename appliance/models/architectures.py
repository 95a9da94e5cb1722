"""What the engine knows about an architecture beyond what a file says, as tables. Names are those of GGUF.

Each table mirrors a place of the engine's source at the pin; a new pin is checked against the engine's own figures by
`tests/live/test_fit.py`.
"""

from __future__ import annotations

from typing import NamedTuple


class Window(NamedTuple):
    """Layers that see only the latest tokens: every `period`-th layer sees all, the first or the last of them."""

    period: int  # 0: all layers are windowed unless the file lists them
    dense_first: bool = False
    default: int = 0  # tokens, when the file does not say


# load_arch_hparams of each architecture; all others ignore a window that a file may name
WINDOWS = {
    "afmoe": Window(4),
    "cohere2": Window(4),
    "cohere2moe": Window(4, dense_first=True),
    "exaone-moe": Window(4, default=128),
    "exaone4": Window(4, default=4096),
    "gemma2": Window(2, default=4096),
    "gemma3": Window(6),
    "gemma3n": Window(5),
    "gemma4": Window(0),
    "gpt-oss": Window(2),
    "granite_swa": Window(0),
    "laguna": Window(4, dense_first=True),
    "lfm2": Window(0),
    "llama4": Window(4, default=8192),
    "maple": Window(0),
    "mellum": Window(4),
    "mimo2": Window(0),
    "muse-glimmer": Window(4),
    "olmo2": Window(4),
    "plamo3": Window(8),
    "smallthinker": Window(4, dense_first=True, default=4096),
    "spark2_5": Window(0),
    "step35": Window(0),
}
FIXED_WINDOWS = frozenset({"llama4", "smallthinker"})  # the engine takes its own number, whatever the file says
WINDOWED_SIZES = {"exaone4": frozenset({64})}  # only models of so many layers are windowed

# llm_arch_is_recurrent: no layer attends
RECURRENT = frozenset({"mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"})
# llm_arch_is_hybrid: layers without key-value heads keep a state instead
HYBRID_BY_HEADS = frozenset(
    {"bailingmoe3", "glm5-next", "granitehybrid", "jamba", "kimi-k3", "kimi-linear", "lfm2", "lfm2moe", "plamo2"}
)
HYBRID_WITHOUT_FEED_FORWARD = frozenset({"nemotron_h", "nemotron_h_moe"})  # and a layer does one thing only
HYBRID_BY_INTERVAL = {"qwen3next": 4, "qwen35": 4, "qwen35moe": 4, "qwen4exp": 4, "minimax-01": 8}
BOTH_IN_EACH_LAYER = frozenset({"falcon-h1"})
DELTA_NETS = frozenset({"qwen3next", "qwen35", "qwen35moe", "qwen4exp"})

# create_memory: these keep nothing between tokens
WITHOUT_CACHE = frozenset(
    {
        *("bert", "jina-bert-v2", "jina-bert-v3", "nomic-bert", "nomic-bert-moe", "neo-bert", "eurobert"),
        *("modern-bert", "gemma-embedding", "dream", "llada", "llada-moe", "rnd1", "wavtokenizer-dec"),
    }
)
ENCODERS = WITHOUT_CACHE - {"dream", "llada", "llada-moe", "rnd1", "wavtokenizer-dec"} | {"t5encoder"}
# a small extra cache of keys decides which tokens are attended to
INDEXED = frozenset({"deepseek32", "glm-dsa", "glm5-next"})
OWN_CACHES = {"gemma3n": 20}  # so many first layers keep keys and values, the others use theirs
# their caches are of a kind of its own: what is worked out for them is a guess
UNUSUAL_CACHES = frozenset({"deepseek4", "dots3note", "hrm_text", "hy_v4", "minimax-m3", "nanbeige", "qwen4exp", "t5"})

SEES = frozenset(
    {
        *("chameleon", "cogvlm", "deepseek2-ocr", "gemma3n", "gemma4", "hunyuan_vl", "paddleocr"),
        *("qwen2vl", "qwen3vl", "qwen3vlmoe"),
    }
)

# those with a `graph_mtp`: their layers that predict ahead can draft
PREDICTING_AHEAD = frozenset(
    {
        *("bailingmoe3", "cohere2moe", "deepseek2", "deepseek32", "deepseek4", "glm-dsa", "glm4moe", "hy_v3", "mimo2"),
        *("nemotron_h_moe", "qwen35", "qwen35moe", "qwen3next", "step35"),
    }
)
