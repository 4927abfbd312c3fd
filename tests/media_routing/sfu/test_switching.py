"""Layers change on key frames only, and nobody can tell from the numbers."""

import itertools

import pytest

from media_routing.rtp import rtcp, vp8
from media_routing.rtp.sequence import ahead
from media_routing.sfu.bwe import BandwidthEstimator, EstimatorConfig
from media_routing.sfu.bwe.loss_bound import NullLossBound
from media_routing.sfu.bwe.probing import NullProber
from media_routing.sfu.bwe.rate_control import FixedRate
from media_routing.sfu.events import Want
from media_routing.sfu.plan import ExtensionIds
from tests.media_routing.sfu.cast import Stage


def see(stage, viewer, height, *, of="anna", source="camera"):
    stage.room.set_wants(viewer.leg, [Want(of, source, height)], stage.now)
    stage.collect()


def layer_of(viewer, of="anna"):
    slot = next(slot for slot in viewer.leg.subscriber.slots if slot.source and slot.source.key == (of, "camera"))
    return slot.encoding.index if slot.encoding else None


@pytest.fixture
def stage():
    return Stage()


@pytest.fixture
def anna(stage):
    return stage.peer("anna")


@pytest.fixture
def bert(stage, anna):
    peer = stage.peer("bert")
    stage.show(anna, seconds=2)
    return peer


def assert_continuous(packets, pause=9000, *, restarts=0):
    """`restarts`: after how many pauses time begins anew."""
    counted = 0
    for before, after in itertools.pairwise(packets):
        assert (after.sequence - before.sequence) & 0xFFFF == 1
        step = ahead(after.timestamp, before.timestamp, 32)
        if before.marker and -15 * 90_000 <= step < -5 * 90_000:
            counted += 1
        elif before.marker:
            assert 0 < step < pause, "time runs on between frames"
        old, new = vp8.parse(before.payload, 0), vp8.parse(after.payload, 0)
        assert (new.picture_id - old.picture_id) & 0x7FFF in (0, 1)
        assert (new.tl0 - old.tl0) & 0xFF in (0, 1)
        assert (new.key_index - old.key_index) & 0x1F in (0, 1)
    assert counted == restarts


def test_the_largest_wanted_layer_arrives(stage, anna, bert):
    assert layer_of(bert) == 2


def test_switching_down_and_up_is_continuous(stage, anna, bert):
    for height, layer in ((180, 0), (720, 2), (360, 1), (180, 0)):
        see(stage, bert, height)
        stage.show(anna, seconds=1.5)
        assert layer_of(bert) == layer
    assert_continuous(bert.got("anna", "camera"))


def test_nothing_switches_without_a_key_frame(stage, anna, bert):
    see(stage, bert, 180)
    for _ in range(60):
        for index in range(3):
            anna.frame(index)
        stage.wait(0.033)
    assert layer_of(bert) == 2
    asked = [p for p in anna.told(rtcp.PictureLoss) if p.media_ssrc == anna.layers[0].ssrc]
    assert 5 <= len(asked) <= 7  # each 0.35 s in 2 s
    anna.frame(0, key=True)
    assert layer_of(bert) == 0


def hidden(stage, anna, bert, seconds):
    """The packets of a picture that was hidden for so long, and the time that it says has passed meanwhile."""
    see(stage, bert, 0)
    count = len(bert.got("anna", "camera"))
    stage.show(anna, seconds=seconds)
    assert len(bert.got("anna", "camera")) == count
    see(stage, bert, 720)
    stage.show(anna, seconds=1)
    packets = bert.got("anna", "camera")
    assert len(packets) > count + 30
    assert (packets[count].sequence - packets[count - 1].sequence) & 0xFFFF == 1
    return packets[count:], ahead(packets[count].timestamp, packets[count - 1].timestamp, 32) / 90_000


def test_a_hidden_picture_stops_and_comes_back_continuous(stage, anna, bert):
    _, passed_s = hidden(stage, anna, bert, 0.6)
    assert 0.6 < passed_s < 0.9


@pytest.mark.parametrize("reports", [False, True])
def test_after_a_longer_pause_the_receiver_s_clock_begins_anew(stage, anna, bert, reports):
    """With a frame that is later than any it would wait for; from there on time runs as ever, also over other layers."""
    if reports:
        for stream in anna.layers:
            anna.report_capture(stream, stage.now)
    back, passed_s = hidden(stage, anna, bert, 2)
    assert 2 - 15 <= passed_s < 2 - 15 + 0.3
    assert_continuous(back)
    see(stage, bert, 180)
    stage.show(anna, seconds=1)
    assert layer_of(bert) == 0
    assert_continuous(bert.got("anna", "camera")[-len(back) :])


def test_who_takes_packets_without_a_line_has_no_such_break(stage, anna):
    """A recorder's pictures stand on the time that their numbers say."""
    tap = stage.peer("tap", ids=ExtensionIds())
    stage.show(anna, seconds=2)
    _, passed_s = hidden(stage, anna, tap, 2)
    assert 2 < passed_s < 2.3


def test_time_follows_the_senders_reports(stage, anna, bert):
    """Two layers with unrelated timestamps: frames captured 33 ms apart are 33 ms apart for the receiver."""
    for stream in anna.layers:
        anna.report_capture(stream, stage.now)
    before = bert.got("anna", "camera")[-1]
    see(stage, bert, 180)
    stage.wait(0.137)  # an irregular moment: arrival says 170 ms, capture 66 ms
    anna.layers[0].timestamp += 3000
    anna.frame(0, key=True)
    after = bert.got("anna", "camera")[-1]
    assert layer_of(bert) == 0
    assert (after.timestamp - before.timestamp) % 2**32 == pytest.approx(6000, abs=20)


def test_without_reports_time_follows_our_clock(stage, anna, bert):
    before = bert.got("anna", "camera")[-1]
    sent_at = stage.now - 0.033
    see(stage, bert, 180)
    stage.wait(0.137)
    anna.frame(0, key=True)
    after = bert.got("anna", "camera")[-1]
    assert (after.timestamp - before.timestamp) % 2**32 == pytest.approx((stage.now - sent_at) * 90_000, abs=20)


def test_a_report_that_lies_moves_time_by_less_than_half_a_second(stage, anna, bert):
    anna.report_capture(anna.layers[2], stage.now)
    anna.report_capture(anna.layers[0], stage.now + 50)
    before = bert.got("anna", "camera")[-1]
    see(stage, bert, 180)
    stage.show(anna, seconds=0.5)
    assert layer_of(bert) == 0
    steps = [p for p in bert.got("anna", "camera") if p.sequence == (before.sequence + 1) & 0xFFFF]
    assert (steps[0].timestamp - before.timestamp) % 2**32 < 90_000


def test_a_layer_that_its_sender_switches_off_is_left_for_another(stage, anna, bert):
    assert layer_of(bert) == 2
    stage.show(anna, seconds=1.2, layers=(0, 1))
    assert layer_of(bert) == 1
    stage.show(anna, seconds=4)
    assert layer_of(bert) == 2
    assert_continuous(bert.got("anna", "camera"), pause=0.8 * 90_000)


def test_a_key_frame_that_comes_late_by_repair_brings_its_followers(stage, anna, bert):
    see(stage, bert, 180)
    low = anna.layers[0]
    count = len(bert.got("anna", "camera"))
    lost = low.sequence
    anna.frame(0, key=True, packets=3, lose=(0,))
    anna.frame(0)
    assert layer_of(bert) == 2
    stage.wait(0.05)
    assert [n.sequences for n in anna.told(rtcp.Nack)] == [(lost,)]
    anna.repair(low, lost, 77_001, 500)
    assert layer_of(bert) == 0
    new = bert.got("anna", "camera")[count:]
    assert len(new) == 5  # three of the key frame, two of the next
    assert_continuous(bert.got("anna", "camera"))


def test_what_is_not_named_is_not_sent_but_a_newcomer_is_small(stage, anna, bert):
    stage.room.set_wants(bert.leg, [], stage.now)
    stage.show(anna, seconds=0.5)
    assert layer_of(bert) is None
    cleo = stage.peer("cleo")
    stage.show(anna, cleo, seconds=2)
    assert layer_of(bert) is None
    assert layer_of(bert, "cleo") == 0


def test_a_screen_that_nobody_has_asked_for_yet_is_shown(stage, anna, bert):
    stage.room.set_wants(bert.leg, [Want("anna", "camera", 180)], stage.now)
    stage.wait(0.1)
    for _ in range(30):
        anna.frame(stream=anna.screen, key=True)
        stage.wait(0.033)
    assert len(bert.got("anna", "screen")) > 50


def narrow(stage, viewer, bps):
    """The estimate falls to this."""
    viewer.leg.subscriber.estimator = BandwidthEstimator(
        EstimatorConfig(start_bps=bps, min_bps=1), rate=FixedRate(bps), loss=NullLossBound(), prober=NullProber()
    )


def test_a_layer_that_overruns_the_line_stops_at_once_and_leaves_no_hole(stage, anna, bert):
    narrow(stage, bert, 1_000)
    stage.wait(0.06)
    assert layer_of(bert) is None
    count = len(bert.got("anna", "camera"))
    for _ in range(10):
        for index in range(3):
            anna.frame(index)
        stage.wait(0.033)
    assert len(bert.got("anna", "camera")) == count
    narrow(stage, bert, 900_000)
    stage.show(anna, seconds=8)
    assert layer_of(bert) is not None
    assert_continuous(bert.got("anna", "camera"), restarts=1)


def test_what_the_pacer_held_of_it_is_never_sent_nor_repaired(stage, anna, bert):
    half = bert.leg.subscriber
    half.pacer.spend(50_000, stage.now)
    sent = len(bert.got("anna", "camera"))
    for _ in range(3):
        anna.frame(2)
    held = half.pacer.queued_bytes
    assert held > 0
    assert len(bert.got("anna", "camera")) == sent
    narrow(stage, bert, 1_000)
    stage.wait(0.06)
    assert half.pacer.queued_bytes == 0
    last = bert.got("anna", "camera")[-1]
    bert.rtcp(rtcp.Nack(1, last.ssrc, (last.sequence,)))
    slot = bert.slot("anna", "camera")
    assert [p for p in stage.out.rtp["bert"] if p.ssrc == slot.rtx_ssrc and p.payload] == []
    narrow(stage, bert, 900_000)
    stage.show(anna, seconds=8)
    assert_continuous(bert.got("anna", "camera"), restarts=1)


def hold_back(stage, bert, seconds):
    """The pacer owes so much that nothing leaves for so long."""
    pacer = bert.leg.subscriber.pacer
    pacer.spend(int(seconds * pacer._bytes_per_s), stage.now)


def asked_for_the_largest(anna):
    return len([p for p in anna.told(rtcp.PictureLoss) if p.media_ssrc == anna.layers[2].ssrc])


def test_pictures_that_wait_too_long_are_dropped_for_a_key_frame(stage, anna, bert):
    hold_back(stage, bert, 5)
    sent = len(bert.got("anna", "camera"))
    stage.show(anna, seconds=0.4)
    waiting, asked = bert.leg.subscriber.pacer.queued_bytes, asked_for_the_largest(anna)
    assert waiting > 0
    for _ in range(10):
        anna.frame(2)
        stage.wait(0.033)
    assert bert.leg.subscriber.pacer.queued_bytes < waiting
    assert asked_for_the_largest(anna) == asked + 1
    assert len(bert.got("anna", "camera")) == sent
    stage.show(anna, seconds=8)
    assert_continuous(bert.got("anna", "camera"), pause=900_000)


def test_a_key_frame_on_its_way_is_not_given_up(stage, anna, bert):
    hold_back(stage, bert, 1)
    asked = asked_for_the_largest(anna)
    anna.frame(2, key=True)
    for _ in range(25):
        stage.wait(0.033)
        anna.frame(2)
    assert asked_for_the_largest(anna) == asked
    stage.wait(0.5)
    assert bert.leg.subscriber.pacer.queued_bytes == 0
    assert_continuous(bert.got("anna", "camera"), pause=900_000)
