"""A participant's copy: asked for on their page, answered by the practice or the clinic's setting, fetched, over. Refusals first."""

from datetime import datetime, timedelta
from datetime import timezone as tz
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from consultations.clinics.models import Clinic
from consultations.outbox.models import Message
from consultations.recordings import copies
from consultations.recordings.actions import copying, keeping
from consultations.recordings.models import CopyRequest, Film, Track
from consultations.rooms.refusals import Refused
from telemed.audit.models import AuditEntry
from telemed.audit.verification import verify
from tests.base import Cast
from tests.matrix.world import FILM, World, make_world, patient_seat

NOON = datetime(2026, 3, 1, 12, tzinfo=tz.utc)  # noqa: UP017


@pytest.fixture
def world(cast: Cast, settings: Any, tmp_path: Any) -> World:
    """Paul's recording, of which nobody has asked for a copy."""
    settings.RECORDINGS_DIR = str(tmp_path / "recordings")
    cache.clear()
    world = make_world(cast)
    CopyRequest.objects.all().delete()
    return world


def after(world: World) -> Any:
    return world.client("patient").get(reverse("seat_after", args=[world.code])).json()


def press(world: World, recording: str = "") -> Any:
    fields = {"recording": recording or world.recording.public_id}
    url = reverse("seat_copy", args=[world.code])
    return world.client("patient").post(url, fields, content_type="application/json")


def decide(world: World, give: bool, role: str = "practitioner") -> Any:
    url = reverse("copy_decide", args=[world.recording.copies.latest("pk").public_id])
    return world.client(role).post(url, {"give": "1" if give else "0"})


def events(name: str) -> int:
    return AuditEntry.objects.filter(event=f"recording.{name}").count()


def test_a_copy_is_good_for_two_weeks_and_never_longer_than_the_recording() -> None:
    far, near = NOON + timedelta(days=300), NOON + timedelta(days=3)
    assert copies.good_until(NOON, far, on_hold=False) == NOON + timedelta(days=14)
    assert copies.good_until(NOON, near, on_hold=False) == near
    assert copies.good_until(NOON, near, on_hold=True) == NOON + timedelta(days=14)
    assert copies.standing("granted", near, near) == "over"
    assert copies.standing("granted", near, NOON) == "ready"
    assert copies.standing("asked", None, NOON) == "asked"


def test_nobody_asks_for_a_recording_they_are_not_in(world: World) -> None:
    foreign = world.nora_appointment.room.recordings.get().public_id
    for recording in (foreign, "0" * 22, "x"):
        assert press(world, recording).status_code == 409
    Track.objects.filter(recording=world.recording).update(withdrawn_at=timezone.now())
    assert press(world).status_code == 409
    assert after(world)["recordings"] == []
    assert not CopyRequest.objects.exists()


def test_it_is_asked_for_given_and_fetched(world: World) -> None:
    shown = after(world)["recordings"]
    assert [(one["copy"], one["holds"], one["files"]) for one in shown] == [("none", ["own", "everybody"], [])]
    for _ in range(2):
        assert press(world).status_code == 200
    assert (CopyRequest.objects.count(), events("copy_asked")) == (1, 1)
    assert (
        "copy-give"
        in world.client("practitioner").get(reverse("recording", args=[world.recording.public_id])).content.decode()
    )
    track = world.recording.tracks.get().public_id
    url = reverse("seat_copy_file", args=[world.code, world.recording.public_id, track])
    assert world.client("patient").get(url).status_code == 404, "asked is not given"
    for _ in range(2):
        decide(world, give=True)
    assert events("copy_given") == 1
    assert Message.objects.filter(event="visit_copy").count() == 1
    [recording] = after(world)["recordings"]
    assert (recording["copy"], len(recording["files"])) == ("ready", 2)
    assert recording["files"][0]["url"] == url
    for count in (1, 2):
        answer = world.client("patient").get(url)
        assert b"".join(answer.streaming_content) == FILM  # type: ignore[attr-defined]
        assert answer["Content-Disposition"].startswith("attachment")
        assert events("downloaded") == count
    assert world.client("other_patient").get(url).status_code == 401
    verify()


def test_another_persons_track_is_in_nobodys_copy(world: World) -> None:
    press(world)
    decide(world, give=True)
    other = Track.objects.create(recording=world.recording, person="a" * 22, file_name="a.webm.sealed")
    url = reverse("seat_copy_file", args=[world.code, world.recording.public_id, other.public_id])
    assert world.client("patient").get(url).status_code == 404
    Film.objects.filter(recording=world.recording).update(people=["a" * 22])
    assert [one["kind"] for one in after(world)["recordings"][0]["files"]] == ["own"]


def test_a_no_is_told_and_another_answer_is_refused(world: World) -> None:
    press(world)
    decide(world, give=False, role="clinic_admin")
    assert after(world)["recordings"][0]["copy"] == "refused"
    with pytest.raises(Refused, match="copy_decided"):
        copying.decide_copy(CopyRequest.objects.get(), True, acting_user=world.cast.anna)
    assert press(world).status_code == 200, "they may ask again"
    assert [one.state for one in CopyRequest.objects.all()] == ["asked", "refused"]


def test_the_clinics_setting_gives_it_at_once(world: World) -> None:
    Clinic.objects.filter(pk=world.cast.harbour.pk).update(copies_automatic=True)
    assert press(world).json()["recordings"][0]["copy"] == "ready"
    request = CopyRequest.objects.get()
    assert (request.decided_by, request.until is not None) == (None, True)


def test_it_ends_with_its_time_with_the_recording_and_with_a_withdrawal(world: World) -> None:
    press(world)
    decide(world, give=True)
    url = after(world)["recordings"][0]["files"][0]["url"]
    CopyRequest.objects.update(until=timezone.now())
    assert world.client("patient").get(url).status_code == 404
    assert after(world)["recordings"][0]["copy"] == "over"
    CopyRequest.objects.update(until=timezone.now() + timedelta(days=1))
    keeping.delete_recording(world.recording, acting_user=world.cast.anna)
    assert world.client("patient").get(url).status_code == 404
    assert after(world)["recordings"] == []


def test_only_who_keeps_the_recording_answers(world: World) -> None:
    press(world)
    for role in ("colleague", "assistant", "stranger", "foreign_admin"):
        assert decide(world, give=True, role=role).status_code == 404
    assert CopyRequest.objects.get().state == "asked"
    assert patient_seat(world.appointment).public_id == CopyRequest.objects.get().person
