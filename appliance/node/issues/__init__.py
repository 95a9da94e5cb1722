"""Known troubles, one file each: when it is there, what it means, what to do.

A check is a function `check(snapshot, serving, now) -> Iterable[Issue]`, listed in CHECKS below.
"""

from __future__ import annotations

from dataclasses import replace

from appliance.node.attention import Attention
from appliance.node.issues import (
    api_port_taken,
    broken_file,
    data_not_writable,
    disk_full,
    engine_missing,
    gpu_gone,
    gpu_silent,
    helper_left_out,
    model_failed,
    model_missing,
    models_unreadable,
    ollama_port_taken,
    pin_failed,
    settings_broken,
    too_big,
    wrong_gpu,
)
from appliance.node.issues.types import Fix, Issue, Severity
from appliance.node.serving import ServingEntry
from appliance.node.snapshot import Snapshot

__all__ = ["Fix", "Issue", "Severity", "find_issues"]

CHECKS = (
    engine_missing.check,
    api_port_taken.check,
    ollama_port_taken.check,
    data_not_writable.check,
    disk_full.check,
    settings_broken.check,
    models_unreadable.check,
    broken_file.check,
    model_missing.check,
    pin_failed.check,
    too_big.check,
    model_failed.check,
    helper_left_out.check,
    wrong_gpu.check,
    gpu_silent.check,
    gpu_gone.check,
)


def find_issues(snapshot: Snapshot, serving: tuple[ServingEntry, ...], now: float) -> tuple[Issue, ...]:
    """All there are, each with what is known of it besides."""
    found = (issue for check in CHECKS for issue in check(snapshot, serving, now))
    return tuple(_known(issue, snapshot.attention) for issue in found)


def _known(issue: Issue, attention: Attention) -> Issue:
    hidden = attention.hides(issue.id, grave=issue.severity is Severity.ERROR)
    return replace(issue, since=attention.since.get(issue.id), dismissed=hidden)
