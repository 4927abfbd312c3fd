"""Of each path one report in ten seconds is kept, and it holds the worst."""

from dataclasses import replace

from consultations.rooms.protocol.quality import QualityReport
from consultations.rooms.worst_quality import WorstOfTen, worse_of
from tests.consultations.rooms.test_story import GOOD


def kept(worst: WorstOfTen, now_s: float, report: QualityReport) -> tuple[int | None, float] | None:
    found = worst.take(report, now_s)
    return (found[0].audio, found[1]) if found else None


def test_the_first_is_kept_at_once_and_then_the_worst_of_each_ten_seconds_with_its_beginning() -> None:
    worst = WorstOfTen()
    told = [(0, 90), (2, 80), (4, 20), (6, 85), (10, 88), (12, 95), (14, 93), (22, 30)]
    assert [kept(worst, now, replace(GOOD, audio=audio)) for now, audio in told] == [
        (90, 0.0), None, None, None, None, (20, 10.0), None, (93, 10.0),
    ]  # fmt: skip


def test_every_path_has_its_own_ten_seconds() -> None:
    worst = WorstOfTen()
    assert kept(worst, 0, GOOD) == (95, 0.0)
    assert kept(worst, 1, replace(GOOD, warm=True, audio=60)) == (60, 0.0)
    assert kept(worst, 2, replace(GOOD, engine="sfu", audio=50)) == (50, 0.0)
    assert kept(worst, 3, GOOD) is None


def test_what_was_measured_before_a_pause_stays_where_it_was() -> None:
    worst = WorstOfTen()
    for now_s, audio in ((0, 90), (2, 40), (4, 90)):
        kept(worst, now_s, replace(GOOD, audio=audio))
    assert kept(worst, 304, replace(GOOD, audio=90)) == (40, 302.0)
    assert kept(worst, 314, GOOD) == (90, 10.0)


def test_each_number_is_the_worse_one_and_a_judgement_keeps_its_factor() -> None:
    first = replace(GOOD, audio=35, audio_factor="loss", loss_in=0.08, fps=12.0, remedy="audio_first")
    found = worse_of(first, replace(GOOD, rtt_ms=410, video=80, video_factor="frames", remedy="lowered"))
    assert (found.audio, found.audio_factor, found.video, found.video_factor) == (35, "loss", 80, "frames")
    assert (found.rtt_ms, found.loss_in, found.fps, found.in_bps) == (410, 0.08, 12.0, 1_200_000)
    assert found.remedy == "audio_first"


def test_what_was_not_measured_is_neither_the_best_nor_the_worst() -> None:
    nothing = replace(GOOD, audio=None, video=None, rtt_ms=None, fps=None)
    assert (worse_of(nothing, GOOD).audio, worse_of(GOOD, nothing).audio) == (95, 95)
    assert (worse_of(nothing, GOOD).rtt_ms, worse_of(GOOD, nothing).fps) == (40, 30.0)
    both = worse_of(nothing, nothing)
    assert (both.audio, both.video, both.rtt_ms) == (None, None, None)
