"""What is told to publishers and receivers, and what is made of what they tell."""

import pytest

from media_routing.rtp import rtcp
from media_routing.sfu.clock import NTP_UNIT
from media_routing.sfu.events import LegQuality
from tests.media_routing.sfu.cast import Stage


@pytest.fixture
def stage():
    return Stage()


@pytest.fixture
def anna(stage):
    return stage.peer("anna")


@pytest.fixture
def bert(stage, anna):
    return stage.peer("bert")


def blocks_of(peer, ssrc):
    return [block for report in peer.told(rtcp.ReceiverReport) for block in report.blocks if block.ssrc == ssrc]


def test_a_publisher_gets_transport_feedback_of_every_packet_each_50_to_100_ms(stage, anna, bert):
    stage.show(anna, seconds=2)
    told = anna.told(rtcp.TransportFeedback)
    assert 20 <= len(told) <= 41
    sequences = [sequence for feedback in told for sequence, time in feedback.arrivals if time is not None]
    assert sequences == list(range(len(sequences))) and anna.wide - len(sequences) < 20
    # libwebrtc drops feedback that names none of its own streams.
    own = {stream.ssrc for stream in (anna.mic, *anna.layers)}
    assert {feedback.media_ssrc for feedback in told} <= own


def test_a_publisher_gets_a_report_per_stream_and_second(stage, anna, bert):
    stage.show(anna, seconds=3)
    for stream in (anna.mic, *anna.layers):
        blocks = blocks_of(anna, stream.ssrc)
        assert 3 <= len(blocks) <= 4
        assert blocks[-1].fraction_lost == 0 and blocks[-1].cumulative_lost == 0
        assert stream.sequence - blocks[-1].highest_sequence < 70


def test_upstream_loss_is_reported(stage, anna, bert):
    for number in range(150):
        anna.send(anna.mic, b"x" * 40, level=50, lose=number % 10 == 5)
        stage.wait(0.02)
    assert 0.07 < blocks_of(anna, anna.mic.ssrc)[-1].fraction_lost < 0.13


def test_a_microphone_hears_of_the_loss_behind_the_server(stage, anna, bert):
    """So that its encoder adds the redundancy that the worst receiver needs."""
    anna.speak()
    slot = bert.slot("anna", "microphone")
    bert.rtcp(rtcp.ReceiverReport(1, (rtcp.ReportBlock(slot.ssrc, 0.125, 5, 100, 0, 0, 0),)))
    stage.show(anna, seconds=1.2)
    assert blocks_of(anna, anna.mic.ssrc)[-1].fraction_lost == 0.125
    assert blocks_of(anna, anna.layers[0].ssrc)[-1].fraction_lost == 0.0


def test_the_last_sender_report_is_acknowledged(stage, anna, bert):
    anna.speak()
    anna.report_capture(anna.mic, stage.now)
    asked_at = stage.now
    stage.show(anna, seconds=1.1)
    block = blocks_of(anna, anna.mic.ssrc)[-1]
    assert block.last_sr == int((asked_at + 1_000_000) * NTP_UNIT) >> 16 & 0xFFFFFFFF
    assert 0 < block.delay_since_last_sr / 65536 < 1.2


def test_lips_stay_in_sync(stage, anna, bert):
    """Sound and picture that were captured together have the same time in what the receiver is told of each."""
    stage.show(anna, seconds=1.5)
    delay = 0.08
    anna.report_capture(anna.mic, stage.now - delay)
    for stream in anna.layers:
        anna.report_capture(stream, stage.now - delay)
    mic_in, picture_in = anna.mic.timestamp, anna.layers[2].timestamp
    stage.show(anna, seconds=1.2)
    last_mic, last_picture = bert.got("anna", "microphone")[-1], bert.got("anna", "camera")[-1]

    def captured_at(packet, rate, ssrc):
        report = [r for r in bert.told(rtcp.SenderReport) if r.ssrc == ssrc][-1]
        return report.ntp_time / NTP_UNIT + ((packet.timestamp - report.rtp_time + 2**31) % 2**32 - 2**31) / rate

    sound = captured_at(last_mic, 48_000, bert.slot("anna", "microphone").ssrc)
    picture = captured_at(last_picture, 90_000, bert.slot("anna", "camera").ssrc)
    truth = (anna.mic.timestamp - 960 - mic_in) / 48_000 - (anna.layers[2].timestamp - 3000 - picture_in) / 90_000
    assert sound - picture == pytest.approx(truth, abs=0.002)


def test_sender_reports_name_and_count(stage, anna, bert):
    stage.show(anna, seconds=0.5)
    anna.report_capture(anna.mic, stage.now)
    stage.show(anna, seconds=1.2)
    ssrc = bert.slot("anna", "microphone").ssrc
    report = [r for r in bert.told(rtcp.SenderReport) if r.ssrc == ssrc][-1]
    got = bert.got("anna", "microphone")
    assert 0 <= len(got) - report.packet_count < 40
    assert report.octet_count == report.packet_count * 40
    chunks = [chunk for sdes in bert.told(rtcp.SourceDescription) for chunk in sdes.chunks if chunk.ssrc == ssrc]
    assert chunks[0].items == ((1, b"sfu"),)


def test_a_round_trip_is_measured(stage, anna, bert):
    anna.speak()
    anna.report_capture(anna.mic, stage.now)
    stage.show(anna, seconds=1.2)
    ssrc = bert.slot("anna", "microphone").ssrc
    report = [r for r in bert.told(rtcp.SenderReport) if r.ssrc == ssrc][-1]
    held = stage.now - report.ntp_time / NTP_UNIT - 0.12
    block = rtcp.ReportBlock(ssrc, 0.0, 0, 1, 0, report.ntp_time >> 16 & 0xFFFFFFFF, round(held * 65536))
    bert.rtcp(rtcp.ReceiverReport(1, (block,)))
    assert bert.leg.subscriber.rtt_s == pytest.approx(0.12, abs=0.002)


def test_quality_is_told_every_two_seconds(stage, anna, bert):
    stage.show(anna, bert, seconds=4.5)
    told = [event for event in stage.events if isinstance(event, LegQuality) and event.leg is bert.leg]
    assert len(told) == 2
    assert told[-1].up_loss == told[-1].down_loss == 0.0
    assert told[-1].layers == ((bert.slot("anna", "camera").mid, 720),)
    assert told[-1].target_bps > 0


def test_lost_feedback_shows_in_quality(stage, anna, bert):
    stage.show(anna, seconds=1)
    sent = len(stage.out.rtp["bert"])
    times_us = tuple(None if n % 5 == 0 else n * 1000 for n in range(sent))
    bert.rtcp(rtcp.TransportFeedback(1, 2, 0, 0, 0, times_us))
    stage.show(anna, seconds=1.5)
    told = [event for event in stage.events if isinstance(event, LegQuality) and event.leg is bert.leg]
    assert told[-1].down_loss == pytest.approx(0.2, abs=0.02)


def test_compounds_fit_a_datagram(stage):
    sizes = []
    send = stage.out.send_rtcp
    stage.out.send_rtcp = lambda link, packet: (sizes.append(len(packet)), send(link, packet))
    peers = [stage.peer(f"p{n}", room_size=8) for n in range(8)]
    for _ in range(2):
        stage.show(*peers, seconds=1.2)
        for peer in peers:
            for stream in (peer.mic, *peer.layers):
                peer.report_capture(stream, stage.now)
    assert max(sizes) <= 1200
