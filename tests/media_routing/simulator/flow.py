"""One estimator, one link, one receiver that only tells when packets arrived: the estimation without a room around."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from media_routing.rtp.rtcp import make_feedback, parse
from media_routing.sfu.bwe import BandwidthEstimator, SentHistory
from tests.media_routing.simulator.clock import Clock
from tests.media_routing.simulator.network import Link, LinkModel

_PACKET_BYTES = 1000
_PADDING_BYTES = 250
_SEND_S = 0.01
_FEEDBACK_S = 0.1
# Where the receiver's clock stands; it has nothing to do with ours.
_CLOCK_OFFSET_S = 77.7


@dataclass(frozen=True)
class Sample:
    at_s: float
    target_bps: int
    sent_bps: float
    capacity_bps: float


class Flow:
    """`rate` is what the sender sends of a target: by default all of it."""

    def __init__(
        self,
        seed: int,
        model: LinkModel,
        estimator: BandwidthEstimator,
        *,
        rate: Callable[[int], float] = float,
        desired_bps: float = 5_000_000,
        back: LinkModel | None = None,
    ) -> None:
        random = Random(seed)
        self.clock = Clock()
        self.model = model
        self.estimator = estimator
        self.history = SentHistory()
        self.samples: list[Sample] = []
        self.padding_bytes = self.media_bytes = 0
        self.longest_delay_s = 0.0
        self._rate = rate
        self._began = self.clock.now
        self._credit_bytes = 0.0
        self._sampled_bytes = 0
        self._arrived: dict[int, int] = {}
        self._next = -1
        self._count = 0
        self._link = Link(self.clock, random, model, self._arrive)
        self._back = Link(self.clock, random, back or LinkModel(delay_s=model.delay_s), self._report)
        estimator.desire(desired_bps)
        self.clock.every(_SEND_S, self._send)
        self.clock.every(0.005, self._probe)
        self.clock.every(_FEEDBACK_S, self._feed_back)
        self.clock.every(0.5, self._sample, first_s=0.5)

    def run(self, seconds: float) -> list[Sample]:
        """The samples of these seconds."""
        before = len(self.samples)
        self.clock.run_for(seconds)
        return self.samples[before:]

    def _send(self) -> None:
        self._credit_bytes += self._rate(self.estimator.target_bps) / 8 * _SEND_S
        while self._credit_bytes >= _PACKET_BYTES:
            self._credit_bytes -= _PACKET_BYTES
            self.media_bytes += _PACKET_BYTES
            self._put(_PACKET_BYTES)

    def _probe(self) -> None:
        now = self.clock.now
        if self.estimator.deadline() <= now:
            due = self.estimator.padding_due(self.history, now)
            while due > 0:
                due -= _PADDING_BYTES
                self.padding_bytes += _PADDING_BYTES
                self._put(_PADDING_BYTES)

    def _put(self, size: int) -> None:
        number = self.history.next_sequence
        self.history.record(size, self.clock.now)
        self._link.send(number.to_bytes(4, "big") + int(self.clock.now * 1e6).to_bytes(8, "big") + bytes(size - 12))

    def _arrive(self, data: bytes) -> None:
        self._arrived[int.from_bytes(data[:4], "big")] = int((self.clock.now + _CLOCK_OFFSET_S) * 1e6)
        self.longest_delay_s = max(self.longest_delay_s, self.clock.now - int.from_bytes(data[4:12], "big") / 1e6)

    def _feed_back(self) -> None:
        if not self._arrived:
            return
        arrivals = sorted(self._arrived.items())
        self._arrived.clear()
        first = arrivals[0][0] if self._next < 0 else min(self._next, arrivals[0][0])
        for feedback in make_feedback(1, 0, self._count, arrivals, first=first):
            self._back.send(feedback.build())
            self._count += 1
        self._next = max(self._next, arrivals[-1][0] + 1)

    def _report(self, data: bytes) -> None:
        (feedback,) = parse(data)
        self.estimator.on_feedback(feedback, self.history, self.clock.now)

    def _sample(self) -> None:
        sent, self._sampled_bytes = self._link.sent_bytes - self._sampled_bytes, self._link.sent_bytes
        self.samples.append(
            Sample(self.clock.now - self._began, self.estimator.target_bps, sent * 16, self.model.rate_bps or 0.0)
        )
