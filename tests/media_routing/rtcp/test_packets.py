"""RTCP against bytes written by hand from the RFCs, against aiortc's own writer, and there and back."""

import aiortc.rtp as other
import pytest

from media_routing.rtp.rtcp import (
    FullIntra,
    Goodbye,
    Nack,
    PictureLoss,
    ReceiverReport,
    Remb,
    ReportBlock,
    RtcpError,
    SenderReport,
    SourceChunk,
    SourceDescription,
    TransportFeedback,
    parse,
)

BLOCK = ReportBlock(
    ssrc=0x01020304,
    fraction_lost=0.5,
    cumulative_lost=-3,
    highest_sequence=0x00011170,
    jitter=9,
    last_sr=0xA0B0C0D0,
    delay_since_last_sr=65536,
)
# Bytes as the documents draw them.
WRITTEN = [
    (
        ReceiverReport(5, (BLOCK,)),
        "81c90007 00000005 01020304 80fffffd 00011170 00000009 a0b0c0d0 00010000",
    ),
    (
        SenderReport(5, 0x83AA7E80_80000000, 0xFFFFFFFF, 17, 1700),
        "80c80006 00000005 83aa7e80 80000000 ffffffff 00000011 000006a4",
    ),
    (SourceDescription.of(5, "sfu"), "81ca0003 00000005 01037366 75000000"),
    # A whole word of nulls when the text ends on a boundary: a null octet must end the list.
    (SourceDescription.of(5, "ab"), "81ca0003 00000005 01026162 00000000"),
    (Goodbye((5, 6)), "82cb0002 00000005 00000006"),
    (Goodbye((5,), b"bye"), "81cb0002 00000005 03627965"),
    (Nack(5, 6, (10, 11, 13, 26)), "81cd0003 00000005 00000006 000a8005"),
    (Nack(5, 6, (10, 27)), "81cd0004 00000005 00000006 000a0000 001b0000"),
    (Nack(5, 6, (65535, 0, 15)), "81cd0003 00000005 00000006 ffff8001"),
    (PictureLoss(5, 6), "81ce0002 00000005 00000006"),
    (FullIntra(5, ((6, 255), (7, 0))), "84ce0006 00000005 00000000 00000006 ff000000 00000007 00000000"),
    (Remb(5, 1_000_000, (6,)), "8fce0005 00000005 00000000 52454d42 010bd090 00000006"),
]


@pytest.mark.parametrize(
    ("packet", "text"), WRITTEN, ids=[f"{i}-{type(p).__name__}" for i, (p, _) in enumerate(WRITTEN)]
)
def test_the_bytes_are_those_of_the_document(packet: object, text: str) -> None:
    data = bytes.fromhex(text)
    assert packet.build() == data  # type: ignore[attr-defined]
    assert parse(data) == [packet]


def test_a_compound_keeps_its_order() -> None:
    packets = [packet for packet, _ in WRITTEN]
    assert parse(b"".join(packet.build() for packet in packets)) == packets


def test_another_implementation_reads_what_we_write() -> None:
    data = b"".join(packet.build() for packet, _ in WRITTEN)
    report, sender, *_ = other.RtcpPacket.parse(data)
    assert (report.ssrc, report.reports[0].packets_lost, report.reports[0].dlsr) == (5, -3, 65536)
    assert (sender.sender_info.ntp_timestamp, sender.sender_info.packet_count) == (0x83AA7E80_80000000, 17)
    # It does not wrap what follows a packet id.
    nacks = [
        [lost & 0xFFFF for lost in packet.lost]
        for packet in other.RtcpPacket.parse(data)
        if isinstance(packet, other.RtcpRtpfbPacket)
    ]
    assert nacks == [[10, 11, 13, 26], [10, 27], [65535, 0, 15]]
    fci = other.RtcpPacket.parse(WRITTEN[-1][0].build())[0].fci
    assert other.unpack_remb_fci(fci) == (1_000_000, [6])


def test_we_read_what_another_implementation_writes() -> None:
    info = other.RtcpSenderInfo(ntp_timestamp=7 << 32, rtp_timestamp=8, packet_count=9, octet_count=10)
    theirs = bytes(other.RtcpSrPacket(ssrc=1, sender_info=info)) + bytes(
        other.RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=other.pack_remb_fci(300_000, [2, 3]))
    )
    assert parse(theirs) == [SenderReport(1, 7 << 32, 8, 9, 10), Remb(1, 300_000, (2, 3))]


def test_what_we_do_not_speak_is_skipped() -> None:
    extended_report, application = bytes.fromhex("80cf0001 00000001"), bytes.fromhex("80cc0002 00000001 58585858")
    other_feedback = bytes.fromhex("8fce0003 00000001 00000002 4c4e5446")
    unknown_format = bytes.fromhex("83cd0002 00000001 00000002")
    pli = PictureLoss(5, 6)
    assert parse(extended_report + application + other_feedback + unknown_format + pli.build()) == [pli]


def test_padding_behind_the_last_packet_is_cut() -> None:
    assert parse(bytes.fromhex("a1ce0003 00000005 00000006 00000004")) == [PictureLoss(5, 6)]


# As Chromium 156 sent them: its transport feedback is filled up to a word, by less than a word.
CHROMIUM_PADDED = {
    1: "afcd0006606c9dbd25f414b10135000503e31b3b2005f73a10401101",
    2: "afcd000720995223ceb73ab201a2000803e31a282008f10f450d13002d0f0002",
    3: "afcd0007606c9dbd32cd6863012e000703e31a3a2007f10f440e40113e000003",
}


@pytest.mark.parametrize("text", CHROMIUM_PADDED.values(), ids=map(str, CHROMIUM_PADDED))
def test_feedback_that_a_browser_pads_is_read(text: str) -> None:
    (feedback,) = parse(bytes.fromhex(text))
    assert isinstance(feedback, TransportFeedback)
    assert len(feedback.arrivals) == int(text[28:32], 16)
    assert all(time_us is not None for _, time_us in feedback.arrivals)


def test_a_profile_extension_behind_the_blocks_is_left_alone() -> None:
    assert parse(bytes.fromhex("80c90002 00000005 deadbeef")) == [ReceiverReport(5)]


REFUSED = {
    "nothing": "",
    "half a header": "80c9",
    "version 1": "40c90001 00000005",
    "longer than the datagram": "80c90002 00000005",
    "a rest that is no packet": "80c90001 00000005 80",
    "no sender in a report": "80c90000",
    "no sender info": "80c80001 00000005",
    "fewer blocks than it says": "82c90007 00000005 01020304 80fffffd 00011170 00000009 a0b0c0d0 00010000",
    "a description without an end": "81ca0002 00000005 01026162",
    "a description longer than itself": "81ca0002 00000005 01ff6162",
    "more chunks than there are": "82ca0002 00000005 00000000",
    "more goodbyes than there are": "82cb0001 00000005",
    "a reason longer than itself": "81cb0002 00000005 ff627965",
    "a NACK of nothing": "81cd0002 00000005 00000006",
    "half a feedback header": "81ce0001 00000005",
    "half an entry of a FIR": "84ce0003 00000005 00000000 00000006",
    "a FIR of nothing": "84ce0002 00000005 00000000",
    "the REMB that counts 255": "8fce0005 00000005 00000000 52454d42 ff0bd090 00000006",
    "padding of nothing": "a1ce0003 00000005 00000006 00000000",
    "more padding than packet": "a1ce0003 00000005 00000006 00000010",
    "padding in the middle": "a1ce0003 00000005 00000006 00000004 81ce0002 00000005 00000006",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_lies_are_refused(text: str) -> None:
    with pytest.raises(RtcpError):
        parse(bytes.fromhex(text))


def test_the_lying_remb_escapes_another_parser_as_another_error() -> None:
    """The control, and why we have our own: media-facts, "REMB with count 255"."""
    data = bytes.fromhex(REFUSED["the REMB that counts 255"])
    with pytest.raises(Exception) as caught:
        other.unpack_remb_fci(other.RtcpPacket.parse(data)[0].fci)
    assert not isinstance(caught.value, ValueError)


def test_a_rate_loses_its_last_bits_only() -> None:
    for rate in (0, 1, 2**18 - 1, 2**18, 999_999_999, 2**50):
        [read] = parse(Remb(1, rate).build())
        assert isinstance(read, Remb)
        assert rate * (1 - 2**-17) <= read.bitrate_bps <= rate
    # 63 bits of exponent are "as much as you like", not a number to calculate with.
    [read] = parse(bytes.fromhex("8fce0004 00000005 00000000 52454d42 00ffffff"))
    assert read == Remb(5, 2**50)


def test_a_counter_stands_still_at_its_end() -> None:
    for lost, read_back in ((2**23, 2**23 - 1), (-(2**24), -(2**23))):
        block = ReportBlock(1, 2.0, lost, 2**33 + 1, 2**40, 0, 2**40)
        [report] = parse(ReceiverReport(1, (block,)).build())
        assert report == ReceiverReport(1, (ReportBlock(1, 255 / 256, read_back, 1, 2**32 - 1, 0, 2**32 - 1),))


@pytest.mark.parametrize(
    "packet",
    [
        Nack(1, 2, ()),
        FullIntra(1, ()),
        Goodbye(tuple(range(32))),
        ReceiverReport(1, (BLOCK,) * 32),
        Remb(1, 1, tuple(range(256))),
        SourceDescription((SourceChunk(1, ((1, b"x" * 256),)),)),
        Goodbye((1,), b"x" * 256),
    ],
    ids=lambda packet: type(packet).__name__,
)
def test_what_cannot_be_said_is_an_error_of_ours(packet: Nack) -> None:
    with pytest.raises(RtcpError):
        packet.build()


def test_any_buffer_will_do() -> None:
    data = PictureLoss(5, 6).build()
    assert parse(bytearray(data)) == parse(memoryview(b"xx" + data)[2:]) == [PictureLoss(5, 6)]
