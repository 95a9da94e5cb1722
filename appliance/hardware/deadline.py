"""Runs what may hang in a thread of its own, and waits no longer than it should."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import Generic, TypeVar

T = TypeVar("T")


class Hung(Exception):
    """No answer in time, or still none from an earlier call."""


class Watched(Generic[T]):
    """A call with a deadline. While one hangs no other is begun; once it comes back, calls go through again."""

    def __init__(self, name: str, work: Callable[[], T], seconds: float) -> None:
        self._name = name
        self._work = work
        self._seconds = seconds
        self._running: Future[T] | None = None

    def call(self) -> T:
        if self._running is not None and not self._running.done():
            raise Hung(self._name)
        answer: Future[T] = Future()
        self._running = answer
        # a daemon: a thread stuck in a driver must not keep the box from ending
        Thread(target=self._run, args=(answer,), name=self._name, daemon=True).start()
        try:
            return answer.result(self._seconds)
        except TimeoutError:
            if answer.done():  # the work itself raised it, or it came in at the last moment
                return answer.result()
            raise Hung(self._name) from None

    def _run(self, answer: Future[T]) -> None:
        try:
            answer.set_result(self._work())
        except Exception as error:  # noqa: BLE001 - handed to the caller
            answer.set_exception(error)
