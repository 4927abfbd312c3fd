"""The clocks of one publisher: RTP timestamps of each stream and its NTP clock, against ours.

Its sender reports (RFC 3550 §6.4.1) tie every stream to one NTP clock, ours need not agree with it: one offset per
publisher, so that all of its streams shift alike and lips stay in sync.
"""

from __future__ import annotations

from media_routing.rtp.sequence import ahead

NTP_UNIT = 1 << 32
# A publisher whose clock jumps further than this was set anew.
_JUMP_S = 1.0
# Per report, so that an old best does not hold for ever against a clock that runs slow: 100 ppm at one a second.
_CREEP_S = 0.0001
# A report about a timestamp this far from the stream's own is not believed.
_PLAUSIBLE_S = 60.0


class SenderClock:
    """NTP seconds of a publisher to seconds of ours; the fastest report of all tells the offset best."""

    __slots__ = ("_offset_s",)

    def __init__(self) -> None:
        self._offset_s: float | None = None

    def observe(self, ntp_s: float, now: float) -> None:
        offset = now - ntp_s
        if self._offset_s is None or abs(offset - self._offset_s) > _JUMP_S:
            self._offset_s = offset
        else:
            self._offset_s = min(offset, self._offset_s + _CREEP_S)

    def to_ours(self, ntp_s: float) -> float:
        return ntp_s + (self._offset_s or 0.0)


class StreamClock:
    """Timestamps of one stream to our seconds, by the stream's last sender report."""

    __slots__ = ("_ntp_s", "_rtp", "_sender", "clock_rate_hz", "last_sr", "last_sr_at")

    def __init__(self, clock_rate_hz: int, sender: SenderClock) -> None:
        self.clock_rate_hz = clock_rate_hz
        self.last_sr = 0
        """Middle 32 bits of its NTP time, for our receiver reports; 0 before the first."""
        self.last_sr_at = 0.0
        self._sender = sender
        self._ntp_s = 0.0
        self._rtp = -1

    def observe(self, ntp_time: int, rtp_time: int, newest_timestamp: int, now: float) -> None:
        """Takes a sender report; `newest_timestamp` of the stream (-1: none yet) tells whether it can be true."""
        self.last_sr = ntp_time >> 16 & 0xFFFFFFFF
        self.last_sr_at = now
        if newest_timestamp >= 0 and abs(ahead(rtp_time, newest_timestamp, 32)) > _PLAUSIBLE_S * self.clock_rate_hz:
            return
        self._ntp_s = ntp_time / NTP_UNIT
        self._rtp = rtp_time
        self._sender.observe(self._ntp_s, now)

    def captured_at(self, timestamp: int) -> float | None:
        """When the sample of `timestamp` was taken, in our seconds; None before the first report."""
        if self._rtp < 0:
            return None
        return self._sender.to_ours(self._ntp_s) + ahead(timestamp, self._rtp, 32) / self.clock_rate_hz

    def timestamp_at(self, now: float) -> int | None:
        """The (unwrapped) timestamp of a sample taken now; None before the first report."""
        if self._rtp < 0:
            return None
        return self._rtp + round((now - self._sender.to_ours(self._ntp_s)) * self.clock_rate_hz)


def ntp_time(now: float) -> int:
    """Our monotonic seconds as a 64-bit NTP timestamp; RFC 3550 §4 lets it count from any origin."""
    return int(now * NTP_UNIT) & 0xFFFFFFFFFFFFFFFF


def round_trip_s(last_sr: int, delay: int, now: float) -> float | None:
    """RFC 3550 §6.4.1: arrival − LSR − DLSR, of a report block on one of our sender reports; None if implausible."""
    if not last_sr:
        return None
    units = ((ntp_time(now) >> 16) - last_sr - delay) & 0xFFFFFFFF
    return units / 65536 if units < 10 * 65536 else None
