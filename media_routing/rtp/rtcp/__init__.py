"""RTCP (RFC 3550 §6) as far as an SFU speaks it: bytes in, frozen values out, and back.

A datagram is a compound of packets, or a single one (reduced size, RFC 5506). Every packet class has `.build() -> bytes`;
a compound is their concatenation. Whoever authenticated may still lie about counts and lengths: `parse` raises RtcpError
and nothing else, and its result is bounded whatever the bytes claim.

    common.py       the header, and the error
    reports.py      SR, RR, report blocks            RFC 3550 §6.4
    identity.py     SDES, BYE                        RFC 3550 §6.5, §6.6
    feedback.py     NACK, PLI, FIR, REMB             RFC 4585, RFC 5104, draft-alvestrand-rmcat-remb-03
    transport.py    transport-wide feedback          draft-holmer-rmcat-transport-wide-cc-extensions-01
    compound.py     datagram -> list of the above
"""

from media_routing.rtp.rtcp.common import RtcpError
from media_routing.rtp.rtcp.compound import Packet, parse
from media_routing.rtp.rtcp.feedback import FullIntra, Nack, PictureLoss, Remb
from media_routing.rtp.rtcp.identity import Goodbye, SourceChunk, SourceDescription
from media_routing.rtp.rtcp.reports import ReceiverReport, ReportBlock, SenderReport
from media_routing.rtp.rtcp.transport import TransportFeedback, make_feedback, reference_gap_us

__all__ = [
    "FullIntra",
    "Goodbye",
    "Nack",
    "Packet",
    "PictureLoss",
    "ReceiverReport",
    "Remb",
    "ReportBlock",
    "RtcpError",
    "SenderReport",
    "SourceChunk",
    "SourceDescription",
    "TransportFeedback",
    "make_feedback",
    "parse",
    "reference_gap_us",
]
