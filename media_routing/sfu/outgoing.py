"""Where the forwarding core puts packets: the runtime's batches of datagrams, or lists in tests and the simulator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Outgoing(Protocol):
    """A writable arena and two ways out of it.

    The core reserves slots, writes one plaintext RTP packet into each and hands them over at once; what was
    reserved and not sent may be given out again by the next `reserve`. Nothing here blocks or raises for the
    network's sake: what cannot be sent is lost, as on any network.
    """

    arena: memoryview
    """Format "B", writable; every slot has room for 1500 bytes. It may change between two calls of `reserve`."""

    def reserve(self, count: int) -> Sequence[int]:
        """The offsets in `arena` of at least one and at most `count` free slots of at least 1500 bytes each; sends what is
        waiting when all are taken."""

    def send_rtp(self, link: object, offsets: Sequence[int], sizes: Sequence[int]) -> None:
        """Protect the packets at `arena[offset:offset + size]` in place and queue them to the peer behind `link`. The
        offsets are those that `reserve` gave last, in their order."""

    def send_rtcp(self, link: object, packet: bytes) -> None:
        """Protect and queue one compound RTCP packet (RFC 3550 §6.1; reduced size allowed, RFC 5506)."""
