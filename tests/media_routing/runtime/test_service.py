"""Stock aiortc participants in a real service: they see and hear each other, come, go, move and are refused."""

import asyncio
import gc
import re

import aioice.ice
import pytest

from media_routing.runtime.service import MediaRefused, MediaService, MediaSettings, Want
from tests.media_routing.runtime.peers import Participant, running_service, until
from tests.media_routing.runtime.relay import Relay


async def test_three_people_see_and_hear_each_other():
    async with running_service() as service:
        people = [await Participant(service, "room", name).join() for name in ("anna", "paul", "iris")]
        for person in people:
            await person.connected()
            assert person.answer.slots == [{"mid": str(n), "kind": "audio"} for n in (2, 3)] + [
                {"mid": str(n), "kind": "video"} for n in (4, 5, 6)
            ]
        for person in people:
            others = {other.name for other in people} - {person.name}
            await until(lambda: person.frames["audio"] > 20 and person.frames["video"] > 10, what="media")  # noqa: B023
            shown = {(row["participant"], row["source"]) for row in person.messages("sfu_slots")[-1]["slots"]} - {
                ("", "")
            }
            assert shown == {(other, source) for other in others for source in ("microphone", "camera")}
            assert {message["participant"] for message in person.messages("sfu_presence")} == others
        assert service._pump.outbox.refused == 0
        service.leave("room", "iris")
        await until(lambda: {"mid", "participant", "source"} and not any(
            row["participant"] == "iris" for row in people[0].messages("sfu_slots")[-1]["slots"]
        ), what="iris's slots")  # fmt: skip
        for person in people:
            await person.close()
        await until(lambda: not service.rooms, what="the room's end")


async def test_a_new_connection_of_a_participant_replaces_the_old_one():
    async with running_service() as service:
        paul = await (await Participant(service, "room", "paul").join()).connected()
        old = await (await Participant(service, "room", "anna").join()).connected()
        new = await Participant(service, "room", "anna").join()
        assert old.link is not None and old.link.connection == old.connection  # until the new one connects
        await new.connected()
        await until(lambda: old.messages("sfu_closed") == [
            {"type": "sfu_closed", "connection": old.connection, "reason": "replaced"}
        ], what="the old one's end")  # fmt: skip
        before = paul.frames["audio"]
        await until(lambda: paul.frames["audio"] > before + 20 and new.frames["audio"] > 20, what="audio")
        assert len(service._rooms["room"].room.legs) == 2
        for person in (paul, old, new):
            await person.close()


async def test_silence_is_told_and_so_is_the_return(monkeypatch):
    async with running_service() as service:
        relay = await Relay.open(("127.0.0.1", service.port))
        anna = await (await Participant(service, "room", "anna", video=False).join()).connected()
        paul = Participant(service, "room", "paul", video=False)
        await (await paul.join(change_answer=relay.through)).connected()
        loop = asyncio.get_running_loop()
        relay.is_cut, cut_at = True, loop.time()
        await until(lambda: anna.messages("sfu_presence")[-1]["state"] == "lost", 4, "the loss")
        told_after_s = loop.time() - cut_at
        assert 1.5 <= told_after_s <= 3.0  # CLIN-3; from the last packet, not from the cut
        assert anna.messages("sfu_presence")[-1]["silence_ms"] >= 2500
        relay.is_cut = False
        await until(lambda: anna.messages("sfu_presence")[-1]["state"] == "alive", 2, "the return")
        assert not paul.messages("sfu_closed")
        await anna.close()
        await paul.close()
        relay.close()


async def test_a_changed_address_keeps_the_same_keys(monkeypatch):
    """A NAT gives the client another port: its next authenticated check moves the leg, DTLS stays (REL-4)."""
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 1)
    async with running_service() as service:
        relay = await Relay.open(("127.0.0.1", service.port))
        anna = await (await Participant(service, "room", "anna", video=False).join()).connected()
        paul = Participant(service, "room", "paul", video=False)
        await (await paul.join(change_answer=relay.through)).connected()
        await until(lambda: paul.frames["audio"] > 10 and anna.frames["audio"] > 10, what="audio")
        sessions, address = paul.link._sessions, paul.link.selected
        await relay.rebind()
        await until(lambda: paul.link.selected != address, 8, "the move")
        heard, given = anna.frames["audio"], paul.frames["audio"]
        await until(lambda: anna.frames["audio"] > heard + 20 and paul.frames["audio"] > given + 20, 3, "audio again")
        assert paul.link._sessions is sessions
        assert not paul.messages("sfu_closed")
        await anna.close()
        await paul.close()
        relay.close()


async def test_hanging_up_and_silence_end_a_leg():
    async with running_service(consent_s=3.0) as service:
        relay = await Relay.open(("127.0.0.1", service.port))
        anna = await (await Participant(service, "room", "anna", video=False).join()).connected()
        paul = Participant(service, "room", "paul", video=False)
        await (await paul.join(change_answer=relay.through)).connected()
        relay.is_cut = True
        await until(lambda: paul.messages("sfu_closed"), 5, "the end of consent")
        assert paul.messages("sfu_closed")[0]["reason"] == "silence"
        await anna.close()
        await until(lambda: anna.messages("sfu_closed"), 2, "the end")
        assert anna.messages("sfu_closed")[0]["reason"] == "hung_up"
        assert service.rooms == frozenset()
        await paul.close()
        relay.close()


def flip_digit(sdp):
    return re.sub(r"(sha-\d+ )(.)", lambda found: found[1] + ("1" if found[2] == "0" else "0"), sdp)


async def test_another_fingerprint_gets_no_media():
    """SEC-2: the leg never opens, nothing is believed, and the page is told why."""
    async with running_service() as service:
        anna = await (await Participant(service, "room", "anna").join()).connected()
        mallory = await Participant(service, "room", "paul").join(change_sdp=flip_digit)
        await until(lambda: mallory.messages("sfu_closed"), what="the refusal")
        assert mallory.messages("sfu_closed")[0]["reason"] == "dtls_fingerprint"
        assert list(service._rooms["room"].room.legs) == ["anna"]
        assert mallory.frames == {"audio": 0, "video": 0}
        await anna.close()
        await mallory.close()


@pytest.mark.parametrize(
    "change",
    [
        lambda sdp: re.sub(r"a=fingerprint.*\r\n", "", sdp),
        lambda sdp: re.sub(r"a=fingerprint:.*", "a=fingerprint:sha-1 00:11", sdp),
        lambda sdp: sdp.replace("UDP/TLS/RTP/SAVPF", "RTP/AVPF"),
        lambda sdp: sdp.replace("a=rtcp-mux", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x"),
        lambda sdp: sdp.replace("a=setup:actpass", "a=setup:passive"),
        lambda sdp: "",
        lambda sdp: sdp * 20,
    ],
    ids=["no fingerprint", "weak hash", "plain RTP", "SDES", "wants to be server", "nothing", "too long"],
)
async def test_an_offer_that_would_weaken_the_call_is_refused(change):
    async with running_service() as service:
        with pytest.raises(MediaRefused, match="bad_sdp"):
            await Participant(service, "room", "anna").join(change_sdp=change)
        assert service.rooms == frozenset()
        assert service._pump.sizes == (0, 0)


async def test_draining_takes_no_new_rooms_and_keeps_the_running_ones():
    async with running_service() as service:
        anna = await (await Participant(service, "room", "anna", video=False).join()).connected()
        service.drain()
        with pytest.raises(MediaRefused, match="sfu_draining"):
            await Participant(service, "another", "paul").join()
        with pytest.raises(MediaRefused, match="sfu_draining"):
            service.can_carry(3)
        paul = await (await Participant(service, "room", "paul", video=False).join()).connected()
        await until(lambda: anna.frames["audio"] > 20 and paul.frames["audio"] > 20, what="audio")
        await anna.close()
        await paul.close()


async def test_a_room_that_does_not_fit_is_refused_and_the_running_ones_go_on():
    """REL-11: what was promised counts, even before anybody sends."""
    async with running_service(max_load=0.03) as service:
        anna = await (await Participant(service, "room", "anna", video=False, room_size=3).join()).connected()
        with pytest.raises(MediaRefused, match="sfu_full"):
            await Participant(service, "another", "paul", room_size=3).join()
        paul = await (await Participant(service, "room", "paul", video=False).join()).connected()
        await until(lambda: anna.frames["audio"] > 20 and paul.frames["audio"] > 20, what="audio")
        await anna.close()
        await paul.close()


async def test_a_room_has_the_size_that_was_asked_for():
    async with running_service() as service:
        for name in ("anna", "paul"):
            await Participant(service, "room", name, room_size=2, video=False).join()
        with pytest.raises(MediaRefused, match="sfu_full"):
            await Participant(service, "room", "iris", room_size=2, video=False).join()


async def test_a_running_room_grows_when_more_are_invited_and_only_if_it_fits():
    async with running_service() as service:
        anna = await (await Participant(service, "room", "anna", room_size=2, video=False).join()).connected()
        paul = await (await Participant(service, "room", "paul", room_size=2, video=False).join()).connected()
        iris = await (await Participant(service, "room", "iris", room_size=3, video=False).join()).connected()
        await until(lambda: iris.frames["audio"] > 20, what="audio")
        assert service._rooms["room"].size == 3
        for person in (anna, paul, iris):
            await person.close()
    async with running_service(max_load=0.03) as service:
        anna = await (await Participant(service, "room", "anna", room_size=2, video=False).join()).connected()
        with pytest.raises(MediaRefused, match="sfu_full"):
            await Participant(service, "room", "iris", room_size=8, video=False).join()
        assert service._rooms["room"].size == 2
        await anna.close()


async def test_who_never_connects_is_forgotten():
    async with running_service(connect_timeout_s=0.2) as service:
        anna = Participant(service, "room", "anna", video=False)
        await anna.join(change_answer=lambda sdp: sdp.replace("127.0.0.1", "127.0.0.9"))
        await until(lambda: anna.messages("sfu_closed"), 2, "the time-out")
        assert anna.messages("sfu_closed")[0]["reason"] == "connect_timeout"
        assert service._pump.sizes == (0, 0)
        await anna.close()


async def test_wishes_are_kept_for_the_next_connection():
    async with running_service() as service:
        anna = await (await Participant(service, "room", "anna").join()).connected()
        paul = await (await Participant(service, "room", "paul").join()).connected()
        service.set_wants("room", "anna", [Want("paul", "microphone", 0), Want("paul", "camera", 0)])
        service.set_wants("nowhere", "anna", [])
        await until(lambda: paul.frames["video"] > 5, what="video")
        again = await (await Participant(service, "room", "anna").join()).connected()
        assert again.seat.wants == [Want("paul", "microphone", 0), Want("paul", "camera", 0)]
        await until(lambda: again.frames["audio"] > 20, what="audio")
        assert again.frames["video"] == 0
        for person in (anna, paul, again):
            await person.close()


async def test_counters_name_nobody():
    async with running_service() as service:
        anna = await (await Participant(service, "visit-code", "anna-public-id", video=False).join()).connected()
        await until(lambda: anna.link.received_packets > 10, what="packets")
        samples = service.metrics()
        text = repr(samples)
        assert "visit-code" not in text and "anna" not in text and "127.0.0.1" not in text
        values = {sample.name: sample.value for sample in samples}
        assert values["sfu_room_legs"] == 1 and values["sfu_leg_received_packets_total"] > 10
        await anna.close()


async def test_closing_leaves_nothing_running():
    before = asyncio.all_tasks()
    async with running_service() as service:
        anna = await (await Participant(service, "room", "anna", video=False).join()).connected()
        waiting = await Participant(service, "room", "paul", video=False).join()
    assert anna.messages("sfu_closed")[0]["reason"] == "service_closed"
    with pytest.raises(MediaRefused, match="closed"):
        await Participant(service, "room", "iris").join()
    assert service.metrics() == []
    await anna.close()
    await waiting.close()
    gc.collect()
    await until(lambda: asyncio.all_tasks() <= before, 3, "the end of every task")


async def test_a_name_is_no_address_to_advertise():
    for wrong in ("media.example.org", "0.0.0.0", "::"):
        with pytest.raises(ValueError):
            await MediaService(MediaSettings(advertised=(wrong,))).start()
