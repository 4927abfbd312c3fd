"""What the receiver demonstrably got, in bits per second: the ground that every decrease stands on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Protocol

from media_routing.sfu.bwe.arrivals import Arrival

# Windows and the Bayesian weights are libwebrtc's (bitrate_estimator.cc): the first value needs half a second of
# packets, later ones follow in 150 ms steps, the less the further a sample is from what was believed.
_FIRST_WINDOW_S = 0.5
_WINDOW_S = 0.15
_UNCERTAINTY = 10.0
_DRIFT = 5.0
# ExpectFastRateChange: after a probe the old mean is no longer believed.
_JUMP_VARIANCE = 200.0
# Right after a picture was added the mean still tells of the time before: what just arrived is the floor.
_RECENT_S = 0.3
# After such a silence the old value says nothing.
_STALE_S = 2.0


class AcknowledgedBitrate(Protocol):
    def measure(self, arrivals: Iterable[Arrival], *, jumped: bool = False) -> float | None:
        """Takes what arrived, returns bits per second; None before enough arrived. `jumped`: the rate was just raised
        by a probe, so a far higher sample is no outlier."""

    def recent(self) -> float:
        """Bits per second of the last 150 or 300 ms alone, what is more; 0 when that cannot be said."""


class NullAcknowledged:
    """Knows nothing."""

    def measure(self, arrivals: Iterable[Arrival], *, jumped: bool = False) -> float | None:
        return None

    def recent(self) -> float:
        return 0.0


class WindowedAcknowledged:
    """Bayesian mean of window samples on the receiver's clock, as in libwebrtc."""

    def __init__(self) -> None:
        self._bps: float | None = None
        self._variance = 50.0
        self._window_started_s: float | None = None
        self._window_bytes = 0
        self._last_s = 0.0
        self._latest: deque[tuple[float, int]] = deque()

    def measure(self, arrivals: Iterable[Arrival], *, jumped: bool = False) -> float | None:
        if jumped:
            self._variance += _JUMP_VARIANCE
        for arrival in sorted(arrivals, key=lambda a: a.arrived_at_s):
            self._take(arrival.arrived_at_s, arrival.size_bytes)
        return self._bps

    def recent(self) -> float:
        return max(self._rate_of(_RECENT_S), self._rate_of(_RECENT_S / 2))

    def _rate_of(self, seconds: float) -> float:
        if not self._latest:
            return 0.0
        window = [(at, size) for at, size in self._latest if self._latest[-1][0] - at <= seconds]
        span = window[-1][0] - window[0][0]
        # The first packet begins the interval, what it brought came before.
        return sum(size for _, size in window[1:]) * 8 / span if span >= seconds / 2 else 0.0

    def _take(self, arrived_at_s: float, size_bytes: int) -> None:
        self._latest.append((arrived_at_s, size_bytes))
        while arrived_at_s - self._latest[0][0] > _RECENT_S:
            self._latest.popleft()
        started = self._window_started_s
        if started is None or arrived_at_s - self._last_s > _STALE_S or arrived_at_s < started:
            self._window_started_s = self._last_s = arrived_at_s
            self._window_bytes = 0
            return
        self._last_s = arrived_at_s
        self._window_bytes += size_bytes
        span = arrived_at_s - started
        if span >= (_FIRST_WINDOW_S if self._bps is None else _WINDOW_S):
            self._update(self._window_bytes * 8 / span)
            self._window_started_s = arrived_at_s
            self._window_bytes = 0

    def _update(self, sample_bps: float) -> None:
        if self._bps is None:
            self._bps = sample_bps
            return
        kbps, sample_kbps = self._bps / 1000, sample_bps / 1000
        uncertainty = _UNCERTAINTY * abs(kbps - sample_kbps) / max(kbps, 25.0)
        sample_variance = uncertainty * uncertainty
        predicted = self._variance + _DRIFT
        self._bps = 1000 * (sample_variance * kbps + predicted * sample_kbps) / (sample_variance + predicted)
        self._variance = sample_variance * predicted / (sample_variance + predicted)
