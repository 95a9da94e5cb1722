"""All downloads together keep to a rate."""

from __future__ import annotations

import pytest

from appliance.models.throttle import BURST_SECONDS, Throttle


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize("rate", [1000, 50_000])
async def test_bytes_take_the_time_they_should(rate: int) -> None:
    """Whatever the pieces are, save for a short burst."""
    time = Time()
    throttle = Throttle(lambda: rate, time.clock, time.sleep)
    for count in (rate, rate // 2, rate // 10, rate * 3):
        await throttle.take(count)
    assert time.now == pytest.approx(4.6 - BURST_SECONDS, abs=0.01)


async def test_no_limit_is_no_wait() -> None:
    """And a limit that is set while it runs holds from then on."""
    time, rate = Time(), [0.0]
    throttle = Throttle(lambda: rate[0], time.clock, time.sleep)
    await throttle.take(10**9)
    assert time.now == 0
    rate[0] = 100
    await throttle.take(200)
    assert time.now == pytest.approx(2 - BURST_SECONDS)


async def test_a_pause_is_not_saved_up() -> None:
    """After a minute without a byte the rate is what it was."""
    time = Time()
    throttle = Throttle(lambda: 100, time.clock, time.sleep)
    time.now = 60.0
    await throttle.take(200)
    assert time.now == pytest.approx(62 - BURST_SECONDS)
