"""Frames go in as bytes and come out as the same bytes; a cut file keeps all but its last moments; MP4 does not."""

import io
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from media_routing.runtime import webm

SECONDS = 6
VIDEO_STEP_MS, AUDIO_STEP_MS = 33, 20


@pytest.fixture(scope="module")
def video() -> list[tuple[bytes, bool]]:
    encoder: Any = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 320, 180, "yuv420p", Fraction(1, 30)
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    frames = []
    for index in range(SECONDS * 1000 // VIDEO_STEP_MS):
        frame: Any = av.VideoFrame(320, 180, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes((index * 7 % 256,)) * plane.buffer_size)
        frame.pts = index
        frames += [(bytes(packet), packet.is_keyframe) for packet in encoder.encode(frame)]
    return frames


@pytest.fixture(scope="module")
def audio() -> list[bytes]:
    encoder: Any = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", "s16"
    frames = []
    for index in range(SECONDS * 1000 // AUDIO_STEP_MS):
        frame: Any = av.AudioFrame(format="s16", layout="stereo", samples=960)
        frame.sample_rate, frame.pts = 48_000, index * 960
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frames += [bytes(packet) for packet in encoder.encode(frame)]
    return frames


class Growing:
    """A sink that remembers how long it was after each moment."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes) -> int:
        self.data += data
        return len(data)


def _record_video(sink: webm.Sink, video: list[tuple[bytes, bool]]) -> webm.WebmWriter:
    writer = webm.WebmWriter(sink, (320, 180))
    for number, (data, is_key) in enumerate(video):
        writer.write(data, number * VIDEO_STEP_MS, is_key=is_key)
    return writer


def _record_audio(sink: webm.Sink, audio: list[bytes]) -> webm.WebmWriter:
    writer = webm.WebmWriter(sink, None)
    for number, data in enumerate(audio):
        writer.write(data, number * AUDIO_STEP_MS, is_key=True)
    return writer


def _packets(data: bytes) -> dict[str, list[tuple[int, bytes]]]:
    found: dict[str, list[tuple[int, bytes]]] = {"video": [], "audio": []}
    with av.open(io.BytesIO(data), "r") as container:
        for packet in container.demux():
            if packet.pts is not None:
                found[packet.stream.type].append((packet.pts, bytes(packet)))
    return found


def test_bytes_and_times_are_those_that_went_in(video: list[tuple[bytes, bool]], audio: list[bytes]) -> None:
    picture, sound = Growing(), Growing()
    _record_video(picture, video).close()
    _record_audio(sound, audio).close()
    assert _packets(bytes(picture.data))["video"] == [(n * VIDEO_STEP_MS, data) for n, (data, _) in enumerate(video)]
    assert _packets(bytes(sound.data))["audio"] == [(n * AUDIO_STEP_MS, data) for n, data in enumerate(audio)]
    assert webm.vp8_size(video[0][0]) == (320, 180)
    assert webm.vp8_size(video[1][0]) is None


def test_cut_at_any_moment_it_keeps_all_but_a_second(video: list[tuple[bytes, bool]], audio: list[bytes]) -> None:
    picture, sound = Growing(), Growing()
    writers = _record_video(picture, video), _record_audio(sound, audio)
    assert _packets(bytes(picture.data))["video"][-1][0] >= SECONDS * 1000 - 1000
    assert _packets(bytes(sound.data))["audio"][-1][0] >= SECONDS * 1000 - 1000
    for writer in writers:
        writer.close()


def test_mp4_loses_everything_when_cut(tmp_path: Path, video: list[tuple[bytes, bool]]) -> None:
    """The control: the usual file is unreadable without its end."""
    path = tmp_path / "cut.mp4"
    container: Any = av.open(str(path), "w")
    stream: Any = container.add_stream("libx264", rate=30)
    stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
    for _ in range(200):
        frame: Any = av.VideoFrame(320, 180, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        for packet in stream.encode(frame):
            container.mux(packet)
    cut = path.read_bytes()
    container.close()
    with pytest.raises(av.error.FFmpegError):
        _packets(cut)
    assert len(_packets(path.read_bytes())["video"]) > 100


def test_remuxed_it_has_both_tracks_a_duration_and_can_be_sought(
    tmp_path: Path, video: list[tuple[bytes, bool]], audio: list[bytes]
) -> None:
    picture, sound = Growing(), Growing()
    _record_video(picture, video).close()
    cut = _record_audio(sound, audio)  # the process died here
    target = tmp_path / "final.webm"
    sources = [io.BytesIO(bytes(picture.data)), io.BytesIO(bytes(sound.data))]
    cut.close()
    assert webm.remux(sources, str(target)) == pytest.approx(SECONDS, abs=0.1)
    packets = _packets(target.read_bytes())
    assert packets["video"] == _packets(bytes(picture.data))["video"]
    assert len(packets["audio"]) >= len(audio) * 5 / 6
    shown = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(target)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(shown.stdout) == pytest.approx(SECONDS, abs=0.1)
    assert shown.stderr == ""
    assert b"\x1c\x53\xbb\x6b" in target.read_bytes(), "Cues (RFC 9559 §5.1.5): where to seek to"


def _times(data: bytes) -> dict[str, list[int]]:
    return {kind: [time_ms for time_ms, _ in packets] for kind, packets in _packets(data).items()}


def test_holes_in_the_sound_are_filled_with_silence(tmp_path: Path, audio: list[bytes]) -> None:
    """A pause of a second, a begin after half a second, an end before the others': players count samples."""
    sound = Growing()
    writer = webm.WebmWriter(sound, None)
    for number, data in enumerate(audio[:100]):
        writer.write(data, 500 + number * AUDIO_STEP_MS + (1000 if number >= 50 else 0), is_key=True)
    writer.close()
    target = io.BytesIO()
    webm.remux([io.BytesIO(bytes(sound.data))], target, 5000)
    times = _times(target.getvalue())["audio"]
    assert times == list(range(0, 5000, AUDIO_STEP_MS))
    found = [data for _, data in _packets(target.getvalue())["audio"]]
    assert found[25:75] == audio[:50]
    assert found[125:175] == audio[50:100]
    assert set(found[:25] + found[75:125] + found[175:]) == {webm.SILENCE}
    with av.open(io.BytesIO(target.getvalue())) as container:
        samples = [abs(s) for frame in container.decode() for s in memoryview(frame.planes[0]).cast("f")]
    assert len(samples) == pytest.approx(5 * webm.OPUS_RATE, rel=0.01)
    assert max(samples) < 0.001


def test_sound_that_overlaps_is_left_out(audio: list[bytes]) -> None:
    """A sender's clock was corrected by 100 ms: what is heard stays as long as the time that it takes."""
    sound = Growing()
    writer = webm.WebmWriter(sound, None)
    for number, data in enumerate(audio[:100]):
        writer.write(data, number * AUDIO_STEP_MS - (100 if number >= 50 else 0), is_key=True)
    writer.close()
    target = io.BytesIO()
    webm.remux([io.BytesIO(bytes(sound.data))], target)
    times = _times(target.getvalue())["audio"]
    assert len(times) == 100 - 5
    assert all(abs(time_ms - number * AUDIO_STEP_MS) <= AUDIO_STEP_MS for number, time_ms in enumerate(times))


def test_without_any_sound_a_file_still_begins_at_zero(video: list[tuple[bytes, bool]]) -> None:
    picture = Growing()
    writer = webm.WebmWriter(picture, (320, 180))
    for number, (data, is_key) in enumerate(video[:60]):
        writer.write(data, 3000 + number * VIDEO_STEP_MS, is_key=is_key)
    writer.close()
    target = io.BytesIO()
    webm.remux([io.BytesIO(bytes(picture.data))], target, 6000)
    times = _times(target.getvalue())
    assert times["audio"] == list(range(0, 6000, AUDIO_STEP_MS))
    assert times["video"][0] == 3000


@pytest.mark.parametrize(
    ("head", "expected_ms"),
    [
        (b"\x78", 20),  # what browsers send: CELT, 20 ms, one frame, two channels
        (b"\x00", 10),
        (b"\x18", 60),
        (b"\x60", 10),
        (b"\xf9", 40),
        (b"\xfb\x03", 60),
        (b"\x1b\x02", 120),
        (b"", 20),
    ],
)
def test_a_packet_says_how_long_it_sounds(head: bytes, expected_ms: int) -> None:
    assert webm.opus_ms(head) == expected_ms
