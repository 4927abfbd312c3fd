"""What becomes of a recording while the visit goes on. Refusals first."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from consultations.clinics.models import Clinic
from consultations.consent.access import latest_decision
from consultations.consent.models import ConsentRecord
from consultations.recordings.actions import ending
from consultations.recordings.models import Recording
from consultations.rooms.actions import consents, guests, seats, visit
from consultations.rooms.actions.booking import book_visit
from consultations.rooms.asking import texts_to_ask
from consultations.rooms.facts import load_room_facts
from consultations.rooms.models import Participant, Room
from consultations.rooms.recorder.port import recordings
from consultations.rooms.snapshot import build_snapshot, recorder_page
from telemed.audit.models import AuditEntry
from telemed.audit.verification import verify
from tests.base import soon
from tests.consultations.recordings.conftest import Filmed
from tests.consultations.rooms.test_actions import CHECK, refusal


def events(name: str, **fields: object) -> int:
    return AuditEntry.objects.filter(event=name, **fields).count()


def snapshot(filmed: Filmed, role: str) -> dict[str, Any]:
    facts = load_room_facts(filmed.scene.room.pk, with_details=False)
    return build_snapshot(facts, filmed.scene.seat(role).public_id)


def test_nobody_is_recorded_before_everybody_agreed(filmed: Filmed) -> None:
    recording = filmed.ask()
    assert recording.state == "requested"
    assert recordings().terms(recording.public_id) is None
    room = Room.objects.get(pk=recording.room_id)
    assert room.route == "p2p", "a question alone does not move anybody to the server"
    filmed.answer("patient")
    assert filmed.state == "running"
    terms = recordings().terms(recording.public_id)
    assert terms is not None
    assert terms.people == {filmed.scene.anna.public_id, filmed.scene.paul.public_id}
    room.refresh_from_db()
    assert (room.route, room.route_reasons[0]["code"]) == ("sfu", "recording_through_server")
    verify()


def test_a_no_ends_the_question_and_not_the_visit(filmed: Filmed) -> None:
    filmed.ask()
    filmed.answer("patient", "refused")
    assert (filmed.state, filmed.recording.end_reason) == ("stopped", "refused")
    room = Room.objects.get(pk=filmed.scene.room.pk)
    assert (room.state, room.route) == ("live", "p2p")
    assert filmed.scene.paul.state == "admitted"


def test_a_withdrawal_stops_at_once_and_takes_back_what_was_recorded(filmed: Filmed) -> None:
    recording = filmed.ask()
    filmed.answer("patient")
    filmed.answer("patient", "withdrawn")
    assert (filmed.state, filmed.recording.end_reason) == ("finalising", "refused")
    assert recordings().terms(recording.public_id) is None
    assert filmed.scene.paul.state == "admitted"
    before = latest_decision(filmed.scene.appointment, filmed.scene.paul.public_id, "recording")
    assert before is not None
    assert before.withdrawn_at is not None
    assert events("consent.withdrawn") == 1


def test_whoever_asked_may_take_it_back_as_well(filmed: Filmed) -> None:
    filmed.ask()
    filmed.answer("patient")
    filmed.answer("practitioner", "withdrawn")
    assert filmed.state == "finalising"


def test_who_comes_in_later_pauses_until_they_answer(filmed: Filmed) -> None:
    recording = filmed.ask()
    filmed.answer("patient")
    ina = join_interpreter(filmed)
    assert filmed.state == "held"
    assert recordings().terms(recording.public_id) is None
    shown = snapshot(filmed, "patient")["room"]
    assert shown["recording"]["waiting_for"] == [ina.public_id]
    assert shown["recorder"] is None, "no key for a recorder while somebody has not agreed"
    filmed.answer("interpreter")
    assert filmed.state == "running"
    # Their no stops it, for everybody, and the visit goes on.
    filmed.answer("interpreter", "withdrawn")
    assert filmed.state == "finalising"
    assert Room.objects.get(pk=filmed.scene.room.pk).state == "live"


def join_interpreter(filmed: Filmed) -> Participant:
    anna = filmed.cast.anna
    seat = guests.invite_participant(filmed.scene.room, role="interpreter", name="Ina Iver", acting_user=anna).seat
    details = dict.fromkeys(("location", "callback_number", "emergency_name", "emergency_phone"), "")
    seats.redeem_link(seat.links.get(), cookies={}, label="Phone")
    seats.confirm_details(filmed.scene.seat("interpreter"), name="Ina Iver", **details)
    seats.record_device_check(filmed.scene.seat("interpreter"), check=CHECK, relay_only=False)
    seats.start_waiting(filmed.scene.seat("interpreter"))
    visit.admit_participant(filmed.scene.anna, target=seat.public_id, identity="known", acting_user=anna)
    return filmed.scene.seat("interpreter")


def test_who_leaves_pauses_it_and_the_end_of_the_visit_ends_it(filmed: Filmed) -> None:
    filmed.ask()
    filmed.answer("patient")
    visit.leave_visit(filmed.scene.paul)
    assert filmed.state == "held", "one person is no visit"
    visit.finish_visit(filmed.scene.anna, outcome="done", acting_user=filmed.cast.anna)
    assert (filmed.state, filmed.recording.end_reason) == ("finalising", "visit_ended")


def test_an_earlier_no_is_no_answer_to_a_new_question_and_a_yes_still_is(filmed: Filmed) -> None:
    filmed.ask()
    filmed.answer("patient", "refused")
    again = filmed.ask()
    assert again.state == "requested"
    assert snapshot(filmed, "patient")["room"]["recording"]["waiting_for"] == [filmed.scene.paul.public_id]
    filmed.answer("patient")
    assert filmed.state == "running"


def test_everybody_sees_that_it_runs_and_nobody_outside_does(filmed: Filmed) -> None:
    filmed.ask()
    filmed.answer("patient")
    page = filmed.recording.public_id
    for role in ("practitioner", "patient"):
        shown = snapshot(filmed, role)
        assert shown["room"]["recording"]["state"] == "running"
        assert shown["room"]["recorder"] == {"id": "recorder", "page": page, "server": True}
        assert shown["me"]["consents"]["recording"] == "granted"
    visit.leave_visit(filmed.scene.paul)
    shown = snapshot(filmed, "patient")
    assert shown["room"]["recording"] is None
    assert shown["room"]["recorder"] is None
    assert shown["me"]["consents"] == {}


def test_the_pages_see_the_recorder_exactly_while_it_may_run(filmed: Filmed) -> None:
    filmed.ask()
    assert recorder_page(load_room_facts(filmed.scene.room.pk, with_details=False)) is None
    filmed.answer("patient")
    assert recorder_page(load_room_facts(filmed.scene.room.pk, with_details=False)) == filmed.recording.public_id


def asked_for(filmed: Filmed, role: str) -> list[str]:
    facts = load_room_facts(filmed.scene.room.pk, with_details=False)
    return [text["purpose"] for text in texts_to_ask(facts, filmed.scene.seat(role).public_id)]


def test_a_program_that_listens_is_asked_for_after_the_recording_and_needs_everybody(
    filmed: Filmed, settings: Any
) -> None:
    settings.LISTENING_PROGRAM = "level_meter"
    page = filmed.ask().public_id
    assert (asked_for(filmed, "patient"), asked_for(filmed, "practitioner")) == (["recording"], ["transcript"])
    filmed.answer("patient")
    assert asked_for(filmed, "patient") == ["transcript"]
    for role, decision, may_listen in (
        ("practitioner", "granted", False), ("patient", "granted", True), ("patient", "withdrawn", False)
    ):  # fmt: skip
        filmed.answer(role, decision, purpose="transcript")
        terms = recordings().terms(page)
        assert terms is not None, "the recording is another question"
        assert terms.may_listen is may_listen
    assert asked_for(filmed, "patient") == [], "nobody is asked again"


def test_without_a_program_nobody_is_asked_for_one(filmed: Filmed) -> None:
    filmed.ask()
    assert asked_for(filmed, "practitioner") == []


def test_granting_needs_the_text_that_was_shown(filmed: Filmed) -> None:
    filmed.ask()
    with refusal("old_text"):
        filmed.answer("patient", version=99)
    assert filmed.state == "requested"


def test_a_child_is_decided_for_by_a_guardian_who_says_so(filmed: Filmed) -> None:
    filmed.cast.paul.birth_date = timezone.localdate() - timedelta(days=365 * 9)
    filmed.cast.paul.save(update_fields=["birth_date"])
    filmed.ask()
    with refusal("guardian_needed"):
        filmed.answer("patient")
    filmed.answer("patient", capacity="guardian")
    assert filmed.state == "running"
    record = ConsentRecord.objects.get(purpose="recording", person=filmed.scene.paul.public_id)
    assert (record.capacity, record.decision) == ("guardian", "granted")
    # A child's own no counts.
    filmed.answer("patient", "withdrawn")
    assert filmed.state == "finalising"


def test_the_evidence_of_a_yes_is_the_text_in_its_language(filmed: Filmed) -> None:
    Participant.objects.filter(pk=filmed.scene.paul.pk).update(language="de")
    filmed.ask()
    filmed.answer("patient")
    record = ConsentRecord.objects.get(purpose="recording", person=filmed.scene.paul.public_id)
    assert (record.text.language, record.text.version, len(record.shown_sha256)) == ("de", 1, 64)


def test_nobody_but_the_practitioner_in_the_room_asks(filmed: Filmed) -> None:
    with refusal("not_allowed"):
        consents.request_recording(filmed.scene.paul, acting_user=filmed.cast.carl)
    assert not Recording.objects.exists()


def test_there_is_one_recording_at_a_time(filmed: Filmed) -> None:
    filmed.ask()
    with refusal("recording_goes_on"):
        filmed.ask()


def test_a_disk_that_is_nearly_full_refuses(filmed: Filmed, full_disk: None) -> None:
    with refusal("disk_full"):
        filmed.ask()
    assert not Recording.objects.exists()


def test_maximum_privacy_is_never_recorded(filmed: Filmed) -> None:
    filmed.cast.talk.privacy_class = "maximum"
    filmed.cast.talk.save()
    with refusal("recording_forbidden_by_privacy_class"):
        filmed.ask()
    assert events("recording.requested", outcome="refused") == 1


def test_a_clinic_that_becomes_kbv_ends_what_runs(filmed: Filmed) -> None:
    recording = filmed.ask()
    filmed.answer("patient")
    Clinic.objects.filter(pk=filmed.cast.harbour.pk).update(profile="kbv")
    assert recordings().terms(recording.public_id) is None
    visit.leave_visit(filmed.scene.paul)
    assert filmed.state == "finalising"


def test_a_recording_keeps_its_visit_for_life(filmed: Filmed) -> None:
    recording = filmed.ask()
    cast = filmed.cast
    other = book_visit(
        clinic=cast.harbour, patient=cast.nora, practitioner=cast.anna.practitioner, visit_type=cast.talk,
        starts_at=soon(60), zone="Europe/Berlin", acting_user=cast.ivy,
    )  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        Recording.objects.filter(pk=recording.pk).update(room=other.room)
    Recording.objects.filter(pk=recording.pk).update(room=recording.room)


def test_a_recording_whose_process_died_is_cut_off_and_says_so(filmed: Filmed) -> None:
    recording = filmed.ask()
    filmed.answer("patient")
    now = timezone.now()
    assert ending.recover_lost(now) == 0, "it was alive a moment ago"
    Recording.objects.filter(pk=recording.pk).update(seen_at=now - timedelta(minutes=1))
    assert ending.recover_lost(now) == 1
    assert (filmed.state, filmed.recording.end_reason) == ("truncated", "crashed")
    assert ending.recover_lost(now) == 0


def test_a_recorder_that_fails_says_so_and_the_visit_goes_on(filmed: Filmed) -> None:
    recording = filmed.ask()
    filmed.answer("patient")
    revision = Room.objects.get(pk=recording.room_id).revision
    recordings().ended(recording.public_id, [], failure="disk_full")
    assert (filmed.state, filmed.recording.end_reason) == ("failed", "disk_full")
    room = Room.objects.get(pk=recording.room_id)
    assert room.state == "live"
    assert room.revision > revision, "both are told"


def test_ages() -> None:
    from consultations.consent.capacity import age_years, may_decide

    assert age_years(date(2010, 11, 22), date(2026, 11, 21)) == 15
    assert age_years(date(2010, 11, 22), date(2026, 11, 22)) == 16
    assert not may_decide("self", date(2010, 11, 23), date(2026, 11, 22))
    assert may_decide("self", None, date(2026, 11, 22))
