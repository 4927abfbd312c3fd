"""A recording while the visit goes on: asked for, begun, paused, stopped. All run under the lock on the room."""

import base64

from django.utils import timezone

from consultations.recordings import lifecycle, storage
from consultations.recordings.actions.steps import FORBIDDEN, lock_recording, record, step
from consultations.recordings.models import Recording, Track
from consultations.rooms.actions.routing import weigh_route
from consultations.rooms.capture import Verdict
from consultations.rooms.models import Participant, Room
from consultations.rooms.refusals import Refused
from media_routing import api
from telemed.accounts.models import User


def find_active_row(room_pk: int) -> Recording | None:
    return Recording.objects.filter(room_id=room_pk, state__in=lifecycle.ACTIVE).first()


def request_recording(seat: Participant, *, acting_user: User) -> Recording:
    """Ask everybody who is inside. Raises Refused; the caller has asked the routing engine (PRIV-1) and checked the right."""
    room = seat.room
    if not room.appointment.clinic.allows_capture:
        raise Refused(FORBIDDEN, status=403)
    if find_active_row(room.pk) is not None:
        raise Refused("recording_goes_on")
    if not storage.has_room():
        raise Refused("disk_full")
    now = timezone.now()
    recording = Recording.objects.create(
        room=room,
        requested_by=acting_user,
        requested_at=now,
        changed_at=now,
        wrapped_key=base64.b64encode(api.new_key()).decode(),
    )
    recording.room = room
    record("recording.requested", recording, acting_user=acting_user)
    return recording


def stop_recording(seat: Participant, *, acting_user: User) -> None:
    """End it, or take the question back. Nothing to end: nothing happens."""
    active = find_active_row(seat.room_id)
    if active is None:
        return
    recording = lock_recording(active.pk)
    step(recording, "stop", reason=Recording.Reason.PRESSED)
    record("recording.stopped", recording, acting_user=acting_user, state=recording.state)


def settle_recording(room: Room, verdict: Verdict) -> bool:
    """Begin, pause or stop, as the people who are inside now say. Return whether it changed."""
    active = find_active_row(room.pk)
    if active is None:
        return False
    recording = lock_recording(active.pk)
    recording.room = room
    live = room.state == Room.State.LIVE and room.appointment.clinic.allows_capture
    event = lifecycle.event_for(recording.state, verdict, live=live)
    reason = Recording.Reason.REFUSED if live else Recording.Reason.VISIT_ENDED
    if event == "begin" and weigh_route(room, recording=True).refusal:
        event, reason = "stop", Recording.Reason.UNREACHED
    if not event or not step(recording, event, reason=reason):
        return False
    record(
        f"recording.{_EVENTS[event]}",
        recording,
        state=recording.state,
        undecided=len(verdict.undecided),
        refused=len(verdict.refused),
    )
    return True


_EVENTS = {"begin": "began", "hold": "paused", "stop": "stopped"}


def withdraw_tracks(room: Room, person: str) -> None:
    """Somebody took their yes back: their picture and sound are shown to nobody from now on, and swept away."""
    tracks = Track.objects.filter(recording__room=room, person=person, withdrawn_at__isnull=True)
    for track in tracks.select_related("recording"):
        Track.objects.filter(pk=track.pk).update(withdrawn_at=timezone.now())
        track.recording.room = room
        record("recording.track_withdrawn", track.recording, track=track.public_id)


def note_alive(pages: list[str]) -> None:
    """These recordings have a recorder that runs."""
    Recording.objects.filter(public_id__in=pages).update(seen_at=timezone.now())
