"""The whole estimation over a simulated link; each part is taken out once, to show what it is for."""

from dataclasses import dataclass
from statistics import mean

import pytest

from media_routing.sfu.bwe import BandwidthEstimator, EstimatorConfig, SentHistory
from media_routing.sfu.bwe.loss_bound import NullLossBound
from media_routing.sfu.bwe.probing import NullProber
from media_routing.sfu.bwe.rate_control import FixedRate
from media_routing.sfu.bwe.trendline import NullDelayDetector
from tests.media_routing.simulator.flow import Flow
from tests.media_routing.simulator.network import LinkModel

SEEDS = (1, 2, 3)


def layered(target_bps: int) -> float:
    """What a leg sends: the layers that fit, not the target."""
    if target_bps > 1_700_000:
        return 1_540_000
    return 540_000 if target_bps > 600_000 else 180_000


@pytest.mark.parametrize("seed", SEEDS)
def test_it_settles_below_the_capacity_of_a_link_and_keeps_its_queue_short(seed):
    flow = Flow(seed, LinkModel(rate_bps=1_000_000), BandwidthEstimator())
    flow.run(15)
    flow.longest_delay_s = 0.0
    settled = flow.run(30)
    assert 0.7e6 < mean(s.target_bps for s in settled) < 1.0e6
    assert flow.longest_delay_s < 0.15


def test_without_delay_detection_the_queue_stays_full():
    estimator = BandwidthEstimator(delay=NullDelayDetector(), loss=NullLossBound())
    flow = Flow(1, LinkModel(rate_bps=1_000_000), estimator)
    flow.run(45)
    assert flow.longest_delay_s > 0.3


@pytest.mark.parametrize("seed", SEEDS)
def test_it_falls_within_two_seconds_when_the_link_becomes_slow(seed):
    model = LinkModel(rate_bps=3_000_000)
    flow = Flow(seed, model, BandwidthEstimator())
    flow.run(15)
    model.rate_bps = 300_000
    flow.run(2)
    assert flow.run(0.5)[-1].target_bps < 450_000
    assert mean(s.target_bps for s in flow.run(20)) < 300_000


@pytest.mark.parametrize("seed", SEEDS)
def test_probing_finds_a_link_that_became_fast_though_little_is_sent(seed):
    model = LinkModel(rate_bps=250_000)
    flow = Flow(seed, model, BandwidthEstimator(), rate=layered, desired_bps=1_540_000)
    flow.run(20)
    model.rate_bps = None
    flow.run(12)
    assert flow.run(0.5)[-1].target_bps > 1_540_000


def test_without_probing_it_stays_where_it_was_sending():
    model = LinkModel(rate_bps=250_000)
    flow = Flow(1, model, BandwidthEstimator(prober=NullProber()), rate=layered, desired_bps=1_540_000)
    flow.run(20)
    model.rate_bps = None
    assert flow.run(20)[-1].target_bps < 600_000


def test_a_leg_that_wants_no_more_is_not_probed():
    flow = Flow(1, LinkModel(), BandwidthEstimator(), rate=lambda _: 180_000, desired_bps=180_000)
    flow.run(20)
    assert flow.padding_bytes == 0


def test_probing_a_slow_link_costs_little_of_it():
    flow = Flow(1, LinkModel(rate_bps=250_000), BandwidthEstimator(), rate=layered, desired_bps=5_000_000)
    flow.run(10)
    before = flow.padding_bytes
    flow.run(60)
    assert 0 < (flow.padding_bytes - before) * 8 / 60 < 0.1 * 250_000


@pytest.mark.parametrize("seed", SEEDS)
def test_two_percent_loss_costs_no_rate(seed):
    flow = Flow(seed, LinkModel(loss=0.015), BandwidthEstimator())
    assert flow.run(20)[-1].target_bps > 5_000_000


@pytest.mark.parametrize("seed", SEEDS)
def test_a_link_that_drops_without_queueing_is_noticed_by_its_losses(seed):
    model = LinkModel(rate_bps=500_000, queue_s=0.0)
    flow = Flow(seed, model, BandwidthEstimator(delay=NullDelayDetector(), prober=NullProber()))
    assert flow.run(30)[-1].target_bps < 700_000


def test_without_the_bound_of_loss_nothing_stops_it():
    model = LinkModel(rate_bps=500_000, queue_s=0.0)
    estimator = BandwidthEstimator(delay=NullDelayDetector(), prober=NullProber(), loss=NullLossBound())
    assert Flow(1, model, estimator).run(30)[-1].target_bps > 750_000


@pytest.mark.parametrize("seed", SEEDS)
def test_jitter_and_reordering_are_no_congestion(seed):
    flow = Flow(seed, LinkModel(delay_s=0.05, jitter_s=0.03, reorder=0.02), BandwidthEstimator())
    assert flow.run(20)[-1].target_bps > 5_000_000


@pytest.mark.parametrize("seed", SEEDS)
def test_lost_feedback_is_no_loss(seed):
    flow = Flow(seed, LinkModel(), BandwidthEstimator(), back=LinkModel(loss=0.3))
    assert flow.run(20)[-1].target_bps > 3_000_000
    assert flow.estimator.lost == 0


def test_two_runs_of_a_seed_are_the_same_run():
    def run(seed):
        return [s.target_bps for s in Flow(seed, LinkModel(loss=0.05, rate_bps=2e6), BandwidthEstimator()).run(10)]

    assert run(5) == run(5) != run(6)


def test_the_null_rate_is_the_rate_given():
    flow = Flow(1, LinkModel(rate_bps=250_000), BandwidthEstimator(rate=FixedRate(800_000), loss=NullLossBound()))
    assert {s.target_bps for s in flow.run(10)} == {800_000}


def test_the_target_stays_within_its_bounds():
    config = EstimatorConfig(start_bps=500_000, min_bps=100_000, max_bps=600_000)
    flow = Flow(1, LinkModel(), BandwidthEstimator(config))
    assert flow.run(10)[-1].target_bps == 600_000
    flow.model.rate_bps = 20_000
    assert min(s.target_bps for s in flow.run(20)) == 100_000


def test_receiver_reports_decide_where_there_is_no_transport_feedback():
    estimator = BandwidthEstimator()
    estimator.desire(2_000_000)
    for second in range(20):
        estimator.on_loss_report(0.0, float(second))
    assert 2_000_000 < estimator.target_bps <= 2_400_000
    for second in range(20, 30):
        estimator.on_loss_report(0.25, float(second))
    assert estimator.target_bps < 800_000
    assert estimator.padding_due(SentHistory(), 30.0) == 0
    estimator.on_remb(300_000, 30.0)
    assert estimator.target_bps == 300_000


@dataclass
class Told:
    """All of `count` packets from `base_sequence` on arrived."""

    base_sequence: int
    count: int = 1
    reference_time_64ms: int = 0

    @property
    def times_us(self) -> tuple[int, ...]:
        return (0,) * self.count


def test_a_pause_in_what_is_sent_is_no_pause_of_the_line():
    """One packet each two seconds, as of a screen that stands still."""
    estimator, history = BandwidthEstimator(), SentHistory()
    assert estimator.unreported_s(history, 5.0) == 0
    for number in range(10):
        history.record(1000, 2.0 * number)
        if number:
            assert estimator.unreported_s(history, 2.0 * number + 0.1) == pytest.approx(0.1)
        estimator.on_feedback(Told(number), history, 2.0 * number + 0.1)
        assert estimator.unreported_s(history, 2.0 * number + 1.9) == 0


def test_what_was_sent_and_not_heard_of_is_a_pause_of_the_line():
    estimator, history = BandwidthEstimator(), SentHistory()
    for number in range(40):
        history.record(1000, 0.1 * number)
    estimator.on_feedback(Told(0, 10), history, 1.0)
    assert estimator.unreported_s(history, 4.0) == pytest.approx(3.0)
    estimator.on_feedback(Told(38, 2), history, 4.0)
    assert estimator.unreported_s(history, 4.1) == 0, "reports that were lost themselves are not waited for"


def test_after_an_interruption_the_delays_of_another_way_are_no_queue():
    flow = Flow(1, LinkModel(rate_bps=1_000_000), BandwidthEstimator())
    flow.run(20)
    full_bps = flow.estimator.most_bps()
    assert full_bps < 1_100_000
    flow.model.delay_s += 0.3
    flow.run(0.5)
    assert flow.estimator._queue_s > 0.2, "control: by itself it takes them for one"
    flow.estimator.on_interruption(flow.clock.now)
    flow.run(0.5)
    assert flow.estimator._queue_s < 0.15
