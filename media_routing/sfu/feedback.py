"""Tells a publisher when its packets arrived (transport-wide feedback): what its bandwidth estimation lives on."""

from __future__ import annotations

from media_routing.rtp.rtcp import make_feedback
from media_routing.rtp.sequence import extend

# At 50 ms this is 10,000 packets/s of one leg: more is an attack, and the rest goes unreported.
_MAX_PENDING = 512
_MAX_SPAN = 2048


class ArrivalLog:
    """The forwarding path appends to `sequences` and `times`; `take` turns them into packets."""

    __slots__ = ("_count", "_next", "sequences", "times")

    def __init__(self) -> None:
        self.sequences: list[int] = []
        self.times: list[float] = []
        self._next: int | None = None
        self._count = 0

    def note(self, sequence: int, came: float) -> None:
        if len(self.sequences) < _MAX_PENDING:
            self.sequences.append(sequence)
            self.times.append(came)

    def take(self, sender_ssrc: int, media_ssrc: int) -> list[bytes]:
        """Feedback for what was noted since the last call. A packet that comes after later ones were reported is told
        in feedback of its own, lest the reported ones around it look lost."""
        if not self.sequences:
            return []
        count, following = len(self.sequences), self._next
        if following is not None and self.sequences == list(range(following & 0xFFFF, (following & 0xFFFF) + count)):
            # All came in order, as they nearly always do.
            times_us = [round(time * 1e6) for time in self.times]
            self.sequences.clear()
            self.times.clear()
            self._next = following + count
            fresh = list(zip(range(following, following + count), times_us, strict=True))
            return self._build(sender_ssrc, media_ssrc, fresh, following)
        near = self._next if self._next is not None else 0x10000 | self.sequences[0]
        arrivals: dict[int, int] = {}
        for sequence, time in zip(self.sequences, self.times, strict=True):
            near = extend(sequence, near)
            arrivals.setdefault(near, round(time * 1e6))
        self.sequences.clear()
        self.times.clear()
        late = [item for item in sorted(arrivals.items()) if following is not None and item[0] < following]
        fresh = [item for item in sorted(arrivals.items()) if following is None or item[0] >= following]
        if fresh and fresh[-1][0] - (following if following is not None else fresh[0][0]) > _MAX_SPAN:
            # A jump, or numbers without order: every status would be told one by one.
            fresh = [item for item in fresh if item[0] > fresh[-1][0] - _MAX_SPAN]
            following = None
        built = []
        for item in late[-8:]:
            built += self._build(sender_ssrc, media_ssrc, [item], None)
        if fresh:
            built += self._build(sender_ssrc, media_ssrc, fresh, following)
            self._next = fresh[-1][0] + 1
        return built

    def _build(
        self, sender_ssrc: int, media_ssrc: int, arrivals: list[tuple[int, int]], first: int | None
    ) -> list[bytes]:
        packets = make_feedback(sender_ssrc, media_ssrc, self._count, arrivals, first=first)
        self._count = self._count + len(packets) & 0xFF
        return [packet.build() for packet in packets]
