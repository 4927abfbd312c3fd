"""Which layer of which picture one receiver gets: audio is paid first, then pictures by rank until the rate is spent.

`allocate` divides a rate and knows no past but what is sent now. `Allocator` decides when to divide anew, and
distrusts a rate that rises soon after it fell.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from media_routing.sfu.layers import Layer, layer_for_height

OFF = -1
# The one looked at gets this before the others get anything (Jitsi: onstage-preferred-height-px).
_PREFERRED_HEIGHT = 360
# Raising costs a tenth more than staying: an estimate trembles, a picture must not.
_RAISE_MARGIN, _STAY_MARGIN = 1.1, 0.95
# Below the lowest layer of the one looked at there is no picture at all, and after a fall the estimate stands a fifth
# below what the line takes (0.85 of what came through while a queue drained): more patience there.
_LAST_MARGIN = 0.75
# mediasoup: no upgrade for 10 s after a downgrade. Shorter: quicker back, and flapping on a line that varies. An
# estimate falls too deep at first, so the lowest layer, which decides between a face and none, may come back sooner.
_HOLD_S, _HOLD_LOWEST_S = 10.0, 2.0
# Each time later when that was too soon, and much later when it fell at once: on a line that is nearly full an estimate
# grows until one more face seems to fit, and a face that comes and goes every ten seconds is worse than none.
_AGAIN, _AT_ONCE, _AT_ONCE_S = 2, 4, 2.0
_HOLD_LOWEST_MAX_S = 60.0
# Jitsi: at 15 % change or after 5 s.
_CHANGE, _REVIEW_S = 0.15, 5.0


@dataclass(frozen=True, slots=True)
class Demand:
    """One picture that a receiver shows. `place`: in the order of speakers, 0 speaks or spoke last."""

    key: Hashable
    height: int
    layers: tuple[Layer, ...]
    place: int = 1_000
    pinned: bool = False
    keep: bool = False

    def rank(self) -> tuple[bool, bool, bool, int, int]:
        return (not self.keep, not self.pinned, self.place != 0, -self.height, self.place)

    @property
    def is_first(self) -> bool:
        return self.keep or self.pinned or self.place == 0


@dataclass(frozen=True, slots=True)
class Allocation:
    """`layers`: index per key, OFF for none. Rates include the audio that was set aside."""

    layers: Mapping[Hashable, int] = field(default_factory=dict)
    used_bps: int = 0
    desired_bps: int = 0
    """What all would cost in the size they are shown: the aim of probing."""


def allocate(
    demands: Sequence[Demand],
    budget_bps: float,
    audio_bps: int,
    previous: Mapping[Hashable, int],
    lowest_bps: float = 0,
    *,
    more_faces: bool = True,
) -> Allocation:
    """Divides `budget_bps`. Steps: kept tiles whole, the first ones to 360p, all others their lowest layer in order of
    rank, the first ones whole, then the others layer by layer. What does not fit is OFF: audio only. `lowest_bps` more
    may be spent on lowest layers alone. Without `more_faces` the others that are OFF stay it."""
    shown = sorted((d for d in demands if d.height > 0), key=Demand.rank)
    wanted = {d.key: layer_for_height(d.layers, d.height) for d in shown}
    division = _Division(budget_bps - audio_bps, previous)
    first = [d for d in shown if d.is_first]
    others = [d for d in shown if not d.is_first and (more_faces or previous.get(d.key, OFF) != OFF)]
    for demand in first:
        preferred = layer_for_height(demand.layers, min(demand.height, _PREFERRED_HEIGHT))
        division.raise_to(demand, wanted[demand.key] if demand.keep else preferred)
    for demand in others:
        division.raise_to(demand, layer_for_height(demand.layers, 1))
    for demand in first:
        division.raise_to(demand, wanted[demand.key])
    for level in range(1, max((len(d.layers) for d in others), default=0)):
        for demand in others:
            division.raise_to(demand, min(level, wanted[demand.key]))
    division.left_bps += lowest_bps
    for demand in [*first, *others]:
        if demand.key not in division.layers:
            division.raise_to(demand, layer_for_height(demand.layers, 1))
    layers = {d.key: division.layers.get(d.key, OFF) for d in demands}
    used = sum(d.layers[layers[d.key]].bps for d in shown if layers[d.key] != OFF)
    desired = sum(d.layers[wanted[d.key]].bps for d in shown if wanted[d.key] != OFF)
    return Allocation(layers, used + audio_bps, desired + audio_bps)


class _Division:
    def __init__(self, budget_bps: float, previous: Mapping[Hashable, int]) -> None:
        self.left_bps = budget_bps
        self.layers: dict[Hashable, int] = {}
        self._previous = previous

    def raise_to(self, demand: Demand, index: int) -> None:
        """Gives the highest usable layer up to `index` that can still be paid, or leaves what was given."""
        have = self.layers.get(demand.key, OFF)
        paid = self._cost(demand, have)
        for layer in range(index, have, -1):
            if demand.layers[layer].bps > 0 and self._cost(demand, layer) - paid <= self.left_bps:
                self.left_bps -= self._cost(demand, layer) - paid
                self.layers[demand.key] = layer
                return

    def _cost(self, demand: Demand, layer: int) -> float:
        if layer == OFF:
            return 0.0
        before = self._previous.get(demand.key, OFF)
        lowest = layer_for_height(demand.layers, 1)
        if layer <= before:
            is_last = demand.is_first and layer == lowest and demand.layers[layer].height < _PREFERRED_HEIGHT
            return demand.layers[layer].bps * (_LAST_MARGIN if is_last else _STAY_MARGIN)
        # A face instead of none, and the word that passes on: waiting for a reserve there would be worse than a tremble.
        is_lowest = before == OFF and layer == lowest
        is_due = demand.is_first and demand.layers[layer].height <= _PREFERRED_HEIGHT
        return demand.layers[layer].bps * (1.0 if is_lowest or is_due else _RAISE_MARGIN)


class Allocator:
    """One receiver's decisions over time."""

    def __init__(self) -> None:
        self.current = Allocation()
        self._decided_at = float("-inf")
        self._budget_bps = 0.0
        self._changed = True
        self._fell_at = float("-inf")
        self._raised_at = float("-inf")
        self._hold_lowest_s = _HOLD_LOWEST_S
        self._held_bps = float("inf")
        self._proven = False
        """Whether a probe has got more through since the last fall."""
        self.fell = False
        """Whether the last decision took a picture down for want of rate."""

    def note_change(self) -> None:
        """Wants, speakers or the layers to be had have changed: the next `is_due` says yes."""
        self._changed = True

    def is_due(self, budget_bps: float, now: float) -> bool:
        """Whether to call `decide` now; cheap, for every feedback and tick."""
        if self._changed or now - self._decided_at >= _REVIEW_S:
            return True
        return abs(budget_bps - self._budget_bps) >= _CHANGE * self._budget_bps or self._is_overdrawn(budget_bps)

    def _is_overdrawn(self, budget_bps: float) -> bool:
        return self.current.used_bps * _STAY_MARGIN > budget_bps and budget_bps < self._budget_bps

    def decide(
        self, demands: Sequence[Demand], budget_bps: float, audio_bps: int, now: float, proven_bps: float = 0
    ) -> Allocation:
        """Divides `budget_bps` (the estimate's target). For 10 s after pictures fell for want of rate no more is spent
        than what made them fall, unless a clean probe has just proven more (`proven_bps`)."""
        budget = budget_bps
        if now < self._fell_at + _HOLD_S:
            # What a probe has proven stays proven when the probe is long past: only the rate itself takes it back.
            self._proven |= proven_bps > self._held_bps
            self._held_bps = max(self._held_bps, proven_bps)
            budget = min(budget_bps, self._held_bps)
        before = self.current
        may_begin = self._proven or now >= self._fell_at + self._hold_lowest_s
        lowest_bps = budget_bps - budget if may_begin else 0
        after = allocate(demands, budget, audio_bps, before.layers, lowest_bps, more_faces=may_begin)
        self.fell = budget_bps < self._budget_bps and self._fell_for_rate(demands, before, after)
        if self.fell:
            self._hold(budget, now)
        elif after.used_bps > before.used_bps:
            self._raised_at = now
        self.current = after
        self._decided_at = now
        self._budget_bps = budget_bps
        self._changed = False
        return after

    def _hold(self, bps: float, now: float) -> None:
        since_s = now - self._fell_at
        if since_s > 2 * max(_HOLD_S, self._hold_lowest_s):
            self._hold_lowest_s = _HOLD_LOWEST_S
        elif since_s > _HOLD_LOWEST_S:  # not one of the steps of a single fall
            grown_s = self._hold_lowest_s * (_AT_ONCE if now - self._raised_at < _AT_ONCE_S else _AGAIN)
            self._hold_lowest_s = min(grown_s, _HOLD_LOWEST_MAX_S)
        self._fell_at, self._held_bps, self._proven = now, bps, False

    @staticmethod
    def _fell_for_rate(demands: Sequence[Demand], before: Allocation, after: Allocation) -> bool:
        for demand in demands:
            was = before.layers.get(demand.key, OFF)
            still_to_be_had = 0 <= was < len(demand.layers) and demand.layers[was].bps > 0
            if still_to_be_had and after.layers[demand.key] < was <= layer_for_height(demand.layers, demand.height):
                return True
        return False
