"""Decoded voice for a consumer: a level meter hears beeps when it was given the keys, and nothing when it was not."""

from __future__ import annotations

import asyncio
import secrets
from array import array

from media_routing.runtime.listening import RATE_HZ, LevelMeter, Voice
from media_routing.runtime.recorder_keys import RecorderKeys
from tests.media_routing.runtime.peers import until
from tests.media_routing.runtime.showing_peer import instants
from tests.media_routing.runtime.test_recorder import NAMES, ROOM, visit

# A tone of 12,000 of 32,768: −11.7 dB.
TONE_DB = -11.7


async def test_a_level_meter_hears_whom_it_has_a_key_of() -> None:
    voices: dict[str, list[Voice]] = {}
    meters, ends, deaf = LevelMeter(), [], []
    loudest: dict[str, float] = {}

    def hear(voice: Voice) -> None:
        meters(voice)
        voices.setdefault(voice.participant, []).append(voice)
        level_db = meters.level_db(voice.participant)
        loudest[voice.participant] = max(level_db, loudest.get(voice.participant, level_db))

    async with visit(NAMES[:2]) as (service, people, keys):
        people[0].give_key(keys)  # Paul has not granted
        nobodys = RecorderKeys(ROOM, secrets.token_hex(8))
        listening = service.start_listening(ROOM, hear, ends.append, keys)
        control = service.start_listening(ROOM, deaf.append, ends.append, nobodys)
        await asyncio.sleep(4)
        listening.stop()
        heard = len(voices["anna"])
        await asyncio.sleep(0.5)
        assert len(voices["anna"]) == heard, "over is over"
        control.stop()
        assert set(service._rooms[ROOM].room.legs) == set(NAMES[:2])
    assert set(voices) == {"anna"}
    assert deaf == []
    assert abs(loudest["anna"] - TONE_DB) < 1.5
    assert meters.level_db("paul") == LevelMeter.SILENCE_DB
    seconds = sum(len(voice.samples) for voice in voices["anna"]) / 2 / RATE_HZ
    assert 3.5 < seconds < 4.3, "16 kHz, one channel"
    assert ends == ["asked", "asked"]
    onset = next(v for v in voices["anna"] if max(map(abs, array("h", v.samples))) > 4000)
    zero = people[0].zero
    assert min(abs(onset.captured_at - zero - at) for at in instants(30)) < 0.06


async def test_a_consumer_that_fails_ends_alone() -> None:
    ends: list[str] = []

    def fail(voice: Voice) -> None:
        raise RuntimeError("a consumer's own fault")

    async with visit(NAMES[:1]) as (service, [anna], keys):
        anna.give_key(keys)
        service.start_listening(ROOM, fail, ends.append, keys)
        await until(lambda: ends, what="the end")
        assert ends == ["fault"]
        sent = anna.link.received_packets
        await until(lambda: anna.link.received_packets > sent + 50, what="the call going on")
        service.leave(ROOM, "anna")


async def test_it_ends_with_its_room() -> None:
    ends: list[str] = []
    async with visit(NAMES[:1]) as (service, _, keys):
        service.start_listening(ROOM, print, ends.append, keys)
        service.leave(ROOM, "anna")
        await until(lambda: ends, what="the end")
    assert ends == ["room_ended"]
