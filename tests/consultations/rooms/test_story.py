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


def test_what_was_measured_is_stored_where_it_began(seat: Participant) -> None:
    with travel(NOON, tick=False):
        record_quality(seat, replace(GOOD, audio=35, audio_factor="loss", video=None, remedy="audio_first"), age_s=10.5)
    row = QualitySample.objects.get()
    assert row.at == NOON - timedelta(seconds=10.5)
    assert (row.audio, row.audio_factor, row.video, row.remedy) == (35, "loss", None, "audio_first")
    assert (row.rtt_ms, row.loss_out, row.fps, row.in_bps) == (40, 0.001, 30.0, 1_200_000)


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
