"""The last packets of one stream, by sequence number: to answer NACKs and to recognise duplicates."""

from __future__ import annotations


class PacketCache:
    """A ring; `put` overwrites what is `size` numbers older. `size` is a power of two."""

    __slots__ = ("_mask", "numbers", "packets")

    def __init__(self, size: int) -> None:
        if size < 1 or size & (size - 1):
            raise ValueError("the size is a power of two")
        self._mask = size - 1
        self.numbers = [-1] * size
        self.packets = [b""] * size

    def put(self, number: int, packet: bytes) -> bool:
        """False for a duplicate, and for what is older than what took its place."""
        index = number & self._mask
        if self.numbers[index] >= number:
            return False
        self.numbers[index] = number
        self.packets[index] = packet
        return True

    def get(self, number: int) -> bytes | None:
        index = number & self._mask
        return self.packets[index] if self.numbers[index] == number else None

    def clear(self) -> None:
        """Forgets the packets, so that nothing of a stream that ended stays in memory."""
        size = self._mask + 1
        self.numbers = [-1] * size
        self.packets = [b""] * size
