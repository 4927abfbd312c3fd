"""Recordings that are there: watched, deleted, kept longer, swept away. Every one of these is audited."""

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from consultations.recordings import films, lifecycle, storage
from consultations.recordings.actions.steps import lock_recording, record
from consultations.recordings.models import Film, Recording, Track
from consultations.rooms.refusals import Refused
from telemed.accounts.models import User

logger = logging.getLogger(__name__)


@transaction.atomic
def note_playback(
    file: Track | Film, *, acting_user: User | None = None, acting_seat: str = "", download: bool = False
) -> None:
    """Write that somebody watches, or takes a copy. Before the first byte is sent (SEC-7)."""
    recording = lock_recording(file.recording_id)
    event = "recording.downloaded" if download else "recording.played"
    kind = "track" if isinstance(file, Track) else "film"
    details = {kind: file.public_id}
    record(event, recording, acting_user=acting_user, acting_seat=acting_seat, **details)  # type: ignore[arg-type]


@transaction.atomic
def delete_recording(recording: Recording, *, acting_user: User) -> None:
    """Delete the files and the key; the row stays and says so. Raises Refused. Twice changes nothing."""
    recording = lock_recording(recording.pk)
    if recording.deleted_at is not None:
        return
    if recording.is_active:
        raise Refused("recording_goes_on")
    if recording.legal_hold:
        raise Refused("legal_hold")
    _empty(recording)
    record("recording.deleted", recording, acting_user=acting_user)


@transaction.atomic
def set_legal_hold(recording: Recording, on: bool, *, acting_user: User) -> None:
    """Keep a recording until the hold is lifted, whatever its time. The same again changes nothing."""
    recording = lock_recording(recording.pk)
    if recording.deleted_at is not None:
        raise Refused("recording_gone")
    if recording.legal_hold == on:
        return
    recording.legal_hold = on
    recording.save(update_fields=["legal_hold"])
    record("recording.hold_set" if on else "recording.hold_lifted", recording, acting_user=acting_user)


def sweep_recordings(now: datetime) -> int:
    """Delete what is past its time, and tracks whose people took their yes back. Idempotent; return how many went."""
    ended = Recording.objects.filter(deleted_at__isnull=True, legal_hold=False).exclude(state__in=lifecycle.ACTIVE)
    due = list(ended.filter(keep_until__lte=now).values_list("pk", flat=True))
    gone = sum(_expire(pk, now) for pk in due)
    tracks = Track.objects.filter(
        withdrawn_at__isnull=False, deleted_at__isnull=True, recording__deleted_at__isnull=True
    ).exclude(recording__legal_hold=True)
    gone += sum(_tried(_remove_track, pk) for pk in list(tracks.values_list("pk", flat=True)))
    made = Film.objects.filter(withdrawn_at__isnull=False, deleted_at__isnull=True, recording__deleted_at__isnull=True)
    return gone + sum(_tried(_remove_film, pk) for pk in list(made.values_list("pk", flat=True)))


def _tried(remove: Callable[[int], bool], pk: int) -> bool:
    try:
        return remove(pk)
    except OSError as error:
        logger.warning("a withdrawn file could not be removed and is tried again: %s", type(error).__name__)
        return False


@transaction.atomic
def _expire(pk: int, now: datetime) -> bool:
    recording = lock_recording(pk)
    due = recording.keep_until is not None and recording.keep_until <= now
    if recording.deleted_at is not None or recording.legal_hold or not due:
        return False
    _empty(recording)
    record("recording.expired", recording)
    return True


@transaction.atomic
def _remove_track(pk: int) -> bool:
    recording = lock_recording(Track.objects.values_list("recording_id", flat=True).get(pk=pk))
    track = Track.objects.get(pk=pk)
    if track.deleted_at is not None or recording.legal_hold:
        return False
    track.recording = recording
    track.deleted_at, track.size_bytes = timezone.now(), 0
    track.save(update_fields=["deleted_at", "size_bytes"])
    storage.remove_kept(storage.name_of(track))  # the key stays, so the file must go, or be tried again
    record("recording.track_deleted", recording, track=track.public_id)
    return True


@transaction.atomic
def _remove_film(pk: int) -> bool:
    recording = lock_recording(Film.objects.values_list("recording_id", flat=True).get(pk=pk))
    film = Film.objects.get(pk=pk)
    if film.deleted_at is not None or recording.legal_hold:
        return False
    film.recording = recording
    film.deleted_at, film.size_bytes = timezone.now(), 0
    film.save(update_fields=["deleted_at", "size_bytes"])
    storage.remove_kept(storage.name_of(film))
    record("recording.film_deleted", recording, film=film.public_id)
    return True


def _empty(recording: Recording) -> None:
    """The key goes first and with the row: a file that could not be removed is noise from then on."""
    recording.deleted_at, recording.wrapped_key = timezone.now(), ""
    recording.save(update_fields=["deleted_at", "wrapped_key"])
    for rows in (Track.objects.all(), Film.objects.all()):
        rows.filter(recording=recording, deleted_at__isnull=True).update(deleted_at=recording.deleted_at, size_bytes=0)
    Film.objects.filter(recording=recording, state__in=films.ACTIVE).update(state=films.CANCELLED)
    transaction.on_commit(lambda: storage.remove_folder(recording))


@transaction.atomic
def note_opened(recording: Recording, *, acting_user: User) -> None:
    """Write that somebody opened the page of a recording: it shows whose visit it was (SEC-7)."""
    record("recording.read", lock_recording(recording.pk), acting_user=acting_user)
