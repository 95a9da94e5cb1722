"""What a page says after something was done: `/page?done=code` shows the sentence behind the code, and nothing else."""

from __future__ import annotations

NOTICES = {
    "saved": "Saved.",
}
