"""Memory that packets live in while they pass: slots of one size, allocated once, addressable by C."""

from __future__ import annotations

from typing import Any

from cffi import FFI

ffi = FFI()


class Arena:
    """`slots` slots of `slot_bytes` each; a packet begins `headroom` bytes into its slot.

    `view` is the writable whole (format "B"), `address` where it begins, `pointers[n]` points at the packet in slot n.
    """

    def __init__(self, slots: int, slot_bytes: int, headroom: int = 0) -> None:
        self._memory = ffi.new("unsigned char[]", slots * slot_bytes)
        self.slots = slots
        self.slot_bytes = slot_bytes
        self.room = slot_bytes - headroom
        self.view = memoryview(ffi.buffer(self._memory)).cast("B")
        # Every page is had now: else the first busy turn waits for the kernel to find them.
        self.view[:] = bytes(len(self.view))
        self.address = int(ffi.cast("uintptr_t", self._memory))
        self.offsets: list[int] = [slot * slot_bytes + headroom for slot in range(slots)]
        self.pointers: list[Any] = [self._memory + offset for offset in self.offsets]
