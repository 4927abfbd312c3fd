"""One film of several tracks, decoded again: who is where and when, in step, sealed, and never more of it in memory."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import pytest

from media_routing.runtime import film
from media_routing.runtime.film import FilmTrack, combine, make_film
from media_routing.runtime.film_layout import Box, Presence, fit, grid, silhouette
from media_routing.runtime.sealed_file import SealedFileError, new_key
from media_routing.runtime.sealed_stream import SealedSource
from tests.media_routing.runtime.recorded import BRIGHT, DARK, make_track, seal_to

LENGTH_MS = 4000
FAR = 25
"""How far the brightness of what was encoded three times may be off."""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of the pixels: nothing here depends on how many there are."""
    monkeypatch.setattr(film, "WIDTH", 640)
    monkeypatch.setattr(film, "HEIGHT", 384)


def _film(tracks: Sequence[bytes], progress: Any = lambda ms: None, length_ms: int = LENGTH_MS) -> bytes:
    target = io.BytesIO()
    combine([FilmTrack(lambda data=data: io.BytesIO(data), length_ms) for data in tracks], target, progress)
    return target.getvalue()


def _decoded(plain: bytes) -> tuple[list[tuple[float, Any]], list[tuple[float, float]]]:
    """[(seconds, luma plane)], [(seconds, loudest sample of 10 ms)]."""
    pictures, sound = [], []
    with av.open(io.BytesIO(plain)) as container:
        for frame in container.decode():
            if isinstance(frame, av.VideoFrame):
                pictures.append((frame.time, bytes(frame.planes[0])))
            else:
                samples = memoryview(frame.planes[0]).cast("f")
                for at in range(0, frame.samples, 480):
                    sound.append((frame.time + at / 48000, max(map(abs, samples[at : at + 480]), default=0.0)))
    return pictures, sound


def _luma(pictures: list[tuple[float, Any]], at_s: float, box: Box) -> int:
    """The brightness in the middle of a place, in what is shown at a time."""
    plane = [data for time_s, data in pictures if time_s <= at_s][-1]
    return int(plane[(box.y + box.height // 2) * film.WIDTH + box.x + box.width // 2])


def test_everybody_has_an_equal_even_place_within_the_picture() -> None:
    for count in range(1, 10):
        boxes = grid(count, 1280, 720)
        assert len({(box.width, box.height) for box in boxes}) == 1
        for number, box in enumerate(boxes):
            assert not (box.x | box.y | box.width | box.height) & 1
            assert box.x >= 0 and box.y >= 0 and box.x + box.width <= 1280 and box.y + box.height <= 720
            for other in boxes[number + 1 :]:
                assert other.x >= box.x + box.width or other.y >= box.y + box.height or box.x >= other.x + other.width
    assert grid(0, 1280, 720) == []
    assert [box.y for box in grid(2, 1280, 720)] == [4, 4], "two are side by side"


def test_pictures_keep_their_proportions_and_the_card_stays_in_its_place() -> None:
    box = Box(100, 50, 632, 352)
    for width, height in ((640, 360), (360, 640), (160, 96), (1, 1000)):
        inner = fit(box, width, height)
        assert inner.x >= box.x and inner.y >= box.y
        assert inner.x + inner.width <= box.x + box.width and inner.y + inner.height <= box.y + box.height
    tall = fit(box, 360, 640)
    assert tall.width / tall.height == pytest.approx(360 / 640, abs=0.02)
    rows = list(silhouette(box))
    assert rows
    assert all(
        box.x <= left < right <= box.x + box.width and box.y <= y < box.y + box.height for y, left, right in rows
    )


def test_short_holes_are_no_absence() -> None:
    voice, picture = Presence(), Presence()
    for start in (0, 1000, 5500, 20_000):
        voice.add(start, start + 20)
    picture.add(11_000, 12_000)
    both = voice.joined(picture)
    assert [both.at(time) for time in (0, 3000, 9000, 11_500, 16_000, 20_010, 21_000)] == [1, 1, 0, 1, 0, 1, 0]


def test_pictures_are_side_by_side_in_step_and_the_sound_is_mixed() -> None:
    told: list[int] = []
    anna = make_track(LENGTH_MS, marks=(1.0, 3.0))
    paul = make_track(LENGTH_MS, marks=(2.0,), picture=(96, 160))
    iris = make_track(LENGTH_MS, picture=None, marks=(2.6,))
    plain = _film([anna, paul, iris], told.append)
    pictures, sound = _decoded(plain)
    left, right, below = grid(3, film.WIDTH, film.HEIGHT)
    for at_s, expected in ((0.8, (DARK, DARK)), (1.06, (BRIGHT, DARK)), (2.06, (DARK, BRIGHT)), (3.06, (BRIGHT, DARK))):
        seen = (_luma(pictures, at_s, left), _luma(pictures, at_s, right))
        assert all(abs(one - other) < FAR for one, other in zip(seen, expected, strict=True)), (at_s, seen)
        assert (
            abs(_luma(pictures, at_s, below) - film.CARD) < FAR or abs(_luma(pictures, at_s, below) - film.FIGURE) < FAR
        )
    beeps = [at for at, loud in sound if loud > 0.1]
    for mark in (1.0, 2.0, 2.6, 3.0):
        assert min(abs(at - mark) for at in beeps) <= 0.03, "each voice is in it when it was heard"
    assert not [at for at in beeps if not any(mark - 0.03 <= at <= mark + 0.2 for mark in (1.0, 2.0, 2.6, 3.0))]
    assert told == sorted(told)
    assert told[-1] == LENGTH_MS
    assert len(told) > 20, "it tells as it goes on, not at the end"
    with av.open(io.BytesIO(plain)) as container:
        assert container.duration == pytest.approx(LENGTH_MS * 1000, abs=60_000)
        container.seek(3_900_000)
        packet = next(packet for packet in container.demux(video=0) if packet.is_keyframe)
        assert packet.pts * packet.time_base < 3.9, "it seeks"


def test_people_come_and_go_and_the_others_get_their_place() -> None:
    anna = make_track(9000, marks=(8.5,))
    paul = make_track(9000, there=((0, 1000), (7500, 9000)))
    pictures, _ = _decoded(_film([anna, paul], length_ms=9000))
    alone, (left, right) = grid(1, film.WIDTH, film.HEIGHT)[0], grid(2, film.WIDTH, film.HEIGHT)
    corner = Box(alone.x, alone.y + 20, 8, 8)
    assert abs(_luma(pictures, 0.9, corner) - film.BACKGROUND) < FAR, "two: nothing is in the corner"
    assert abs(_luma(pictures, 4.0, alone) - DARK) < FAR
    assert abs(_luma(pictures, 8.56, left) - BRIGHT) < FAR
    assert abs(_luma(pictures, 8.56, right) - DARK) < FAR


def test_a_track_that_was_cut_off_is_shown_to_its_end_and_no_track_is_no_film() -> None:
    anna, paul = make_track(LENGTH_MS, marks=(3.0,)), make_track(LENGTH_MS)
    pictures, _ = _decoded(_film([anna, paul[: len(paul) // 2]]))
    assert abs(_luma(pictures, 3.06, grid(1, film.WIDTH, film.HEIGHT)[0]) - BRIGHT) < 90
    with pytest.raises(ValueError, match="no tracks"):
        _film([])


def test_it_is_sealed_from_sealed_files_and_leaves_nothing_in_clear(tmp_path: Path) -> None:
    key, names = new_key(), ("anna", "paul")
    for name in names:
        seal_to(tmp_path / name, make_track(1000), key)
    opens = [lambda name=name: (tmp_path / name).open("rb") for name in names]
    made = make_film(opens, [1000, 1000], key, tmp_path / "film", lambda ms: None)
    with SealedSource(tmp_path / "film", key) as source:
        plain = source.read()
    assert (len(plain), source.is_complete) == (made.plain_bytes, True)
    assert plain[:4] == b"\x1aE\xdf\xa3", "WebM"
    assert plain[:200] not in (tmp_path / "film").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["anna", "film", "paul"]
    with pytest.raises(SealedFileError):
        make_film(opens, [1000, 1000], new_key(), tmp_path / "other", lambda ms: None)
    assert not (tmp_path / "other").exists()


def test_what_the_progress_raises_ends_it(tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    def stop(done_ms: int) -> None:
        if done_ms >= 200:
            raise Enough

    with pytest.raises(Enough):
        _film([make_track(1000), make_track(1000)], stop, 1000)
