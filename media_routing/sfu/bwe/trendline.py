"""Is a queue growing on the way? Groups of packets, the trend of their one-way delay, an adaptive threshold.

    arrivals --group()--> (send gap, arrival gap) --slope()--> ms per ms --compare()--> "over" | "normal" | "under"

draft-ietf-rmcat-gcc-02 §5.1-5.4 with the trendline filter that libwebrtc put in the place of the Kalman filter.
"""

from __future__ import annotations

from collections import deque
from typing import Literal, Protocol

from media_routing.sfu.bwe.arrivals import Arrivals

Usage = Literal["normal", "over", "under"]

# Packets sent within 5 ms travel as one group (gcc-02 §5.2): a frame leaves in a burst, its inner gaps say nothing.
_GROUP_S = 0.005
_BURST_MAX_S = 0.1
# trendline_estimator.cc: 20 groups, smoothed by 0.9; a longer window reacts later and trembles less.
_WINDOW = 20
_SMOOTHING = 0.9
_GAIN = 4.0
# Sums are computed anew after so many points: rarer costs less and lets rounding errors add up.
_SUMS_LAST = 200
_NO_SPREAD = 1e-6
_MAX_GROUPS = 60
_OVER_FOR_MS = 10.0
# A burst twice as long takes some ms longer through any link, and stays so: a step, not a queue that grows.
_MIN_RISE_MS = 7.0
# gcc-02 §5.4: the threshold gives way to jitter slowly and comes back more slowly still.
_THRESHOLD_MS = 12.5
_THRESHOLD_MIN_MS, _THRESHOLD_MAX_MS = 6.0, 600.0
_THRESHOLD_UP, _THRESHOLD_DOWN = 0.0087, 0.039
_THRESHOLD_IGNORE_MS = 15.0
_ELAPSED_MAX_MS = 100.0
# A gap in what arrives (feedback lost, receiver asleep) starts anew rather than telling of a queue.
_RESET_GAP_S = 3.0


class DelayDetector(Protocol):
    def detect(self, arrivals: Arrivals) -> Usage:
        """Takes what arrived, in the order of sending, returns whether the path is overused now."""


class NullDelayDetector:
    """Never sees a queue."""

    def detect(self, arrivals: Arrivals) -> Usage:
        return "normal"


class _Trend:
    """Least squares over the last `_WINDOW` points (arrival ms, delay ms), kept as sums: it moves for every group."""

    __slots__ = ("_origin", "_since", "_sums", "points")

    def __init__(self) -> None:
        self.points: deque[tuple[float, float]] = deque()
        self._origin = (0.0, 0.0)
        self._sums = (0.0, 0.0, 0.0, 0.0)
        self._since = _SUMS_LAST

    def add(self, x: float, y: float) -> None:
        points = self.points
        points.append((x, y))
        gone = points.popleft() if len(points) > _WINDOW else None
        self._since += 1
        if self._since >= _SUMS_LAST:
            self._begin()
            return
        origin_x, origin_y = self._origin
        sum_x, sum_y, sum_xx, sum_xy = self._sums
        x -= origin_x
        y -= origin_y
        if gone is None:
            self._sums = (sum_x + x, sum_y + y, sum_xx + x * x, sum_xy + x * y)
            return
        gone_x, gone_y = gone[0] - origin_x, gone[1] - origin_y
        self._sums = (
            sum_x + x - gone_x,
            sum_y + y - gone_y,
            sum_xx + x * x - gone_x * gone_x,
            sum_xy + x * y - gone_x * gone_y,
        )

    def slope(self) -> float | None:
        """None before the window is full; 0.0 when all arrived at once."""
        count = len(self.points)
        if count < _WINDOW:
            return None
        sum_x, sum_y, sum_xx, sum_xy = self._sums
        spread = sum_xx - sum_x * sum_x / count
        return (sum_xy - sum_x * sum_y / count) / spread if spread > _NO_SPREAD else 0.0

    def _begin(self) -> None:
        """Sums from scratch, relative to the oldest point: what is added and taken away for ever loses its digits."""
        self._since = 0
        self._origin = origin_x, origin_y = self.points[0]
        pairs = [(x - origin_x, y - origin_y) for x, y in self.points]
        self._sums = (
            sum(x for x, _ in pairs),
            sum(y for _, y in pairs),
            sum(x * x for x, _ in pairs),
            sum(x * y for x, y in pairs),
        )


class TrendlineDetector:
    def __init__(self) -> None:
        self._reset()
        self._threshold_ms = _THRESHOLD_MS

    def _reset(self) -> None:
        # The group being filled (first and last sent, first and last arrived) and the end of the one before.
        self._group: tuple[float, float, float, float] | None = None
        self._before: tuple[float, float] | None = None
        self._line = _Trend()
        self._accumulated_ms = 0.0
        self._smoothed_ms = 0.0
        self._groups = 0
        self._over_ms = -1.0
        self._over_count = 0
        self._last_trend = 0.0
        self._last_update_s: float | None = None
        self._usage: Usage = "normal"

    def detect(self, arrivals: Arrivals) -> Usage:
        """Runs once per packet that was forwarded: the group's four times stay in locals, the rest is per group."""
        if not arrivals.sent_at_s:
            return self._usage
        group = self._group
        if group is None:
            at_s, there_s = arrivals.sent_at_s[0], arrivals.arrived_at_s[0]
            group = (at_s, at_s, there_s, there_s)
        first_sent_s, last_sent_s, first_arrived_s, last_arrived_s = group
        for sent_s, arrived_s in zip(arrivals.sent_at_s, arrivals.arrived_at_s, strict=True):
            gap_s = arrived_s - last_arrived_s
            if gap_s > _RESET_GAP_S or gap_s < -_RESET_GAP_S:
                self._reset()
                first_sent_s = last_sent_s = sent_s
                first_arrived_s = last_arrived_s = arrived_s
                continue
            if sent_s < first_sent_s:
                continue  # reordered across groups: its delay belongs to a group already judged
            if sent_s - first_sent_s <= _GROUP_S or (
                # Packets that a link held up together arrive in one burst: one group, though sent apart.
                gap_s < sent_s - last_sent_s and gap_s <= _GROUP_S and arrived_s - first_arrived_s < _BURST_MAX_S
            ):
                if sent_s > last_sent_s:
                    last_sent_s = sent_s
                if gap_s > 0:
                    last_arrived_s = arrived_s
                continue
            before = self._before
            if before is not None:
                self._point((last_sent_s - before[0]) * 1000, (last_arrived_s - before[1]) * 1000, last_arrived_s)
            self._before = (last_sent_s, last_arrived_s)
            first_sent_s = last_sent_s = sent_s
            first_arrived_s = last_arrived_s = arrived_s
        self._group = (first_sent_s, last_sent_s, first_arrived_s, last_arrived_s)
        return self._usage

    def _point(self, send_gap_ms: float, arrival_gap_ms: float, arrived_s: float) -> None:
        self._groups += 1
        self._accumulated_ms += arrival_gap_ms - send_gap_ms
        self._smoothed_ms = _SMOOTHING * self._smoothed_ms + (1 - _SMOOTHING) * self._accumulated_ms
        self._line.add(arrived_s * 1000, self._smoothed_ms)
        slope = self._line.slope()
        trend = slope if slope is not None else self._last_trend
        self._compare(trend, send_gap_ms, arrived_s)

    def _compare(self, trend: float, send_gap_ms: float, arrived_s: float) -> None:
        groups = self._groups if self._groups < _MAX_GROUPS else _MAX_GROUPS
        offset_ms = groups * trend * _GAIN
        if offset_ms > self._threshold_ms:
            # Half the first gap: overuse began somewhere inside it.
            self._over_ms = send_gap_ms / 2 if self._over_ms < 0 else self._over_ms + send_gap_ms
            self._over_count += 1
            lasts = self._over_ms > _OVER_FOR_MS and self._over_count > 1
            if lasts and trend >= self._last_trend and self._rise_ms() >= _MIN_RISE_MS:
                self._over_ms = 0.0
                self._over_count = 0
                self._usage = "over"
            elif self._usage == "over" and trend < self._last_trend:
                # It grows less: the last decrease works, though it cannot be seen in full yet.
                self._usage = "under"
        else:
            self._over_ms = -1.0
            self._over_count = 0
            self._usage = "under" if offset_ms < -self._threshold_ms else "normal"
        self._last_trend = trend
        self._adapt_threshold(abs(offset_ms), arrived_s)

    def _rise_ms(self) -> float:
        return self._smoothed_ms - min(delay_ms for _, delay_ms in self._line.points)

    def _adapt_threshold(self, offset_ms: float, arrived_s: float) -> None:
        last, self._last_update_s = self._last_update_s, arrived_s
        if last is None or offset_ms > self._threshold_ms + _THRESHOLD_IGNORE_MS:
            return  # a sudden jump is a route change or a real queue, not jitter to get used to
        gain = _THRESHOLD_DOWN if offset_ms < self._threshold_ms else _THRESHOLD_UP
        elapsed_ms = (arrived_s - last) * 1000
        if elapsed_ms <= 0:
            return
        if elapsed_ms > _ELAPSED_MAX_MS:
            elapsed_ms = _ELAPSED_MAX_MS
        moved = self._threshold_ms + gain * (offset_ms - self._threshold_ms) * elapsed_ms
        self._threshold_ms = moved if _THRESHOLD_MIN_MS <= moved <= _THRESHOLD_MAX_MS else _within(moved)


def _within(threshold_ms: float) -> float:
    return min(max(threshold_ms, _THRESHOLD_MIN_MS), _THRESHOLD_MAX_MS)
