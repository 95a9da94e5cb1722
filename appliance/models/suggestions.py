"""Models that a newcomer may start with, the smallest first: well-known ones, each for a size of memory."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Suggestion:
    ref: str  # as one would type it
    title: str
    about: str
    size: int  # bytes of its files, roughly; the hub knows exactly


SUGGESTIONS = (
    Suggestion("Qwen/Qwen3-0.6B-GGUF:Q8_0", "Qwen3 0.6B", "Tiny and quick; for simple questions.", 640 * MIB),
    Suggestion("bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M", "Llama 3.2 1B", "Small; short texts.", 770 * MIB),
    Suggestion("Qwen/Qwen3-1.7B-GGUF:Q8_0", "Qwen3 1.7B", "Small; thinks before it answers.", 1830 * MIB),
    Suggestion("Qwen/Qwen3-4B-GGUF:Q4_K_M", "Qwen3 4B", "Good for its size; tools.", 2500 * MIB),
    Suggestion("Qwen/Qwen3-8B-GGUF:Q4_K_M", "Qwen3 8B", "An all-rounder; tools.", 5030 * MIB),
    Suggestion("ggml-org/gpt-oss-20b-GGUF", "gpt-oss 20B", "Strong, and quick for its size.", 12100 * MIB),
    Suggestion("Qwen/Qwen3-30B-A3B-GGUF:Q4_K_M", "Qwen3 30B A3B", "Strong and quick on many cores.", 18560 * MIB),
    Suggestion("ggml-org/gpt-oss-120b-GGUF", "gpt-oss 120B", "For large machines.", 63400 * MIB),
)


def suggested(budget: int, count: int = 3) -> tuple[Suggestion, ...]:
    """The largest few whose files leave room in so many bytes of memory; the smallest when none does."""
    fitting = [one for one in SUGGESTIONS if one.size * 1.25 <= budget]
    return tuple(fitting[-count:]) or SUGGESTIONS[:1]
