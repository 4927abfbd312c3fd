"""Packets that a publisher owes us: when to ask again, when to give up (RFC 4585 §6.2.1)."""

from __future__ import annotations

# libwebrtc and mediasoup: ten times, then a key frame is cheaper.
MAX_TRIES = 10
# libwebrtc's nack_requester.cc keeps 1000 and a full list means a key frame; what the cache cannot hold is no use.
MAX_MISSING = 256
# So long a packet may be late by reordering alone. Longer: fewer needless requests, later recovery.
REORDER_S = 0.01
# mediasoup's timer: never ask again sooner, however short the path.
MIN_RETRY_S = 0.04
# A packet this old is past any jitter buffer that still waits for it.
MAX_AGE_S = 2.0


class MissingPackets:
    """Numbers are extended. One request per round trip and packet."""

    __slots__ = ("_due_at", "_entries", "gave_up")

    def __init__(self) -> None:
        self._entries: dict[int, tuple[float, float, int]] = {}  # number -> (due, first missed, tries)
        self._due_at = float("inf")
        """Nothing is due before; what was found meanwhile may have moved it further."""
        self.gave_up = False
        """A packet will never come: the picture needs a key frame. Whoever asks for one clears it."""

    def __len__(self) -> int:
        return len(self._entries)

    def miss(self, first: int, after: int, now: float) -> None:
        """The numbers from `first` to before `after` were skipped."""
        if len(self._entries) + after - first > MAX_MISSING:
            self.clear()
            self.gave_up = True
            return
        for number in range(first, after):
            self._entries[number] = (now + REORDER_S, now, 0)
        self._due_at = min(self._due_at, now + REORDER_S)

    def find(self, number: int) -> None:
        """It came after all."""
        self._entries.pop(number, None)

    def due(self, rtt_s: float, now: float) -> list[int]:
        """Numbers to ask for now, ascending."""
        if now < self._due_at:
            return []
        wanted = []
        for number, (due, since, tries) in list(self._entries.items()):
            if due > now:
                continue
            if tries >= MAX_TRIES or now - since > MAX_AGE_S:
                del self._entries[number]
                self.gave_up = True
                continue
            self._entries[number] = (now + max(MIN_RETRY_S, rtt_s * 1.1), since, tries + 1)
            wanted.append(number)
        self._due_at = min((due for due, _, _ in self._entries.values()), default=float("inf"))
        return sorted(wanted)

    def deadline(self) -> float:
        return self._due_at if self._entries else float("inf")

    def clear(self) -> None:
        self._entries.clear()
        self._due_at = float("inf")
