"""What a receiver of one RTP stream keeps: RFC 3550 §A.1 (sequence), §A.3 (loss), §A.8 (jitter)."""

from __future__ import annotations

# RFC 3550 §A.1. A jump further ahead than this is believed only when the next packet follows it.
MAX_DROPOUT = 3000
# Further behind than this is no late packet. As much as the packet cache holds, for retransmissions come late.
MAX_MISORDER = 512
# Where counting begins: one cycle up, so that a packet from before the first one does not go below zero.
FIRST_CYCLE = 0x10000


class Reception:
    """`highest` is the highest extended sequence number; -1 before the first packet."""

    __slots__ = (
        "_after_jump",
        "_base",
        "_expected_told",
        "_received_told",
        "clock_rate_hz",
        "fraction_lost",
        "highest",
        "jitter",
        "last_timestamp",
        "last_transit",
        "received",
    )

    def __init__(self, clock_rate_hz: int) -> None:
        self.clock_rate_hz = clock_rate_hz
        self.highest = -1
        self.received = 0
        self.jitter = 0.0
        self.fraction_lost = 0.0
        """Of the last period that was reported, 0..1."""
        self.last_timestamp = -1
        self.last_transit = 0.0
        self._base = 0
        self._after_jump = -1
        self._expected_told = 0
        self._received_told = 0

    def extend(self, sequence: int) -> int:
        """The extended number of a packet that came in, -1 for one that does not belong here. Raises `highest`.

        A stream that starts anew goes on in a later cycle: its number is more than MAX_DROPOUT ahead.
        """
        highest = self.highest
        if highest < 0:
            self.highest = self._base = FIRST_CYCLE | sequence
            return self.highest
        ahead = (sequence - highest) & 0xFFFF
        if ahead < MAX_DROPOUT:
            self.highest = highest + ahead
            return self.highest
        if ahead >= 0x10000 - MAX_MISORDER:
            return highest + ahead - 0x10000
        if sequence != self._after_jump:
            self._after_jump = (sequence + 1) & 0xFFFF
            return -1
        self._after_jump = -1
        self.highest = (highest & ~0xFFFF) + 0x20000 + sequence
        self._base = self.highest - self.received  # losses before the jump are forgotten, as §A.1 does
        return self.highest

    def time(self, timestamp: int, now: float) -> None:
        """Takes the first packet of each timestamp: the packets of one frame leave together and say nothing more."""
        transit = now * self.clock_rate_hz - timestamp
        if self.last_timestamp >= 0:
            difference = abs(transit - self.last_transit)
            # Wraps, and jumps of a source that was off, are no jitter.
            if difference < 10 * self.clock_rate_hz:
                self.jitter += (difference - self.jitter) / 16
        self.last_transit = transit
        self.last_timestamp = timestamp

    @property
    def lost(self) -> int:
        """Cumulative; negative when duplicates outnumber losses."""
        return self.highest - self._base + 1 - self.received if self.highest >= 0 else 0

    def take_fraction_lost(self) -> float:
        """Since the last call, 0..1."""
        expected = self.highest - self._base + 1 if self.highest >= 0 else 0
        expected_now, received_now = expected - self._expected_told, self.received - self._received_told
        self._expected_told, self._received_told = expected, self.received
        lost = expected_now - received_now
        self.fraction_lost = lost / expected_now if expected_now > 0 and lost > 0 else 0.0
        return self.fraction_lost
