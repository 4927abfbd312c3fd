"""PRIV-1: every way into the program, and what it answers in a clinic under the kbv profile when it could capture.

Each entry point is either in UNRELATED, which says that nothing is captured, kept or opened through it, or in REFUSALS with
the proof. `test_kbv.py` finds the entry points by introspection: one that is in neither fails.
"""

import json
from collections.abc import Callable

from django.db import IntegrityError, transaction
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from consultations.consent.models import ConsentRecord, ConsentText
from consultations.recordings import storage
from consultations.recordings.actions import ending
from consultations.recordings.models import Recording, Track
from consultations.recordings.tasks import finalise, recover, sweep
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
from tests.matrix.world import World, patient_seat

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
        track = recording.tracks.get().public_id
        for role in ("practitioner", "clinic_admin"):
            answer = world.client(role).get(reverse(name, args=[recording.public_id, track]))
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
    for model in ("recordings_recording", "consent_consentrecord", "consent_consenttext"):
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
    "view seat_consent": _seat_consent,
    "message consent": _grant,
    "message recording": _request,
    "message say": _key_for_the_recorder,
    "message admit": _unencrypted,
    "task recordings.finalise": _finalise,
    "task recordings.recover": _recover,
    "task recordings.sweep": _sweep,
    "program level_meter": _program_listens,
    "command serve": _recover,  # what it does with recordings when it starts
    "admin recordings.Recording": _admin_adds_nothing,
    "admin recordings.Recording hold": _keeps_what_is_there("hold"),
    "admin recordings.Recording lift-hold": _keeps_what_is_there("lift-hold"),
    "admin recordings.Recording delete": _admin_deletes,
    "admin consent.ConsentRecord": _admin_adds_nothing,
    "admin consent.ConsentText": _admin_adds_nothing,
    "model recordings.Recording": _recording_saved,
    "model recordings.Track": _track_saved,
    "model consent.ConsentRecord": _consent_saved,
}
