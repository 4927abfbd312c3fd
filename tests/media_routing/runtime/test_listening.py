"""Decoded voice for a consumer: a level meter hears beeps when it was given the keys, and nothing when it was not."""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from array import array
from itertools import pairwise

import pytest

from media_routing.runtime.listening import RATE_HZ, Level, LevelMeter, Voice, VoiceDecoder
from media_routing.runtime.recorder_keys import RecorderKeys
from tests.media_routing.runtime.peers import until
from tests.media_routing.runtime.showing_peer import instants
from tests.media_routing.runtime.test_recorder import NAMES, ROOM, run_here, visit, worst_lag_s

# A tone of 12,000 of 32,768, as ShowingPeer beeps: -11.7 dB while it lasts.
BEEP_DBFS = 20 * math.log10(12_000 / 32_768 / math.sqrt(2))
BEEP_S = 0.12


def tone(dbfs: float, seconds: float = 1.0) -> bytes:
    """A sine of 440 Hz whose root mean square is so loud."""
    top = 32_768 * math.sqrt(2) * 10 ** (dbfs / 20)
    step = 2 * math.pi * 440 / RATE_HZ
    return array("h", (round(top * math.sin(n * step)) for n in range(round(RATE_HZ * seconds)))).tobytes()


@pytest.mark.parametrize("dbfs", [-3.1, -20.0, -40.0])
def test_the_meter_says_how_loud_each_second_was(dbfs: float) -> None:
    levels: list[Level] = []
    meter = LevelMeter(levels.append)
    samples = tone(dbfs, 2.5) + bytes(2 * RATE_HZ // 2)
    for at in range(0, len(samples), 640):
        meter(Voice("anna", samples[at : at + 640], 5.0 + at / 2 / RATE_HZ))
    assert [level.participant for level in levels] == ["anna"] * 3
    assert [level.dbfs for level in levels] == [pytest.approx(dbfs, abs=0.1)] * 2 + [pytest.approx(dbfs - 3, abs=0.1)]
    assert [round(level.captured_at) for level in levels] == [6, 7, 8]
    assert meter.latest == {"anna": levels[-1]}
    meter(Voice("paul", bytes(2 * RATE_HZ), 0.0))
    assert meter.latest["paul"].dbfs == LevelMeter.SILENCE_DBFS


async def test_a_level_meter_hears_whom_it_has_a_key_of() -> None:
    """A tone of known level, through Opus, SFrame and the engine, to within 1 dB; nothing without a key, nothing after `stop`."""
    voices: dict[str, list[Voice]] = {}
    ends, deaf = [], []

    def hear(voice: Voice) -> None:
        voices.setdefault(voice.participant, []).append(voice)

    async with visit(NAMES[:2]) as (service, people, keys):
        people[0].give_key(keys)  # Paul has not granted
        nobodys = RecorderKeys(ROOM, secrets.token_hex(8))
        listening = service.start_listening(ROOM, hear, ends.append, keys)
        metering = service.start_level_meter(ROOM, ends.append, keys)
        control = service.start_listening(ROOM, deaf.append, ends.append, nobodys)
        await asyncio.sleep(4)
        [told] = [sample for sample in service.metrics() if sample.name == "sfu_voice_dbfs"]
        listening.stop()
        metering.stop()
        heard = len(voices["anna"])
        await asyncio.sleep(0.5)
        assert len(voices["anna"]) == heard, "over is over"
        control.stop()
        assert set(service._rooms[ROOM].room.legs) == set(NAMES[:2])
        await until(lambda: len(ends) == 3, what="the ends")
        assert not any(sample.name == "sfu_voice_dbfs" for sample in service.metrics())
    assert set(voices) == {"anna"}
    assert deaf == []
    assert ends == ["asked"] * 3
    # One beep a second.
    assert told.value == pytest.approx(BEEP_DBFS + 10 * math.log10(BEEP_S), abs=1.0)
    seconds = sum(len(voice.samples) for voice in voices["anna"]) / 2 / RATE_HZ
    assert 3.5 < seconds < 4.3, "16 kHz, one channel"
    # The last beep's: by then the sender's reports have said when it was captured, whatever its packets had to wait for.
    loud = [max(map(abs, array("h", voice.samples))) > 4000 for voice in voices["anna"]]
    onset = [
        now for (was, is_loud), now in zip(pairwise(loud), voices["anna"][1:], strict=True) if is_loud and not was
    ][-1]
    assert min(abs(onset.captured_at - people[0].zero - at) for at in instants(30)) < 0.06


async def test_decoding_never_holds_up_the_call(monkeypatch) -> None:
    """The control decodes on the event loop: everybody's packets wait for it."""
    decode = VoiceDecoder.decode

    def slowly(decoder: VoiceDecoder, data: bytes) -> bytes:
        time.sleep(0.05)
        return decode(decoder, data)

    monkeypatch.setattr(VoiceDecoder, "decode", slowly)
    async with visit(NAMES[:1]) as (service, [anna], keys):
        anna.give_key(keys)
        listening = service.start_listening(ROOM, lambda voice: None, print, keys)
        assert await worst_lag_s(2) < 0.15
        listening.stop()
        monkeypatch.setattr(asyncio.get_running_loop(), "run_in_executor", run_here)
        service.start_listening(ROOM, lambda voice: None, print, keys)
        assert await worst_lag_s(2) > 0.25
        monkeypatch.undo()


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
