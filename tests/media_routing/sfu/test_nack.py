"""When a lost packet is asked for."""

import pytest

from media_routing.sfu.nack import MAX_AGE_S, MAX_MISSING, MAX_TRIES, REORDER_S, MissingPackets


def test_reordering_is_given_a_moment():
    missing = MissingPackets()
    missing.miss(10, 13, 0.0)
    assert missing.due(0.1, REORDER_S / 2) == []
    missing.find(11)
    assert missing.deadline() == REORDER_S
    assert missing.due(0.1, REORDER_S) == [10, 12]


@pytest.mark.parametrize(("rtt_s", "pause_s"), [(0.0, 0.04), (0.1, 0.11), (0.3, 0.33)])
def test_it_asks_once_per_round_trip(rtt_s, pause_s):
    missing = MissingPackets()
    missing.miss(1, 2, 0.0)
    assert missing.due(rtt_s, 1.0) == [1]
    assert missing.due(rtt_s, 1.0 + pause_s - 0.001) == []
    assert missing.due(rtt_s, 1.0 + pause_s + 0.001) == [1]


def test_it_gives_up_after_ten_tries():
    missing = MissingPackets()
    missing.miss(1, 2, 0.0)
    asked = [missing.due(0.0, 0.05 * n) for n in range(1, MAX_TRIES + 3)]
    assert asked.count([1]) == MAX_TRIES
    assert missing.gave_up and not len(missing) and missing.deadline() == float("inf")


def test_it_gives_up_what_is_too_old():
    missing = MissingPackets()
    missing.miss(1, 2, 0.0)
    assert missing.due(0.1, MAX_AGE_S + 0.1) == [] and missing.gave_up


def test_a_hole_too_large_is_not_filled_packet_by_packet():
    missing = MissingPackets()
    missing.miss(0, MAX_MISSING, 0.0)
    assert len(missing) == MAX_MISSING and not missing.gave_up
    missing.miss(1000, 1001, 0.0)
    assert not len(missing) and missing.gave_up
