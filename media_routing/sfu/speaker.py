"""Who speaks, from the levels that senders write into their packets (RFC 6464): nothing is decoded.

Louder than -35 dBov for 40 % of 400 ms is speech (LiveKit's figures): a cough or a key press is shorter.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

_LOUD_DBOV = 35
_SLOT_S = 0.02
_SLOTS = 20
_SLOTS_PER_PACKET = 3
_WINDOW_MASK = (1 << _SLOTS) - 1
# Begins at 40 % of the window, ends below 10 %: words have gaps.
_BEGIN_SLOTS, _END_SLOTS = 8, 2
# Whose last word is so long ago has finished, when somebody else speaks: the gap between two turns is a fifth of a second.
_YIELD_SLOTS = 12
# Two at once: the picture moves to the other only if clearly louder, and so long. Shorter flaps, longer than a
# second leaves the wrong person in the large tile.
_LOUDER_DB = 6.0
_LOUDER_FOR_S = 0.6
# Having just moved, the picture stays so long, even when the new speaker falls silent at once.
_STAY_S = 0.5
# Heard before this is one who may be left out in a large room.
_SILENT_AFTER_S = 10.0
_SMOOTHING = 0.1


@dataclass(slots=True)
class _Voice:
    slots: int = 0  # bit 0 is the current 20 ms
    slot: int = 0  # number of the current slot since the clock's origin
    level_dbov: float = 127.0
    speaking: bool = False
    spoke_at: float = float("-inf")
    heard_at: float = float("-inf")
    louder_since: float | None = field(default=None)

    def window(self, slot: int) -> int:
        """A bit for each of the last 400 ms' slots in which it was loud, as of now."""
        return self.slots << min(max(slot - self.slot, 0), _SLOTS) & _WINDOW_MASK


class SpeakerDetector(Generic[K]):
    """Keys are participants. `on_level` is cheap enough for every audio packet; `tick` four times a second or more."""

    def __init__(self) -> None:
        self._voices: dict[K, _Voice] = {}
        self._order: list[K] = []
        self._changed_at = float("-inf")

    def add(self, key: K, now: float) -> None:
        """A new microphone, last in the order. It counts as heard now: nobody is left out before a chance to speak."""
        if key not in self._voices:
            self._voices[key] = _Voice(slot=int(now / _SLOT_S), heard_at=now)
            self._order.append(key)

    def remove(self, key: K) -> None:
        if self._voices.pop(key, None) is not None:
            self._order.remove(key)

    def on_level(self, key: K, dbov: int, now: float) -> None:
        """`dbov`: 0 (loudest) to 127 (silence), as on the wire; unknown keys are ignored."""
        voice = self._voices.get(key)
        if voice is None:
            return
        slot = int(now / _SLOT_S)
        gap = min(max(slot - voice.slot, 0), _SLOTS)
        if gap:
            voice.slots = (voice.slots << gap) & _WINDOW_MASK
            voice.slot = slot
        if dbov < _LOUD_DBOV:
            # Packets of 60 ms, or lost ones, leave slots without a level of their own.
            voice.slots |= (1 << min(max(gap, 1), _SLOTS_PER_PACKET)) - 1
        voice.level_dbov += _SMOOTHING * (dbov - voice.level_dbov)

    def tick(self, now: float) -> bool:
        """Judges all voices; whether `order` or `speaking` is another than before."""
        changed = False
        slot = int(now / _SLOT_S)
        for voice in self._voices.values():
            loud = voice.window(slot).bit_count()
            speaking = loud >= (_END_SLOTS if voice.speaking else _BEGIN_SLOTS)
            if speaking != voice.speaking:
                voice.speaking = speaking
                changed = True
                if speaking:
                    voice.spoke_at = now
            if speaking:
                voice.heard_at = now
        challenger = self._challenger(now)
        if challenger is not None:
            self._order.remove(challenger)
            self._order.insert(0, challenger)
            self._changed_at = now
            changed = True
        return changed

    @property
    def order(self) -> tuple[K, ...]:
        """By how recently they had the word, who has it first."""
        return tuple(self._order)

    @property
    def speaking(self) -> frozenset[K]:
        return frozenset(key for key, voice in self._voices.items() if voice.speaking)

    def silent(self, now: float) -> frozenset[K]:
        """Not heard for 10 s: the first to do without in a large room."""
        return frozenset(key for key, voice in self._voices.items() if now - voice.heard_at >= _SILENT_AFTER_S)

    def _challenger(self, now: float) -> K | None:
        """Who takes the word now from the first in order."""
        if not self._order:
            return None
        first = self._voices[self._order[0]]
        has_finished = not first.speaking or not first.window(int(now / _SLOT_S)) & (1 << _YIELD_SLOTS) - 1
        best: K | None = None
        for key in self._order[1:]:
            voice = self._voices[key]
            louder = voice.speaking and (has_finished or voice.level_dbov + _LOUDER_DB <= first.level_dbov)
            if not louder:
                voice.louder_since = None
                continue
            if voice.louder_since is None:
                voice.louder_since = now
            waited = has_finished or now - voice.louder_since >= _LOUDER_FOR_S
            if waited and (best is None or voice.level_dbov < self._voices[best].level_dbov):
                best = key
        return best if now - self._changed_at >= _STAY_S else None
