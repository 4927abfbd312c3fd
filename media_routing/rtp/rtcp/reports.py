"""Sender and receiver reports (RFC 3550 §6.4.1, §6.4.2)."""

import struct
from dataclasses import dataclass
from typing import Final

from media_routing.rtp.rtcp.common import RR, SR, RtcpError, build_packet

_BLOCK: Final = struct.Struct("!IIIIII")
_SENDER: Final = struct.Struct("!IQIII")
_SSRC: Final = struct.Struct("!I")
_CUMULATIVE_MIN: Final = -(1 << 23)
_CUMULATIVE_MAX: Final = (1 << 23) - 1


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What a receiver says about one source.

    `fraction_lost` is 0..1 since the last report, in steps of 1/256. `highest_sequence` is extended by its cycles
    (32 bits). `jitter` is in units of the source's RTP clock; `last_sr` is the middle 32 bits of the NTP time of the
    last sender report (0: none yet), `delay_since_last_sr` counts 1/65536 s.
    """

    ssrc: int
    fraction_lost: float
    cumulative_lost: int
    highest_sequence: int
    jitter: int
    last_sr: int
    delay_since_last_sr: int

    def build(self) -> bytes:
        fraction = max(0, min(255, int(self.fraction_lost * 256)))
        # A counter that stands still says more than one that wraps (RFC 3550 §A.3 clamps the same way).
        lost = max(_CUMULATIVE_MIN, min(_CUMULATIVE_MAX, self.cumulative_lost)) & 0xFFFFFF
        return _BLOCK.pack(
            self.ssrc,
            fraction << 24 | lost,
            self.highest_sequence & 0xFFFFFFFF,
            min(self.jitter, 0xFFFFFFFF),
            self.last_sr,
            min(self.delay_since_last_sr, 0xFFFFFFFF),
        )


@dataclass(frozen=True, slots=True)
class SenderReport:
    """`ntp_time` is the 64-bit NTP timestamp (32.32 fixed point) of the instant that `rtp_time` names."""

    ssrc: int
    ntp_time: int
    rtp_time: int
    packet_count: int
    octet_count: int
    blocks: tuple[ReportBlock, ...] = ()

    def build(self) -> bytes:
        sender = _SENDER.pack(
            self.ssrc,
            self.ntp_time,
            self.rtp_time & 0xFFFFFFFF,
            self.packet_count & 0xFFFFFFFF,
            self.octet_count & 0xFFFFFFFF,
        )
        return build_packet(SR, len(self.blocks), sender + b"".join(block.build() for block in self.blocks))


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()

    def build(self) -> bytes:
        body = _SSRC.pack(self.ssrc) + b"".join(block.build() for block in self.blocks)
        return build_packet(RR, len(self.blocks), body)


def parse_sender_report(count: int, body: memoryview) -> SenderReport:
    if len(body) < _SENDER.size:
        raise RtcpError("sender report is too short")
    ssrc, ntp_time, rtp_time, packet_count, octet_count = _SENDER.unpack_from(body)
    blocks = _parse_blocks(count, body[_SENDER.size :])
    return SenderReport(ssrc, ntp_time, rtp_time, packet_count, octet_count, blocks)


def parse_receiver_report(count: int, body: memoryview) -> ReceiverReport:
    if len(body) < _SSRC.size:
        raise RtcpError("receiver report is too short")
    (ssrc,) = _SSRC.unpack_from(body)
    return ReceiverReport(ssrc, _parse_blocks(count, body[_SSRC.size :]))


def _parse_blocks(count: int, data: memoryview) -> tuple[ReportBlock, ...]:
    """What follows the blocks is a profile's own extension (§6.4.3) and is left alone."""
    if len(data) < count * _BLOCK.size:
        raise RtcpError("report has fewer blocks than it says")
    blocks = []
    for ssrc, loss, highest, jitter, last_sr, delay in _BLOCK.iter_unpack(data[: count * _BLOCK.size]):
        lost = loss & 0xFFFFFF
        blocks.append(
            ReportBlock(
                ssrc,
                (loss >> 24) / 256,
                lost - (1 << 24) if lost > _CUMULATIVE_MAX else lost,
                highest,
                jitter,
                last_sr,
                delay,
            )
        )
    return tuple(blocks)
