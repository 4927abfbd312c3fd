"""Three people with known clocks are recorded: what is in the files is what they said and showed, when they did."""

from __future__ import annotations

import asyncio
import io
import os
import secrets
import subprocess
import time
from contextlib import asynccontextmanager

import av
import pytest

from media_routing.runtime import recorder
from media_routing.runtime.finalise import finalise, recover
from media_routing.runtime.recorder import RecorderRefused
from media_routing.runtime.recorder_keys import RecorderKeys
from media_routing.runtime.sealed_file import new_key
from media_routing.runtime.sealed_stream import SealedSource
from tests.media_routing.runtime.peers import Participant, running_service, until
from tests.media_routing.runtime.showing_peer import MARK_S, WIDTH, ShowingPeer, instants

NAMES = ("anna", "paul", "iris")
ROOM = "room0000000000000000ab"
# The target of the issue; what a picture's grid, a microphone's frame and Opus' look-ahead cost is in it.
MOST_SKEW_S, MOST_APART_S = 0.08, 0.1


@asynccontextmanager
async def visit(names=NAMES, *, sealed=True, reports=True, reserve_bytes=0, delay_s=0.03):
    """(service, people, keys): people on networks of different delay, keys not given yet."""
    async with running_service(recording_reserve_bytes=reserve_bytes) as service:
        zero, people = time.monotonic(), []
        try:
            for number, name in enumerate(names):
                person = ShowingPeer(service, ROOM, name, zero, delay_s=delay_s * number, seed=number, reports=reports)
                if sealed:
                    person.new_key()
                people.append(await person.enter())
            legs = service._rooms[ROOM].room.legs
            await until(
                lambda: all(source.has_started for leg in legs.values() for source in leg.publisher.sources),
                what="media",
            )
            yield service, people, RecorderKeys(ROOM, secrets.token_hex(8))
        finally:
            for person in people:
                person.close()


def unseal(path, key):
    with SealedSource(path, key) as source:
        return source.read()


def marks(plain):
    """{"audio": [...], "video": [...]}: seconds at which beeps and flashes begin, decoded."""
    found = {"audio": [], "video": []}
    last_loud = -1.0
    was_bright = False
    with av.open(io.BytesIO(plain)) as container:
        for frame in container.decode():
            if isinstance(frame, av.VideoFrame):
                is_bright = bytes(frame.planes[0])[WIDTH // 2] > 128
                if is_bright and not was_bright:
                    found["video"].append(frame.time)
                was_bright = is_bright
            else:
                assert frame.format.name == "fltp"
                for number, sample in enumerate(memoryview(frame.planes[0]).cast("f")):
                    if abs(sample) > 0.1:
                        at = frame.time + number / frame.sample_rate
                        if at - last_loud > MARK_S:
                            found["audio"].append(at)
                        last_loud = at
    return found


def expected(recording, people, seconds):
    """When marks must be in the files, in seconds since the recording's zero."""
    times = [people[0].zero - recording.began + at for at in instants(60)]
    return [at for at in times if 0.7 < at < seconds - 0.3]


def nearest(times, at):
    return min(times, key=lambda time_s: abs(time_s - at))


def check_playable(path):
    shown = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=codec_name,nb_read_frames", path],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    decode = [
        "ffmpeg",
        "-v",
        "error",
        "-i",
        path,
        "-fps_mode",
        "passthrough",
        "-enc_time_base",
        "1:1000",
        "-f",
        "null",
        "-",
    ]
    decoded = subprocess.run(decode, capture_output=True, text=True, check=False)
    assert (shown.stderr, decoded.stderr, decoded.returncode) == ("", "", 0)


@pytest.mark.parametrize("sealed", [True, False], ids=["encrypted", "not encrypted"])
async def test_files_play_and_people_and_lips_are_in_step(tmp_path, sealed):
    key, events = new_key(), []
    async with visit(sealed=sealed) as (service, people, keys):
        if sealed:
            for person in people:
                assert person.give_key(keys)[0]["kind"] == "have"
        await asyncio.sleep(1.2)  # everybody's clock has been told, as in a visit that runs
        recording = service.start_recording(ROOM, tmp_path / "r", key, events.append, keys if sealed else None)
        assert set(service._rooms[ROOM].seats) == set(NAMES), "nobody is told of one more"
        seconds = 8 if sealed else 4
        await asyncio.sleep(seconds)
        assert [sample.value for sample in service.metrics() if sample.name == "sfu_recordings"] == [1]
        manifest = await recording.stop()
        assert service.recordings == 0
        shown = {row["participant"] for person in people for told in person.told for row in told.get("slots", [])}
        order = {name for person in people for told in person.told for name in told.get("order", [])}
        assert shown <= {*NAMES, ""}
        assert order <= set(NAMES)
    assert [(event.state, event.reason) for event in events] == [("running", "asked"), ("stopped", "asked")]
    assert events[-1].manifest == manifest
    assert recover(tmp_path / "r", key) == sorted(manifest.tracks, key=lambda track: track.file)
    finals = finalise(tmp_path / "r", key, manifest.tracks)
    assert [(final.participant, final.number, final.complete) for final in finals] == [
        ("anna", 1, True), ("iris", 1, True), ("paul", 1, True)
    ]  # fmt: skip
    want = expected(recording, people, seconds)
    assert len(want) >= seconds - 2
    measured = {}
    for final in finals:
        plain = unseal(tmp_path / "r" / final.file, key)
        path = tmp_path / f"{final.participant}.webm"
        path.write_bytes(plain)
        check_playable(path)
        assert final.duration_ms == pytest.approx(seconds * 1000, abs=300)
        measured[final.participant] = marks(plain)
    skews = [
        abs(nearest(found["audio"], at) - nearest(found["video"], at)) for at in want for found in measured.values()
    ]
    apart = [
        max(heard) - min(heard)
        for at in want
        for kind in ("audio", "video")
        for heard in [[nearest(found[kind], at) for found in measured.values()]]
    ]
    late = [nearest(found["audio"], at) - at for at in want for found in measured.values()]
    print(f"skew {max(skews):.3f} s, apart {max(apart):.3f} s, late {min(late):.3f} to {max(late):.3f} s")
    assert max(skews) <= MOST_SKEW_S
    assert max(apart) <= MOST_APART_S
    assert max(map(abs, late)) <= 0.25, "it is the same mark"


async def test_without_a_key_nothing_is_decoded_and_with_it_everything_is(tmp_path):
    """Server-blind: the same tap, the same visit; the file without keys holds nothing that is a picture or a sound."""
    key = new_key()
    async with visit() as (service, people, keys):
        blind = service.start_recording(ROOM, tmp_path / "blind", key, print, RecorderKeys(ROOM, "page-of-nobody"))
        curious = service.start_recording(ROOM, tmp_path / "curious", key, print)  # writes what comes, as it comes
        for person in people:
            person.give_key(keys)
        trusted = service.start_recording(ROOM, tmp_path / "trusted", key, print, keys)
        await asyncio.sleep(4)
        for recording in (blind, curious, trusted):
            await recording.stop()
        assert blind.counts.opened == 0
        assert blind.counts.unopened > 300
        assert list((tmp_path / "blind").iterdir()) == []
        assert trusted.counts.opened > 300
    for name, can in (("curious", False), ("trusted", True)):
        beeps = flashes = 0
        for track in recover(tmp_path / name, key):
            assert track.frames > 20
            found = _marks_or_none(unseal(tmp_path / name / track.file, key))
            beeps, flashes = beeps + len(found["audio"]), flashes + len(found["video"])
        if can:
            assert beeps >= 6
            assert flashes >= 6
        else:
            assert flashes == 0


def _marks_or_none(plain):
    try:
        return marks(plain)
    except av.error.FFmpegError:
        return {"audio": [], "video": []}


async def test_stock_clients_are_recorded(tmp_path):
    """aiortc's own encoders, packets and sender reports, in a visit that is not encrypted."""
    key = new_key()
    async with running_service(recording_reserve_bytes=0) as service:
        people = [await Participant(service, ROOM, name).join() for name in NAMES]
        for person in people:
            await person.connected()
        recording = service.start_recording(ROOM, tmp_path / "r", key, print)
        await until(lambda: recording.counts.opened > 500, 15, "frames")
        manifest = await recording.stop()
        for person in people:
            await person.close()
    assert [(track.participant, track.source) for track in sorted(manifest.tracks, key=lambda track: track.file)] == [
        (name, source) for name in sorted(NAMES) for source in ("microphone", "camera")
    ]
    for final in finalise(tmp_path / "r", key, manifest.tracks):
        (tmp_path / "x.webm").write_bytes(unseal(tmp_path / "r" / final.file, key))
        check_playable(tmp_path / "x.webm")


async def test_held_is_held_and_goes_on_with_key_frames(tmp_path):
    key, events = new_key(), []
    async with visit(NAMES[:2]) as (service, people, keys):
        for person in people:
            person.give_key(keys)
        recording = service.start_recording(ROOM, tmp_path / "r", key, events.append, keys)
        await asyncio.sleep(2)
        recording.hold()
        held_s, taken = time.monotonic() - recording.began, recording.counts.opened
        requests = sum(person.requests for person in people)
        await asyncio.sleep(1.5)
        assert recording.counts.opened == taken
        assert set(service._rooms[ROOM].room.legs) == set(NAMES[:2]), "the tap is gone"
        recording.go_on()
        resumed_s = time.monotonic() - recording.began
        await asyncio.sleep(2)
        assert sum(person.requests for person in people) > requests
        manifest = await recording.stop()
    assert [event.state for event in events] == ["running", "held", "running", "stopped"]
    assert manifest.holds == ((pytest.approx(held_s * 1000, abs=5), pytest.approx(resumed_s * 1000, abs=5)),)
    for track in manifest.tracks:
        with SealedSource(tmp_path / "r" / track.file, key) as source, av.open(source) as container:
            packets = [
                (packet.pts / 1000, packet.is_keyframe) for packet in container.demux() if packet.pts is not None
            ]
        inside = [at for at, _ in packets if held_s < at < resumed_s - 0.001]
        assert inside == []
        assert any(at > resumed_s + 1 for at, _ in packets)
        assert next(is_key for at, is_key in packets if at >= resumed_s - 0.001)
        assert len(track.gaps) == 1


async def test_a_withdrawn_key_opens_nothing_more(tmp_path):
    """Whoever rotates without the recorder is gone from the file from that frame on; the others go on."""
    async with visit(NAMES[:2]) as (service, people, keys):
        anna = people[0]
        for person in people:
            person.give_key(keys)
        recording = service.start_recording(ROOM, tmp_path / "r", new_key(), print, keys)
        await asyncio.sleep(2)
        anna.new_key()
        rotated_ms = (time.monotonic() - recording.began) * 1000
        await asyncio.sleep(2)
        manifest = await recording.stop()
    ends = {(track.participant, track.source): track.end_ms for track in manifest.tracks}
    assert max(ends["anna", "microphone"], ends["anna", "camera"]) <= rotated_ms + 40
    assert min(ends["paul", "microphone"], ends["paul", "camera"]) >= rotated_ms + 1500


async def test_a_frame_of_one_is_never_in_the_file_of_another(tmp_path):
    """A server that puts Paul's frames into Anna's stream: his key opens them, and they are not hers."""
    async with visit(NAMES[:2]) as (service, people, keys):
        anna, paul = people
        for person in people:
            person.give_key(keys)
        anna.sending = paul.sending
        recording = service.start_recording(ROOM, tmp_path / "r", new_key(), print, keys)
        await until(lambda: recording.counts.opened > 50 and recording.counts.unopened > 50, what="frames")
        manifest = await recording.stop()
    assert {track.participant for track in manifest.tracks} == {"paul"}


async def test_lost_packets_cost_pictures_and_never_the_file(tmp_path):
    key = new_key()
    async with visit(NAMES[:1]) as (service, [anna], keys):
        anna.give_key(keys)
        recording = service.start_recording(ROOM, tmp_path / "r", key, print, keys)
        await asyncio.sleep(1.5)
        before, anna.lose_video = anna.requests, 3
        await until(lambda: anna.requests > before, what="a request for a key frame")
        await asyncio.sleep(1)
        manifest = await recording.stop()
        lost_ms = (time.monotonic() - recording.began) * 1000
    assert {track.source: track.end_ms > lost_ms - 400 for track in manifest.tracks} == {
        "microphone": True, "camera": True
    }  # fmt: skip
    [final] = finalise(tmp_path / "r", key, manifest.tracks)
    (tmp_path / "x.webm").write_bytes(unseal(tmp_path / "r" / final.file, key))
    check_playable(tmp_path / "x.webm")


async def test_before_the_first_report_people_are_put_by_arrival(tmp_path):
    async with visit(NAMES[:2], reports=False) as (service, people, keys):
        for person in people:
            person.give_key(keys)
        recording = service.start_recording(ROOM, tmp_path / "r", key := new_key(), print, keys)
        await asyncio.sleep(4)
        manifest = await recording.stop()
        finals = finalise(tmp_path / "r", key, manifest.tracks)
        measured = [marks(unseal(tmp_path / "r" / final.file, key)) for final in finals]
        for at in expected(recording, people, 4):
            heard = [nearest(found[kind], at) for found in measured for kind in ("audio", "video")]
            assert max(heard) - min(heard) <= MOST_APART_S


async def test_a_slow_disk_holds_up_its_own_thread_and_not_the_call(tmp_path, monkeypatch):
    """The control writes the same on the event loop: everybody's packets wait for the disk."""
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(os, "fsync", lambda handle: time.sleep(0.3))
    async with visit(NAMES[:1]) as (service, [anna], keys):
        anna.give_key(keys)
        recording = service.start_recording(ROOM, tmp_path / "r", new_key(), print, keys)
        assert await worst_lag_s(3) < 0.15
        monkeypatch.setattr(loop, "run_in_executor", run_here)
        assert await worst_lag_s(2) > 0.25
        monkeypatch.undo()
        manifest = await recording.stop()
    assert [len(track.gaps) for track in manifest.tracks] == [0, 0], "late on the disk, and nothing lost"


async def run_here(thread, work, *arguments):
    return work(*arguments)


async def worst_lag_s(seconds):
    """How late the event loop was at worst."""
    loop = asyncio.get_running_loop()
    worst, end = 0.0, loop.time() + seconds
    while (now := loop.time()) < end:
        await asyncio.sleep(0.01)
        worst = max(worst, loop.time() - now - 0.01)
    return worst


async def test_it_refuses_a_full_disk_and_a_missing_room(tmp_path):
    async with visit(NAMES[:1], reserve_bytes=1 << 60) as (service, _, keys):
        for room, code in ((ROOM, "disk_full"), ("another", "no_room")):
            with pytest.raises(RecorderRefused) as refused:
                service.start_recording(room, tmp_path / "r", new_key(), print, keys)
            assert refused.value.code == code
        assert not (tmp_path / "r").exists()
        assert set(service._rooms[ROOM].room.legs) == {"anna"}


async def test_it_ends_cleanly_when_the_disk_becomes_full(tmp_path):
    """The free space is really asked for; how much must stay free is set to more while it runs."""
    key, events = new_key(), []
    async with visit(NAMES[:1]) as (service, [anna], keys):
        anna.give_key(keys)
        recording = service.start_recording(ROOM, tmp_path / "r", key, events.append, keys)
        await asyncio.sleep(1.5)
        recording._files._reserve_bytes = 1 << 60
        await until(lambda: len(events) == 2, 3, "the end")
        assert (events[-1].state, events[-1].reason) == ("stopped", "disk_full")
        assert all(track.complete for track in events[-1].manifest.tracks)
        assert len(events[-1].manifest.tracks) == 2
        sent = anna.link.received_packets
        await until(lambda: anna.link.received_packets > sent + 50, what="the call going on")
        with pytest.raises(RecorderRefused):
            recording.go_on()
        assert (await recording.stop()) == events[-1].manifest


async def test_a_disk_that_fails_ends_the_recording_and_not_the_call(tmp_path):
    key, events = new_key(), []
    async with visit(NAMES[:1]) as (service, [anna], keys):
        anna.give_key(keys)
        recording = service.start_recording(ROOM, tmp_path / "r", key, events.append, keys)
        await asyncio.sleep(1.5)
        track = next(iter(recording._files._tracks.values()))
        os.close(track._sealed._file.fileno())  # every later write and fsync fails
        await until(lambda: len(events) == 2, 3, "the end")
        assert (events[-1].state, events[-1].reason) == ("stopped", "storage")
        sent = anna.link.received_packets
        await until(lambda: anna.link.received_packets > sent + 50, what="the call going on")
        complete = {report.file: report.complete for report in events[-1].manifest.tracks}
        assert complete[track.path.name] is False
        assert list(complete.values()).count(True) == 1
        track._sealed._file = None
    assert {track.complete for track in recover(tmp_path / "r", key)} == {True, False}


@pytest.mark.parametrize("reason", ["fault", "too_slow"])
async def test_what_goes_wrong_within_the_engine_ends_the_recording_and_nobodys_leg(tmp_path, monkeypatch, reason):
    events = []

    def fail(frame):
        raise RuntimeError("a fault of the recorder")

    async with visit(NAMES[:2]) as (service, people, keys):
        for person in people:
            person.give_key(keys)
        recording = service.start_recording(ROOM, tmp_path / "r", new_key(), events.append, keys)
        await until(lambda: recording.counts.opened > 100, what="frames")
        if reason == "fault":
            recording._capture._deliver = fail
        else:
            monkeypatch.setattr(recorder, "MOST_PENDING_BYTES", 100)
        await until(lambda: len(events) == 2, what="the end")
        assert (events[-1].state, events[-1].reason) == ("stopped", reason)
        assert all(track.complete and track.frames for track in events[-1].manifest.tracks)
        sent = [person.link.received_packets for person in people]
        await until(
            lambda: all(p.link.received_packets > n + 50 for p, n in zip(people, sent, strict=True)), what="the call"
        )
        assert set(service._rooms[ROOM].room.legs) == set(NAMES[:2])
        assert service._pump.counters.faults == 0
        assert not any(message["type"] == "sfu_closed" for person in people for message in person.told)


async def test_a_room_that_ends_holds_it_and_it_goes_on_in_the_next(tmp_path):
    events = []
    async with visit(NAMES[:1]) as (service, [anna], keys):
        anna.give_key(keys)
        recording = service.start_recording(ROOM, tmp_path / "r", new_key(), events.append, keys)
        await asyncio.sleep(1)
        service.leave(ROOM, "anna")
        await until(lambda: recording.state == "held", 2, "the hold")
        assert events[-1].reason == "room_ended"
        with pytest.raises(RecorderRefused):
            recording.go_on()
        again = await ShowingPeer(service, ROOM, "anna", anna.zero).enter()
        again.device, again.sending = anna.device, anna.sending
        again._counter = 1_000_000
        recording.go_on()
        taken = recording.counts.opened
        await until(lambda: recording.counts.opened > taken + 50, what="frames of the new room")
        again.close()
    assert (events[-1].state, events[-1].reason) == ("stopped", "service_closed")
