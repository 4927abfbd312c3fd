"""After the recorder: what it left is listed, finished, or found cut off after a crash (REL-2)."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from consultations.consent.access import consent_states
from consultations.recordings import films, lifecycle, storage
from consultations.recordings.actions.steps import lock_recording, record, step
from consultations.recordings.actions.waking import wake
from consultations.recordings.finalising import Finished, finish_files
from consultations.recordings.models import Film, Recording, Track
from consultations.rooms.actions.people import lock_room, room_changed
from consultations.rooms.recorder.port import RecordedFile

logger = logging.getLogger(__name__)

# A recorder says every two seconds that it is there (rooms/recorder/desk.py). Longer: later told; shorter: a busy
# database would end a recording that goes on.
LOST_AFTER = timedelta(seconds=30)


@transaction.atomic
def note_ended(recording: Recording, files: Sequence[RecordedFile], *, failure: str) -> None:
    """The recorder has closed its files. `failure`: '' or why it ended by itself; then the visit is told."""
    room = lock_room(recording.room_id)
    recording = lock_recording(recording.pk)
    recording.room = room
    if not recording.is_active and recording.state != lifecycle.FINALISING:
        return
    began = bool(files)
    if failure or recording.is_active:
        step(recording, "stop" if began else "fail", reason=failure or Recording.Reason.ENGINE)
    room_changed(room)
    if recording.state == lifecycle.FINALISING:
        transaction.on_commit(lambda: wake_finaliser(recording.pk))
    record("recording.ended", recording, state=recording.state, files=len(files), failure=failure)


def wake_finaliser(recording_pk: int) -> None:
    """Have the files finished."""
    from consultations.recordings.tasks import finalise

    wake(finalise, finish_recording, recording_pk)


def finish_recording(recording_pk: int) -> bool:
    """Put each person's picture and sound together, without decoding, and list them. Idempotent; return whether it was due.

    Files that were cut off are kept as far as they were sealed, and the recording stays `truncated`.
    """
    recording = Recording.objects.select_related("room__appointment__clinic").get(pk=recording_pk)
    due = recording.state in {lifecycle.FINALISING, lifecycle.TRUNCATED} and recording.finished_at is None
    # A clinic that came under the kbv profile meanwhile: nothing is opened any more, only deleted in its time (PRIV-1).
    allowed = recording.room.appointment.clinic.allows_capture
    if not due or not allowed or recording.deleted_at is not None:
        return False
    finished = finish_files(storage.folder_of(recording), recording.key)
    _list_tracks(recording, finished)
    move_files(recording)
    return True


def move_files(recording: Recording) -> int:
    """Bring what is finished of a recording to where finished files are kept. Idempotent; return how many failed."""
    failed = 0
    tracks: list[Track | Film] = list(recording.tracks.filter(deleted_at__isnull=True))
    for file in [*tracks, *recording.films.filter(state=films.DONE, deleted_at__isnull=True)]:
        file.recording = recording
        try:
            storage.move_in(storage.name_of(file))
        except Exception as error:  # noqa: BLE001  a storage raises what its library likes; the file stays here and is tried again
            failed += 1
            logger.warning("a file of a recording was not moved: %s", type(error).__name__)
    return failed


@transaction.atomic
def _list_tracks(recording: Recording, finished: Sequence[Finished]) -> None:
    recording = lock_recording(recording.pk)
    if recording.deleted_at is not None or recording.finished_at is not None:
        return
    recording.finished_at = timezone.now()
    recording.save(update_fields=["finished_at"])
    answers = consent_states(recording.room.appointment, {one.person for one in finished})
    now = timezone.now()
    for one in finished:
        answer = answers.get(one.person, {}).get("recording")
        Track.objects.create(
            recording=recording,
            person=one.person,
            file_name=one.file_name,
            number=one.number,
            duration_ms=one.duration_ms,
            size_bytes=one.size_bytes,
            sha256=one.sha256,
            complete=one.complete,
            # Their last word counts: a yes that was taken back while it was still being recorded.
            withdrawn_at=None if answer and answer.state == "granted" else now,
        )
    sources = [name for one in finished for name in one.sources]
    transaction.on_commit(lambda: storage.remove_sources(recording, sources))
    if recording.state == lifecycle.FINALISING:
        whole = all(one.complete for one in finished)
        step(recording, "complete" if whole else "lose")
    record("recording.finished", recording, state=recording.state, tracks=len(finished))


def recover_lost(now: datetime, *, after: timedelta = LOST_AFTER) -> int:
    """Say of recordings whose process died that they are cut off, and finish what they left. Return how many."""
    lost = Recording.objects.filter(state__in=[lifecycle.RUNNING, lifecycle.HELD], seen_at__lt=now - after)
    found = 0
    for pk in list(lost.values_list("pk", flat=True)):
        found += _lose(pk, now - after)
    waiting = Recording.objects.filter(
        state__in=[lifecycle.FINALISING, lifecycle.TRUNCATED],
        changed_at__lt=now - after,
        finished_at__isnull=True,
        deleted_at__isnull=True,
    )
    for pk in list(waiting.values_list("pk", flat=True)):
        wake_finaliser(pk)
    if storage.is_remote():
        _move_leftovers()
    return found


def _move_leftovers() -> None:
    """Finished files that are still here: the storage was away, or the process died before it had moved them."""
    here = [path.name for path in storage.root().iterdir() if path.is_dir()]
    for recording in Recording.objects.filter(public_id__in=here, finished_at__isnull=False, deleted_at__isnull=True):
        move_files(recording)


@transaction.atomic
def _lose(pk: int, before: datetime) -> bool:
    room = lock_room(Recording.objects.values_list("room_id", flat=True).get(pk=pk))
    recording = lock_recording(pk)
    recording.room = room
    alive = recording.seen_at is not None and recording.seen_at >= before
    if alive or recording.state not in {lifecycle.RUNNING, lifecycle.HELD}:
        return False
    step(recording, "lose", reason=Recording.Reason.CRASHED)
    room_changed(room)
    transaction.on_commit(lambda: wake_finaliser(pk))
    record("recording.truncated", recording)
    return True
