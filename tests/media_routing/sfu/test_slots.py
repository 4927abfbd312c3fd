"""Who is in which slot."""

import itertools

import pytest

from media_routing.sfu.events import SlotsMapped, Want
from media_routing.sfu.plan import ExtensionIds
from tests.media_routing.sfu.cast import Stage


def where(viewer):
    return {(who, what): mid for mid, who, what in viewer.stage.mapped[viewer.leg] if who}


@pytest.fixture
def stage():
    return Stage()


def test_a_newcomer_is_told_its_empty_slots_at_once(stage):
    anna = stage.peer("anna")
    assert stage.mapped[anna.leg] == tuple((slot.mid, "", "") for slot in anna.plan.slots)


def test_sources_appear_when_they_begin(stage):
    anna, bert = stage.peer("anna"), stage.peer("bert")
    anna.speak()
    assert set(where(bert)) == {("anna", "microphone")}
    anna.frame(0, key=True)
    assert set(where(bert)) == {("anna", "microphone"), ("anna", "camera")}
    assert where(anna) == {}


def test_everybody_stays_where_they_are_when_others_come_and_go(stage):
    peers = {key: stage.peer(key, room_size=4) for key in ("anna", "bert", "cleo")}
    stage.show(*peers.values(), seconds=0.5)
    before = where(peers["anna"])
    dora = stage.peer("dora", room_size=4)
    stage.show(*peers.values(), dora, seconds=0.5)
    assert where(peers["anna"]).items() > before.items()
    stage.room.remove_leg(peers.pop("bert").leg, stage.now)
    stage.collect()
    after = where(peers["anna"])
    assert {key for key in before if key[0] == "cleo"} <= set(after)
    assert all(after[key] == mid for key, mid in before.items() if key[0] == "cleo")
    assert not any(who == "bert" for who, _ in after)
    emil = stage.peer("emil", room_size=4)
    stage.show(*peers.values(), dora, emil, seconds=0.5)
    assert len(set(where(peers["anna"]).values())) == 6  # the freed slots are used again


def test_a_screen_has_a_slot_while_it_is_shared(stage):
    anna, bert = stage.peer("anna"), stage.peer("bert")
    stage.show(anna, seconds=0.5)
    camera = where(bert)["anna", "camera"]
    anna.frame(stream=anna.screen, key=True)
    assert where(bert)["anna", "screen"] != camera
    for _ in range(80):
        anna.frame(0)
        stage.wait(0.05)
    assert ("anna", "screen") not in where(bert) and where(bert)["anna", "camera"] == camera
    anna.frame(stream=anna.screen, key=True)
    assert ("anna", "screen") in where(bert)


def test_a_screen_with_a_frame_per_second_stays(stage):
    anna, bert = stage.peer("anna"), stage.peer("bert")
    for _ in range(8):
        anna.frame(stream=anna.screen, key=True)
        stage.wait(1.0)
    told = [e for e in stage.events if isinstance(e, SlotsMapped) and e.leg is bert.leg]
    assert len(told) == 2
    assert len(bert.got("anna", "screen")) > 8


def test_a_camera_that_pauses_keeps_its_slot(stage):
    anna, bert = stage.peer("anna"), stage.peer("bert")
    stage.show(anna, seconds=0.5)
    before = where(bert)
    stage.wait(10)
    assert where(bert) == before
    count = len(bert.got("anna", "camera"))
    stage.show(anna, seconds=1)
    assert len(bert.got("anna", "camera")) > count


def test_with_too_few_slots_those_shown_and_speaking_come_first(stage):
    viewer = stage.peer("viewer", room_size=2)  # two slots for video, one for audio
    others = [stage.peer(f"p{n}", room_size=4) for n in range(4)]
    stage.show(*others, seconds=1)
    assert len(where(viewer)) == 3
    stage.room.set_wants(viewer.leg, [Want("p2", "camera", 360, pinned=True), Want("p3", "camera", 180)], stage.now)
    stage.collect()
    assert {who for who, what in where(viewer) if what == "camera"} == {"p2", "p3"}
    others[1].frame(stream=others[1].screen, key=True)
    stage.room.set_wants(
        viewer.leg,
        [Want("p2", "camera", 360), Want("p3", "camera", 180), Want("p1", "screen", 720)],
        stage.now,
    )
    stage.collect()
    assert ("p1", "screen") in where(viewer)
    for _ in range(100):
        others[3].speak(level=15)
        stage.wait(0.02)
    stage.collect()
    assert ("p3", "microphone") in where(viewer)


def test_who_comes_back_on_another_leg_gets_the_old_slots(stage):
    anna, bert, cleo = (stage.peer(key) for key in ("anna", "bert", "cleo"))
    stage.show(anna, bert, cleo, seconds=0.5)
    before, old = where(cleo), anna.leg
    count = len(cleo.got("anna", "camera"))
    again = stage.peer("anna", ids=ExtensionIds(mid=4, rid=10, repaired_rid=11, transport_cc=3, audio_level=1))
    stage.show(again, bert, seconds=5)  # longer than any silence
    assert where(cleo) == before
    assert len(cleo.got("anna", "camera")) > count + 100
    stage.room.remove_leg(old, stage.now)  # its transport notices late
    assert stage.room.legs["anna"] is again.leg
    assert [e for e in stage.events if isinstance(e, SlotsMapped) and e.leg is cleo.leg][-1].slots == stage.mapped[
        cleo.leg
    ]


def test_numbers_go_on_when_a_slot_changes_hands(stage):
    anna, bert = stage.peer("anna", room_size=2), stage.peer("bert", room_size=2)
    stage.show(anna, seconds=1)
    ssrc = bert.slot("anna", "camera").ssrc
    stage.room.remove_leg(anna.leg, stage.now)
    cleo = stage.peer("cleo", room_size=2)
    stage.show(cleo, seconds=1)
    assert bert.slot("cleo", "camera").ssrc == ssrc
    packets = [p for p in stage.out.rtp["bert"] if p.ssrc == ssrc]
    assert all((b.sequence - a.sequence) & 0xFFFF == 1 for a, b in itertools.pairwise(packets))
    assert all((b.timestamp - a.timestamp) % 2**32 < 90_000 for a, b in itertools.pairwise(packets))


def test_nothing_of_a_leaver_stays_in_memory(stage):
    anna, bert = stage.peer("anna"), stage.peer("bert")
    stage.show(anna, bert, seconds=1)
    cache = anna.leg.publisher.sources[1].encodings[2].cache
    assert any(cache.packets)
    stage.room.remove_leg(anna.leg, stage.now)
    assert not any(cache.packets)


def test_an_emptied_room_sends_nothing_and_waits_for_nothing(stage):
    anna, bert = stage.peer("anna"), stage.peer("bert")
    stage.show(anna, bert, seconds=0.5)
    for peer in (anna, bert):
        stage.room.remove_leg(peer.leg, stage.now)
        stage.room.remove_leg(peer.leg, stage.now)
    assert stage.room.deadline() == float("inf")
    assert stage.room.stats(stage.now).legs == 0
    sent = len(stage.out.rtp["bert"])
    anna.speak()
    assert len(stage.out.rtp["bert"]) == sent
