"""Byte by byte: whom an address belongs to, ICE restarts, and what one hostile participant can do to the others."""

import asyncio
import struct

import pytest

from media_routing.runtime import link as limits
from media_routing.runtime.service import MediaRefused
from tests.media_routing.runtime.peers import running_service, until
from tests.media_routing.runtime.raw_peer import CAMERA_PT, RawPeer, make_offer, new_socket


async def seated(service, name, room="room"):
    """A raw participant that is connected."""
    peer = await RawPeer(service, room, name).join()
    peer.check()
    await until(lambda: peer.link.selected is not None, what="the check")
    return peer.open()


async def hears(listener, speaker, sock=None):
    """Whether what `speaker` sends reaches `listener`."""
    listener.receive(sock)
    for _ in range(50):
        speaker.send_audio()
        await asyncio.sleep(0.01)
        packets, _ = listener.receive(sock)
        if any(packet.endswith(b"opus" * 20) for packet in packets):
            return True
    return False


@pytest.fixture
async def room():
    async with running_service() as service:
        anna, paul = await seated(service, "anna"), await seated(service, "paul")
        yield service, anna, paul
        anna.close()
        paul.close()


async def test_media_passes_between_raw_participants(room):
    service, anna, paul = room
    assert await hears(anna, paul) and await hears(paul, anna)
    assert service._pump.outbox.refused == 0


async def test_nothing_is_believed_before_there_are_keys():
    """SEC-2: SRTP from a validated address, but the handshake is not through."""
    async with running_service() as service:
        anna = await seated(service, "anna")
        paul = await RawPeer(service, "room", "paul").join()
        paul.check()
        await until(lambda: paul.link.selected is not None)
        paul.sock.sendto(struct.pack("!BBHII", 0x80, 111, 1, 1, paul.audio_ssrc) + b"clear", paul.server)
        await until(lambda: service._pump.counters.datagrams >= 3)
        assert paul.link.received_packets == 0 and "paul" not in service._rooms["room"].room.legs
        anna.close()
        paul.close()


async def test_plain_rtp_is_not_media(room):
    _, _, paul = room
    before = paul.link.received_packets
    paul.send(struct.pack("!BBHII", 0x80, 111, 1, 1, paul.audio_ssrc) + b"clear")
    await until(lambda: paul.link.unauthentic_packets == 1)
    assert paul.link.received_packets == before


async def test_keys_from_an_unvalidated_address_are_not_enough(room):
    _, _, paul = room
    stranger, packet = new_socket(), paul.make_rtp(paul.audio_ssrc, 111, b"x" * 50)
    stranger.sendto(packet, paul.server)
    await asyncio.sleep(0.05)
    assert paul.link.received_packets == 0
    paul.send(packet)
    await until(lambda: paul.link.received_packets == 1)
    stranger.close()


async def test_a_nominated_new_address_takes_over_and_a_mere_check_does_not(room):
    _, anna, paul = room
    first, second = paul.sock, new_socket()
    paul.check(second, nominate=False)
    await until(lambda: len(paul.link.addresses) == 2)
    assert await hears(paul, anna, first)
    paul.check(second)
    await until(lambda: sends_to(paul, second))
    assert await hears(paul, anna, second) and not await hears_now(paul, anna, first)
    second.close()


def sends_to(peer, sock):
    return peer.service._pump._io.unpack(peer.link.selected) == sock.getsockname()


async def hears_now(listener, speaker, sock):
    listener.receive(sock)
    speaker.send_audio()
    await asyncio.sleep(0.05)
    return bool(listener.receive(sock)[0])


async def test_addresses_of_one_leg_are_few(room):
    service, _, paul = room
    sockets = [new_socket() for _ in range(20)]
    for sock in sockets:
        paul.link.checks_left = limits.CHECKS_PER_S
        paul.check(sock, nominate=False)
        await asyncio.sleep(0.002)
    await until(lambda: service._pump.counters.checks >= 22)
    assert len(paul.link.addresses) == limits.MOST_ADDRESSES
    assert service._pump.sizes[0] == limits.MOST_ADDRESSES + 1
    assert sends_to(paul, paul.sock)
    for sock in sockets:
        sock.close()


async def test_nobody_takes_over_the_address_of_another(room):
    """As if mallory could forge paul's source address: her own check is authentic, his call goes on."""
    service, anna, paul = room
    mallory = await RawPeer(service, "room of her own", "mallory").join()
    paul.sock.sendto(mallory.make_check(), paul.server)
    await until(lambda: service._pump.counters.claims_refused == 1)
    assert mallory.link.selected is None
    assert await hears(paul, anna) and await hears(anna, paul)
    mallory.close()


async def test_an_ice_restart_keeps_keys_and_slots(room):
    _, anna, paul = room
    sessions, old_link, old_answer = paul.link._sessions, paul.link, paul.answer.sdp
    lines = paul.offer.split("\r\n")
    again = "\r\n".join("a=ice-ufrag:another1" if line.startswith("a=ice-ufrag") else line for line in lines)
    old_check = paul.make_check()
    await paul.join(again)
    assert paul.link is old_link and paul.link._sessions is sessions
    changed = {line.split(":")[0] for line in set(paul.answer.sdp.split("\r\n")) ^ set(old_answer.split("\r\n"))}
    assert changed == {"a=ice-ufrag", "a=ice-pwd", *(line for line in changed if line.startswith("o="))}
    moved = new_socket()
    paul.sock.sendto(old_check, paul.server)  # the old path stays until the new one is nominated
    assert await hears(paul, anna)
    paul.check(moved)
    await until(lambda: sends_to(paul, moved))
    assert await hears(paul, anna, moved)
    assert len(paul.link.credentials) == 1
    moved.close()


@pytest.mark.parametrize("what", ["fingerprint", "lines"])
async def test_a_restart_that_changes_more_is_refused(room, what):
    _, anna, paul = room
    if what == "fingerprint":
        again = paul.offer.replace("AB:AB", "AB:CD")
    else:
        again = make_offer(2, paul.audio_ssrc, paul.video_ssrc)
    with pytest.raises(MediaRefused, match="bad_sdp"):
        await paul.join(again)
    assert await hears(paul, anna)


async def test_a_flood_from_a_participant_is_that_participants_loss(room, monkeypatch):
    """SEC-13: far more than a publisher may send; the others are served and the loss is counted."""
    monkeypatch.setattr(limits, "PACKETS_PER_S", 200)  # a busy machine cannot flood the real limit
    service, anna, paul = room
    mallory = await seated(service, "mallory")
    mallory.link.packets_left = 200
    packets = [mallory.make_rtp(mallory.video_ssrc, CAMERA_PT, b"\x10" + b"x" * 1000) for _ in range(2000)]
    for number, packet in enumerate(packets):
        mallory.send(packet)
        if number % 100 == 99:
            await asyncio.sleep(0)
    await until(lambda: mallory.link.limited_packets > 500, what="the limit")
    assert await hears(anna, paul) and await hears(paul, anna)
    await until(lambda: mallory.link.packets_left > 0)
    assert await hears(anna, mallory)  # and comes back as soon as she behaves
    mallory.close()


async def test_streams_of_one_leg_are_few(room):
    _, anna, paul = room
    for ssrc in range(1, 1001):
        paul.send(paul.make_rtp(ssrc, CAMERA_PT, b"x" * 20))
        if ssrc % 50 == 0:
            await asyncio.sleep(0.002)
    await until(lambda: paul.link.limited_packets + paul.link.received_packets >= 900)
    assert len(paul.link.ssrcs) == limits.MOST_SSRCS
    assert await hears(paul, anna)


HOSTILE_RTCP = {
    "REMB of 255 sources": struct.pack("!BBHII4sI", 0x8F, 206, 5, 1, 0, b"REMB", 0xFF000001),
    "a count that lies": struct.pack("!BBHI", 0x9F, 200, 1, 1),
    "a length beyond the end": struct.pack("!BBHI", 0x81, 201, 500, 1),
    "a NACK storm": struct.pack("!BBHII", 0x81, 205, 300, 1, 1) + struct.pack("!HH", 7, 0xFFFF) * 298,
    "feedback that says nothing": struct.pack("!BBHIIHHI", 0x8F, 205, 4, 1, 1, 0, 0xFFFF, 0) + b"\xff" * 4,
    "an unknown type": struct.pack("!BBHI", 0x80, 210, 1, 1),
}
HOSTILE_RTP = {
    "a header extension beyond the end": b"\x90\x60\x00\x01" + bytes(8) + b"\xbe\xde\xff\xff",
    "an extension of length 16": b"\x90\x60\x00\x02" + bytes(8) + b"\xbe\xde\x00\x01\x4f\x00\x00\x00x",
    "padding longer than the packet": b"\xa0\x60\x00\x03" + bytes(8) + b"\xff",
    "fifteen sources and no more": b"\x8f\x60\x00\x04" + bytes(8),
    "VP8 that ends in its descriptor": b"\x80\x60\x00\x05" + bytes(8) + b"\x90\x80",
}


@pytest.mark.parametrize("name", [*HOSTILE_RTCP, *HOSTILE_RTP])
async def test_malformed_packets_of_a_participant_harm_nobody_else(room, name):
    service, anna, paul = room
    mallory = await seated(service, "mallory")
    for number in range(20):
        if name in HOSTILE_RTCP:
            mallory.send(mallory.protect_rtcp(HOSTILE_RTCP[name]))
        else:
            packet = bytearray(HOSTILE_RTP[name])
            packet[2:4] = struct.pack("!H", number)
            packet[8:12] = struct.pack("!I", mallory.video_ssrc)
            if (sealed := mallory.protect(bytes(packet))) is not None:
                mallory.send(sealed)
    await asyncio.sleep(0.02)
    assert await hears(anna, paul) and await hears(paul, anna)
    assert service._pump.counters.faults == 0
    assert mallory.link is not None and await hears(anna, mallory)
    mallory.close()


async def test_an_error_of_the_engine_ends_only_the_leg_that_caused_it(room, monkeypatch):
    service, anna, paul = room
    mallory = await seated(service, "mallory")
    receive = service._rooms["room"].room.receive_rtp

    def fail(leg, *rest):
        if leg.key == "mallory":
            raise RuntimeError("made up")
        receive(leg, *rest)

    monkeypatch.setattr(service._rooms["room"].room, "receive_rtp", fail)
    mallory.send_audio()
    await until(lambda: mallory.told and mallory.told[-1]["type"] == "sfu_closed")
    assert mallory.told[-1]["reason"] == "fault"
    assert await hears(anna, paul) and await hears(paul, anna)
    mallory.close()


async def test_the_portable_way_carries_the_same_call(monkeypatch):
    from media_routing.runtime import datagrams, datagrams_portable

    monkeypatch.setattr(datagrams, "CHOSEN", datagrams_portable)
    async with running_service() as service:
        anna, paul = await seated(service, "anna"), await seated(service, "paul")
        assert await hears(anna, paul) and await hears(paul, anna)
        anna.close()
        paul.close()
