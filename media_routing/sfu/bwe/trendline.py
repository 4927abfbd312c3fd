"""Is a queue growing on the way? Groups of packets, the trend of their one-way delay, an adaptive threshold.

    arrivals --group()--> (send gap, arrival gap) --slope()--> ms per ms --compare()--> "over" | "normal" | "under"

draft-ietf-rmcat-gcc-02 §5.1-5.4 with the trendline filter that libwebrtc put in the place of the Kalman filter.
"""

from __future__ import annotations

from bisect import bisect_right
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

    def add(self, x: float, y: float) -> float | None:
        """Returns the slope; None before the window is full, 0.0 when all arrived at once."""
        points = self.points
        points.append((x, y))
        gone = points.popleft() if len(points) > _WINDOW else None
        self._since += 1
        if self._since >= _SUMS_LAST:
            self._begin()
            sum_x, sum_y, sum_xx, sum_xy = self._sums
        else:
            origin_x, origin_y = self._origin
            sum_x, sum_y, sum_xx, sum_xy = self._sums
            x -= origin_x
            y -= origin_y
            if gone is None:
                sum_x += x
                sum_y += y
                sum_xx += x * x
                sum_xy += x * y
            else:
                gone_x, gone_y = gone
                gone_x -= origin_x
                gone_y -= origin_y
                sum_x += x - gone_x
                sum_y += y - gone_y
                sum_xx += x * x - gone_x * gone_x
                sum_xy += x * y - gone_x * gone_y
            self._sums = (sum_x, sum_y, sum_xx, sum_xy)
        if len(points) < _WINDOW:
            return None
        spread = sum_xx - sum_x * sum_x / _WINDOW
        return (sum_xy - sum_x * sum_y / _WINDOW) / spread if spread > _NO_SPREAD else 0.0

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
        """Looks once at all that left at the same instant: the group's four times stay in locals, the rest is per group."""
        if not arrivals.sent_at_s:
            return self._usage
        group = self._group
        if group is None:
            at_s, there_s = arrivals.sent_at_s[0], arrivals.arrived_at_s[0]
            group = (at_s, at_s, there_s, there_s)
        first_sent_s, last_sent_s, first_arrived_s, last_arrived_s = group
        sent_at_s, arrived_at_s = arrivals.sent_at_s, arrivals.arrived_at_s
        at, count = 0, len(sent_at_s)
        while at < count:
            sent_s, arrived_s = sent_at_s[at], arrived_at_s[at]
            at += 1
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
                if sent_s - first_sent_s > _GROUP_S:
                    continue
            else:
                before = self._before
                if before is not None:
                    self._point((last_sent_s - before[0]) * 1000, (last_arrived_s - before[1]) * 1000, last_arrived_s)
                self._before = (last_sent_s, last_arrived_s)
                first_sent_s = last_sent_s = sent_s
                first_arrived_s = last_arrived_s = arrived_s
            # What left at the same instant belongs to the same group; only the last to arrive counts.
            end = bisect_right(sent_at_s, sent_s, at)
            if end > at:
                latest_s = max(arrived_at_s[at:end])
                if latest_s - last_arrived_s <= _RESET_GAP_S:
                    at = end
                    if latest_s > last_arrived_s:
                        last_arrived_s = latest_s
        self._group = (first_sent_s, last_sent_s, first_arrived_s, last_arrived_s)
        return self._usage

    def _point(self, send_gap_ms: float, arrival_gap_ms: float, arrived_s: float) -> None:
        """One group is complete. Written in one piece: it runs for each burst of each receiver."""
        self._groups = groups = self._groups + 1 if self._groups < _MAX_GROUPS else _MAX_GROUPS
        self._accumulated_ms += arrival_gap_ms - send_gap_ms
        self._smoothed_ms = smoothed_ms = _SMOOTHING * self._smoothed_ms + (1 - _SMOOTHING) * self._accumulated_ms
        slope = self._line.add(arrived_s * 1000, smoothed_ms)
        last_trend = self._last_trend
        self._last_trend = trend = slope if slope is not None else last_trend
        offset_ms = groups * trend * _GAIN
        threshold_ms = self._threshold_ms
        if offset_ms > threshold_ms:
            self._judge_over(trend, last_trend, send_gap_ms)
        else:
            self._over_ms = -1.0
            self._over_count = 0
            self._usage = "under" if offset_ms < -threshold_ms else "normal"
        # The threshold follows.
        if offset_ms < 0:
            offset_ms = -offset_ms
        last_s, self._last_update_s = self._last_update_s, arrived_s
        if last_s is None or offset_ms > threshold_ms + _THRESHOLD_IGNORE_MS:
            return  # a sudden jump is a route change or a real queue, not jitter to get used to
        elapsed_ms = (arrived_s - last_s) * 1000
        if elapsed_ms <= 0:
            return
        if elapsed_ms > _ELAPSED_MAX_MS:
            elapsed_ms = _ELAPSED_MAX_MS
        gain = _THRESHOLD_DOWN if offset_ms < threshold_ms else _THRESHOLD_UP
        moved = threshold_ms + gain * (offset_ms - threshold_ms) * elapsed_ms
        self._threshold_ms = moved if _THRESHOLD_MIN_MS <= moved <= _THRESHOLD_MAX_MS else _within(moved)

    def _judge_over(self, trend: float, last_trend: float, send_gap_ms: float) -> None:
        # Half the first gap: overuse began somewhere inside it.
        self._over_ms = send_gap_ms / 2 if self._over_ms < 0 else self._over_ms + send_gap_ms
        self._over_count += 1
        lasts = self._over_ms > _OVER_FOR_MS and self._over_count > 1
        if lasts and trend >= last_trend and self._rise_ms() >= _MIN_RISE_MS:
            self._over_ms = 0.0
            self._over_count = 0
            self._usage = "over"
        elif self._usage == "over" and trend < last_trend:
            # It grows less: the last decrease works, though it cannot be seen in full yet.
            self._usage = "under"

    def _rise_ms(self) -> float:
        return self._smoothed_ms - min(delay_ms for _, delay_ms in self._line.points)


def _within(threshold_ms: float) -> float:
    return min(max(threshold_ms, _THRESHOLD_MIN_MS), _THRESHOLD_MAX_MS)
