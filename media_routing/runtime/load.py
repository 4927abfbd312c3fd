"""What this process carries and what it may still take on (REL-11)."""

from __future__ import annotations

import math

# CPU of the engine per packet taken in or sent out, everything on, at half a core's load (tests/bench, engine rows).
# Higher refuses earlier.
PACKET_COST_S = 14e-6
# Per participant: three camera layers and a microphone; and per pair what one receives of the other
# (media-facts.md §1: five people 1,400 packets/s in and 2,725 out).
PACKETS_IN_PER_S, PACKETS_PER_PAIR_PER_S = 280, 136
BYTES_PER_PACKET = 900
# How fast the measured load follows: a burst of joins should not refuse a room, ten seconds of it should.
MEMORY_S = 5.0


def packets_per_s(room_size: int) -> tuple[int, int]:
    """(in, out) of a room in which everyone sends and sees everyone."""
    return PACKETS_IN_PER_S * room_size, PACKETS_PER_PAIR_PER_S * room_size * (room_size - 1)


def planned_load(room_size: int) -> float:
    """Share of one core that a full room costs."""
    return sum(packets_per_s(room_size)) * PACKET_COST_S


def planned_bps(room_size: int) -> int:
    """What a full room sends."""
    return packets_per_s(room_size)[1] * BYTES_PER_PACKET * 8


class LoadMeter:
    """The engine thread's CPU share, smoothed; fed with its CPU clock."""

    def __init__(self, now: float, cpu_s: float) -> None:
        self._now = now
        self._cpu_s = cpu_s
        self.load = 0.0

    def sample(self, now: float, cpu_s: float) -> None:
        passed = now - self._now
        if passed <= 0:
            return
        share = (cpu_s - self._cpu_s) / passed
        self.load += (share - self.load) * (1 - math.exp(-passed / MEMORY_S))
        self._now, self._cpu_s = now, cpu_s

    def after_one_more(self, room_sizes: list[int], room_size: int) -> float:
        """The load to expect with one more room: what was promised counts even while it is not used."""
        return max(self.load, sum(map(planned_load, room_sizes))) + planned_load(room_size)
