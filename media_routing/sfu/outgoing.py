"""Where the forwarding core puts packets: the runtime's batches of datagrams, or lists in tests and the simulator."""

from __future__ import annotations

from typing import Protocol


class Outgoing(Protocol):
    """A writable arena and two ways out of it.

    The core reserves a slot, writes one plaintext RTP packet into it and hands it over at once; a slot that was
    reserved and not sent may be given out again by the next `reserve`. Nothing here blocks or raises for the
    network's sake: what cannot be sent is lost, as on any network.
    """

    arena: memoryview
    """Format "B", writable; every slot has room for 1500 bytes. It may change between two calls of `reserve`."""

    def reserve(self) -> int:
        """The offset of a free slot of at least 1500 bytes in `arena`; sends what is waiting when all are taken."""

    def send_rtp(self, link: object, offset: int, size: int) -> None:
        """Protect the packet at `arena[offset:offset + size]` in place and queue it to the peer behind `link`."""

    def send_rtcp(self, link: object, packet: bytes) -> None:
        """Protect and queue one compound RTCP packet (RFC 3550 §6.1; reduced size allowed, RFC 5506)."""
