"""What one participant sends reaches the others, under each receiver's own numbers and ids."""

import itertools
import struct
from random import Random

import pytest

from media_routing.rtp import rtcp
from media_routing.sfu.events import Speakers, Want
from media_routing.sfu.plan import ExtensionIds
from tests.media_routing.sfu.cast import IDS, Stage


def sequences_follow(packets):
    return all((b.sequence - a.sequence) & 0xFFFF == 1 for a, b in itertools.pairwise(packets))


def test_three_people_see_and_hear_each_other():
    stage = Stage()
    anna, bert, cleo = (stage.peer(key) for key in ("anna", "bert", "cleo"))
    stage.show(anna, bert, cleo, seconds=2)
    for peer in (anna, bert, cleo):
        for other in {"anna", "bert", "cleo"} - {peer.key}:
            for source, pt in (("microphone", 111), ("camera", 96)):
                got = peer.got(other, source)
                assert len(got) > 50 and sequences_follow(got)
                assert {p.payload_type for p in got} == {pt}
                assert got[0].sequence <= 0x8000
        assert peer.got(peer.key, "camera") == peer.got(peer.key, "microphone") == []
        assert peer.leg.malformed == peer.leg.publisher.total_dropped() == 0


def play(seed, *, together):
    """Two people watch a third: layers come and go, packets are late, doubled, lost, none at all."""
    chance, stage = Random(seed), Stage()
    anna, *watchers = (stage.peer(key) for key in ("anna", "bert", "cleo"))
    for step in range(90):
        for number, watcher in enumerate(watchers):
            if step % 10 == 5 * number:
                height = chance.choice((0, 180, 360, 720))
                stage.room.set_wants(watcher.leg, [Want("anna", "camera", height)], stage.now)
        asked = {packet.media_ssrc for packet in anna.told(rtcp.PictureLoss)}
        stage.out.rtcp["anna"] = []
        stage.held = []
        anna.speak(chance.choice((20, 127)))
        for index in chance.sample((0, 1, 2), 3):
            key = anna.layers[index].ssrc in asked or not anna.layers[index].sent
            lost = {number for number in range(5) if step > 5 and chance.random() < 0.1}
            anna.frame(index, key=key, packets=5, lose=lost)
            if lost and chance.random() < 0.7:  # by repair, perhaps before others of its frame
                late = anna.layers[index].sequence - 5 + min(lost)
                anna.repair(anna.layers[index], late, anna.base + 20 + index, 100 + step)
        raws, stage.held = stage.held, None
        for _ in range(chance.randrange(4)):
            at = chance.randrange(len(raws) - 1)
            raws[at], raws[at + 1] = raws[at + 1], chance.choice((raws[at], raws[at + 1], b"\x90none"))
        if together:
            stage.feed(anna.leg, *raws)
        else:
            for raw in raws:
                stage.feed(anna.leg, raw)
        stage.wait(0.033)
    return stage, anna, watchers


@pytest.mark.parametrize("seed", range(8))
def test_packets_that_come_together_go_out_as_one_by_one(seed):
    (one, anna, watchers), (other, same_anna, _) = play(seed, together=False), play(seed, together=True)
    for watcher in watchers:
        sent = [packet.raw for packet in one.out.rtp[watcher.key]]
        assert len(sent) > 100
        assert sent == [packet.raw for packet in other.out.rtp[watcher.key]]
    assert anna.leg.malformed == same_anna.leg.malformed
    assert anna.leg.publisher.total_dropped() == same_anna.leg.publisher.total_dropped()
    assert one.mapped.keys() and one.room.stats(one.now) == other.room.stats(other.now)


def test_the_first_picture_is_a_key_frame():
    stage = Stage()
    anna, bert = stage.peer("anna"), stage.peer("bert")
    stage.show(anna, seconds=1)
    first = bert.got("anna", "camera")[0]
    assert first.payload[0] & 0x10 and not first.payload[6] & 1


def test_a_late_joiner_gets_a_key_frame_soon():
    stage = Stage()
    anna = stage.peer("anna")
    stage.show(anna, seconds=3)
    bert = stage.peer("bert")
    before = stage.now
    while not bert.got("anna", "camera") and stage.now < before + 2:
        stage.show(anna, seconds=0.04)
    assert stage.now - before < 0.2


def test_payloads_arrive_as_they_were_sent():
    stage = Stage()
    anna, bert = stage.peer("anna"), stage.peer("bert")
    anna.send(anna.mic, b"encrypted for all we know", level=30)
    (packet,) = bert.got("anna", "microphone")
    assert packet.payload == b"encrypted for all we know"
    assert packet.elements[IDS.audio_level] == bytes((30,))


def test_mid_and_rid_of_the_sender_stay_here():
    stage = Stage()
    anna, bert = stage.peer("anna"), stage.peer("bert")
    stage.show(anna, seconds=1)
    for packet in stage.out.rtp["bert"]:
        assert set(packet.elements) <= {IDS.transport_cc, IDS.audio_level, IDS.video_orientation}
    assert bert.got("anna", "camera")


def test_every_receiver_has_its_own_ids_and_payload_types():
    other = ExtensionIds(mid=1, transport_cc=7, audio_level=2, video_orientation=9)
    stage = Stage()
    anna, bert, cleo = stage.peer("anna"), stage.peer("bert", ids=other, pt=120), stage.peer("cleo")
    for _ in range(3):
        anna.speak(level=35)
    stage.show(anna, seconds=1)
    for peer, ids, pt in ((bert, other, 120), (cleo, IDS, 96)):
        audio, video = peer.got("anna", "microphone"), peer.got("anna", "camera")
        assert audio[0].elements[ids.audio_level] == bytes((35,))
        assert {p.payload_type for p in video} == {pt}
        wide = [struct.unpack("!H", p.elements[ids.transport_cc])[0] for p in stage.out.rtp[peer.key]]
        assert wide == list(range(len(wide)))  # one numbering per leg, over all of its streams


def test_without_transport_numbers_none_are_sent():
    stage = Stage()
    anna, bert = stage.peer("anna"), stage.peer("bert", ids=ExtensionIds(mid=4))
    anna.speak()
    assert bert.got("anna", "microphone")[0].elements == {}


def test_orientation_is_forwarded_where_it_was_sent():
    stage = Stage()
    anna, bert = stage.peer("anna", simulcast=False), stage.peer("bert")
    stage.show(anna, seconds=1)
    from tests.media_routing.sfu.cast import make_rtp, make_vp8

    stream = anna.layers[0]
    turned = [(IDS.video_orientation, b"\x01")]
    payload = make_vp8(stream.picture + 1, stream.tl0 + 1, stream.key_index, key=False)
    anna.receive(make_rtp(96, stream.sequence, stream.timestamp, stream.ssrc, payload, marker=True, elements=turned))
    *before, last = bert.got("anna", "camera")
    assert last.elements[IDS.video_orientation] == b"\x01"
    assert all(IDS.video_orientation not in p.elements for p in before)


@pytest.mark.parametrize("rounds", [1, 2])
def test_reordered_packets_keep_their_places_and_doubles_are_dropped(rounds):
    stage = Stage()
    anna, bert = stage.peer("anna"), stage.peer("bert")
    anna.speak()
    for _ in range(4):
        anna.send(anna.mic, b"x%d" % anna.mic.sequence, lose=True)
    base = anna.mic.sequence
    for _ in range(rounds):
        for back in (1, 3, 2, 4):
            anna.receive(anna.mic.sent[base - back])
    got = bert.got("anna", "microphone")
    assert len(got) == 5
    assert [(p.sequence - got[0].sequence) & 0xFFFF for p in got] == [0, 4, 2, 3, 1]
    assert [p.payload for p in got[1:]] == [b"x%d" % (base - back) for back in (1, 3, 2, 4)]


def test_sequence_numbers_and_timestamps_wrap():
    stage = Stage()
    anna, bert = stage.peer("anna"), stage.peer("bert")
    anna.mic.sequence, anna.mic.timestamp = 65_500, 2**32 - 960 * 20
    for _ in range(100):
        anna.speak()
        stage.wait(0.02)
    got = bert.got("anna", "microphone")
    assert len(got) == 100 and sequences_follow(got)
    assert all((b.timestamp - a.timestamp) % 2**32 == 960 for a, b in itertools.pairwise(got))


def test_a_sender_that_starts_its_numbers_anew_is_followed():
    stage = Stage()
    anna, bert = stage.peer("anna"), stage.peer("bert")
    stage.show(anna, seconds=1)
    for stream in (*anna.layers, anna.mic):
        stream.sequence += 20_000
    before = len(bert.got("anna", "camera"))
    stage.show(anna, seconds=2)
    for source in ("camera", "microphone"):
        got = bert.got("anna", source)
        assert sequences_follow(got)
    assert len(bert.got("anna", "camera")) > before + 60


def test_the_speaker_is_told():
    stage = Stage()
    anna, bert, cleo = (stage.peer(key) for key in ("anna", "bert", "cleo"))
    for _ in range(100):
        anna.speak(level=100)
        bert.speak(level=20)
        cleo.speak(level=100)
        stage.wait(0.02)
    last = [event for event in stage.events if isinstance(event, Speakers)][-1]
    assert last.order[0] == "bert" and last.speaking == {"bert"}


def test_lasting_digital_silence_outside_the_last_speakers_is_held_back_and_returns_at_once():
    stage = Stage()
    peers = [stage.peer(f"p{n}", room_size=6) for n in range(6)]

    def talk(seconds, muted, loud):
        for _ in range(round(seconds / 0.02)):
            for number, peer in enumerate(peers):
                peer.speak(127 if number in muted else 20 if number == loud else 70)
            stage.wait(0.02)

    for loud in (0, 1, 2):
        talk(2, {5}, loud)
    before = len(peers[0].got("p5", "microphone")), len(peers[0].got("p4", "microphone"))
    talk(2, {5}, 2)
    after = len(peers[0].got("p5", "microphone")), len(peers[0].got("p4", "microphone"))
    assert after[0] == before[0]
    assert after[1] == before[1] + 100  # a quiet voice is never cut
    talk(0.1, set(), 5)
    resumed = peers[0].got("p5", "microphone")
    assert len(resumed) == after[0] + 5 and sequences_follow(resumed)
    gap = (resumed[-5].timestamp - resumed[-6].timestamp) % 2**32
    assert gap > 48_000  # time went on


def test_what_the_sender_pads_is_forwarded_as_nothing():
    stage = Stage()
    anna, bert = stage.peer("anna", simulcast=False), stage.peer("bert")
    stage.show(anna, seconds=1)
    anna.send(anna.layers[0], b"", padding=255)
    anna.frame(0)
    *_, padded, one, _ = bert.got("anna", "camera")
    assert padded.payload == b"" and not padded.padding
    assert (one.sequence - padded.sequence) & 0xFFFF == 1


def test_packets_of_another_payload_type_go_nowhere():
    stage = Stage()
    anna, bert = stage.peer("anna"), stage.peer("bert")
    anna.mic.pt = 13
    anna.speak()
    assert bert.got("anna", "microphone") == [] and anna.leg.publisher.dropped == 1


def test_statistics_count():
    stage = Stage()
    anna, bert = stage.peer("anna"), stage.peer("bert")
    anna.speak()
    stats = stage.room.stats(stage.now)
    assert (stats.legs, stats.packets_in, stats.packets_out, stats.dropped) == (2, 1, 1, 0)
    assert stats.bytes_out == 40 and bert.told(rtcp.SenderReport) == []
