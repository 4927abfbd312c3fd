"""Whatever one participant sends, nothing is raised, memory and work are bounded, and the others go on."""

import struct
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media_routing.rtp import rtcp
from media_routing.sfu.config import RoomConfig
from tests.media_routing.sfu.cast import IDS, Stage, make_rtp, make_vp8


@pytest.fixture
def stage():
    return Stage()


def people(stage):
    return tuple(stage.peer(key) for key in ("anna", "bert", "mallory"))


headers = st.builds(
    lambda first, pt, sequence, timestamp, ssrc, tail: (
        struct.pack("!BBHII", first, pt, sequence, timestamp, ssrc) + tail
    ),
    st.sampled_from([0x80, 0x90, 0xA0, 0xB0, 0x9F, 0xBF, 0x40]),
    st.sampled_from([96, 97, 111, 224, 225, 239, 0, 72]),
    st.integers(0, 65535),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0, 1, 7, 2**32 - 1]).map(lambda n: n) | st.integers(0, 20),
    st.one_of(
        st.binary(max_size=60),
        st.builds(
            lambda profile, words, rest: struct.pack("!HH", profile, words) + rest,
            st.sampled_from([0xBEDE, 0x1000, 0x100F, 0]),
            st.integers(0, 6),
            st.binary(max_size=60),
        ),
        # Mid and rid by which streams are learned, then a payload of any kind.
        st.builds(
            lambda mid, rid, which, rest: (
                struct.pack("!HH", 0xBEDE, 2)
                + bytes((IDS.mid << 4,))
                + mid
                + bytes((which << 4,))
                + rid
                + bytes(4)
                + rest
            ),
            st.sampled_from([b"0", b"1", b"2", b"9", b"\xff"]),
            st.sampled_from([b"l", b"m", b"h", b"x"]),
            st.sampled_from([IDS.rid, IDS.repaired_rid, IDS.audio_level, IDS.video_orientation]),
            st.binary(max_size=60),
        ),
    ),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(headers | st.binary(max_size=80), st.sampled_from([0.0, 0.001, 0.06, 4.0])), max_size=40),
    st.booleans(),
)
def test_any_packets_in_any_order_raise_nothing(packets, known):
    stage = Stage()
    anna, bert, mallory = people(stage)
    if known:
        stage.show(anna, mallory, seconds=0.2)
    # Streams that exist are as good a target as made-up ones.
    ssrcs = [mallory.mic.ssrc, *(stream.ssrc for stream in mallory.layers), mallory.screen.ssrc, mallory.base + 40]
    for number, (raw, pause) in enumerate(packets):
        if len(raw) >= 12 and raw[11] < len(ssrcs):
            raw = raw[:8] + struct.pack("!I", ssrcs[raw[11]]) + raw[12:]
        stage.feed(mallory.leg, raw)
        if pause:
            stage.wait(pause)
        if number % 10 == 0:
            anna.speak()
    before = len(bert.got("anna", "microphone"))
    anna.speak()
    assert len(bert.got("anna", "microphone")) == before + 1


reports = st.builds(
    rtcp.ReportBlock,
    st.integers(0, 2**32 - 1) | st.sampled_from([100, 200]),
    st.floats(0, 0.99),
    st.integers(-(2**22), 2**22),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
)
ssrcs = st.sampled_from(["mic", "layer", "slot", "none"])
control = st.one_of(
    st.binary(max_size=100),
    st.builds(lambda blocks: ("rr", tuple(blocks)), st.lists(reports, max_size=3)),
    st.builds(lambda who, ntp, rtp: ("sr", who, ntp, rtp), ssrcs, st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1)),
    st.builds(
        lambda who, seqs: ("nack", who, tuple(seqs)), ssrcs, st.lists(st.integers(0, 65535), min_size=1, max_size=50)
    ),
    st.builds(lambda who: ("pli", who), ssrcs),
    st.builds(lambda bps: ("remb", bps), st.integers(0, 2**50)),
    st.builds(
        lambda base, ref, times: ("twcc", base, ref, tuple(times)),
        st.integers(0, 65535),
        st.integers(-(2**23), 2**23 - 1),
        st.lists(st.none() | st.integers(-1_000_000, 1_000_000), min_size=1, max_size=50),
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(control, st.sampled_from([0.0, 0.01, 0.3])), max_size=25))
def test_any_rtcp_raises_nothing(packets):
    stage = Stage()
    anna, bert, mallory = people(stage)
    stage.show(anna, mallory, seconds=0.2)
    names = {
        "mic": mallory.mic.ssrc,
        "layer": mallory.layers[0].ssrc,
        "slot": mallory.slot("anna", "camera").ssrc,
        "none": 12,
    }
    for item, pause in packets:
        match item:
            case bytes():
                data = item
            case ("rr", blocks):
                data = rtcp.ReceiverReport(
                    1, tuple(replace(b, ssrc=names["slot"]) if b.ssrc == 100 else b for b in blocks)
                ).build()
            case ("sr", who, ntp, rtp):
                data = rtcp.SenderReport(names[who], ntp, rtp, 0, 0).build()
            case ("nack", who, sequences):
                data = rtcp.Nack(1, names[who], sequences).build()
            case ("pli", who):
                data = rtcp.PictureLoss(1, names[who]).build()
            case ("remb", bps):
                data = rtcp.Remb(1, bps, ()).build()
            case ("twcc", base, ref, times):
                data = rtcp.TransportFeedback(1, 2, base, ref, 0, tuple(times)).build()
        stage.room.receive_rtcp(mallory.leg, data, stage.now)
        if pause:
            stage.show(anna, mallory, seconds=pause)
    before = len(bert.got("anna", "camera"))
    stage.show(anna, seconds=1.0)
    assert len(bert.got("anna", "camera")) > before + 20


def test_streams_are_learned_in_bounded_number(stage):
    _anna, _bert, mallory = people(stage)
    for number in range(1000):
        elements = [(IDS.mid, b"1"), (IDS.rid, b"l")]
        mallory.receive(make_rtp(96, 1, 1, 500_000 + number, b"x" * 20, elements=elements))
    publisher = mallory.leg.publisher
    assert len(publisher._streams) + len(publisher._repairs) <= 5
    assert publisher.dropped >= 1000 - RoomConfig().learned_ssrcs


def test_a_flood_is_cut_before_it_reaches_the_others(stage):
    anna, bert, mallory = people(stage)
    stage.show(anna, mallory, seconds=1)
    began, before = stage.now, len(bert.got("mallory", "microphone"))
    while stage.now < began + 2:
        for _ in range(100):
            mallory.send(mallory.mic, b"x" * 200, level=10)
        anna.speak()
        stage.wait(0.01)
    flooded = len(bert.got("mallory", "microphone")) - before
    limit_bytes = RoomConfig().max_audio_bps / 8 * 3.2  # two seconds and what may come at once
    assert flooded * 200 <= limit_bytes
    assert mallory.leg.publisher.total_dropped() > 15_000


def test_a_flood_of_video_takes_no_rate_from_the_others(stage):
    anna, bert, mallory = people(stage)
    stage.show(anna, mallory, seconds=1)
    began = stage.now
    stream = mallory.layers[0]
    while stage.now < began + 6:
        for _ in range(40):
            stream.picture += 1
            mallory.send(stream, make_vp8(stream.picture, 0, 0, key=False, body=b"x" * 1300), marker=True)
        stage.show(anna, seconds=0.033)
    stage.show(anna, seconds=1)
    slot = next(s for s in bert.leg.subscriber.slots if s.source and s.source.key == ("mallory", "camera"))
    assert slot.encoding is not mallory.leg.publisher.sources[1].encodings[0]  # not what no one can carry
    before = len(bert.got("anna", "camera"))
    stage.show(anna, seconds=1)
    assert len(bert.got("anna", "camera")) > before + 50


def test_a_flood_of_rtcp_is_not_read(stage):
    anna, _bert, mallory = people(stage)
    stage.show(anna, seconds=1)
    seen = []
    mallory.leg.subscriber.on_nack = lambda *nack: seen.append(nack)
    nack = rtcp.Nack(1, mallory.slot("anna", "camera").ssrc, tuple(range(0, 5000, 17))).build()
    for _ in range(2000):
        stage.room.receive_rtcp(mallory.leg, nack, stage.now)
    assert 0 < len(seen) < 100


def test_events_that_nobody_fetches_do_not_pile_up(stage):
    anna = stage.peer("anna")
    stage.collect = lambda: None
    for _ in range(1100):
        stage.room.add_leg("bert", anna.plan, "bert", stage.now)
    assert len(stage.room.take_events()) <= 1000


def test_a_packet_too_large_for_the_arena_is_dropped(stage):
    _anna, bert, mallory = people(stage)
    mallory.send(mallory.mic, b"x" * 1441)
    mallory.send(mallory.mic, b"x" * 1440)
    assert [len(p.payload) for p in bert.got("mallory", "microphone")] == [1440]
