"""The recording process is killed at any moment: at most two seconds are lost, no file is unreadable (REL-2).

The control, a usual MP4 that loses everything, is `test_webm.test_mp4_loses_everything_when_cut`.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import pytest

from media_routing.runtime.finalise import finalise, recover
from media_routing.runtime.sealed_file import SealedFileError
from media_routing.runtime.sealed_stream import SealedSource
from tests.dependency_rules import ROOT
from tests.evidence import write_evidence
from tests.media_routing.runtime.recording_process import KEY
from tests.soak import scaled

MOST_LOST_S = 2.0


def kill_one(directory: Path, after_s: float) -> float:
    """Records and kills; returns how many seconds before the kill the file of each track ends, at worst."""
    command = [sys.executable, "-m", "tests.media_routing.runtime.recording_process", str(directory)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        began = json.loads(process.stdout.readline())["began"]
        time.sleep(after_s)
        killed_at = time.monotonic()
        process.send_signal(signal.SIGKILL)
    (directory / "anna-1.webm.sealed.part").write_bytes(b"half a file of a job that was killed, too")
    tracks = recover(directory, KEY)
    assert not any(track.complete for track in tracks), "nobody finished them"
    assert not list(directory.glob("*.part"))
    finals = finalise(directory, KEY, tracks)
    # In its first second a recording may have nothing sealed yet.
    assert killed_at - began < MOST_LOST_S or len([track for track in tracks if track.frames]) == 4
    people = sorted({track.participant for track in tracks if track.frames})
    assert [(final.participant, final.complete) for final in finals] == [(name, False) for name in people]
    for final in finals:
        with SealedSource(directory / final.file, KEY) as source, av.open(source) as container:
            decoded = {"video": 0, "audio": 0}
            for frame in container.decode():
                decoded["video" if isinstance(frame, av.VideoFrame) else "audio"] += 1
        own = {track.source: track.frames for track in tracks if track.participant == final.participant}
        assert decoded["video"] == own.get("camera", 0)
        assert decoded["audio"] >= own.get("microphone", 0) * 0.95, (
            "what overlapped when clocks became known is left out"
        )
    return max((killed_at - began - track.end_ms / 1000 for track in tracks), default=killed_at - began)


def kill_many(directory: Path, times: int) -> list[float]:
    chosen = random.Random(os.environ.get("KILL_SEED", "4"))
    return [kill_one(directory / str(number), chosen.uniform(0, 3)) for number in range(times)]


def test_killed_at_any_moment_it_loses_two_seconds_at_most(tmp_path: Path) -> None:
    lost_s = kill_many(tmp_path, 5)
    print(f"lost {max(lost_s):.2f} s at most, {sum(lost_s) / len(lost_s):.2f} s on average")
    assert max(lost_s) <= MOST_LOST_S


@pytest.mark.soak
def test_killed_a_hundred_times(tmp_path: Path) -> None:
    lost_s = kill_many(tmp_path, scaled(100))
    measured = {"kills": len(lost_s), "most_lost_s": max(lost_s), "lost_s_on_average": sum(lost_s) / len(lost_s)}
    write_evidence("recorder_kills", "REL-2", {name: round(value, 2) for name, value in measured.items()})
    assert max(lost_s) <= MOST_LOST_S


def test_what_was_killed_opens_with_its_own_key_only(tmp_path: Path) -> None:
    kill_one(tmp_path / "r", 1.5)
    with pytest.raises(SealedFileError):
        recover(tmp_path / "r", b"x" * 32)
