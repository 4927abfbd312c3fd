"""A datagram of RTCP into its packets (RFC 3550 §6.1, RFC 5506 for those without a report in front)."""

from collections.abc import Callable, Mapping
from typing import Final

from media_routing.rtp.rtcp import feedback, identity, reports, transport
from media_routing.rtp.rtcp.common import BYE, HEADER, PSFB, RR, RTPFB, SDES, SR, VERSION, RtcpError
from media_routing.rtp.rtcp.feedback import SSRCS, FullIntra, Nack, PictureLoss, Remb
from media_routing.rtp.rtcp.identity import Goodbye, SourceDescription
from media_routing.rtp.rtcp.reports import ReceiverReport, SenderReport
from media_routing.rtp.rtcp.transport import TransportFeedback

Packet = (
    SenderReport
    | ReceiverReport
    | SourceDescription
    | Goodbye
    | Nack
    | PictureLoss
    | FullIntra
    | Remb
    | TransportFeedback
)

_COUNTED: Final[Mapping[int, Callable[[int, memoryview], Packet]]] = {
    SR: reports.parse_sender_report,
    RR: reports.parse_receiver_report,
    SDES: identity.parse_source_description,
    BYE: identity.parse_goodbye,
}
# By (packet type, feedback message type): the same number means something else for each type.
_FEEDBACK: Final[Mapping[tuple[int, int], Callable[[memoryview], Packet | None]]] = {
    (RTPFB, feedback.FMT_NACK): feedback.parse_nack,
    (RTPFB, transport.FMT_TRANSPORT): transport.parse_transport_feedback,
    (PSFB, feedback.FMT_PLI): feedback.parse_picture_loss,
    (PSFB, feedback.FMT_FIR): feedback.parse_full_intra,
    (PSFB, feedback.FMT_APPLICATION): feedback.parse_application,
}


def parse(data: bytes | bytearray | memoryview) -> list[Packet]:
    """The packets of one datagram in their order; types and formats that we do not speak are skipped.

    Raises RtcpError for the whole datagram when any part of it is not RTCP: whoever miscounts once is not believed for
    the rest.
    """
    view = memoryview(data)
    packets: list[Packet] = []
    statuses = 0
    at = 0
    if not view:
        raise RtcpError("empty")
    while at < len(view):
        first, packet_type, end = _header(view, at)
        body = _unpadded(view[at + HEADER.size : end], first, is_last=end == len(view))
        packet = _parse_one(packet_type, first & 0x1F, body)
        if isinstance(packet, TransportFeedback):
            statuses += len(packet.times_us)
            if statuses > transport.MAX_STATUSES:
                raise RtcpError("too much feedback in one datagram")
        if packet is not None:
            packets.append(packet)
        at = end
    return packets


def _header(view: memoryview, at: int) -> tuple[int, int, int]:
    """(first byte, packet type, offset of the next packet)."""
    if at + HEADER.size > len(view):
        raise RtcpError("header is too short")
    first, packet_type, words = HEADER.unpack_from(view, at)
    end = at + HEADER.size + words * 4
    if first >> 6 != VERSION:
        raise RtcpError("not version 2")
    if end > len(view):
        raise RtcpError("packet is shorter than it says")
    return first, packet_type, end


def _unpadded(body: memoryview, first: int, *, is_last: bool) -> memoryview:
    if not first & 0x20:
        return body
    # RFC 3550 §6.4.1: only the last packet of a compound has it. It should be a multiple of four; Chromium fills up its
    # transport feedback with one to three bytes, in three of four packets.
    if not is_last or not body or not body[-1] or body[-1] > len(body):
        raise RtcpError("impossible padding")
    return body[: len(body) - body[-1]]


def _parse_one(packet_type: int, count: int, body: memoryview) -> Packet | None:
    if counted := _COUNTED.get(packet_type):
        return counted(count, body)
    if packet_type not in (RTPFB, PSFB):
        return None
    if len(body) < SSRCS.size:
        raise RtcpError("feedback is too short")
    reader = _FEEDBACK.get((packet_type, count))
    return reader(body) if reader else None
