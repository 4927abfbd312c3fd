"""Requests for key frames are throttled twice: per layer, and per receiver."""

import itertools

import pytest

from media_routing.sfu.keyframes import KeyframeRequests, ReceiverRequests


@pytest.mark.parametrize("layer", [0, 1, 2, 5])
def test_a_layer_is_asked_each_third_of_a_second_and_a_round_trip_until_it_answers(layer):
    requests = KeyframeRequests(layer)
    assert not requests.take_due(0.0) and requests.deadline() == float("inf")
    requests.rtt_s = 0.05
    requests.want()
    assert requests.take_due(10.0)
    assert requests.deadline() == 10.4
    requests.want()
    assert not requests.take_due(10.39)
    assert requests.take_due(10.4)
    requests.arrived()
    assert not requests.take_due(20.0)


@pytest.mark.parametrize(("layer", "interval_s"), [(0, 0.5), (1, 1.0), (2, 1.0), (5, 1.0)])
def test_a_layer_that_answered_is_left_alone_for_a_while(layer, interval_s):
    requests = KeyframeRequests(layer)
    requests.want()
    assert requests.take_due(10.0)
    requests.arrived()
    requests.want()
    assert not requests.take_due(10 + interval_s - 0.01)
    assert requests.take_due(10 + interval_s)


def test_ten_receivers_who_ask_at_once_cost_one_request():
    requests = KeyframeRequests(2)
    sent = 0
    for n in range(10):
        requests.want()
        sent += requests.take_due(5.0 + n * 0.01)
    assert sent == 1


def test_a_receiver_that_keeps_asking_is_heard_three_times_in_ten_seconds():
    budget = ReceiverRequests()
    heard = [budget.allow(100 + n * 0.01) for n in range(1000)]
    assert sum(heard) in (5, 6)  # three at once, one more each 3.3 s
    times = [n for n, allowed in enumerate(heard) if allowed]
    assert min(b - a for a, b in itertools.pairwise(times)) >= 20
