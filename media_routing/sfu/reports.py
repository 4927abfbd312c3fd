"""Sender and receiver reports of one leg (RFC 3550 §6.4), as compound packets of bounded size."""

from __future__ import annotations

from collections.abc import Iterator

from media_routing.rtp.rtcp import ReceiverReport, ReportBlock, SenderReport, SourceDescription
from media_routing.sfu.clock import ntp_time
from media_routing.sfu.encoding import Encoding
from media_routing.sfu.plan import CNAME
from media_routing.sfu.publisher import Publisher
from media_routing.sfu.reception import FIRST_CYCLE, Reception
from media_routing.sfu.subscriber import Subscriber

_MAX_BLOCKS = 31
_MTU_BYTES = 1100


def build_reports(publisher: Publisher, subscriber: Subscriber, sender_ssrc: int, now: float) -> list[bytes]:
    """Everything this leg is to be told at this interval: about what we send it, and what it sends us."""
    packets = [*sender_reports(subscriber, now)]
    blocks = receiver_blocks(publisher, now)
    for start in range(0, len(blocks), _MAX_BLOCKS):
        packets.append(ReceiverReport(sender_ssrc, tuple(blocks[start : start + _MAX_BLOCKS])).build())
    return packets


def sender_reports(subscriber: Subscriber, now: float) -> Iterator[bytes]:
    """One report and the canonical name per stream that is being sent and whose source has told its clock. All streams
    share our clock, so the receiver can play what was captured together at the same time."""
    for slot in subscriber.slots:
        timestamp = slot.timestamp_at(now)
        if timestamp is not None:
            report = SenderReport(slot.ssrc, ntp_time(now), timestamp, slot.packets, slot.octets)
            yield report.build() + SourceDescription.of(slot.ssrc, CNAME).build()


def receiver_blocks(publisher: Publisher, now: float) -> list[ReportBlock]:
    blocks = []
    for source in publisher.sources:
        for encoding in source.encodings:
            if encoding.ssrc and encoding.reception.highest >= 0:
                down = 0.0 if source.is_video else worst_loss(encoding)
                blocks.append(_block(encoding.ssrc, encoding.reception, encoding, down, now))
            if encoding.repair_ssrc and encoding.repair.highest >= 0:
                blocks.append(_block(encoding.repair_ssrc, encoding.repair, None, 0.0, now))
    return blocks


def worst_loss(encoding: Encoding) -> float:
    """What the worst receiver of a microphone loses. The speaker's encoder adds redundancy (Opus in-band FEC) by the loss
    it is told of, and nobody but the server knows of the losses behind the server."""
    return max((slot.reported_loss for slot in encoding.forwarding), default=0.0)


def _block(ssrc: int, reception: Reception, encoding: Encoding | None, at_least: float, now: float) -> ReportBlock:
    last_sr = encoding.clock.last_sr if encoding is not None else 0
    delay = round((now - encoding.clock.last_sr_at) * 65536) if encoding is not None and last_sr else 0
    return ReportBlock(
        ssrc,
        max(reception.take_fraction_lost(), at_least),
        reception.lost,
        reception.highest - FIRST_CYCLE & 0xFFFFFFFF,
        int(reception.jitter),
        last_sr,
        delay,
    )


def pack_compounds(packets: list[bytes]) -> list[bytes]:
    """Joins packets up to the size of a datagram."""
    compounds: list[bytes] = []
    for packet in packets:
        if compounds and len(compounds[-1]) + len(packet) <= _MTU_BYTES:
            compounds[-1] += packet
        else:
            compounds.append(packet)
    return compounds
