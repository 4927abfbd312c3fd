"""How many bits per second one receiver can take, from what it reports.

    TransportFeedback --ArrivalJoiner--> arrivals --+--> AcknowledgedBitrate --+
                                                    +--> DelayDetector --------+
                                                    +--> Bottleneck -----------+--> RateControl --+
                                                    +--> Probing --------------------------------+--> target_bps
                                          losses ------> LossBound ------------------------------+

draft-ietf-rmcat-gcc-02 over transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01), with the
constants of libwebrtc. Each part has one verb and a null twin; tests take one out to show what it is for.
"""

from __future__ import annotations

from dataclasses import dataclass

from media_routing.sfu.bwe.acknowledged import AcknowledgedBitrate, WindowedAcknowledged
from media_routing.sfu.bwe.arrivals import ArrivalJoiner, Feedback
from media_routing.sfu.bwe.bottleneck import Bottleneck
from media_routing.sfu.bwe.loss_bound import LossBound, WindowedLossBound
from media_routing.sfu.bwe.probing import Prober, Probing
from media_routing.sfu.bwe.rate_control import Aimd, RateControl
from media_routing.sfu.bwe.sent_history import SentHistory
from media_routing.sfu.bwe.trendline import DelayDetector, TrendlineDetector

# Without transport-wide feedback for so long, receiver reports decide.
_FEEDBACK_FRESH_S = 2.0
# A probe's proof of a rate holds so long.
_PROOF_S = 5.0
_NO_RTT_S = 0.1
# So long what arrives may still have been sent before a probe raised the rate.
_JUMP_S = 0.5
# Less delay than this above the least is jitter, whatever its trend; so is much more where no link was seen to be busy.
_QUEUE_S, _QUEUE_UNSEEN_S = 0.02, 0.1
# So much of what the line carries, while packets wait there (`Pacer.set_target`: not below the estimate): sound waits with
# them, and in our own queue it does not.
_DRAIN = 0.8
_REPORT_GROW, _REPORT_LOW, _REPORT_HIGH = 1.08, 0.02, 0.10


@dataclass(frozen=True, slots=True)
class EstimatorConfig:
    start_bps: int = 800_000
    """Signal's start: a middle layer and audio at once. Higher: quicker, and a slow link begins with a queue."""
    min_bps: int = 40_000
    """One Opus stream; below this nothing can be left out."""
    max_bps: int = 12_000_000
    """Seven cameras at 720p."""


class BandwidthEstimator:
    def __init__(
        self,
        config: EstimatorConfig = EstimatorConfig(),
        *,
        acknowledged: AcknowledgedBitrate | None = None,
        delay: DelayDetector | None = None,
        rate: RateControl | None = None,
        loss: LossBound | None = None,
        prober: Probing | None = None,
    ) -> None:
        self._config = config
        self._joiner = ArrivalJoiner()
        self._acknowledged = acknowledged or WindowedAcknowledged()
        self._delay = delay or TrendlineDetector()
        self._rate = rate or Aimd(config.start_bps, config.min_bps, config.max_bps)
        self._loss = loss or WindowedLossBound(config.min_bps)
        self._prober = prober or Prober()
        self._bottleneck = Bottleneck()
        self._delay_bps = float(config.start_bps)
        self._loss_bps = float("inf")
        self._remb_bps = float("inf")
        self._rtt_s = 0.0
        self._queue_s = 0.0
        self._fed_at = float("-inf")
        self._jumped_at = float("-inf")
        self._proven_bps = 0.0
        self._proven_at = float("-inf")
        self._desired_bps = 0.0
        self.acknowledged_bps = 0.0
        self.received = 0
        self.lost = 0

    @property
    def target_bps(self) -> int:
        """What may be sent to this receiver, all streams, audio and repair together."""
        bps = min(self._delay_bps, self._loss_bps, self._remb_bps, self._config.max_bps)
        return int(max(bps, self._config.min_bps))

    def most_bps(self) -> float:
        """More than this at once would queue, or keep the queue that there is; infinity while the line was not seen full."""
        return self._rate.most_bps() * (_DRAIN if self._queue_s > _QUEUE_S else 1.0)

    def proven_bps(self, now: float) -> int:
        """What a clean probe just got through; 0 when that is too long ago or was contradicted since."""
        return int(self._proven_bps) if now - self._proven_at < _PROOF_S else 0

    def unreported_s(self, history: SentHistory, now: float) -> float:
        """How long ago the oldest packet was sent of which nothing was heard yet; 0 before the first report."""
        return history.age_s(self._joiner.highest + 1, now) if self._joiner.highest >= 0 else 0.0

    def desire(self, bps: float) -> None:
        """Says what could be used if it fitted (`Allocation.desired_bps`); nothing is probed beyond it."""
        self._desired_bps = bps
        self._prober.aim(bps, self.target_bps)

    def on_feedback(self, feedback: Feedback, history: SentHistory, now: float) -> None:
        """Takes one transport feedback packet. Costs tens of µs: once per 50 to 100 ms and leg."""
        report = self._joiner.join(feedback, history)
        if not report.received and not report.lost:
            return
        self._fed_at = now
        self.received += report.received
        self.lost += report.lost
        acknowledged = self._acknowledged.measure(report.arrivals, jumped=now - self._jumped_at < _JUMP_S)
        self.acknowledged_bps = acknowledged or 0.0
        # Else a probe that finds the end of a link would itself be taken for congestion, and cost what was known good.
        undisturbed = self._prober.undisturbed(report.arrivals)
        usage = self._delay.detect(undisturbed) if undisturbed.sequences else "normal"
        self._bottleneck.watch(report.arrivals)
        if undisturbed.sequences:
            self._queue_s = self._bottleneck.queue_s(undisturbed, now)
        queue_s = self._queue_s
        carried = self._bottleneck.rate_bps() if usage == "over" else 0.0
        if usage == "over" and queue_s < (_QUEUE_S if carried else _QUEUE_UNSEEN_S):
            usage = "normal"  # somebody had no time to read or to send, and nothing waited one behind the other
        rtt_s = self._rtt_s or _NO_RTT_S
        probe = self._prober.judge(report.arrivals, now)
        if usage == "over":
            self._prober.postpone(now)
            self._proven_at = float("-inf")
        elif probe is not None and probe.bps > self.target_bps:
            self._rate.raise_to(probe.bps, now)
            self._jumped_at = now
            if probe.lossless:
                self._loss.raise_to(probe.bps)
        if probe is not None and probe.clean and usage != "over":
            self._proven_bps, self._proven_at = probe.bps, now
        # While a queue grows the mean still tells of the time before, or of how little was sent.
        delay_bps = self._rate.adapt(usage, acknowledged, carried, rtt_s, now)
        if delay_bps < self._delay_bps:
            self._loss.restart(now + rtt_s)
        self._delay_bps = delay_bps
        before_bps = self._loss_bps
        self._loss_bps = self._loss.bound(
            report.received,
            report.lost,
            self._delay_bps,
            self.acknowledged_bps,
            rtt_s,
            now,
            queue_s,
        )
        if self._loss_bps < before_bps:
            self._prober.postpone(now)
        self._prober.aim(self._desired_bps, self.target_bps)

    def on_loss_report(self, fraction: float, now: float) -> None:
        """Takes the loss (0..1) of a receiver report; counts only for a receiver without transport-wide feedback."""
        if now - self._fed_at < _FEEDBACK_FRESH_S:
            return
        bps = self._delay_bps
        if fraction < _REPORT_LOW:
            # Never further than what is wanted: nothing else bounds it.
            bps = max(bps, min(bps * _REPORT_GROW, 1.2 * self._desired_bps))
        elif fraction > _REPORT_HIGH:
            bps *= 1 - 0.5 * fraction
        self._delay_bps = min(max(bps, self._config.min_bps), self._config.max_bps)

    def on_remb(self, bps: float, now: float) -> None:
        """Takes a receiver's own estimate (draft-alvestrand-rmcat-remb-03), when there is no better."""
        self._remb_bps = float("inf") if now - self._fed_at < _FEEDBACK_FRESH_S else bps

    def on_interruption(self, now: float) -> None:
        """The line carried nothing for a while and carries again: the loss that is told next is of that while, and the way may be
        another one, with delays of its own."""
        self._bottleneck = Bottleneck()
        self._loss.restart(now + (self._rtt_s or _NO_RTT_S))

    def on_rtt(self, rtt_s: float) -> None:
        """Takes a round trip measured by reports (RFC 3550 §6.4.1)."""
        self._rtt_s = rtt_s

    def padding_due(self, history: SentHistory, now: float) -> int:
        """Bytes of padding to send now under transport-wide numbers; ask at `deadline()`, 0 is an answer."""
        return self._prober.padding_due(history, now)

    def deadline(self) -> float:
        return self._prober.deadline()
