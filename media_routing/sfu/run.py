"""Packets of one stream that came together and are handed to every receiver together.

What is done once per run is not done once per packet and receiver, and that is most of what forwarding costs. A sender
paces a frame in bursts of some packets, so that a run is about as long as a burst.
"""

from __future__ import annotations

from array import array

Kept = tuple[bytes, int, int, int, int]
"""(normalised packet, extended number, timestamp, marker bit or 0, extra byte or -1)."""


class Run:
    """`sizes` belong to `packets`; `lowest` is the lowest number among them."""

    __slots__ = ("lowest", "packets", "sizes")

    def __init__(self, packets: list[Kept]) -> None:
        self.packets = packets
        self.sizes = array("H", [len(packet[0]) for packet in packets])
        self.lowest = min([packet[1] for packet in packets], default=0)

    def since(self, first: int) -> Run:
        """Those numbered `first` and later."""
        return Run([packet for packet in self.packets if packet[1] >= first])
