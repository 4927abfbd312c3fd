"""Lost packets, in both directions."""

import itertools
import struct

import pytest

from media_routing.rtp import rtcp
from media_routing.sfu.events import Want
from tests.media_routing.sfu.cast import RIDS, Stage

RTX = 77_000


@pytest.fixture
def stage():
    return Stage()


@pytest.fixture
def anna(stage):
    return stage.peer("anna")


@pytest.fixture
def bert(stage, anna):
    peer = stage.peer("bert")
    stage.show(anna, seconds=1.5)
    return peer


def ask(bert, *packets):
    bert.rtcp(rtcp.Nack(1, packets[0].ssrc, tuple(p.sequence for p in packets)))


def repairs(stage, bert):
    slot = bert.slot("anna", "camera")
    return [p for p in stage.out.rtp["bert"] if p.ssrc == slot.rtx_ssrc and p.payload]


def go_on(stage, peer, seconds):
    """Frames keep coming; a layer without any would be taken for switched off."""
    for _ in range(round(seconds / 0.033)):
        peer.frame(2)
        stage.wait(0.033)


# From the publisher.


def test_a_hole_is_asked_for_and_its_repair_forwarded(stage, anna, bert):
    stream = anna.layers[2]
    anna.frame(2, packets=3, lose=(1,))
    lost = stream.sequence - 2
    stage.wait(0.02)
    (nack,) = anna.told(rtcp.Nack)
    assert (nack.media_ssrc, nack.sequences) == (stream.ssrc, (lost & 0xFFFF,))
    before = bert.got("anna", "camera")
    anna.repair(stream, lost, RTX, 9)
    after = bert.got("anna", "camera")
    assert len(after) == len(before) + 1
    assert (after[-1].sequence - before[-1].sequence) & 0xFFFF == 0xFFFF  # one before the last
    assert (
        after[-1].payload == before[-1].payload[:0] + after[-1].payload and after[-1].timestamp == before[-1].timestamp
    )
    anna.repair(stream, lost, RTX, 10)
    assert len(bert.got("anna", "camera")) == len(after)  # twice is once


def test_a_packet_that_is_only_late_is_not_asked_for(stage, anna, bert):
    anna.frame(2, packets=3, lose=(1,))
    anna.receive(anna.layers[2].sent[anna.layers[2].sequence - 2 & 0xFFFF])
    stage.wait(0.1)
    assert anna.told(rtcp.Nack) == []


def test_it_asks_ten_times_then_for_a_key_frame(stage, anna, bert):
    anna.frame(2, packets=3, lose=(1,))
    go_on(stage, anna, seconds=0.9)
    assert len(anna.told(rtcp.Nack)) < 10 and anna.told(rtcp.PictureLoss) == []
    go_on(stage, anna, seconds=1.0)
    assert len(anna.told(rtcp.Nack)) == 10
    assert anna.layers[2].ssrc in {p.media_ssrc for p in anna.told(rtcp.PictureLoss)}


def test_nobody_asks_for_what_nobody_watches(stage, anna, bert):
    anna.frame(1, packets=3, lose=(1,))
    stage.wait(0.5)
    assert anna.told(rtcp.Nack) == []


def test_audio_is_never_asked_for(stage, anna, bert):
    anna.send(anna.mic, b"lost", lose=True)
    anna.speak()
    stage.wait(0.3)
    assert anna.told(rtcp.Nack) == []


def test_repair_streams_are_told_apart_by_repaired_rid(stage, anna, bert):
    for index, rid in enumerate(RIDS):
        anna.frame(index, packets=3, lose=(1,))
        anna.repair(anna.layers[index], anna.layers[index].sequence - 2, RTX + index, 1)
        encoding = anna.leg.publisher.sources[1].encodings[index]
        assert encoding.repair_ssrc == RTX + index, rid
        assert encoding.repair.received == 1 and not encoding.missing


def test_probe_padding_on_a_repair_stream_counts_apart(stage, anna, bert):
    anna.repair(anna.layers[2], anna.layers[2].sequence - 1, RTX, 1)
    encoding = anna.leg.publisher.sources[1].encodings[2]
    received, forwarded = encoding.reception.received, len(bert.got("anna", "camera"))
    from tests.media_routing.sfu.cast import make_rtp

    anna.receive(make_rtp(97, 2, 0, RTX, b"", padding=200))
    assert encoding.repair.received == 2
    assert (encoding.reception.received, len(bert.got("anna", "camera"))) == (received, forwarded)


def test_an_announced_repair_stream_needs_no_learning(stage):
    anna, bert = stage.peer("anna", simulcast=False), stage.peer("bert")
    stage.show(anna, seconds=1)
    anna.frame(0, packets=3, lose=(1,))
    before = len(bert.got("anna", "camera"))
    anna.repair(anna.layers[0], anna.layers[0].sequence - 2, anna.base + 20, 1)
    assert len(bert.got("anna", "camera")) == before + 1


# To the subscriber.


def test_what_a_receiver_lost_is_sent_again_over_rtx(stage, anna, bert):
    lost = bert.got("anna", "camera")[-7:-4]
    ask(bert, *lost)
    got = repairs(stage, bert)
    assert [struct.unpack_from("!H", p.payload)[0] for p in got] == [p.sequence for p in lost]
    assert [p.payload[2:] for p in got] == [p.payload for p in lost]
    assert [(p.timestamp, p.marker) for p in got] == [(p.timestamp, p.marker) for p in lost]
    assert {p.payload_type for p in got} == {97}
    assert all((b.sequence - a.sequence) & 0xFFFF == 1 for a, b in itertools.pairwise(got))


def test_repair_has_transport_numbers_of_the_same_row(stage, anna, bert):
    ask(bert, *bert.got("anna", "camera")[-3:])
    wide = [struct.unpack("!H", p.elements[3])[0] for p in stage.out.rtp["bert"]]
    assert wide == list(range(len(wide)))


def test_a_packet_from_before_a_switch_is_sent_as_it_was(stage, anna, bert):
    before = bert.got("anna", "camera")[-1]
    for height in (180, 720, 360):
        stage.room.set_wants(bert.leg, [Want("anna", "camera", height)], stage.now)
        stage.show(anna, seconds=0.4)
    ask(bert, before)
    (again,) = repairs(stage, bert)
    assert (again.payload[2:], again.timestamp) == (before.payload, before.timestamp)
    patched = bert.got("anna", "camera")[-1]
    ask(bert, patched)
    assert repairs(stage, bert)[-1].payload[2:] == patched.payload


def test_no_packet_ever_leaves_twice_under_one_number(stage, anna, bert):
    packets = bert.got("anna", "camera")
    for _ in range(3):
        ask(bert, *packets[-20:])
        stage.wait(0.2)
    names = [(p.ssrc, p.sequence) for p in stage.out.rtp["bert"]]
    assert len(names) == len(set(names))


def test_asking_twice_within_half_a_round_trip_is_answered_once(stage, anna, bert):
    bert.leg.subscriber.rtt_s = 0.1
    (packet,) = bert.got("anna", "camera")[-1:]
    for _ in range(10):
        ask(bert, packet)
        stage.wait(0.005)
    assert len(repairs(stage, bert)) == 1
    stage.wait(0.1)
    ask(bert, packet)
    assert len(repairs(stage, bert)) == 2


def test_what_was_never_sent_is_not_repaired(stage, anna, bert):
    last = bert.got("anna", "camera")[-1]
    bert.rtcp(rtcp.Nack(1, last.ssrc, tuple((last.sequence + n) & 0xFFFF for n in range(1, 200))))
    bert.rtcp(rtcp.Nack(1, 999, (last.sequence,)))
    assert repairs(stage, bert) == []


def test_repair_is_bounded_by_a_share_of_what_fits(stage, anna, bert):
    stage.show(anna, seconds=3)
    packets = bert.got("anna", "camera")
    asked_at = stage.now
    while stage.now < asked_at + 2:
        for start in range(0, len(packets), 100):
            ask(bert, *packets[start : start + 100])
        stage.wait(0.02)
    sent = sum(len(p.raw) for p in repairs(stage, bert))
    limit_bps = bert.leg.subscriber.estimator.target_bps * 0.5
    assert 0 < sent * 8 <= limit_bps * 2.6


def test_a_receivers_pli_reaches_the_layer_it_gets_and_only_so_often(stage, anna, bert):
    slot = bert.slot("anna", "camera")
    stage.out.rtcp.clear()
    for _ in range(100):
        bert.rtcp(rtcp.PictureLoss(1, slot.ssrc))
        stage.wait(0.05)
        anna.frame(2, key=True)
    asked = anna.told(rtcp.PictureLoss)
    assert {p.media_ssrc for p in asked} == {anna.layers[2].ssrc}
    assert 2 <= len(asked) <= 5
    stage.show(anna, seconds=10)
    stage.out.rtcp.clear()
    bert.rtcp(rtcp.FullIntra(1, ((slot.ssrc, 1),)))
    stage.wait(0.05)
    assert len(anna.told(rtcp.PictureLoss)) == 1
