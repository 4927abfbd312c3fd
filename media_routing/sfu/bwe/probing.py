"""Finding out whether more would fit: a short cluster of padding at a higher rate, judged by how it arrives.

A leg sends only what its layers need, so nothing shows that the next layer would fit. A cluster lasts 50 ms: at twice a
link's rate that queues 50 ms once. Doubling from success to success; after a failure 3 s pause, then ×1.5 (LiveKit).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from media_routing.sfu.bwe.arrivals import Arrivals
from media_routing.sfu.bwe.sent_history import HISTORY_MASK, HISTORY_SIZE, SentHistory

CLUSTER_S = 0.05
STEP_S = 0.005
# Shorter probes more often: quicker to climb back, more padding on a link that stays slow.
_PAUSE_S, _PAUSE_MAX_S, _PAUSE_GROW = 3.0, 8.0, 1.5
# A line that lets a burst pass at once (a token bucket) answers every probe with yes. What was believed and then led to a
# queue or losses so soon was such a yes: the next question waits this long, twice as long each time.
_TRUST_S = 5.0
_DOUBT_S, _DOUBT_MAX_S = 10.0, 60.0
_FIRST_FACTOR, _NEXT_FACTOR = 3.0, 2.0
# LiveKit: 120 % of what is wanted, at least 200 kbit/s more; the margin pays for the estimate's own trembling.
_MARGIN = 1.2
_MIN_STEP_BPS = 200_000
_MIN_ARRIVED = 0.8
_LOSSLESS = 0.98
_CLEAN = 0.9
_UTILISATION = 0.95
# After the cluster the receiver's next feedback must come: 250 ms at most in libwebrtc, and a long round trip.
_WAIT_S = 1.0
# What a cluster of twice the link's rate queues has drained after that: until then delay is the probe's own doing.
_DRAIN_S = 0.25
# libwebrtc reads a padding packet of RFC 3550 as at most 255 bytes.
_MIN_PACKETS, _PACKET_BYTES = 5, 250


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """`bps` got through. `clean`: as fast as it was sent, so the link may hold more. `lossless`: next to all arrived."""

    bps: float
    clean: bool
    lossless: bool


class Probing(Protocol):
    def aim(self, desired_bps: float, target_bps: float) -> None:
        """Says what could be used, and what is believed to fit."""

    def padding_due(self, history: SentHistory, now: float) -> int:
        """Bytes of padding to send at once; 0 for none."""

    def judge(self, arrivals: Arrivals, now: float) -> ProbeResult | None:
        """Takes what arrived, returns a result when a cluster is complete."""

    def undisturbed(self, arrivals: Arrivals) -> Arrivals:
        """Without packets that were sent in a cluster or so soon after it that they waited behind it."""

    def postpone(self, now: float) -> None:
        """The path is in trouble: no probe for a while."""

    def deadline(self) -> float:
        """When `padding_due` is to be asked next; infinity for never."""


class NullProber:
    """Never probes."""

    def aim(self, desired_bps: float, target_bps: float) -> None:
        return None

    def padding_due(self, history: SentHistory, now: float) -> int:
        return 0

    def judge(self, arrivals: Arrivals, now: float) -> ProbeResult | None:
        return None

    def undisturbed(self, arrivals: Arrivals) -> Arrivals:
        return arrivals

    def postpone(self, now: float) -> None:
        return None

    def deadline(self) -> float:
        return float("inf")


class _Cluster:
    __slots__ = (
        "arrived_at_s",
        "ended_at",
        "first",
        "last",
        "rate_bps",
        "seen",
        "sent_at_s",
        "sent_bytes",
        "sizes_bytes",
        "started_at",
        "step_at",
    )

    def __init__(self, rate_bps: float, first: int, now: float) -> None:
        self.rate_bps = rate_bps
        self.first = self.seen = first
        self.last: int | None = None  # one past the last number, when all is sent
        self.sent_bytes = 0
        self.started_at = self.step_at = now
        self.ended_at = 0.0
        self.sent_at_s: list[float] = []
        self.arrived_at_s: list[float] = []
        self.sizes_bytes: list[int] = []

    def add(self, arrivals: Arrivals) -> None:
        end = self.last
        for sequence, sent_s, arrived_s, size in zip(*arrivals, strict=True):
            if sequence >= self.first and (end is None or sequence < end):
                self.sent_at_s.append(sent_s)
                self.arrived_at_s.append(arrived_s)
                self.sizes_bytes.append(size)

    def count_sent(self, history: SentHistory) -> None:
        """Media counts as well: it travels at the same rate."""
        start = max(self.seen, history.next_sequence - HISTORY_SIZE)
        for number in range(start, history.next_sequence):
            self.sent_bytes += history.sizes[number & HISTORY_MASK]
        self.seen = history.next_sequence

    def due_bytes(self, now: float) -> int:
        elapsed = min(now - self.started_at + STEP_S, CLUSTER_S)
        wanted = max(self.rate_bps / 8 * elapsed, _MIN_PACKETS * _PACKET_BYTES * elapsed / CLUSTER_S)
        return max(0, int(wanted) - self.sent_bytes)


class Prober:
    def __init__(self) -> None:
        self._desired_bps = 0.0
        self._target_bps = 0.0
        self._next_at = float("inf")  # until the first feedback: without it a probe tells nothing
        self._pause_s = _PAUSE_S
        self._factor = _FIRST_FACTOR
        self._cluster: _Cluster | None = None
        self._believed_at = float("-inf")
        self._doubt_s = 0.0
        self._disturbed_from_s = self._disturbed_until_s = float("-inf")

    def aim(self, desired_bps: float, target_bps: float) -> None:
        if desired_bps > 1.5 * self._desired_bps:
            self._pause_s = _PAUSE_S  # someone new or a larger tile: worth asking again soon
        self._desired_bps, self._target_bps = desired_bps, target_bps

    def padding_due(self, history: SentHistory, now: float) -> int:
        cluster = self._cluster
        if cluster is None:
            if now < self._next_at or not self._wanting():
                return 0
            cluster = self._cluster = _Cluster(self._rate(), history.next_sequence, now)
            self._disturbed_from_s, self._disturbed_until_s = now, now + CLUSTER_S + _DRAIN_S
        elif cluster.last is not None:
            if now - cluster.ended_at > _WAIT_S:
                self._fail(now)
            return 0
        cluster.count_sent(history)
        if now - cluster.started_at >= CLUSTER_S:
            cluster.last, cluster.ended_at = history.next_sequence, now
            return 0
        cluster.step_at = now + STEP_S
        return cluster.due_bytes(now)

    def judge(self, arrivals: Arrivals, now: float) -> ProbeResult | None:
        if self._next_at == float("inf"):
            self._next_at = now
        cluster = self._cluster
        if cluster is None or not arrivals.sequences:
            return None
        cluster.add(arrivals)
        if cluster.last is None or arrivals.sequences[-1] < cluster.last - 1:
            return None
        result = self._measure(cluster)
        if result is None:
            self._fail(now)
            return None
        self._cluster = None
        self._factor = _NEXT_FACTOR
        if result.bps > self._target_bps:
            if self._believed_at > float("-inf") and now - self._believed_at > _TRUST_S:
                self._doubt_s = 0.0  # it was true
            self._believed_at = now
        if result.clean:
            self._next_at = now
            self._pause_s = _PAUSE_S
        else:
            self._pause(now)
        return result

    def undisturbed(self, arrivals: Arrivals) -> Arrivals:
        sent_at_s = arrivals.sent_at_s
        # Rows are in the order of sending.
        if not sent_at_s or sent_at_s[0] >= self._disturbed_until_s or sent_at_s[-1] < self._disturbed_from_s:
            return arrivals
        from_s, until_s = self._disturbed_from_s, self._disturbed_until_s
        return arrivals.select([index for index, at_s in enumerate(sent_at_s) if not from_s <= at_s < until_s])

    def postpone(self, now: float) -> None:
        self._cluster = None
        if now - self._believed_at < _TRUST_S:
            self._believed_at = float("-inf")
            self._doubt_s = min(max(_DOUBT_S, 2 * self._doubt_s), _DOUBT_MAX_S)
        if self._next_at != float("inf"):
            self._next_at = max(now + max(_PAUSE_S, self._doubt_s), self._next_at)

    def deadline(self) -> float:
        cluster = self._cluster
        if cluster is not None:
            return cluster.ended_at + _WAIT_S if cluster.last is not None else cluster.step_at
        return self._next_at if self._wanting() else float("inf")

    def _wanting(self) -> bool:
        return self._target_bps < self._desired_bps * _MARGIN

    def _rate(self) -> float:
        step = max(self._factor * self._target_bps, self._target_bps + _MIN_STEP_BPS)
        return min(step, max(self._desired_bps * _MARGIN, self._target_bps + _MIN_STEP_BPS))

    def _fail(self, now: float) -> None:
        self._cluster = None
        self._pause(now)

    def _pause(self, now: float) -> None:
        self._next_at = now + self._pause_s
        self._pause_s = min(self._pause_s * _PAUSE_GROW, _PAUSE_MAX_S)

    def _measure(self, cluster: _Cluster) -> ProbeResult | None:
        """None when too little arrived to say anything (probe_bitrate_estimator.cc)."""
        sent_s, arrived_s, sizes = cluster.sent_at_s, cluster.arrived_at_s, cluster.sizes_bytes
        total = sum(sizes)
        if len(sizes) < _MIN_PACKETS or total < _MIN_ARRIVED * cluster.sent_bytes:
            return None
        first_sent, last_sent = min(sent_s), max(sent_s)
        first = arrived_s.index(min(arrived_s))
        receive_s = max(arrived_s) - arrived_s[first]
        # The last burst begins an interval that nobody measured, as does the first packet on the other side.
        sent_bytes = sum(size for at_s, size in zip(sent_s, sizes, strict=True) if at_s < last_sent)
        if last_sent <= first_sent or receive_s <= 0:
            return None
        send_bps = sent_bytes * 8 / (last_sent - first_sent)
        receive_bps = (total - sizes[first]) * 8 / receive_s
        lossless = total >= _LOSSLESS * cluster.sent_bytes
        if receive_bps < _CLEAN * send_bps:
            return ProbeResult(_UTILISATION * receive_bps, False, lossless)
        return ProbeResult(min(send_bps, receive_bps), True, lossless)
