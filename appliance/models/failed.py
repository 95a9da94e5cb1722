"""Why a model could not be found, fetched, taken in or removed."""

from __future__ import annotations


class ModelProblem(Exception):
    """`code` stays the same for programs, `detail` is for a person. `temporary`: another try may help."""

    def __init__(
        self, code: str, detail: str, *, temporary: bool = False, retry_after: int | None = None, **facts: object
    ) -> None:
        super().__init__(detail)
        self.facts = facts  # for programs
        self.code, self.detail, self.temporary, self.retry_after = code, detail, temporary, retry_after


class TransferFailed(ModelProblem):
    """A file did not come."""
