"""Is a queue growing on the way? Groups of packets, the trend of their one-way delay, an adaptive threshold.

    arrivals --group()--> (send gap, arrival gap) --slope()--> ms per ms --compare()--> "over" | "normal" | "under"

draft-ietf-rmcat-gcc-02 §5.1-5.4 with the trendline filter that libwebrtc put in the place of the Kalman filter.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Literal, Protocol

from media_routing.sfu.bwe.arrivals import Arrival

Usage = Literal["normal", "over", "under"]

# Packets sent within 5 ms travel as one group (gcc-02 §5.2): a frame leaves in a burst, its inner gaps say nothing.
_GROUP_S = 0.005
_BURST_MAX_S = 0.1
# trendline_estimator.cc: 20 groups, smoothed by 0.9; a longer window reacts later and trembles less.
_WINDOW = 20
_SMOOTHING = 0.9
_GAIN = 4.0
_MAX_GROUPS = 60
_OVER_FOR_MS = 10.0
# A burst twice as long takes some ms longer through any link, and stays so: a step, not a queue that grows.
_MIN_RISE_MS = 7.0
# gcc-02 §5.4: the threshold gives way to jitter slowly and comes back more slowly still.
_THRESHOLD_MS = 12.5
_THRESHOLD_MIN_MS, _THRESHOLD_MAX_MS = 6.0, 600.0
_THRESHOLD_UP, _THRESHOLD_DOWN = 0.0087, 0.039
_THRESHOLD_IGNORE_MS = 15.0
# A gap in what arrives (feedback lost, receiver asleep) starts anew rather than telling of a queue.
_RESET_GAP_S = 3.0


class DelayDetector(Protocol):
    def detect(self, arrivals: Iterable[Arrival]) -> Usage:
        """Takes what arrived, in the order of sending, returns whether the path is overused now."""


class NullDelayDetector:
    """Never sees a queue."""

    def detect(self, arrivals: Iterable[Arrival]) -> Usage:
        return "normal"


class _Group:
    __slots__ = ("first_arrived_s", "first_sent_s", "last_arrived_s", "last_sent_s")

    def __init__(self, sent_s: float, arrived_s: float) -> None:
        self.first_sent_s = self.last_sent_s = sent_s
        self.first_arrived_s = self.last_arrived_s = arrived_s

    def accepts(self, sent_s: float, arrived_s: float) -> bool:
        if sent_s - self.first_sent_s <= _GROUP_S:
            return True
        # Packets that a link held up together arrive in one burst: one group, though sent apart.
        arrival_gap = arrived_s - self.last_arrived_s
        caught_up = arrival_gap - (sent_s - self.last_sent_s) < 0
        return caught_up and arrival_gap <= _GROUP_S and arrived_s - self.first_arrived_s < _BURST_MAX_S

    def add(self, sent_s: float, arrived_s: float) -> None:
        self.last_sent_s = max(self.last_sent_s, sent_s)
        self.last_arrived_s = max(self.last_arrived_s, arrived_s)


class TrendlineDetector:
    def __init__(self) -> None:
        self._reset()
        self._threshold_ms = _THRESHOLD_MS

    def _reset(self) -> None:
        self._current: _Group | None = None
        self._previous: _Group | None = None
        self._points: deque[tuple[float, float]] = deque(maxlen=_WINDOW)
        self._accumulated_ms = 0.0
        self._smoothed_ms = 0.0
        self._groups = 0
        self._over_ms = -1.0
        self._over_count = 0
        self._last_trend = 0.0
        self._last_update_s: float | None = None
        self._usage: Usage = "normal"

    def detect(self, arrivals: Iterable[Arrival]) -> Usage:
        for arrival in arrivals:
            self._group(arrival.sent_at_s, arrival.arrived_at_s)
        return self._usage

    def _group(self, sent_s: float, arrived_s: float) -> None:
        current = self._current
        if current is None:
            self._current = _Group(sent_s, arrived_s)
            return
        if abs(arrived_s - current.last_arrived_s) > _RESET_GAP_S:
            self._reset()
            self._current = _Group(sent_s, arrived_s)
            return
        if sent_s < current.first_sent_s:
            return  # reordered across groups: its delay belongs to a group already judged
        if current.accepts(sent_s, arrived_s):
            current.add(sent_s, arrived_s)
            return
        previous = self._previous
        if previous is not None:
            send_gap_ms = (current.last_sent_s - previous.last_sent_s) * 1000
            arrival_gap_ms = (current.last_arrived_s - previous.last_arrived_s) * 1000
            self._point(send_gap_ms, arrival_gap_ms, current.last_arrived_s)
        self._previous = current
        self._current = _Group(sent_s, arrived_s)

    def _point(self, send_gap_ms: float, arrival_gap_ms: float, arrived_s: float) -> None:
        self._groups += 1
        self._accumulated_ms += arrival_gap_ms - send_gap_ms
        self._smoothed_ms = _SMOOTHING * self._smoothed_ms + (1 - _SMOOTHING) * self._accumulated_ms
        self._points.append((arrived_s * 1000, self._smoothed_ms))
        trend = _slope(self._points) if len(self._points) == _WINDOW else self._last_trend
        self._compare(trend, send_gap_ms, arrived_s)

    def _compare(self, trend: float, send_gap_ms: float, arrived_s: float) -> None:
        offset_ms = min(self._groups, _MAX_GROUPS) * trend * _GAIN
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
        return self._smoothed_ms - min(delay_ms for _, delay_ms in self._points)

    def _adapt_threshold(self, offset_ms: float, arrived_s: float) -> None:
        last, self._last_update_s = self._last_update_s, arrived_s
        if last is None or offset_ms > self._threshold_ms + _THRESHOLD_IGNORE_MS:
            return  # a sudden jump is a route change or a real queue, not jitter to get used to
        gain = _THRESHOLD_DOWN if offset_ms < self._threshold_ms else _THRESHOLD_UP
        elapsed_ms = min(max(0.0, arrived_s - last) * 1000, 100.0)
        moved = self._threshold_ms + gain * (offset_ms - self._threshold_ms) * elapsed_ms
        self._threshold_ms = min(max(moved, _THRESHOLD_MIN_MS), _THRESHOLD_MAX_MS)


def _slope(points: Iterable[tuple[float, float]]) -> float:
    """Least squares over (arrival ms, delay ms); 0.0 when all arrived at once. One pass: it runs for every group."""
    count = 0
    first_x = first_y = sum_x = sum_y = sum_xx = sum_xy = 0.0
    for x, y in points:
        if not count:
            first_x, first_y = x, y
        count += 1
        x -= first_x
        y -= first_y
        sum_x += x
        sum_y += y
        sum_xx += x * x
        sum_xy += x * y
    spread = sum_xx - sum_x * sum_x / count
    return (sum_xy - sum_x * sum_y / count) / spread if spread > 0 else 0.0
