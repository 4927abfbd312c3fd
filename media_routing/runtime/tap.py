"""A leg without a network: what the room forwards to it is handed over as packets, for whoever holds the keys.

    sfu.Room ─ Slot.write ─▶ Tap.send_rtp ─▶ packet(source, ...)        instead of Outbox ─▶ SRTP ─▶ socket

The room treats it as one more receiver: it maps sources into its slots, picks layers, asks for key frames. It gets the
highest layer of everything, because nothing between the room and it can be too slow. Nobody else is told of it.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

from media_routing.rtp.packet import HEADER, MARKER, NORMALISED_SIZE
from media_routing.rtp.rtcp import PictureLoss
from media_routing.runtime.seats import RunningRoom
from media_routing.sfu.bwe import BandwidthEstimator
from media_routing.sfu.plan import LegPlan, ReceiveSlot
from media_routing.sfu.slot import Slot
from media_routing.sfu.source import SourceKey

logger = logging.getLogger(__name__)

SLOT_BYTES: Final = 2048
# Dynamic ones (RFC 3551 §3); nobody but the tap reads them.
AUDIO_TYPE: Final = 111
VIDEO_TYPE: Final = 96

TakePacket = Callable[[SourceKey, Slot, int, int, bool, bytes, float], None]
"""(source, slot, sequence, timestamp, marker, payload, now)."""

_numbers = itertools.count(1)


class _Unlimited(BandwidthEstimator):
    """In the same process everything fits, so that no layer is held down and no packet waits."""

    __slots__ = ()
    target_bps = property(lambda self: 1_000_000_000)


def plan_tap(room_size: int, *, pictures: bool = True) -> LegPlan:
    """One microphone, and with `pictures` one camera and one screen, of everyone. No transport feedback and no repair:
    nothing is lost on the way."""
    slots = [ReceiveSlot(f"a{n}", "audio", AUDIO_TYPE, 0, 1 + n, 0) for n in range(room_size)]
    if pictures:
        count = 2 * room_size
        slots += [ReceiveSlot(f"v{n}", "video", VIDEO_TYPE, 0, 1 + room_size + n, 0) for n in range(count)]
    return LegPlan(slots=tuple(slots))


class Tap:
    """`sfu.outgoing.Outgoing` of one leg. `take` is called within the engine's turn; when it raises, nothing more is taken
    and `fault` is called, because what is wrong with a recorder must not end a participant's leg. `close` belongs after
    the turn: the room goes through its legs meanwhile."""

    def __init__(
        self,
        running: RunningRoom,
        take: TakePacket,
        fault: Callable[[], None],
        *,
        pictures: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock`: that of the room."""
        self.running = running
        self._room = running.room
        self._take = take
        self._fault = fault
        self._memory = bytearray(SLOT_BYTES)
        self.arena = memoryview(self._memory)
        self.packets = 0
        self._is_open = True
        self._clock = clock
        now = clock()
        # No participant is called so: their names come out of JSON without control characters.
        key = f"\0tap {next(_numbers)}"
        self._leg = self._room.add_leg(key, plan_tap(running.size, pictures=pictures), self, now, self)
        self._leg.subscriber.estimator = _Unlimited()
        self._leg.subscriber.allocator.note_change()
        self._by_ssrc = self._leg.subscriber.by_ssrc

    @property
    def is_open(self) -> bool:
        return self._is_open

    def close(self) -> None:
        """Nothing is taken from here on, not even of the batch that is being worked on."""
        self._is_open = False
        self._room.remove_leg(self._leg, self._clock())

    def ask_for_key_frame(self, slot: Slot) -> None:
        """As any receiver does, within the same limits."""
        if self._is_open:
            self._room.receive_rtcp(self._leg, PictureLoss(1, slot.ssrc).build(), self._clock())

    # What the room calls.

    def reserve(self, count: int) -> Sequence[int]:
        return (0,)

    def send_rtp(self, link: object, offsets: Sequence[int], sizes: Sequence[int]) -> None:
        [offset], [size] = offsets, sizes
        if not self._is_open:
            return
        try:
            _, second, sequence, timestamp, ssrc = HEADER.unpack_from(self.arena, offset)
            slot = self._by_ssrc[ssrc]
            if slot.source is None:
                return
            self.packets += 1
            payload = bytes(self.arena[offset + NORMALISED_SIZE : offset + size])
            self._take(slot.source.key, slot, sequence, timestamp, bool(second & MARKER), payload, self._clock())
        except Exception:  # whatever it is, the call goes on
            self._is_open = False
            logger.exception("a tap failed and closes")
            self._fault()

    def send_rtcp(self, link: object, packet: bytes) -> None:
        """Sender reports say what `Slot.timestamp_at` tells at any moment; nothing else is sent to a mere receiver."""
