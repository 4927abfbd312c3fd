"""Additive increase, multiplicative decrease: from "is the path overused" to a rate.

draft-ietf-rmcat-gcc-02 §5.5 as in libwebrtc's aimd_rate_control.cc: +8 % per second far from the link's known
capacity, one packet per response time near it, down to 90 % of what the link carries when
overused, or to 85 % of what arrived where that is not known.
"""

from __future__ import annotations

import math
from typing import Protocol

from media_routing.sfu.bwe.trendline import Usage

_GROW_PER_S = 1.08
# Lower drains a queue faster and wastes more of the link; gcc-02 recommends 0.85 of a mean that lags. What the link itself
# was seen to carry needs less reserve.
_BACK_OFF, _BACK_OFF_CARRIED = 0.85, 0.9
_PACKET_BITS = 1200 * 8
# What was never sent was never tried: a leg that sends less than its target grows by probes alone. libwebrtc allows
# 1.5, or nothing where little is sent; what is claimed without proof adds a picture that does not fit.
_HEADROOM = 1.2
_HEADROOM_BPS = 10_000
_RESPONSE_EXTRA_S = 0.1


class RateControl(Protocol):
    def adapt(
        self, usage: Usage, acknowledged_bps: float | None, carried_bps: float, rtt_s: float, now: float
    ) -> float:
        """Takes one verdict, returns the rate in bits per second. `carried_bps`: what the link can, 0 where not known."""

    def raise_to(self, bps: float, now: float) -> None:
        """A probe got `bps` through: no need to grow there step by step."""

    def most_bps(self) -> float:
        """What the link carried when it was last full; infinity while that is not known or was surpassed."""


class FixedRate:
    """The null twin: the rate never changes."""

    def __init__(self, bps: float) -> None:
        self._bps = bps

    def adapt(
        self, usage: Usage, acknowledged_bps: float | None, carried_bps: float, rtt_s: float, now: float
    ) -> float:
        return self._bps

    def raise_to(self, bps: float, now: float) -> None:
        return None

    def most_bps(self) -> float:
        return float("inf")


class LinkCapacity:
    """Mean and deviation of what got through at each overuse; a sample far off forgets the rest."""

    def __init__(self) -> None:
        self._kbps: float | None = None
        self._variance = 0.4  # in units of the mean

    @property
    def bps(self) -> float | None:
        return None if self._kbps is None else self._kbps * 1000

    def upper_bps(self) -> float:
        return float("inf") if self._kbps is None else (self._kbps + 3 * self._deviation()) * 1000

    def lower_bps(self) -> float:
        return 0.0 if self._kbps is None else max(0.0, self._kbps - 3 * self._deviation()) * 1000

    def observe(self, bps: float) -> None:
        kbps = bps / 1000
        self._kbps = kbps if self._kbps is None else 0.95 * self._kbps + 0.05 * kbps
        error = self._kbps - kbps
        variance = 0.95 * self._variance + 0.05 * error * error / max(self._kbps, 1.0)
        self._variance = min(max(variance, 0.4), 2.5)

    def forget(self) -> None:
        self._kbps = None

    def _deviation(self) -> float:
        assert self._kbps is not None
        return math.sqrt(self._variance * self._kbps)


class Aimd:
    def __init__(self, start_bps: float, min_bps: float, max_bps: float) -> None:
        self._bps = start_bps
        self._min_bps, self._max_bps = min_bps, max_bps
        self._capacity = LinkCapacity()
        self._increasing = True
        self._changed_at: float | None = None
        self._decreased_at = float("-inf")

    def adapt(
        self, usage: Usage, acknowledged_bps: float | None, carried_bps: float, rtt_s: float, now: float
    ) -> float:
        if usage == "over":
            if self._may_decrease(carried_bps or acknowledged_bps, rtt_s, now):
                self._decrease(acknowledged_bps, carried_bps, now)
        elif usage == "under":
            self._increasing = False  # the queue drains: hold until it has
            self._changed_at = now
        elif self._increasing:
            self._increase(acknowledged_bps, rtt_s, now)
        else:
            self._increasing = True
            self._changed_at = now
        return self._bps

    def raise_to(self, bps: float, now: float) -> None:
        if bps > self._bps:
            self._set(bps)
            self._changed_at = now
            if bps > self._capacity.upper_bps():
                self._capacity.forget()

    def most_bps(self) -> float:
        return self._capacity.bps or float("inf")

    def _may_decrease(self, arrives_bps: float | None, rtt_s: float, now: float) -> bool:
        """Once per round trip, as the effect is not seen earlier; at once when far above what arrives."""
        if now - self._decreased_at >= min(max(rtt_s, 0.01), 0.2):
            return True
        return arrives_bps is not None and self._bps > 2 * arrives_bps

    def _decrease(self, acknowledged_bps: float | None, carried_bps: float, now: float) -> None:
        target = _BACK_OFF * (self._bps if acknowledged_bps is None else acknowledged_bps)
        if carried_bps:
            acknowledged_bps, target = carried_bps, _BACK_OFF_CARRIED * carried_bps
        if target > self._bps and self._capacity.bps is not None:
            target = _BACK_OFF * self._capacity.bps
        if acknowledged_bps is not None:
            if acknowledged_bps < self._capacity.lower_bps():
                self._capacity.forget()
            self._capacity.observe(acknowledged_bps)
        self._set(min(target, self._bps))
        self._increasing = False
        self._decreased_at = self._changed_at = now

    def _increase(self, acknowledged_bps: float | None, rtt_s: float, now: float) -> None:
        elapsed_s = 0.0 if self._changed_at is None else min(now - self._changed_at, 1.0)
        self._changed_at = now
        ceiling = self._max_bps
        if acknowledged_bps is not None:
            if acknowledged_bps > self._capacity.upper_bps():
                self._capacity.forget()
            ceiling = _HEADROOM * acknowledged_bps + _HEADROOM_BPS
        if self._bps >= ceiling:
            return
        if self._capacity.bps is not None:
            grown = self._bps + elapsed_s * max(4000.0, _PACKET_BITS / (rtt_s + _RESPONSE_EXTRA_S))
        else:
            grown = self._bps + max(self._bps * (_GROW_PER_S**elapsed_s - 1), 1000.0 * elapsed_s)
        self._set(min(grown, ceiling))

    def _set(self, bps: float) -> None:
        self._bps = min(max(bps, self._min_bps), self._max_bps)
