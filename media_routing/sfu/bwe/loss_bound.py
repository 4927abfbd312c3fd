"""A ceiling from loss: a link that drops instead of queueing shows no delay to see.

draft-ietf-rmcat-gcc-02 §6: under 2 % the ceiling rises, to 10 % it stays, above it falls by half of the loss. Loss without a
queue that does not answer to a lower rate belongs to the line (radio; libwebrtc calls it inherent): it is not judged, else
the picture is lowered step by step and nothing is won.
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
# A link that overflows at up to a quarter's loss loses at most 0.6 of that after the fall; more is the line's own loss.
_INHERENT_MOST, _UNANSWERED = 0.25, 0.75
_ANSWER_S = 4.0
_INHERENT_MARGIN = 1.5
# More delay than this above the least seen is a queue, and what is lost then may be what it could not hold.
_EMPTY_S = 0.03
_NEVER = (float("-inf"), 0.0)
# What a queue that overflows still holds when the rate falls.
_QUEUE_S = 0.3


class LossBound(Protocol):
    def bound(
        self,
        received: int,
        lost: int,
        rate_bps: float,
        acknowledged_bps: float,
        rtt_s: float,
        now: float,
        queue_s: float = 0.0,
    ) -> float:
        """Takes counts since the last call, the rate so far, what arrives and how long it queued on the way; returns the
        highest rate allowed."""

    def raise_to(self, bps: float) -> None:
        """A probe got `bps` through without loss."""

    def restart(self, at: float) -> None:
        """The rate just fell for another reason: what is told lost until shortly after `at` was sent before."""


class NullLossBound:
    """Allows any rate."""

    def bound(
        self,
        received: int,
        lost: int,
        rate_bps: float,
        acknowledged_bps: float,
        rtt_s: float,
        now: float,
        queue_s: float = 0.0,
    ) -> float:
        return float("inf")

    def raise_to(self, bps: float) -> None:
        return None

    def restart(self, at: float) -> None:
        return None


class WindowedLossBound:
    """Keeps no ceiling until the first loss above 10 %; lifts it again once it has grown past the rate used."""

    def __init__(self, min_bps: float) -> None:
        self._min_bps = min_bps
        self._ceiling_bps = float("inf")
        self._received = self._lost = 0
        self._window_from: float | None = None
        self._grown_at = self._ignore_until = float("-inf")
        self.fraction = 0.0  # of the last full window
        self._inherent = 0.0
        self._fell = _NEVER  # when, at which loss
        self._queued = False

    def bound(
        self,
        received: int,
        lost: int,
        rate_bps: float,
        acknowledged_bps: float,
        rtt_s: float,
        now: float,
        queue_s: float = 0.0,
    ) -> float:
        if queue_s > _EMPTY_S:
            self._queued = True
        if now < self._ignore_until:
            return self._ceiling_bps
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
        if self._queued:
            self._queued = False
            self._inherent, self._fell = 0.0, _NEVER
        return self.judge(self.fraction, rate_bps, acknowledged_bps, rtt_s, now)

    def judge(self, fraction: float, rate_bps: float, acknowledged_bps: float, rtt_s: float, now: float) -> float:
        """One verdict on a loss fraction (0..1), e.g. of a receiver report."""
        if self._is_inherent(fraction, now):
            fraction = 0.0
        if fraction > _HIGH:
            self._fell = (now, fraction)
            used = min(rate_bps, self._ceiling_bps)
            self._ceiling_bps = max(self._min_bps, used * (1 - 0.5 * fraction))
            self.restart(now + rtt_s)
        elif fraction < _LOW and now - self._grown_at >= _GROW_EVERY_S:
            self._grown_at = now
            # No loss of what was not sent proves nothing.
            tried_bps = _HEADROOM * acknowledged_bps
            self._ceiling_bps = max(self._ceiling_bps, min(self._ceiling_bps * _GROW, tried_bps))
            if self._ceiling_bps > rate_bps:
                self._ceiling_bps = float("inf")
        return self._ceiling_bps

    def _is_inherent(self, fraction: float, now: float) -> bool:
        if fraction < _LOW:
            self._inherent /= 2
            return False
        fell_at, before = self._fell
        is_unanswered = now - fell_at < _ANSWER_S and fraction >= _UNANSWERED * before
        if is_unanswered and max(fraction, before) <= _INHERENT_MOST:
            self._inherent = max(self._inherent, min(fraction, before))
        return fraction <= _INHERENT_MARGIN * self._inherent

    def restart(self, at: float) -> None:
        self._ignore_until = at + _QUEUE_S
        self._received = self._lost = 0
        self._window_from = None

    def raise_to(self, bps: float) -> None:
        self._ceiling_bps = max(self._ceiling_bps, bps)
