"""Literal clocks: reports, arrivals, wrap-around, drift, lies."""

from itertools import pairwise
from random import Random

import pytest

from media_routing.runtime.frame_times import JUMP_S, FrameTimes

RATE_HZ = 48_000
TURN = 1 << 32


def test_with_reports_a_frame_is_where_it_was_captured_however_late_it_came() -> None:
    times, random = FrameTimes(RATE_HZ), Random(1)
    for n in range(500):
        captured = 100 + n * 0.02
        arrived = captured + random.uniform(0.02, 0.4)
        times.learn(round((arrived - 7) * RATE_HZ) % TURN, arrived)
        assert times.captured_at(round((captured - 7) * RATE_HZ), arrived) == pytest.approx(captured, abs=0.001)


def test_without_reports_the_soonest_arrival_counts() -> None:
    times, random = FrameTimes(RATE_HZ), Random(1)
    found = []
    for n in range(500):
        captured = 100 + n * 0.02
        found.append(times.captured_at(n * 960, captured + random.uniform(0.02, 0.05)) - captured)
    assert found[-1] == pytest.approx(0.02, abs=0.006)
    assert max(abs(b - a) for a, b in pairwise(found[20:])) < 0.001, "no trembling"


def test_the_first_report_moves_it_once() -> None:
    times, found = FrameTimes(RATE_HZ), []
    for n in range(400):
        captured = 100 + n * 0.02
        arrived = captured + 0.2
        if n >= 100:
            times.learn(round((arrived - 100) * RATE_HZ), arrived)
        found.append(times.captured_at(n * 960, arrived) - captured)
    assert found[99] == pytest.approx(0.2, abs=0.001)
    assert found[100] == pytest.approx(0.0, abs=0.001), "more than lips may be off: at once"
    assert found[399] == pytest.approx(0.0, abs=0.001)


def test_small_corrections_are_followed_slowly() -> None:
    times, found = FrameTimes(RATE_HZ), []
    for n in range(300):
        arrived = 100 + n * 0.02 + 0.05
        off = 0.04 if n >= 100 else 0.0  # a report that trembles by less than the jump
        times.learn(round((arrived - 100 + off) * RATE_HZ), arrived)
        found.append(times.captured_at(n * 960, arrived) - (100 + n * 0.02))
    assert max(abs(b - a) for a, b in pairwise(found)) < 0.001
    assert found[-1] == pytest.approx(-0.04, abs=0.001)
    assert JUMP_S > 0.04


def test_timestamps_turn_over() -> None:
    times = FrameTimes(RATE_HZ)
    for n in range(-100, 100):
        arrived = 500 + n * 0.02 + 0.03
        times.learn(round((arrived - 500) * RATE_HZ) % TURN, arrived)
        assert times.captured_at(TURN + n * 960, arrived) == pytest.approx(500 + n * 0.02, abs=0.001)


@pytest.mark.parametrize("off_s", [5.0, -0.5, 3600.0])
def test_a_clock_that_cannot_be_true_is_not_believed(off_s: float) -> None:
    times = FrameTimes(RATE_HZ)
    for n in range(100):
        arrived = 100 + n * 0.02
        times.learn(round((arrived - 100 + off_s) * RATE_HZ) % TURN, arrived)
        assert times.captured_at(n * 960, arrived) == pytest.approx(arrived, abs=0.002)


def test_an_hour_of_drift_is_followed() -> None:
    """A sound card that runs 100 ppm slow is 0.36 s behind after an hour."""
    with_reports, without = FrameTimes(RATE_HZ), FrameTimes(RATE_HZ)
    for n in range(180_000):
        captured = 100 + n * 0.02 * 1.0001
        arrived = captured + 0.03
        with_reports.learn(round((n * 0.02 + 0.03) * RATE_HZ) % TURN, arrived)
        by_report = with_reports.captured_at(n * 960, arrived)
        by_arrival = without.captured_at(n * 960, arrived)
    assert by_report == pytest.approx(captured, abs=0.002)
    assert by_arrival == pytest.approx(arrived, abs=0.002)
