"""PRIV-1: every way into the program, and what it answers in a clinic under the kbv profile when it could capture.

Each entry point is either in UNRELATED, which says that nothing is captured, kept or opened through it, or in REFUSALS with
the proof. `test_kbv.py` finds the entry points by introspection: one that is in neither fails.
"""

import io
import itertools
import json
from collections.abc import Callable
from unittest.mock import patch

from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from consultations.clinics.models import Clinic
from consultations.consent.models import ConsentRecord, ConsentText
from consultations.recordings import storage
from consultations.recordings.actions import attachments, ending
from consultations.recordings.models import Attachment, CopyRequest, Film, Recording, Track
from consultations.recordings.tasks import combine, finalise, recover, scan, sweep
from consultations.rooms import protocol
from consultations.rooms.actions import visit
from consultations.rooms.asking import texts_to_ask
from consultations.rooms.desk import Desk
from consultations.rooms.facts import load_room_facts
from consultations.rooms.models import Participant, Room
from consultations.rooms.recorder.port import recordings
from consultations.rooms.refusals import Refused
from consultations.rooms.signaling import Refuse, decide
from consultations.rooms.snapshot import build_viewer, recorder_page
from consultations.rooms.tickets import take_ticket
from telemed.audit.models import AuditEntry
from tests.matrix.world import PNG, World, patient_seat

Proof = Callable[[World], None]
PAGE = "page-of-anna"


def _live(world: World) -> Desk:
    """Anna's desk in a running visit with Paul."""
    session = world.client("practitioner").session.session_key or ""
    desk = Desk(take_ticket(cookies={}, session_key=session, code=world.code, seat_only=False))
    visit.enter_visit(desk.ticket.participant, acting_user=world.cast.anna)
    now = timezone.now()
    Participant.objects.filter(pk=patient_seat(world.appointment).pk).update(state="admitted", admitted_at=now)
    Room.objects.filter(code=world.code).update(state="live", live_at=now)
    return desk


def _refused_events() -> int:
    return AuditEntry.objects.filter(outcome="refused").count()


def _message_is_refused(world: World, message: protocol.Message, *, written_down: bool = True) -> None:
    desk, before = _live(world), _refused_events()
    try:
        desk.act(message)
    except Refused:
        pass
    else:
        raise AssertionError("the message was obeyed")
    assert _refused_events() == before + written_down
    assert not Recording.objects.filter(room__code=world.code, state__in=["requested", "running", "held"]).exists()
    assert not ConsentRecord.objects.filter(appointment=world.appointment).exclude(purpose="treatment").exists()


def _grant(world: World) -> None:
    for purpose in ("recording", "combined", "transcript", "ai_note", "stills"):
        _message_is_refused(world, protocol.Consent("1", purpose, "granted", 1))


def _request(world: World) -> None:
    _message_is_refused(world, protocol.Recording("1", "request"))


def _key_for_the_recorder(world: World) -> None:
    """No recorder is ever a member, so no page wraps a key for it, and one that is sent goes nowhere."""
    _live(world)
    Room.objects.filter(code=world.code).update(route="sfu")
    facts = load_room_facts(Room.objects.get(code=world.code).pk, with_details=False)
    anna = Participant.objects.get(room__code=world.code, role="practitioner").public_id
    viewer = build_viewer(facts, anna, page=PAGE)
    assert not viewer.recorder
    assert not facts.may_record
    assert decide(viewer, protocol.Say("recorder", protocol.Keys({"kind": "key"}))) == Refuse("unknown_person")


def _unencrypted(world: World) -> None:
    """No silent fallback: who cannot encrypt is not let in, accepted or not."""
    desk = _live(world)
    paul = patient_seat(world.appointment)
    Participant.objects.filter(pk=paul.pk).update(
        state="waiting", details_confirmed_at=timezone.now(), device_check={"frame_encryption": False}
    )
    try:
        desk.act(protocol.Admit("1", paul.public_id, "known", accept_unencrypted=True))
    except Refused as refused:
        assert refused.code == "encryption_required", refused.code  # noqa: PT017
    else:
        raise AssertionError("somebody came in without encryption")


def _media(name: str) -> Proof:
    def proof(world: World) -> None:
        recording = world.recording
        files = [recording.tracks.get().public_id, recording.films.get().public_id]
        for role, file in itertools.product(("practitioner", "clinic_admin"), files):
            answer = world.client(role).get(reverse(name, args=[recording.public_id, file]))
            assert answer.status_code == 403, answer.status_code
        assert not AuditEntry.objects.filter(event__in=["recording.played", "recording.downloaded"]).exists()

    return proof


def _page(world: World) -> None:
    """What was recorded before the profile changed can be deleted, and not watched."""
    page = world.client("practitioner").get(reverse("recording", args=[world.recording.public_id])).content.decode()
    assert "<video" not in page
    assert "delete-confirm" in page


def _seat_consent(world: World) -> None:
    fields = {"purpose": "recording", "version": 1, "decision": "granted", "capacity": "self"}
    answer = world.client("patient").post(
        reverse("seat_consent", args=[world.code]), json.dumps(fields), content_type="application/json"
    )
    assert answer.status_code == 409
    assert not ConsentRecord.objects.filter(purpose="recording").exists()


def _program_listens(world: World) -> None:
    """What listens hears with a recorder, and there is none; a yes to it is refused like any other, set or not."""
    with override_settings(LISTENING_PROGRAM="level_meter"):
        _message_is_refused(world, protocol.Consent("1", "transcript", "granted", 1))
        facts = load_room_facts(Room.objects.get(code=world.code).pk, with_details=False)
        assert texts_to_ask(facts, patient_seat(world.appointment).public_id) == []
        assert recorder_page(facts) is None
    assert recordings().terms(world.recording.public_id) is None


def _finalise(world: World) -> None:
    Track.objects.filter(recording=world.recording).delete()
    Recording.objects.filter(pk=world.recording.pk).update(state="finalising", finished_at=None)
    before = sorted(path.name for path in storage.folder_of(world.recording).iterdir())
    assert finalise(world.recording.pk) is False
    assert not world.recording.tracks.exists()
    assert sorted(path.name for path in storage.folder_of(world.recording).iterdir()) == before


def _recover(world: World) -> None:
    Track.objects.filter(recording=world.recording).delete()
    Recording.objects.filter(pk=world.recording.pk).update(state="finalising", finished_at=None)
    recover()
    ending.recover_lost(timezone.now())
    assert not world.recording.tracks.exists()
    assert recordings().terms(world.recording.public_id) is None


def _sweep(world: World) -> None:
    """The one thing that is still done: deleting."""
    Recording.objects.update(keep_until=timezone.now())
    sweep()
    assert world.recording.deleted_at is not None


def _film_pressed(name: str) -> Proof:
    def proof(world: World) -> None:
        url = reverse(name, args=[world.recording.public_id])
        answer = world.client("practitioner").post(url, {"version": "2", "decision": "granted"})
        assert answer.status_code == 403, answer.status_code
        assert not ConsentRecord.objects.filter(purpose="combined").exists()

    return proof


def _film_state(world: World) -> None:
    url = reverse("film_state", args=[world.recording.public_id])
    assert world.client("practitioner").get(url).status_code == 403


def _film_not_made(world: World) -> None:
    """A job that was queued before the profile changed makes nothing."""
    film = world.recording.films.get()
    clinic = world.cast.harbour
    Clinic.objects.filter(pk=clinic.pk).update(profile="gdpr")
    for person in film.people:
        ConsentRecord.objects.create(appointment=world.appointment, person=person, purpose="combined", decision="granted", decided_at=timezone.now(), text=ConsentText.objects.filter(purpose="combined").latest("version"), shown_sha256="0" * 64)  # fmt: skip
    Film.objects.filter(pk=film.pk).update(state="queued")
    Clinic.objects.filter(pk=clinic.pk).update(profile=clinic.profile)
    combine(film.pk)
    film.refresh_from_db()
    assert (film.state, film.attempts) == ("queued", 0)


def _film_saved(world: World) -> None:
    now = timezone.now()
    fields = {"recording": world.recording, "requested_by": world.cast.anna, "requested_at": now, "changed_at": now}
    _database_refuses(lambda world: Film.objects.create(**fields))(world)
    Film.objects.update(state="failed")
    _database_refuses(lambda world: Film.objects.update(state="queued"))(world)


def _copy_saved(world: World) -> None:
    now = timezone.now()
    _database_refuses(lambda world: CopyRequest.objects.create(recording=world.recording, person="x", asked_at=now))(
        world
    )
    CopyRequest.objects.update(state="asked")
    _database_refuses(lambda world: CopyRequest.objects.update(state="granted"))(world)


def _copy_decided(world: World) -> None:
    CopyRequest.objects.update(state="asked", until=None)
    asked = world.recording.copies.get()
    world.client("practitioner").post(reverse("copy_decide", args=[asked.public_id]), {"give": "1"})
    assert world.recording.copies.get().state == "asked"


def _copy_asked(world: World) -> None:
    CopyRequest.objects.all().delete()
    fields = {"recording": world.recording.public_id}
    url = reverse("seat_copy", args=[world.code])
    answer = world.client("patient").post(url, json.dumps(fields), content_type="application/json")
    assert answer.status_code == 409
    assert not CopyRequest.objects.exists()


def _copy_file(world: World) -> None:
    """What was given before the profile changed cannot be fetched any more."""
    track = world.recording.tracks.get().public_id
    url = reverse("seat_copy_file", args=[world.code, world.recording.public_id, track])
    assert world.client("patient").get(url).status_code == 404
    assert not AuditEntry.objects.filter(event="recording.downloaded").exists()


def _seat_after(world: World) -> None:
    shown = world.client("patient").get(reverse("seat_after", args=[world.code])).json()
    assert (shown["asks"], shown["recordings"]) == ([], [])


def _seat_answer(world: World) -> None:
    fields = {"purpose": "combined", "version": 2, "decision": "granted", "capacity": "self"}
    url = reverse("seat_answer", args=[world.code])
    answer = world.client("patient").post(url, json.dumps(fields), content_type="application/json")
    assert answer.status_code == 403
    assert not ConsentRecord.objects.filter(purpose="combined").exists()


def _verify_files(world: World) -> None:
    """It compares checksums of sealed files: no key is used, nothing is opened."""
    out = io.StringIO()
    with patch.object(Recording, "key", property(lambda self: 1 / 0)):
        call_command("verify_recordings", stdout=out)
    assert "0 of them wrong" in out.getvalue()
    assert not AuditEntry.objects.filter(event__in=["recording.played", "attachment.opened"]).exists()


def _attachment_hidden(name: str, method: str) -> Proof:
    """What was kept before the profile changed is opened by nobody."""

    def proof(world: World) -> None:
        answer = getattr(world.client("practitioner"), method)(reverse(name, args=[world.attachment.public_id]))
        assert answer.status_code == 404, answer.status_code
        assert not AuditEntry.objects.filter(event="attachment.opened").exists()

    return proof


def _still_uploaded(world: World) -> None:
    before = _refused_events()
    person = patient_seat(world.appointment).public_id
    url = f"{reverse('visit_still', args=[world.code])}?person={person}"
    answer = world.client("practitioner").post(url, b"\xff\xd8", content_type="image/jpeg")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "recording_forbidden_by_profile")
    assert _refused_events() == before + 1
    state = world.client("patient").get(reverse("seat_state", args=[world.code])).json()
    assert state["keep_stills"] is None


def _scan(world: World) -> None:
    Attachment.objects.filter(pk=world.attachment.pk).update(scan="pending", content_type="image/png")
    scan()
    assert world.attachment.scan == "pending"


def _attachment_deleted_by_admin(world: World) -> None:
    press = reverse("admin:recordings_attachment_press", args=[world.attachment.pk, "delete"])
    world.client("clinic_admin").post(press)
    assert world.attachment.deleted_at is not None


def _attachment_saved(world: World) -> None:
    room, person = world.appointment.room, patient_seat(world.appointment).public_id
    for kind, type_ in (("still", "image/png"), ("file", "text/plain")):
        before = _refused_events()
        try:
            attachments.keep_attachment(room, person=person, kind=kind, content=PNG, content_type=type_)
        except Refused as refused:
            assert refused.code == "recording_forbidden_by_profile"  # noqa: PT017
        else:
            raise AssertionError("it was kept")
        assert _refused_events() == before + 1
    fields = {"clinic": world.cast.harbour, "room": room, "person": person, "kind": "file", "size_bytes": 1}
    _database_refuses(lambda world: Attachment.objects.create(**fields, kept_at=timezone.now()))(world)


def _database_refuses(write: Callable[[World], object]) -> Proof:
    def proof(world: World) -> None:
        try:
            with transaction.atomic():
                write(world)
        except IntegrityError:
            return
        raise AssertionError("the database took the row")

    return proof


def _new_recording(world: World) -> Recording:
    now = timezone.now()
    room = Room.objects.get(code=world.code)
    return Recording(room=room, requested_by=world.cast.anna, requested_at=now, changed_at=now)


def _recording_saved(world: World) -> None:
    for write in (
        lambda world: _new_recording(world).save(),
        lambda world: Recording.objects.bulk_create([_new_recording(world)]),
        lambda world: Recording.objects.filter(pk=world.recording.pk).update(state="running"),
    ):
        _database_refuses(write)(world)


def _track_saved(world: World) -> None:
    _database_refuses(lambda world: Track.objects.create(recording=world.recording, person="x", file_name="x"))(world)


def _consent_saved(world: World) -> None:
    text = ConsentText.objects.filter(purpose="recording").latest("version")
    fields = {"appointment": world.appointment, "person": "x", "purpose": "recording", "text": text}
    fields |= {"decision": "granted", "decided_at": timezone.now(), "shown_sha256": "0" * 64}
    _database_refuses(lambda world: ConsentRecord.objects.create(**fields))(world)
    _database_refuses(
        lambda world: ConsentRecord.objects.filter(appointment=world.appointment).update(purpose="recording")
    )(world)


def _admin_adds_nothing(world: World) -> None:
    for model in ("recordings_recording", "recordings_attachment", "consent_consentrecord", "consent_consenttext"):
        assert world.client("clinic_admin").get(reverse(f"admin:{model}_add")).status_code == 403


def _admin_deletes(world: World) -> None:
    press = reverse("admin:recordings_recording_press", args=[world.recording.pk, "delete"])
    world.client("clinic_admin").post(press)
    assert world.recording.deleted_at is not None


def _keeps_what_is_there(name: str) -> Proof:
    """A hold opens nothing: it only keeps the sweep away, as a court may ask of any clinic."""

    def proof(world: World) -> None:
        before = world.recording.state
        press = reverse("admin:recordings_recording_press", args=[world.recording.pk, name])
        world.client("clinic_admin").post(press)
        assert world.recording.state == before

    return proof


def _hold(world: World) -> None:
    before = world.recording.state
    world.client("practitioner").post(reverse("recording_hold", args=[world.recording.public_id]), {"on": "1"})
    assert world.recording.state == before


def _delete(world: World) -> None:
    world.client("practitioner").post(reverse("recording_delete", args=[world.recording.public_id]))
    assert world.recording.deleted_at is not None


def _list(world: World) -> None:
    assert "<video" not in world.client("practitioner").get(reverse("recordings")).content.decode()


REFUSALS: dict[str, Proof] = {
    "view recordings": _list,
    "view recording": _page,
    "view recording_media": _media("recording_media"),
    "view recording_download": _media("recording_download"),
    "view recording_delete": _delete,
    "view recording_hold": _hold,
    "view film_request": _film_pressed("film_request"),
    "view film_answer": _film_pressed("film_answer"),
    "view film_cancel": _film_pressed("film_cancel"),
    "view film_state": _film_state,
    "view copy_decide": _copy_decided,
    "view seat_after": _seat_after,
    "view seat_answer": _seat_answer,
    "view seat_copy": _copy_asked,
    "view seat_copy_file": _copy_file,
    "view attachment": _attachment_hidden("attachment", "get"),
    "view attachment_delete": _attachment_hidden("attachment_delete", "post"),
    "view visit_still": _still_uploaded,
    "view seat_consent": _seat_consent,
    "message consent": _grant,
    "message recording": _request,
    "message say": _key_for_the_recorder,
    "message admit": _unencrypted,
    "task recordings.finalise": _finalise,
    "task recordings.recover": _recover,
    "task recordings.sweep": _sweep,
    "task recordings.combine": _film_not_made,
    "task recordings.scan": _scan,
    "program level_meter": _program_listens,
    "command verify_recordings": _verify_files,
    "command serve": _recover,  # what it does with recordings when it starts
    "admin recordings.Recording": _admin_adds_nothing,
    "admin recordings.Recording hold": _keeps_what_is_there("hold"),
    "admin recordings.Recording lift-hold": _keeps_what_is_there("lift-hold"),
    "admin recordings.Recording delete": _admin_deletes,
    "admin recordings.Attachment": _admin_adds_nothing,
    "admin recordings.Attachment delete": _attachment_deleted_by_admin,
    "admin consent.ConsentRecord": _admin_adds_nothing,
    "admin consent.ConsentText": _admin_adds_nothing,
    "model recordings.Recording": _recording_saved,
    "model recordings.Track": _track_saved,
    "model recordings.Film": _film_saved,
    "model recordings.CopyRequest": _copy_saved,
    "model recordings.Attachment": _attachment_saved,
    "model consent.ConsentRecord": _consent_saved,
}
