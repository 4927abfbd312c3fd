"""When to ask for a key frame: often enough that nobody waits, rarely enough that nobody's picture suffers for it."""

from __future__ import annotations

# Between two requests for one layer, lowest first (LiveKit: 0.5/1/1 s). A key frame of a high layer is some ten times
# the size of its other frames.
LAYER_INTERVALS_S = (0.5, 1.0, 1.0)
# Without an answer for so long, and a round trip, the request was lost on the narrow line that pictures take as well, or came
# so soon after another that Chromium ignored it (its encoder_rtcp_feedback.cc: 300 ms).
UNANSWERED_S = 0.35
# Jitsi: a receiver's own requests for one source are at least 200 ms apart and 3 in 10 s. Who is sent another layer
# has not asked, and does not pay.
RECEIVER_INTERVAL_S = 0.2
RECEIVER_BURST = 3
RECEIVER_PERIOD_S = 10.0


class KeyframeRequests:
    """Requests for one layer."""

    __slots__ = ("_asked_at", "_interval_s", "_is_answered", "is_wanted", "rtt_s")

    def __init__(self, layer: int) -> None:
        self._interval_s = LAYER_INTERVALS_S[min(layer, len(LAYER_INTERVALS_S) - 1)]
        self._asked_at = float("-inf")
        self._is_answered = True
        self.is_wanted = False
        self.rtt_s = 0.0

    def want(self) -> None:
        self.is_wanted = True

    def arrived(self) -> None:
        """A key frame began; what was asked for before is answered."""
        self.is_wanted = False
        self._is_answered = True

    def take_due(self, now: float) -> bool:
        """Whether to send a request now. It stays wanted, and is repeated, until a key frame arrives."""
        if not self.is_wanted or now < self.deadline():
            return False
        self._asked_at = now
        self._is_answered = False
        return True

    def deadline(self) -> float:
        if not self.is_wanted:
            return float("inf")
        return self._asked_at + (
            self._interval_s if self._is_answered else min(self._interval_s, UNANSWERED_S + self.rtt_s)
        )


class ReceiverRequests:
    """The budget of one receiver's own PLIs and FIRs for one slot."""

    __slots__ = ("_asked_at", "_left", "_refilled_at")

    def __init__(self) -> None:
        self._left = float(RECEIVER_BURST)
        self._refilled_at = 0.0
        self._asked_at = float("-inf")

    def allow(self, now: float) -> bool:
        gained = (now - self._refilled_at) * RECEIVER_BURST / RECEIVER_PERIOD_S
        self._left = min(RECEIVER_BURST, self._left + max(0.0, gained))
        self._refilled_at = now
        if self._left < 1 or now - self._asked_at < RECEIVER_INTERVAL_S:
            return False
        self._left -= 1
        self._asked_at = now
        return True
