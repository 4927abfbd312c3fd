"""The story of the path: what is kept of it, and that no decision goes without a reason."""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from time_machine import travel

from consultations.rooms.actions import story
from consultations.rooms.actions.story import MAX_SAMPLES_PER_PERSON, record_quality
from consultations.rooms.models import Participant, QualitySample
from consultations.rooms.protocol.quality import QualityReport
from tests.base import Cast
from tests.e2e.stored_reasons import unexplained
from tests.matrix.world import make_world, patient_seat

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
GOOD = QualityReport(
    warm=False,
    engine="p2p",
    audio=95,
    video=90,
    audio_factor="",
    video_factor="",
    rtt_ms=40,
    jitter_ms=3,
    loss_in=0.0,
    loss_out=0.001,
    concealed=0.0,
    freeze=0.0,
    fps=30.0,
    in_bps=1_200_000,
    out_bps=1_100_000,
    available_out_bps=2_000_000,
    remedy="",
)


@pytest.fixture
def seat(cast: Cast) -> Participant:
    return patient_seat(make_world(cast).appointment)


def _record(seat: Participant, report: QualityReport, second: float) -> None:
    with travel(NOON + timedelta(seconds=second), tick=False):
        record_quality(seat, report)


def test_ten_seconds_are_one_row_and_hold_the_worst(seat: Participant) -> None:
    _record(seat, GOOD, 0)
    _record(seat, replace(GOOD, audio=35, audio_factor="loss", loss_in=0.08, fps=12.0, remedy="audio_first"), 2)
    _record(seat, replace(GOOD, rtt_ms=410, video=None, remedy="lowered"), 9.9)
    row = QualitySample.objects.get()
    assert (row.at, row.audio, row.audio_factor, row.video) == (NOON, 35, "loss", 90)
    assert (row.rtt_ms, row.loss_in, row.fps, row.in_bps, row.remedy) == (410, 0.08, 12.0, 1_200_000, "audio_first")
    _record(seat, GOOD, 10)
    assert QualitySample.objects.count() == 2
    assert QualitySample.objects.latest("at").audio == 95


def test_a_score_that_was_not_measured_is_none_and_not_the_best(seat: Participant) -> None:
    _record(seat, replace(GOOD, audio=None, video=None, rtt_ms=None), 0)
    row = QualitySample.objects.get()
    assert (row.audio, row.video, row.rtt_ms) == (None, None, None)
    _record(seat, replace(GOOD, video=50, video_factor="frames"), 2)
    row.refresh_from_db()
    assert (row.audio, row.video, row.video_factor) == (95, 50, "frames")


def test_every_person_and_path_has_rows_of_its_own(seat: Participant) -> None:
    other = Participant.objects.filter(room=seat.room).exclude(pk=seat.pk).get()
    _record(seat, GOOD, 0)
    _record(seat, replace(GOOD, engine="sfu", warm=True), 1)
    _record(seat, replace(GOOD, engine="sfu"), 2)
    _record(other, GOOD, 3)
    assert QualitySample.objects.count() == 4
    assert set(QualitySample.objects.values_list("room_id", flat=True)) == {seat.room_id}


def test_a_visit_without_an_end_fills_no_disk(seat: Participant, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_SAMPLES_PER_PERSON >= 3 * 360, "three hours are kept"
    monkeypatch.setattr(story, "MAX_SAMPLES_PER_PERSON", 3)
    for second in range(0, 100, 10):
        _record(seat, GOOD, second)
    assert QualitySample.objects.count() == 3


ONE_TO_ONE = [{"code": "one_to_one", "params": {}}]


@pytest.fixture
def keep(tmp_path: Path) -> Callable[..., list[str]]:
    """A visit's route and its rows (trigger, route, reasons) in a file as the server leaves it; what the check says of it."""

    def look(route: str, *rows: tuple[str, str, object]) -> list[str]:
        database = tmp_path / "demo.sqlite3"
        database.unlink(missing_ok=True)
        with sqlite3.connect(database) as connection:
            connection.execute("CREATE TABLE rooms_room (id, route, route_reasons)")
            connection.execute("CREATE TABLE rooms_routedecision (id, at, room_id, trigger, route, reasons)")
            connection.execute("INSERT INTO rooms_room VALUES (1, ?, ?)", (route, json.dumps(ONE_TO_ONE)))
            for number, (trigger, to, reasons) in enumerate(rows):
                values = (number, number, trigger, to, json.dumps(reasons))
                connection.execute("INSERT INTO rooms_routedecision VALUES (?, ?, 1, ?, ?, ?)", values)
        return list(unexplained(database))

    return look


def test_the_check_of_reasons_passes_what_can_be_read(keep: Callable[..., list[str]]) -> None:
    refused = ("admission_refused", "none", [{"code": "three_or_more_need_server"}])
    assert keep("p2p", ("opened", "p2p", ONE_TO_ONE), ("path.connected", "direct", [{"local": "host"}]), refused) == []


@pytest.mark.parametrize("reasons", [[], ["one_to_one"], [{"params": {}}], [{"code": "a_code_without_words"}]])
def test_the_check_of_reasons_finds_a_decision_nobody_can_read(
    keep: Callable[..., list[str]], reasons: list[object]
) -> None:
    assert len(keep("p2p", ("opened", "p2p", reasons))) == 1


def test_the_check_of_reasons_finds_a_route_that_nobody_decided(keep: Callable[..., list[str]]) -> None:
    assert len(keep("sfu", ("opened", "p2p", ONE_TO_ONE))) == 1
    assert len(keep("sfu")) == 1
