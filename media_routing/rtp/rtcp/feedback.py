"""What a receiver asks of a sender: NACK (RFC 4585 §6.2.1), PLI (§6.3.1), FIR (RFC 5104 §4.3.1), REMB (draft-alvestrand)."""

import struct
from dataclasses import dataclass
from typing import Final

from media_routing.rtp.rtcp.common import PSFB, RTPFB, RtcpError, build_packet

FMT_NACK: Final = 1
FMT_PLI: Final = 1
FMT_FIR: Final = 4
FMT_APPLICATION: Final = 15

SSRCS: Final = struct.Struct("!II")
_NACK: Final = struct.Struct("!HH")
_FIR: Final = struct.Struct("!IB3x")
_REMB: Final = struct.Struct("!4sI")
_SSRC: Final = struct.Struct("!I")
_MANTISSA_BITS: Final = 18
_MAX_EXPONENT: Final = 63
# The six-bit exponent could name rates that no link has; what is above this says "as much as you like".
MAX_REMB_BPS: Final = 1 << 50


@dataclass(frozen=True, slots=True)
class Nack:
    """`sequences` (16 bits each) are lost in the order given; a packet names 17 in a row at the price of one."""

    sender_ssrc: int
    media_ssrc: int
    sequences: tuple[int, ...]

    def build(self) -> bytes:
        if not self.sequences:
            raise RtcpError("a NACK names at least one packet")
        entries = bytearray()
        pid, mask = self.sequences[0] & 0xFFFF, 0
        for sequence in self.sequences[1:]:
            ahead = (sequence - pid) & 0xFFFF
            if 1 <= ahead <= 16:
                mask |= 1 << (ahead - 1)
            elif ahead:
                entries += _NACK.pack(pid, mask)
                pid, mask = sequence & 0xFFFF, 0
        entries += _NACK.pack(pid, mask)
        return build_packet(RTPFB, FMT_NACK, SSRCS.pack(self.sender_ssrc, self.media_ssrc) + bytes(entries))


@dataclass(frozen=True, slots=True)
class PictureLoss:
    sender_ssrc: int
    media_ssrc: int

    def build(self) -> bytes:
        return build_packet(PSFB, FMT_PLI, SSRCS.pack(self.sender_ssrc, self.media_ssrc))


@dataclass(frozen=True, slots=True)
class FullIntra:
    """`entries` are (ssrc, command sequence number 0..255); the same number again is a repetition, not a new wish."""

    sender_ssrc: int
    entries: tuple[tuple[int, int], ...]

    def build(self) -> bytes:
        if not self.entries:
            raise RtcpError("a FIR names at least one source")
        body = b"".join(_FIR.pack(ssrc, number & 0xFF) for ssrc, number in self.entries)
        # §4.3.1.2: the media source field of the header is not used and is 0.
        return build_packet(PSFB, FMT_FIR, SSRCS.pack(self.sender_ssrc, 0) + body)


@dataclass(frozen=True, slots=True)
class Remb:
    """Receiver estimated maximum bitrate over all of `ssrcs`. 18 significant bits: `build` rounds down."""

    sender_ssrc: int
    bitrate_bps: int
    ssrcs: tuple[int, ...] = ()

    def build(self) -> bytes:
        if len(self.ssrcs) > 255:
            raise RtcpError("too many sources")
        mantissa = max(0, min(self.bitrate_bps, MAX_REMB_BPS))
        exponent = max(0, mantissa.bit_length() - _MANTISSA_BITS)
        word = len(self.ssrcs) << 24 | exponent << _MANTISSA_BITS | mantissa >> exponent
        body = SSRCS.pack(self.sender_ssrc, 0) + _REMB.pack(b"REMB", word)
        return build_packet(PSFB, FMT_APPLICATION, body + b"".join(_SSRC.pack(ssrc) for ssrc in self.ssrcs))


def parse_nack(body: memoryview) -> Nack:
    if len(body) < SSRCS.size + _NACK.size or len(body) % _NACK.size:
        raise RtcpError("NACK has half an entry or none")
    sequences = []
    for pid, mask in _NACK.iter_unpack(body[SSRCS.size :]):
        sequences.append(pid)
        while mask:
            lowest = mask & -mask
            sequences.append((pid + lowest.bit_length()) & 0xFFFF)
            mask ^= lowest
    sender_ssrc, media_ssrc = SSRCS.unpack_from(body)
    return Nack(sender_ssrc, media_ssrc, tuple(sequences))


def parse_picture_loss(body: memoryview) -> PictureLoss:
    return PictureLoss(*SSRCS.unpack_from(body))


def parse_full_intra(body: memoryview) -> FullIntra:
    entries = body[SSRCS.size :]
    if not entries or len(entries) % _FIR.size:
        raise RtcpError("FIR has half an entry or none")
    return FullIntra(SSRCS.unpack_from(body)[0], tuple(_FIR.iter_unpack(entries)))


def parse_application(body: memoryview) -> Remb | None:
    """None for an application layer feedback that is not a REMB (libwebrtc has others)."""
    if len(body) < SSRCS.size + _REMB.size or bytes(body[8:12]) != b"REMB":
        return None
    _, word = _REMB.unpack_from(body, SSRCS.size)
    count, exponent, mantissa = word >> 24, word >> _MANTISSA_BITS & _MAX_EXPONENT, word & (1 << _MANTISSA_BITS) - 1
    rest = body[SSRCS.size + _REMB.size :]
    if len(rest) != count * 4:
        raise RtcpError("REMB has other sources than it counts")
    ssrcs = tuple(ssrc for (ssrc,) in _SSRC.iter_unpack(rest))
    return Remb(SSRCS.unpack_from(body)[0], min(mantissa << exponent, MAX_REMB_BPS), ssrcs)
