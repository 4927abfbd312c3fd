"""A ceiling from loss: a link that drops instead of queueing shows no delay to see.

draft-ietf-rmcat-gcc-02 §6: under 2 % the ceiling rises, to 10 % it stays, above it falls by half of the loss.
"""

from __future__ import annotations

from typing import Protocol

_LOW, _HIGH = 0.02, 0.10
_GROW = 1.08
_HEADROOM = 1.2
# Judged on at least this much: one lost packet of four is no loss rate.
_WINDOW_S = 1.0
_WINDOW_PACKETS = 20
_GROW_EVERY_S = 1.0
_FALL_EVERY_S = 0.3


class LossBound(Protocol):
    def bound(
        self, received: int, lost: int, rate_bps: float, acknowledged_bps: float, rtt_s: float, now: float
    ) -> float:
        """Takes counts since the last call, the rate so far and what arrives; returns the highest rate allowed."""

    def raise_to(self, bps: float) -> None:
        """A probe got `bps` through without loss."""


class NullLossBound:
    """Allows any rate."""

    def bound(
        self, received: int, lost: int, rate_bps: float, acknowledged_bps: float, rtt_s: float, now: float
    ) -> float:
        return float("inf")

    def raise_to(self, bps: float) -> None:
        return None


class WindowedLossBound:
    """Keeps no ceiling until the first loss above 10 %; lifts it again once it has grown past the rate used."""

    def __init__(self, min_bps: float) -> None:
        self._min_bps = min_bps
        self._ceiling_bps = float("inf")
        self._received = self._lost = 0
        self._window_from: float | None = None
        self._grown_at = self._fell_at = float("-inf")
        self.fraction = 0.0  # of the last full window

    def bound(
        self, received: int, lost: int, rate_bps: float, acknowledged_bps: float, rtt_s: float, now: float
    ) -> float:
        self._received += received
        self._lost += lost
        if self._window_from is None:
            self._window_from = now
        total = self._received + self._lost
        if now - self._window_from < _WINDOW_S or total < _WINDOW_PACKETS:
            return self._ceiling_bps
        self.fraction = max(0.0, self._lost / total)
        self._received = self._lost = 0
        self._window_from = now
        return self.judge(self.fraction, rate_bps, acknowledged_bps, rtt_s, now)

    def judge(self, fraction: float, rate_bps: float, acknowledged_bps: float, rtt_s: float, now: float) -> float:
        """One verdict on a loss fraction (0..1), e.g. of a receiver report."""
        if fraction > _HIGH:
            if now - self._fell_at >= _FALL_EVERY_S + rtt_s:
                self._fell_at = now
                used = min(rate_bps, self._ceiling_bps)
                self._ceiling_bps = max(self._min_bps, used * (1 - 0.5 * fraction))
        elif fraction < _LOW and now - self._grown_at >= _GROW_EVERY_S:
            self._grown_at = now
            # No loss of what was not sent proves nothing.
            tried_bps = _HEADROOM * acknowledged_bps
            self._ceiling_bps = max(self._ceiling_bps, min(self._ceiling_bps * _GROW, tried_bps))
            if self._ceiling_bps > rate_bps:
                self._ceiling_bps = float("inf")
        return self._ceiling_bps

    def raise_to(self, bps: float) -> None:
        self._ceiling_bps = max(self._ceiling_bps, bps)
