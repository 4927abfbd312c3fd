"""Parts of the estimation by literal input: what wraps, what is late, what is unknown."""

from dataclasses import dataclass
from random import Random
from statistics import linear_regression
from typing import NamedTuple

import pytest

from media_routing.sfu.bwe.acknowledged import NullAcknowledged, WindowedAcknowledged
from media_routing.sfu.bwe.arrivals import ArrivalJoiner, Arrivals
from media_routing.sfu.bwe.bottleneck import Bottleneck
from media_routing.sfu.bwe.loss_bound import WindowedLossBound
from media_routing.sfu.bwe.probing import CLUSTER_S, STEP_S, Prober
from media_routing.sfu.bwe.rate_control import Aimd
from media_routing.sfu.bwe.sent_history import HISTORY_SIZE, SentHistory
from media_routing.sfu.bwe.trendline import TrendlineDetector, _Trend


@dataclass
class Told:
    base_sequence: int
    times_us: tuple[int | None, ...]
    reference_time_64ms: int = 0


class Arrival(NamedTuple):
    sequence: int
    sent_at_s: float
    arrived_at_s: float
    size_bytes: int


def columns(arrivals: list[Arrival]) -> Arrivals:
    return Arrivals(*(list(column) for column in zip(*arrivals, strict=True))) if arrivals else Arrivals((), (), (), ())


def rows(arrivals: Arrivals) -> list[Arrival]:
    return [Arrival(*row) for row in zip(*arrivals, strict=True)]


def history_of(count: int, size: int = 1000) -> SentHistory:
    history = SentHistory()
    for number in range(count):
        history.record(size, number * 0.01)
    return history


class TestSentHistory:
    def test_numbers_wrap_on_the_wire_only(self):
        history = history_of(0x10000)
        assert history.record(7, 1.0) == 0
        assert history.next_sequence == 0x10001
        assert history.extend(0) == 0x10000
        assert history.extend(0xFFFF) == 0xFFFF

    def test_what_was_not_sent_is_unknown(self):
        assert SentHistory().extend(0) is None
        assert history_of(10).extend(10) is None

    def test_what_is_too_old_is_unknown(self):
        history = history_of(HISTORY_SIZE + 10)
        assert history.extend(9) is None
        assert history.extend(10) == 10


class TestArrivalJoiner:
    def test_it_joins_send_and_arrival_times_across_the_wrap_of_numbers(self):
        history = history_of(0x10000 + 2)
        told = Told(0xFFFF, (0, None, 500), reference_time_64ms=10)
        report = ArrivalJoiner().join(told, history)
        assert [(a.sequence, a.arrived_at_s) for a in rows(report.arrivals)] == [(0xFFFF, 0.64), (0x10001, 0.6405)]
        assert (report.received, report.lost) == (2, 1)

    def test_it_joins_arrivals_across_the_wrap_of_the_reference_time(self):
        history, joiner = history_of(10), ArrivalJoiner()
        first = joiner.join(Told(0, (0,), (1 << 24) - 1), history)
        second = joiner.join(Told(1, (0,), 0), history)
        assert second.arrivals.arrived_at_s[0] - first.arrivals.arrived_at_s[0] == pytest.approx(0.064)

    def test_a_packet_told_twice_counts_once(self):
        history, joiner = history_of(10), ArrivalJoiner()
        joiner.join(Told(0, (0, 250)), history)
        report = joiner.join(Told(0, (0, 250)), history)
        assert (rows(report.arrivals), report.received, report.lost) == ([], 0, 0)

    def test_a_packet_told_lost_that_came_late_is_lost_no_more(self):
        history, joiner = history_of(10), ArrivalJoiner()
        assert joiner.join(Told(0, (0, None, 500)), history).lost == 1
        late = joiner.join(Told(1, (900,)), history)
        assert (late.received, late.lost) == (1, -1)

    def test_packets_of_feedback_that_was_lost_itself_are_not_lost(self):
        history, joiner = history_of(10), ArrivalJoiner()
        joiner.join(Told(0, (0,)), history)
        report = joiner.join(Told(7, (0,)), history)
        assert (rows(report.arrivals), report.received, report.lost) == ([Arrival(7, 0.07, 0.0, 1000)], 1, 0)
        assert joiner.join(Told(3, (0,)), history).lost == 0

    def test_invented_numbers_are_ignored(self):
        history = history_of(10)
        report = ArrivalJoiner().join(Told(10, (0,) * 2990), history)
        assert (rows(report.arrivals), report.received, report.lost) == ([], 0, 0)

    def test_all_at_once_or_one_by_one_is_the_same(self):
        """The short way for feedback without losses, against the long way; over the end of the ring as well."""
        for begin in (5, HISTORY_SIZE - 20, 3 * HISTORY_SIZE - 5):
            short, long = history_of(begin + 60), history_of(begin + 60)
            told = Told(begin & 0xFFFF, tuple(range(0, 50_000, 1000)), reference_time_64ms=7)
            quick, slow = ArrivalJoiner().join(told, short), ArrivalJoiner()._join_singly(told, 7 * 0.064, long)
            assert rows(quick.arrivals) == rows(slow.arrivals) != []
            assert quick[1:] == slow[1:] == (50, 0)
            assert short.sizes == long.sizes


def steady(bps: float, seconds: float, start_s: float = 0.0) -> Arrivals:
    gap = 8000 / bps
    return columns([Arrival(n, start_s + n * gap, start_s + n * gap, 1000) for n in range(int(seconds / gap))])


class TestAcknowledgedBitrate:
    def test_it_needs_half_a_second(self):
        measured = WindowedAcknowledged()
        assert measured.measure(steady(1e6, 0.4)) is None
        assert measured.measure(steady(1e6, 0.4, 0.4)) == pytest.approx(1e6, rel=0.05)

    def test_it_follows_a_fall_within_a_second(self):
        measured = WindowedAcknowledged()
        measured.measure(steady(2e6, 3))
        assert measured.measure(steady(3e5, 1.5, 3.0)) < 0.6e6

    def test_after_a_probe_it_follows_a_rise_at_once(self):
        slow, fast = WindowedAcknowledged(), WindowedAcknowledged()
        for measured in (slow, fast):
            measured.measure(steady(4e5, 3))
        rise = steady(2e6, 0.3, 3.0)
        assert fast.measure(rise, jumped=True) > 1.5 * slow.measure(rise)

    def test_the_null_twin_knows_nothing(self):
        assert NullAcknowledged().measure(steady(1e6, 5)) is None


def queueing(growth: float, seconds: float) -> Arrivals:
    """Groups 20 ms apart; each takes `growth` ms per ms longer than the one before."""
    return columns([Arrival(n, n * 0.02, n * 0.02 * (1 + growth), 1000) for n in range(int(seconds * 50))])


class TestTrendline:
    def test_the_running_slope_is_that_of_least_squares(self):
        chance, trend, points = Random(1), _Trend(), []
        for number in range(500):
            points.append((1e9 + number * 7 + chance.random() * 5, 40 * chance.random() - number * 0.01))
            slope = trend.add(*points[-1])
            if slope is not None:
                assert slope == pytest.approx(linear_regression(*zip(*points[-20:], strict=True)).slope, abs=1e-9)
        assert len(trend.points) == 20

    def test_bursts_are_judged_as_their_packets_one_by_one(self):
        chance, together, singly, verdicts = Random(2), TrendlineDetector(), TrendlineDetector(), set()
        sent_s = arrived_s = 0.0
        for number in range(400):
            rows_ = []
            for _ in range(chance.randrange(1, 6)):
                sent_s += chance.choice((0.001, 0.004, 0.012, 0.03))
                arrived_s = max(arrived_s, sent_s) + chance.random() * (0.012 if number // 50 % 2 else 0.001)
                size = chance.randrange(1, 8)
                rows_ += [Arrival(0, sent_s, arrived_s + chance.random() * 0.004, 1000) for _ in range(size)]
            verdict = together.detect(columns(rows_))
            verdicts.add(verdict)
            assert [singly.detect(columns([row])) for row in rows_][-1] == verdict
        assert together._threshold_ms == singly._threshold_ms
        assert verdicts == {"normal", "over", "under"}

    def test_a_growing_queue_is_overuse(self):
        assert TrendlineDetector().detect(queueing(0.1, 1.5)) == "over"

    def test_a_draining_queue_is_underuse(self):
        assert TrendlineDetector().detect(queueing(-0.1, 1.5)) == "under"

    def test_a_constant_delay_is_normal(self):
        assert TrendlineDetector().detect(queueing(0.0, 5)) == "normal"

    def test_a_clock_that_drifts_is_normal(self):
        assert TrendlineDetector().detect(queueing(0.0003, 60)) == "normal"

    def test_overuse_ends_after_a_gap_in_what_arrives(self):
        detector = TrendlineDetector()
        detector.detect(queueing(0.1, 1.5))
        assert detector.detect(columns([Arrival(999, 30.0, 30.0, 1000)])) == "normal"


class TestAimd:
    def test_it_grows_by_eight_percent_a_second(self):
        rate = Aimd(100_000, 10_000, 10_000_000)
        now = 0.0
        while now < 10.0:
            bps = rate.adapt("normal", None, 0.0, 0.1, now)
            now += 0.1
        assert bps == pytest.approx(100_000 * 1.08**10, rel=0.03)

    def test_it_falls_to_85_percent_of_what_arrives(self):
        rate = Aimd(1_000_000, 10_000, 10_000_000)
        assert rate.adapt("over", 600_000, 0.0, 0.1, 1.0) == pytest.approx(510_000)

    def test_it_falls_to_90_percent_of_what_the_link_was_seen_to_carry_however_little_arrives(self):
        rate = Aimd(1_000_000, 10_000, 10_000_000)
        assert rate.most_bps() == float("inf")
        assert rate.adapt("over", 150_000, 600_000, 0.1, 1.0) == pytest.approx(540_000)
        assert rate.most_bps() == pytest.approx(600_000)
        rate.raise_to(900_000, 2.0)
        assert rate.most_bps() == float("inf"), "a probe has passed it"

    def test_it_falls_once_per_round_trip(self):
        rate = Aimd(1_000_000, 10_000, 10_000_000)
        first = rate.adapt("over", 900_000, 0.0, 0.1, 1.0)
        assert rate.adapt("over", 700_000, 0.0, 0.1, 1.05) == first
        assert rate.adapt("over", 700_000, 0.0, 0.1, 1.11) == pytest.approx(595_000)

    def test_it_holds_while_the_queue_drains(self):
        rate = Aimd(1_000_000, 10_000, 10_000_000)
        assert [rate.adapt("under", 900_000, 0.0, 0.1, now / 10) for now in range(20)] == [1_000_000] * 20

    def test_it_does_not_grow_past_what_was_tried(self):
        rate = Aimd(1_000_000, 10_000, 10_000_000)
        assert [rate.adapt("normal", 100_000, 0.0, 0.1, float(now)) for now in range(20)][-1] == 1_000_000

    def test_near_the_known_capacity_it_grows_by_a_packet_per_response(self):
        rate = Aimd(1_000_000, 10_000, 10_000_000)
        after = rate.adapt("over", 1_000_000, 0.0, 0.1, 1.0)
        now = 1.1
        while now < 3.2:
            bps = rate.adapt("normal", 1_000_000, 0.0, 0.1, now)
            now += 0.1
        assert bps - after == pytest.approx(2 * 9600 / 0.2, rel=0.1)


class TestLossBound:
    def test_a_window_above_ten_percent_lowers_by_half_of_it(self):
        bound = WindowedLossBound(40_000)
        bound.bound(0, 0, 1e6, 1e6, 0.1, 0.0)
        assert bound.bound(80, 20, 1e6, 1e6, 0.1, 1.0) == pytest.approx(900_000)

    def test_between_two_and_ten_percent_it_stays(self):
        bound = WindowedLossBound(40_000)
        bound.judge(0.2, 1e6, 1e6, 0.1, 0.0)
        assert [bound.judge(0.05, 9e5, 9e5, 0.1, float(now)) for now in range(1, 10)] == [pytest.approx(900_000)] * 9

    def test_without_loss_it_rises_until_it_binds_no_more(self):
        bound = WindowedLossBound(40_000)
        bound.judge(0.2, 1e6, 1e6, 0.1, 0.0)
        assert bound.judge(0.0, 1e6, 9e5, 0.1, 1.0) == pytest.approx(972_000)
        assert [bound.judge(0.0, 1e6, 9e5, 0.1, float(now)) for now in range(2, 20)][-1] == float("inf")

    def test_it_does_not_rise_past_what_was_tried(self):
        bound = WindowedLossBound(40_000)
        bound.judge(0.2, 1e6, 1e6, 0.1, 0.0)
        assert [bound.judge(0.0, 1e6, 1e5, 0.1, float(now)) for now in range(1, 20)][-1] == pytest.approx(900_000)

    def after_seconds(self, seconds, lost_of_100, queue_s=0.0):
        """The ceiling after seconds at a megabit, each losing so many of 100."""
        bound, ceiling, now = WindowedLossBound(40_000), float("inf"), 0.0
        while now < seconds:
            now += 0.1
            ceiling = bound.bound(100 - lost_of_100, lost_of_100, 1e6, 1e6, 0.05, now, queue_s)
        return ceiling

    def test_loss_of_the_line_itself_lowers_once(self):
        assert self.after_seconds(60, 12) >= 940_000

    def test_loss_beside_a_queue_lowers_again_and_again(self):
        """The control: the same loss, but packets wait."""
        assert self.after_seconds(60, 12, queue_s=0.1) < 200_000

    def test_loss_that_answered_to_the_lower_rate_is_no_loss_of_the_line(self):
        bound = WindowedLossBound(40_000)
        bound.judge(0.24, 1e6, 1e6, 0.1, 0.0)
        assert bound.judge(0.14, 880_000, 8e5, 0.1, 2.0) == pytest.approx(880_000 * 0.93)

    def test_more_than_the_line_s_own_loss_lowers(self):
        bound = WindowedLossBound(40_000)
        bound.judge(0.12, 1e6, 1e6, 0.1, 0.0)
        held = bound.judge(0.12, 940_000, 9e5, 0.1, 2.0)
        assert bound.judge(0.3, 940_000, 9e5, 0.1, 4.0) < held

    def test_one_packet_of_four_is_no_rate(self):
        bound = WindowedLossBound(40_000)
        assert [bound.bound(3, 1, 1e6, 1e6, 0.1, now / 10) for now in range(4)] == [float("inf")] * 4


class TestBottleneck:
    def arrivals(self, *rows: tuple[float, float, int]) -> Arrivals:
        """(sent, delay, size) each; the receiver's clock is 77 s ahead."""
        return columns([Arrival(number, at, at + 77 + delay, size) for number, (at, delay, size) in enumerate(rows)])

    def test_the_queue_is_the_luckiest_packet_s_delay_above_the_least_seen(self):
        link = Bottleneck()
        assert link.queue_s(self.arrivals((0.0, 0.05, 1000), (1.0, 0.03, 1000)), 0.0) == 0.0
        assert link.queue_s(self.arrivals((2.0, 0.13, 1000), (3.0, 0.2, 1000)), 0.1) == pytest.approx(0.1)
        assert link.queue_s(self.arrivals(), 0.2) == 0.0

    def test_it_gets_used_to_another_way_within_half_a_minute(self):
        link = Bottleneck()
        link.queue_s(self.arrivals((0.0, 0.0, 1000)), 0.0)
        waits = [link.queue_s(self.arrivals((0.0, 0.2, 1000)), float(now)) for now in range(1, 40)]
        assert waits[0] == pytest.approx(0.2)
        assert waits[-1] == 0.0

    def test_a_burst_tells_what_the_link_carries_however_little_is_sent_otherwise(self):
        """Ten packets at once down a link of 400 kbit/s, between single ones each 100 ms."""
        link = Bottleneck()
        link.queue_s(self.arrivals((0.0, 0.02, 100)), 0.0)
        link.watch(self.arrivals((0.0, 0.02, 100)))
        assert link.rate_bps() == 0
        link.watch(self.arrivals(*((0.1, 0.02 + 0.02 * (number + 1), 1000) for number in range(10))))
        link.watch(self.arrivals((0.4, 0.02, 100), (0.5, 0.02, 100)))
        assert link.rate_bps() == pytest.approx(400_000)
        link.watch(self.arrivals((1.0, 0.02, 100)))
        assert link.rate_bps() == 0, "that was long ago"

    def test_what_was_read_late_waited_for_the_reader_and_not_for_the_link(self):
        """Sent each 20 ms, read all at once after 400."""
        link = Bottleneck()
        link.queue_s(self.arrivals((0.0, 0.02, 500)), 0.0)
        link.watch(self.arrivals((0.0, 0.02, 500)))
        late = self.arrivals(*((0.02 * number, 0.42 - 0.02 * number, 500) for number in range(1, 21)))
        link.watch(late)
        assert link.rate_bps() == 0
        assert link.queue_s(late, 0.4) == pytest.approx(0.0)


def run_cluster(prober: Prober, history: SentHistory, now: float) -> float:
    """Sends what the prober wants until it wants no more; returns the time after it."""
    end = now + CLUSTER_S + 2 * STEP_S
    while now < end:
        due = prober.padding_due(history, now)
        while due > 0:
            history.record(250, now)
            due -= 250
        now += STEP_S
    return now


class TestProber:
    def started(self, desired_bps: float = 2e6, target_bps: float = 3e5) -> tuple[Prober, SentHistory]:
        prober, history = Prober(), history_of(1)
        prober.aim(desired_bps, target_bps)
        return prober, history

    def test_it_waits_for_the_first_feedback(self):
        prober, history = self.started()
        assert prober.padding_due(history, 5.0) == 0
        assert prober.deadline() == float("inf")
        prober.judge(columns([]), 5.0)
        assert prober.deadline() == 5.0
        assert prober.padding_due(history, 5.0) > 0

    def test_a_cluster_has_the_rate_and_at_least_five_packets(self):
        prober, history = self.started(target_bps=3e5)
        prober.judge(columns([]), 5.0)
        run_cluster(prober, history, 5.0)
        sent = history.next_sequence - 1
        assert sent >= 5
        assert sent * 250 * 8 / CLUSTER_S == pytest.approx(9e5, rel=0.15)

    def test_a_slower_arrival_is_the_rate_of_the_link(self):
        prober, history = self.started()
        prober.judge(columns([]), 5.0)
        now = run_cluster(prober, history, 5.0)
        gap = 250 * 8 / 400_000
        arrivals = [Arrival(n, history.sent_at[n], 9.0 + n * gap, 250) for n in range(1, history.next_sequence)]
        result = prober.judge(columns(arrivals), now)
        assert result is not None
        assert not result.clean
        assert result.bps == pytest.approx(0.95 * 400_000, rel=0.02)
        assert prober.deadline() == pytest.approx(now + 3.0)

    def test_success_is_followed_by_the_next_step_at_once(self):
        prober, history = self.started()
        prober.judge(columns([]), 5.0)
        now = run_cluster(prober, history, 5.0)
        arrivals = [
            Arrival(n, history.sent_at[n], history.sent_at[n] + 3, 250) for n in range(1, history.next_sequence)
        ]
        result = prober.judge(columns(arrivals), now)
        assert result is not None
        assert result.clean
        assert result.bps == pytest.approx(9e5, rel=0.15)
        assert prober.deadline() == now

    def test_silence_after_a_cluster_pauses_longer_each_time(self):
        prober, history = self.started()
        prober.judge(columns([]), 5.0)
        now, pauses = 5.0, []
        for _ in range(5):
            now = run_cluster(prober, history, now)
            now += 1.1
            prober.padding_due(history, now)
            pauses.append(prober.deadline() - now)
            now = prober.deadline()
        assert pauses == pytest.approx([3.0, 4.5, 6.75, 8.0, 8.0])

    def test_too_few_arrivals_say_nothing(self):
        prober, history = self.started()
        prober.judge(columns([]), 5.0)
        now = run_cluster(prober, history, 5.0)
        last = history.next_sequence - 1
        assert prober.judge(columns([Arrival(last, 5.05, 8.0, 250)]), now) is None
        assert prober.deadline() > now
