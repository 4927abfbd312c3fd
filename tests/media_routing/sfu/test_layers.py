"""What a layer costs, and when it counts as there."""

import pytest

from media_routing.sfu.layers import Layer, LayerMeter, layer_for_height


def feed(meter, bps, seconds, start_s=0.0, total=0):
    """Ten times a second; returns (time, bytes) after it."""
    for step in range(1, int(seconds * 10) + 1):
        total += int(bps / 80)
        meter.measure(total, start_s + step / 10)
    return start_s + seconds, total


def test_it_measures_what_arrives():
    meter = LayerMeter()
    now, _ = feed(meter, 500_000, 3)
    assert meter.usable_bps(now) == pytest.approx(500_000, rel=0.02)


def test_a_new_layer_may_be_chosen_after_half_a_second():
    meter = LayerMeter()
    now, total = feed(meter, 500_000, 0.4)
    assert (meter.active, meter.usable_bps(now)) == (True, 0)
    now, _ = feed(meter, 500_000, 0.3, now, total)
    assert meter.usable_bps(now) == pytest.approx(500_000, rel=0.2)


@pytest.mark.parametrize(("is_alone", "silent_s"), [(False, 0.4), (True, 1.4)])
def test_a_silent_layer_is_gone_soon_and_must_be_there_for_two_seconds_to_return(is_alone, silent_s):
    meter = LayerMeter(is_alone=is_alone)
    now, total = feed(meter, 500_000, 3)
    now, total = feed(meter, 0, silent_s, now, total)
    assert meter.active
    now, total = feed(meter, 0, 0.3, now, total)
    assert not meter.active
    assert meter.usable_bps(now) == 0
    now, total = feed(meter, 500_000, 1.9, now, total)
    assert meter.usable_bps(now) == 0
    now, total = feed(meter, 500_000, 0.3, now, total)
    assert meter.usable_bps(now) == pytest.approx(500_000, rel=0.1)


def test_a_picture_that_stands_still_is_remembered_to_cost_more():
    meter = LayerMeter()
    now, total = feed(meter, 1_000_000, 3)
    now, total = feed(meter, 50_000, 2, now, total)
    assert meter.usable_bps(now) > 700_000
    now, total = feed(meter, 50_000, 30, now, total)
    assert meter.usable_bps(now) < 100_000


def test_a_key_frame_makes_a_layer_hardly_dearer():
    """Half a second's worth at once, paid back by smaller frames after it."""
    meter, total, key, costs = LayerMeter(), 0, 0, []
    for step in range(1, 101):
        is_key, is_paying = step == 50, 50 < step <= 70
        size = 25_000 if is_key else 3_750 if is_paying else 5_000
        total += size
        key += size if is_key else 0
        meter.measure(total, step / 10, key)
        costs.append(meter.usable_bps(step / 10))
    assert min(costs[10:]) > 320_000
    assert max(costs) < 421_000


def test_who_sends_nothing_but_key_frames_is_found_out():
    meter, total = LayerMeter(), 0
    for step in range(1, 121):
        total += 5_000
        meter.measure(total, step / 10, total)
    assert meter.usable_bps(12.0) == pytest.approx(400_000, rel=0.02)


def test_calls_more_often_than_ten_times_a_second_change_nothing():
    meter, other = LayerMeter(), LayerMeter()
    for step in range(1, 301):
        meter.measure(step * 625, step / 100)
        if step % 10 == 1:
            other.measure(step * 625, step / 100)
    assert meter.usable_bps(3.0) == other.usable_bps(3.0) > 0


@pytest.mark.parametrize(
    ("rates", "height", "expected"),
    [
        ((1, 1, 1), 1080, 2),
        ((1, 1, 1), 450, 1),
        ((1, 1, 1), 1, 0),
        ((1, 1, 0), 1080, 1),
        ((1, 0, 1), 360, 2),
        ((0, 0, 1), 1, 2),
        ((0, 0, 0), 720, -1),
        ((), 720, -1),
    ],
)
def test_the_layer_for_a_height(rates, height, expected):
    layers = tuple(Layer(size, bps) for size, bps in zip((180, 360, 720), rates, strict=False))
    assert layer_for_height(layers, height) == expected
