"""What was sent under which transport-wide number, kept until the receiver has told when it arrived.

Two flat arrays per leg instead of an object per packet: what leaves together is written in two copies.
"""

from __future__ import annotations

from array import array

# 4096 packets: 7 s at the 600 packets/s of one receiver in a room of five. More costs 10 bytes each, less forgets
# packets before a receiver on a slow link has reported them.
HISTORY_SIZE = 4096
HISTORY_MASK = HISTORY_SIZE - 1


class SentHistory:
    """Send times and sizes, indexed by `sequence & HISTORY_MASK` (draft-holmer-rmcat-transport-wide-cc-extensions-01).

    `next_sequence` never wraps; the packet carries its low 16 bits. `sizes` are bytes of the RTP packet, 0 means
    reported.
    """

    __slots__ = ("next_sequence", "sent_at", "sizes")

    def __init__(self) -> None:
        self.sent_at = array("d", bytes(8 * HISTORY_SIZE))
        self.sizes = array("H", bytes(2 * HISTORY_SIZE))
        self.next_sequence = 0

    def record(self, size: int, now: float) -> int:
        """Notes one packet and returns the 16-bit number to send it under."""
        sequence = self.next_sequence
        index = sequence & HISTORY_MASK
        self.sent_at[index] = now
        self.sizes[index] = size
        self.next_sequence = sequence + 1
        return sequence & 0xFFFF

    def record_run(self, sizes: array[int], now: float) -> int:
        """Notes packets that leave together (format "H"); returns the number, not wrapped, of the first."""
        first, count = self.next_sequence, len(sizes)
        index = first & HISTORY_MASK
        if index + count > HISTORY_SIZE:
            for size in sizes:
                self.record(size, now)
            return first
        self.sizes[index : index + count] = sizes
        self.sent_at[index : index + count] = array("d", (now,)) * count
        self.next_sequence = first + count
        return first

    def extend(self, sequence: int) -> int | None:
        """The never wrapping number of a 16-bit one; None when it was not sent or is forgotten."""
        back = (self.next_sequence - 1 - sequence) & 0xFFFF
        extended = self.next_sequence - 1 - back
        return extended if back < HISTORY_SIZE and extended >= 0 else None

    def age_s(self, sequence: int, now: float) -> float:
        """How long ago `sequence` (not wrapping) was sent, or the oldest still known; 0 when it was not sent yet."""
        first = max(sequence, self.next_sequence - HISTORY_SIZE)
        return now - self.sent_at[first & HISTORY_MASK] if first < self.next_sequence else 0.0

    def sent_since(self, sequence: int) -> int:
        """Bytes sent under `sequence` (not wrapping) and later. Reported packets do not count any more."""
        first = max(sequence, self.next_sequence - HISTORY_SIZE)
        return sum(self.sizes[number & HISTORY_MASK] for number in range(first, self.next_sequence))
