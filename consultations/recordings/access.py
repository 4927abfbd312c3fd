"""The only way from an outside code to a recording. Watching is for those who were there to treat; keeping also for the clinic."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone

from consultations.clinics.access import Role, clinics_of, has_role
from consultations.recordings import copies, films, lifecycle
from consultations.recordings.models import Attachment, CopyRequest, Film, Recording, Track
from consultations.rooms.models import Participant, Room

_TREATS = (Participant.Role.PRACTITIONER, Participant.Role.COLLEAGUE)


def visible_recordings(user: Any) -> QuerySet[Recording]:
    """Return what the user may know of: a practitioner the visits they had a seat in, a clinic admin all of the clinic."""
    treating = clinics_of(user, Role.PRACTITIONER).order_by().values("pk")
    keeping = clinics_of(user, Role.CLINIC_ADMIN).order_by().values("pk")
    seats = Participant.objects.filter(user=user if user.is_authenticated else None, role__in=_TREATS)
    mine = Q(room__in=seats.exclude(state=Participant.State.REMOVED).values("room"))
    clinic = "room__appointment__clinic__in"
    return Recording.objects.filter((mine & Q(**{clinic: treating})) | Q(**{clinic: keeping})).select_related(
        "room__appointment__clinic",
        "room__appointment__patient",
        "room__appointment__practitioner__user",
        "room__appointment__visit_type",
        "requested_by",
    )


def get_recording_for(user: Any, public_id: str) -> Recording:
    """Return the recording, or raise Http404: "not yours" and "does not exist" look the same (SEC-3)."""
    recording = visible_recordings(user).filter(public_id=public_id).first()
    if recording is None:
        raise Http404
    return recording


def may_watch(user: Any, recording: Recording) -> bool:
    """Return whether the user may watch it: they had a seat in that visit, and the clinic's profile allows capture. Two queries.

    A clinic admin who treats nobody sees that it is there, not what is in it.
    """
    clinic = recording.room.appointment.clinic
    seats = recording.room.participants.filter(user=user, role__in=_TREATS).exclude(state=Participant.State.REMOVED)
    return clinic.allows_capture and has_role(user, clinic, Role.PRACTITIONER) and seats.exists()


def may_keep(user: Any, recording: Recording) -> bool:
    """Return whether the user may delete it or put it on legal hold: the visit's practitioner, and clinic admins."""
    clinic = recording.room.appointment.clinic
    if has_role(user, clinic, Role.CLINIC_ADMIN):
        return True
    own = recording.room.participants.filter(user=user, role=Participant.Role.PRACTITIONER)
    return has_role(user, clinic, Role.PRACTITIONER) and own.exclude(state=Participant.State.REMOVED).exists()


def get_file_for(user: Any, public_id: str, file_id: str) -> Track | Film:
    """Return a person's track or the combined file to watch; raise Http404, or PermissionDenied for who may know of it and
    not watch it."""
    recording = get_recording_for(user, public_id)
    if not may_watch(user, recording):
        raise PermissionDenied
    kinds = (recording.tracks, recording.films) if recording.can_be_watched else ()
    for kind in kinds:
        file: Track | Film | None = kind.filter(public_id=file_id).first()
        if file is not None and file.can_be_watched:
            file.recording = recording
            return file
    raise Http404


def current_film(recording: Recording) -> Film | None:
    """Return the combined file that there is, or is being made, or the newest that was not; None: nobody asked. One query."""
    film = recording.films.filter(deleted_at__isnull=True).first()
    if film is not None:
        film.recording = recording
    return film


def own_seat(user: Any, recording: Recording) -> Participant | None:
    """Return the seat that this member of staff had in the visit. One query."""
    seat = (
        recording.room.participants.filter(user=user, role__in=_TREATS).exclude(state=Participant.State.REMOVED).first()
    )
    if seat is not None:
        seat.room = recording.room
    return seat


def films_asking(room: Room, person: str) -> list[Film]:
    """Return the combined files that wait for this person's answer. One query, and one per file."""
    waiting = Film.objects.filter(recording__room=room, state=films.ASKING, recording__deleted_at__isnull=True)
    return [film for film in waiting.select_related("recording") if person in film.people]


def recordings_of(seat: Participant) -> list[Recording]:
    """Return the finished recordings of this person's visit that they are in, newest first. Two queries."""
    if not seat.room.appointment.clinic.allows_capture:
        return []
    found = Recording.objects.filter(room=seat.room_id, deleted_at__isnull=True, state__in=lifecycle.WATCHABLE)
    mine = found.filter(
        tracks__person=seat.public_id, tracks__deleted_at__isnull=True, tracks__withdrawn_at__isnull=True
    )
    return list(mine.distinct().prefetch_related("copies"))


def get_own_recording(seat: Participant, public_id: str) -> Recording:
    """Return a recording that this person is in; raise Http404."""
    for recording in recordings_of(seat):
        if recording.public_id == public_id:
            recording.room = seat.room
            return recording
    raise Http404


def copy_files(recording: Recording, person: str) -> list[Track | Film]:
    """Return what a copy for this person holds: their own tracks, and the combined file that they are in. Two queries."""
    if recording.deleted_at is not None:
        return []
    own: list[Track | Film] = [one for one in recording.tracks.filter(person=person) if one.can_be_watched]
    films_made = [film for film in recording.films.all() if film.can_be_watched and person in film.people]
    return [*own, *films_made[:1]] if own else []


def get_copied_file(seat: Participant, public_id: str, file_id: str) -> Track | Film:
    """Return a file of a copy that was given to this person and can still be fetched; raise Http404."""
    recording = get_own_recording(seat, public_id)
    now = timezone.now()
    given = [one for one in recording.copies.all() if one.person == seat.public_id]
    if not any(copies.standing(one.state, one.until, now) == "ready" for one in given):
        raise Http404
    for file in copy_files(recording, seat.public_id):
        if file.public_id == file_id:
            file.recording = recording
            return file
    raise Http404


def get_copy_for(user: Any, public_id: str) -> CopyRequest:
    """Return a request to answer; raise Http404, or PermissionDenied for who may know of the recording and not decide."""
    request = CopyRequest.objects.filter(public_id=public_id, recording__in=visible_recordings(user)).first()
    if request is None:
        raise Http404
    request.recording = visible_recordings(user).get(pk=request.recording_id)
    require_keeper(user, request.recording)
    return request


def require_keeper(user: Any, recording: Recording) -> None:
    if not may_keep(user, recording):
        raise PermissionDenied


def find_recording(page: str) -> Recording | None:
    """Return the recording that a recorder of this program names itself by; nobody outside comes here."""
    rows = Recording.objects.select_related("room__appointment__clinic", "room__appointment__visit_type")
    return rows.filter(public_id=page).first()


def get_attachment_for(user: Any, public_id: str) -> Attachment:
    """Return an attachment to open: for who had a seat in its visit to treat. Raise Http404 for everybody else, and for
    one that was deleted, or that nobody has examined. Two queries."""
    seats = Participant.objects.filter(user=user if user.is_authenticated else None, role__in=_TREATS)
    treating = clinics_of(user, Role.PRACTITIONER).order_by().values("pk")
    mine = seats.exclude(state=Participant.State.REMOVED).values("room")
    return _opened(_attachments().filter(public_id=public_id, room__in=mine, clinic__in=treating).first())


def get_own_attachment(seat: Participant, public_id: str) -> Attachment:
    """Return an attachment that shows, or is from, the person of this seat; raise Http404. One query."""
    return _opened(_attachments().filter(public_id=public_id, room=seat.room_id, person=seat.public_id).first())


def attachments_in(room: Room) -> list[Attachment]:
    """Return what was kept of a visit that the caller may see and can be opened, oldest first. One query."""
    return [one for one in _attachments().filter(room=room, deleted_at__isnull=True) if one.can_be_opened]


def _attachments() -> QuerySet[Attachment]:
    return Attachment.objects.select_related("clinic", "room__appointment__patient")


def _opened(attachment: Attachment | None) -> Attachment:
    if attachment is None or not attachment.can_be_opened or not attachment.clinic.allows_capture:
        raise Http404
    return attachment
