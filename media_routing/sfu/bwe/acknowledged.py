"""What the receiver demonstrably got, in bits per second: the ground that every decrease stands on."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Protocol

from media_routing.sfu.bwe.arrivals import Arrivals

# Windows and the Bayesian weights are libwebrtc's (bitrate_estimator.cc): the first value needs half a second of
# packets, later ones follow in 150 ms steps, the less the further a sample is from what was believed.
_FIRST_WINDOW_S = 0.5
_WINDOW_S = 0.15
_UNCERTAINTY = 10.0
_DRIFT = 5.0
# ExpectFastRateChange: after a probe the old mean is no longer believed.
_JUMP_VARIANCE = 200.0
# After such a silence the old value says nothing.
_STALE_S = 2.0


class AcknowledgedBitrate(Protocol):
    def measure(self, arrivals: Arrivals, *, jumped: bool = False) -> float | None:
        """Takes what arrived, returns bits per second; None before enough arrived. `jumped`: the rate was just raised
        by a probe, so a far higher sample is no outlier."""


class NullAcknowledged:
    """Knows nothing."""

    def measure(self, arrivals: Arrivals, *, jumped: bool = False) -> float | None:
        return None


class WindowedAcknowledged:
    """Bayesian mean of window samples on the receiver's clock, as in libwebrtc."""

    def __init__(self) -> None:
        self._bps: float | None = None
        self._variance = 50.0
        self._window_started_s: float | None = None
        self._window_bytes = 0
        self._last_s = 0.0

    def measure(self, arrivals: Arrivals, *, jumped: bool = False) -> float | None:
        if jumped:
            self._variance += _JUMP_VARIANCE
        times_s, sizes = arrivals.arrived_at_s, arrivals.sizes_bytes
        if times_s:
            ordered_s = sorted(times_s)
            if ordered_s != times_s:
                sizes = [size for _, size in sorted(zip(times_s, sizes, strict=True))]
            self._take(ordered_s, sizes)
        return self._bps

    def _take(self, times_s: Sequence[float], sizes: Sequence[int]) -> None:
        """Goes from window to window, not from packet to packet; `times_s` ascend."""
        at, count = 0, len(times_s)
        started_s = self._window_started_s
        if started_s is None or times_s[0] - self._last_s > _STALE_S or times_s[0] < started_s:
            started_s, at = times_s[0], 1
            self._window_bytes = 0
        while at < count:
            window_s = _FIRST_WINDOW_S if self._bps is None else _WINDOW_S
            end = bisect_left(times_s, started_s + window_s, at)
            if end == count:
                self._window_bytes += sum(sizes[at:])
                break
            self._update((self._window_bytes + sum(sizes[at : end + 1])) * 8 / (times_s[end] - started_s))
            started_s, self._window_bytes = times_s[end], 0
            at = end + 1
        self._window_started_s, self._last_s = started_s, times_s[-1]

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
