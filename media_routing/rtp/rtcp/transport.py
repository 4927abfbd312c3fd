"""Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1): when each packet of a leg arrived.

    base sequence | how many | reference time (64 ms) | count | chunks ... | deltas ... | padding

Chunks say per packet: lost, small delta (one byte), large or negative delta (two bytes, signed). A chunk is a run of one
symbol, fourteen one-bit symbols (lost, small) or seven two-bit symbols. Deltas count 250 µs, the first one from the
reference time, every other one from the packet received before it in sequence order.
"""

import struct
from collections.abc import Sequence
from itertools import accumulate, product
from operator import sub
from typing import Final, NamedTuple

from media_routing.rtp.rtcp.common import RTPFB, RtcpError, build_packet
from media_routing.rtp.rtcp.feedback import SSRCS

FMT_TRANSPORT: Final = 15
TICK_US: Final = 250
REFERENCE_US: Final = 64_000
_TICKS_PER_REFERENCE: Final = REFERENCE_US // TICK_US
# One run-length chunk of two bytes claims 8191 packets: without a bound a datagram could ask for half a million tuples.
# Five seconds at 800 packets/s fit; a peer that was silent for longer has nothing to tell that would still help.
MAX_STATUSES: Final = 4096
# What `make_feedback` puts into one packet: stays below any MTU even if each delta takes two bytes.
_MAX_RECEIVED: Final = 480
_MAX_RUN: Final = 0x1FFF
# How far two arrivals may be apart; one tick is kept for rounding.
_FAR_US: Final = (0x7FFF - 1) * TICK_US

_HEAD: Final = struct.Struct("!HHI")
_CHUNK: Final = struct.Struct("!H")
_LARGE: Final = struct.Struct("!h")
_LOST, _SMALL, _LARGE_SYMBOL = 0, 1, 2
# What six and eight bits of a vector chunk spell, as symbols of one bit and of two.
_ONE_BIT_6, _ONE_BIT_8 = [[bytes(one) for one in product((0, 1), repeat=places)] for places in (6, 8)]
_TWO_BITS_6, _TWO_BITS_8 = [[bytes(one) for one in product((0, 1, 2, 3), repeat=places)] for places in (3, 4)]


class TransportFeedback(NamedTuple):
    """`times_us` has one entry per packet, for `base_sequence` and those that follow it without a gap.

    The sequence is 16 bits and wraps; a time is µs after `reference_time_64ms` × 64 ms, may be negative, is rounded to
    250 µs by `build`; None for a packet that did not arrive. The reference is 24 bits signed on the receiver's own
    clock and wraps after 12 days: compare two with `reference_gap_us`.
    """

    sender_ssrc: int
    media_ssrc: int
    base_sequence: int
    reference_time_64ms: int
    feedback_count: int
    times_us: tuple[int | None, ...]

    @property
    def arrivals(self) -> tuple[tuple[int, int | None], ...]:
        """(sequence, time) of each packet."""
        return tuple((self.base_sequence + index & 0xFFFF, time_us) for index, time_us in enumerate(self.times_us))

    def build(self) -> bytes:
        """Raises RtcpError for nothing to say, and for two arrivals that are more than 8.19 s apart."""
        if not 1 <= len(self.times_us) <= 0xFFFF:
            raise RtcpError("feedback tells of 1 to 65535 packets")
        symbols, deltas = self._deltas()
        head = _HEAD.pack(
            self.base_sequence,
            len(self.times_us),
            (self.reference_time_64ms & 0xFFFFFF) << 8 | self.feedback_count & 0xFF,
        )
        body = SSRCS.pack(self.sender_ssrc, self.media_ssrc) + head + _chunks(symbols) + deltas
        return build_packet(RTPFB, FMT_TRANSPORT, body + bytes(-len(body) % 4))

    def _deltas(self) -> tuple[bytearray, bytearray]:
        count = len(self.times_us)
        if None not in self.times_us:
            # Rounding each instant, not each difference: errors must not add up.
            ticks = [(time_us + TICK_US // 2) // TICK_US for time_us in self.times_us]  # type: ignore[operator]
            steps = [ticks[0], *map(sub, ticks[1:], ticks)]
            if min(steps) >= 0 and max(steps) <= 0xFF:
                return bytearray((_SMALL,)) * count, bytearray(steps)
        symbols, deltas = bytearray(), bytearray()
        last_tick = 0
        for time_us in self.times_us:
            if time_us is None:
                symbols.append(_LOST)
                continue
            tick = (time_us + TICK_US // 2) // TICK_US
            delta, last_tick = tick - last_tick, tick
            if 0 <= delta <= 0xFF:
                symbols.append(_SMALL)
                deltas.append(delta)
            elif -0x8000 <= delta <= 0x7FFF:
                symbols.append(_LARGE_SYMBOL)
                deltas += _LARGE.pack(delta)
            else:
                raise RtcpError("arrivals are too far apart for one feedback")
        return symbols, deltas


def make_feedback(
    sender_ssrc: int,
    media_ssrc: int,
    feedback_count: int,
    arrivals: Sequence[tuple[int, int]],
    *,
    first: int | None = None,
) -> list[TransportFeedback]:
    """Feedback for `arrivals`: (unwrapped sequence, arrival in µs on any clock), ascending by sequence.

    Sequences that are missing between them are told as lost; `first` begins earlier than the first arrival to tell of
    losses before it. More than one packet when times, gaps or sizes need it; the caller's next `feedback_count` is this
    one plus the length of the result.
    """
    result: list[TransportFeedback] = []
    at = 0
    start = arrivals[0][0] if arrivals and first is None else first
    while at < len(arrivals):
        assert start is not None
        # What lies further back than one packet can tell is given up, as if nobody had asked.
        start = max(start, arrivals[at][0] - MAX_STATUSES + 1)
        end, reference = _fill(arrivals, at, start)
        told = _with_losses(arrivals[at:end], start, reference * REFERENCE_US)
        result.append(
            TransportFeedback(
                sender_ssrc,
                media_ssrc,
                start & 0xFFFF,
                (reference & 0xFFFFFF) - (1 << 24 if reference & 0x800000 else 0),
                feedback_count + len(result) & 0xFF,
                told,
            )
        )
        start = arrivals[end - 1][0] + 1
        at = end
    return result


def reference_gap_us(earlier_64ms: int, later_64ms: int) -> int:
    """µs from one reference time to a later one, over the wrap of their 24 bits; negative when it is the earlier."""
    gap = (later_64ms - earlier_64ms) & 0xFFFFFF
    return (gap - (1 << 24) if gap & 0x800000 else gap) * REFERENCE_US


def _fill(arrivals: Sequence[tuple[int, int]], at: int, start: int) -> tuple[int, int]:
    """(index after the last arrival that fits into one packet, its reference time unbounded by 24 bits)."""
    reference = arrivals[at][1] // REFERENCE_US
    rest = len(arrivals) - at
    if rest <= _MAX_RECEIVED and arrivals[-1][0] - start < MAX_STATUSES:
        times_us = [time_us for _, time_us in arrivals[at:]]
        if max(times_us) - min(times_us) <= _FAR_US:
            return len(arrivals), reference
    last_us = reference * REFERENCE_US
    end = at
    while end < len(arrivals) and end - at < _MAX_RECEIVED:
        sequence, time_us = arrivals[end]
        if sequence - start >= MAX_STATUSES or abs(time_us - last_us) > _FAR_US:
            break
        last_us = time_us
        end += 1
    return end, reference


def _with_losses(arrivals: Sequence[tuple[int, int]], start: int, reference_us: int) -> tuple[int | None, ...]:
    if arrivals[-1][0] - start + 1 == len(arrivals):
        return tuple([time_us - reference_us for _, time_us in arrivals])
    told: list[int | None] = [None] * (arrivals[-1][0] - start + 1)
    for sequence, time_us in arrivals:
        told[sequence - start] = time_us - reference_us
    return tuple(told)


def _chunks(symbols: bytearray) -> bytes:
    """Greedy, as the draft suggests: a run where it is longer than a vector, else the vector that says more."""
    at, count = 0, len(symbols)
    if count <= _MAX_RUN and symbols.count(symbols[0]) == count:
        return _CHUNK.pack(symbols[0] << 13 | count)
    chunks = bytearray()
    while at < count:
        run = 1
        while at + run < count and symbols[at + run] == symbols[at] and run < _MAX_RUN:
            run += 1
        if run >= 14 or at + run == count:
            chunks += _CHUNK.pack(symbols[at] << 13 | run)
            at += run
            continue
        ahead = symbols[at : at + 14]
        if run < 7 and _LARGE_SYMBOL in ahead:
            chunks += _CHUNK.pack(0xC000 | _vector(ahead[:7], 2, 7))
            at += 7
        elif _LARGE_SYMBOL in ahead:
            chunks += _CHUNK.pack(symbols[at] << 13 | run)
            at += run
        else:
            chunks += _CHUNK.pack(0x8000 | _vector(ahead, 1, 14))
            at += 14
    return bytes(chunks)


def _vector(symbols: bytearray, bits: int, places: int) -> int:
    word = 0
    for symbol in symbols:
        word = word << bits | symbol
    return word << bits * (places - len(symbols))


def parse_transport_feedback(body: memoryview) -> TransportFeedback:
    start = SSRCS.size + _HEAD.size
    if len(body) < start + _CHUNK.size:
        raise RtcpError("feedback is too short")
    base, count, packed = _HEAD.unpack_from(body, SSRCS.size)
    if not 1 <= count <= MAX_STATUSES:
        raise RtcpError("feedback tells of none or of too many packets")
    times_us: tuple[int | None, ...]
    deltas = body[start + _CHUNK.size : start + _CHUNK.size + count]
    if body[start] == _SMALL << 5 | count >> 8 and body[start + 1] == count & 0xFF and len(deltas) == count:
        # One chunk: all arrived, none late. Nearly all feedback is so, and it comes 20 times a second from everybody.
        times_us = tuple([tick * TICK_US for tick in accumulate(deltas)])
    else:
        symbols, at = _parse_chunks(body, start, count)
        times_us = _parse_times(body, at, symbols)
    reference = packed >> 8
    if reference & 0x800000:
        reference -= 1 << 24
    sender_ssrc, media_ssrc = SSRCS.unpack_from(body)
    return TransportFeedback(sender_ssrc, media_ssrc, base, reference, packed & 0xFF, times_us)


def _parse_times(body: memoryview, at: int, symbols: bytes) -> tuple[int | None, ...]:
    """The time of each symbol; `at` is the offset of the first delta."""
    times_us: list[int | None] = []
    tick = 0
    try:
        for symbol in symbols:
            if symbol == _LOST:
                times_us.append(None)
                continue
            if symbol == _SMALL:
                tick += body[at]
                at += 1
            elif symbol == _LARGE_SYMBOL:
                tick += _LARGE.unpack_from(body, at)[0]
                at += 2
            else:
                raise RtcpError("feedback uses the reserved symbol")
            times_us.append(tick * TICK_US)
    except (IndexError, struct.error):
        raise RtcpError("feedback has fewer deltas than it says") from None
    return tuple(times_us)


def _parse_chunks(body: memoryview, at: int, count: int) -> tuple[bytes, int]:
    """(`count` symbols, offset of the first delta). A last chunk may say more than is left; the rest is filling."""
    symbols = bytearray()
    while len(symbols) < count:
        if at + _CHUNK.size > len(body):
            raise RtcpError("feedback has fewer chunks than it says")
        (chunk,) = _CHUNK.unpack_from(body, at)
        at += _CHUNK.size
        if not chunk & 0x8000:
            symbols += bytes((chunk >> 13 & 3,)) * min(chunk & _MAX_RUN, count - len(symbols))
        elif not chunk & 0x4000:
            symbols += _ONE_BIT_6[chunk >> 8 & 0x3F] + _ONE_BIT_8[chunk & 0xFF]
        else:
            symbols += _TWO_BITS_6[chunk >> 8 & 0x3F] + _TWO_BITS_8[chunk & 0xFF]
    return bytes(symbols[:count]), at
