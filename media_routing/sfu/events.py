"""What a room tells the outside, and what the outside may wish."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from media_routing.sfu.leg import Leg


@dataclass(frozen=True, slots=True)
class Want:
    """How large a receiver shows one source: `height` in device pixels, 0 = not shown."""

    participant: str
    source: str
    height: int
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class SlotsMapped:
    """Who is in which receive slot of a leg: all of its slots, as (mid, participant or "", source or "")."""

    leg: Leg
    slots: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Speakers:
    """Participants by how recently they spoke, the current speaker first, and who speaks now."""

    order: tuple[str, ...]
    speaking: frozenset[str]


@dataclass(frozen=True, slots=True)
class LegQuality:
    """Once in two seconds per leg. Losses are fractions 0..1 of the last period, `layers` (mid, height) of its video."""

    leg: Leg
    up_loss: float
    down_loss: float
    rtt_s: float
    """0 while unknown."""
    target_bps: int
    layers: tuple[tuple[str, int], ...]


Event = SlotsMapped | Speakers | LegQuality
