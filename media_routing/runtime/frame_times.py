"""When a tapped frame was captured, in our seconds: the one clock on which people, their pictures and voices meet."""

from __future__ import annotations

from typing import Final

from media_routing.rtp.sequence import ahead

# A frame captured this much before it came, or after, was not: its sender's clock is wrong, its arrival is not. Longer:
# a broken clock may shift a track so far; shorter: frames that a repair brought late are set by arrival.
MOST_DELAY_S: Final = 2.0
MOST_LEAD_S: Final = 0.1
# Reports tremble by some milliseconds, frames do not: small differences are followed by so much per frame (25 ms a
# second for voice), larger ones at once. The bound stays below the 80 ms that lips may be off.
SLEW_S: Final = 0.0005
JUMP_S: Final = 0.06
# Per frame, so that the soonest arrival does not hold for ever against a sender's clock that runs slow.
CREEP_S: Final = 0.00001


class FrameTimes:
    """One source in one slot. `timestamp` are those of rtp.frames: they do not wrap."""

    def __init__(self, clock_rate_hz: int) -> None:
        self._rate_hz = clock_rate_hz
        self._offset_s: float | None = None
        self._soonest_s: float | None = None
        self._by_report: float | None = None

    def learn(self, timestamp_now: int | None, now: float) -> None:
        """The stream's timestamp of this moment by its sender's reports (RFC 3550 §6.4.1); None while unknown."""
        if timestamp_now is not None:
            self._by_report = now - timestamp_now / self._rate_hz

    def captured_at(self, timestamp: int, arrived: float) -> float:
        """By the sender's reports where they are known and can be true, else by the soonest of all arrivals."""
        own_s = timestamp / self._rate_hz
        this = arrived - own_s
        self._soonest_s = this if self._soonest_s is None else min(this, self._soonest_s + CREEP_S)
        offset = self._soonest_s
        if self._by_report is not None:
            # `timestamp_now` came with 32 bits: the nearest turn of them is meant.
            apart = ahead(round((self._by_report - this) * self._rate_hz) & 0xFFFFFFFF, 0, 32) / self._rate_hz
            if -MOST_DELAY_S < apart < MOST_LEAD_S:
                offset = this + apart
        if self._offset_s is None or abs(offset - self._offset_s) > JUMP_S:
            self._offset_s = offset
        else:
            self._offset_s += max(-SLEW_S, min(SLEW_S, offset - self._offset_s))
        return self._offset_s + own_s
