"""Bursts are spread, nothing waits without need, nothing waits for ever."""

from media_routing.sfu.pacer import Pacer


def drain(pacer, start_s, seconds):
    """(time, item) of what leaves, asked each 5 ms."""
    return [(start_s + n / 200, item) for n in range(int(seconds * 200)) for item in pacer.release(start_s + n / 200)]


def test_what_is_below_the_rate_leaves_at_once():
    pacer = Pacer(1_000_000, 0.0)
    assert all(pacer.take((1000,), n * 0.008) for n in range(500))


def test_a_burst_is_spread_at_a_fifth_above_the_target_in_order():
    pacer = Pacer(1_000_000, 0.0)
    now = [n for n in range(60) if not pacer.take((1000,), 0.0) and pacer.push(n, 1000, 0.0)]
    assert 50 < len(now) < 60
    left = drain(pacer, 0.0, 1)
    assert [item for _, item in left] == now
    assert 0.9 < (left[-1][0] * 150_000) / (len(now) * 1000) < 1.1


def test_it_does_not_pace_above_what_the_line_was_seen_to_carry():
    pacer = Pacer(1_000_000, 0.0)
    pacer.set_target(1_000_000, most_bps=1_050_000)
    for n in range(60):
        pacer.push(n, 1000, 0.0)
    left = drain(pacer, 0.0, 1)
    assert 0.9 < left[-1][0] * 1_050_000 / 8 / 60_000 < 1.1
    pacer.set_target(1_000_000, most_bps=500_000)
    assert pacer.deadline() == float("inf")
    pacer.push("x", 1000, 1.0)
    assert pacer.waiting() == [("x", 1.0)]
    assert [item for _, item in drain(pacer, 1.5, 0.1)] == ["x"], "what may be sent is sent, whatever was seen"


def test_of_a_run_goes_what_would_go_one_by_one():
    together, singly = Pacer(1_000_000, 0.0), Pacer(1_000_000, 0.0)
    for n in range(200):
        sizes, now = [100 + 37 * (n + k) % 1100 for k in range(n % 7)], n * 0.003
        assert together.take(sizes, now) == sum(singly.take((size,), now) for size in sizes)
    assert together.deadline() == singly.deadline()


def test_nothing_overtakes_what_waits_but_a_repair():
    pacer = Pacer(100_000, 0.0)
    while pacer.take((1200,), 0.0):
        pass
    pacer.push("first", 1200, 0.0)
    pacer.push("second", 1200, 0.0)
    assert not pacer.take((10,), 0.001)
    pacer.push("repair", 1200, 0.0, urgent=True)
    assert [item for _, item in drain(pacer, 0.001, 1)] == ["repair", "first", "second"]


def test_what_is_new_waits_for_what_was_sent_without_asking():
    pacer = Pacer(100_000, 0.0)
    pacer.spend(3_000, 0.0)  # 15,000 bytes a second: the debt of half of them takes a tenth of a second
    assert not pacer.take([100], 0.09)
    assert pacer.take([100], 0.11) == 1


def test_what_is_taken_back_is_neither_sent_nor_counted():
    pacer = Pacer(100_000, 0.0)
    pacer.spend(20_000, 0.0)
    for n in range(6):
        pacer.push(n, 1000, 0.0)
    assert pacer.take_back(lambda n: n % 2 == 0) == [0, 2, 4]
    assert pacer.queued_bytes == 3000
    assert [item for _, item in drain(pacer, 0.0, 3)] == [1, 3, 5]


def test_the_queue_is_bounded_and_says_what_it_drops():
    pacer = Pacer(100_000, 0.0)
    assert sum(pacer.push(n, 1000, 0.0) for n in range(1000)) == 60
    assert pacer.dropped == 940
    assert pacer.queued_bytes == 60_000


def test_the_deadline_is_when_something_may_leave():
    pacer = Pacer(1_000_000, 0.0)
    assert pacer.deadline() == float("inf")
    while pacer.take((1200,), 0.0):
        pass
    pacer.push("x", 1200, 0.0)
    due = pacer.deadline()
    assert 0.0 < due < 0.02
    assert list(pacer.release(due - 0.001)) == []
    assert list(pacer.release(due + 1e-6)) == ["x"]


def test_a_higher_target_drains_the_queue_sooner():
    pacer = Pacer(100_000, 0.0)
    for n in range(50):
        pacer.push(n, 1000, 0.0)
    assert len(drain(pacer, 0.1, 0.2)) < 10
    pacer.set_target(2_000_000)
    assert len(drain(pacer, 0.3, 0.2)) > 35


def test_clearing_forgets_what_waits():
    pacer = Pacer(100_000, 0.0)
    pacer.push("x", 60_000, 0.0)
    pacer.clear()
    assert (pacer.queued_bytes, list(pacer.release(9.0))) == (0, [])
    assert pacer.push("y", 60_000, 0.0)
