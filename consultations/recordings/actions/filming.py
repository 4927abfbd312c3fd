"""The combined file: asked for, agreed to by everybody in it, made by a job, called off, taken back (docs/OPERATIONS.md).

The job looks every half second whether it is still wanted: a withdrawal reaches it well within ten seconds (PRIV-3).
"""

import errno
import logging
import os
import threading
import time
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from consultations.consent.access import consent_states, current_text, languages_for, latest_decision
from consultations.consent.models import ConsentText, Purpose
from consultations.recordings import films, lifecycle, storage
from consultations.recordings.actions.steps import FORBIDDEN, lock_recording, record
from consultations.recordings.actions.telling import ask_people
from consultations.recordings.actions.waking import wake
from consultations.recordings.models import Film, Recording
from consultations.rooms.actions.people import lock_room
from consultations.rooms.capture import Present, Verdict, may_capture
from consultations.rooms.models import Participant, Room
from consultations.rooms.refusals import Refused
from media_routing import api
from telemed.accounts.models import User

logger = logging.getLogger(__name__)

# Shorter: the bar moves more often, and the database is asked more often.
TELL_EVERY_S = 0.5
# A job that was not heard of for so long is dead; its film begins anew.
LOST_AFTER = timedelta(seconds=20)


_leaving = threading.Event()


class NoLongerWanted(Exception):
    """Called off, or taken back, while it was being made."""


class PutDown(Exception):
    """This process ends: another makes it."""


def put_down() -> None:
    """Called when the worker is told to end: whatever it makes goes back into the queue."""
    _leaving.set()


@transaction.atomic
def request_film(recording: Recording, *, acting_user: User) -> Film:
    """Ask everybody who is in the recording; who has said yes already is not asked again. Raises Refused.

    The caller has checked the right. Asking for what is asked for, or made, returns that.
    """
    room = lock_room(recording.room_id)
    recording = lock_recording(recording.pk)
    recording.room = room
    if not room.appointment.clinic.allows_capture:
        raise Refused(FORBIDDEN, status=403)
    if recording.deleted_at is not None:
        raise Refused("recording_gone")
    if recording.state not in lifecycle.WATCHABLE:
        raise Refused("recording_not_finished")
    existing = recording.films.filter(state__in=[*films.ACTIVE, films.DONE], withdrawn_at__isnull=True).first()
    if existing is not None:
        return existing
    people = list(dict.fromkeys(track.person for track in recording.tracks.all() if track.can_be_watched))
    if len(people) < 2:
        raise Refused("film_needs_two")
    now = timezone.now()
    film = Film.objects.create(
        recording=recording, requested_by=acting_user, people=people, requested_at=now, changed_at=now
    )
    record("recording.film_requested", recording, acting_user=acting_user, film=film.public_id, people=len(people))
    settle_film(film, room)
    if film.state == films.ASKING:
        ask_people(room, verdict_of(film, room).undecided, acting_user=acting_user)
    return film


@transaction.atomic
def cancel_film(film: Film, *, acting_user: User) -> None:
    """Call it off, waiting or half made. What is made, failed or refused stays as it is."""
    film = _locked(film.pk)
    if film.state in films.ACTIVE:
        _step(film, "cancel")
        record("recording.film_cancelled", film.recording, acting_user=acting_user, film=film.public_id)


def verdict_of(film: Film, room: Room) -> Verdict:
    """Return what the people in it say now. A no from before the question is no answer to it. One query."""
    answers = {}
    for person, by_purpose in consent_states(room.appointment, film.people).items():
        answer = by_purpose.get(Purpose.COMBINED)
        if answer and (answer.state == "granted" or answer.at >= film.requested_at):
            answers[person] = {Purpose.COMBINED.value: answer.state}
    return may_capture(Purpose.COMBINED, [Present(person, answers.get(person, {})) for person in film.people])


def question_to(seat: Participant) -> tuple[ConsentText | None, str]:
    """Return the text that this person would answer, and how they have answered so far ('' not yet). Two queries."""
    appointment = seat.room.appointment
    text = current_text(Purpose.COMBINED, languages_for(seat.language, appointment.clinic.default_language))
    before = latest_decision(appointment, seat.public_id, Purpose.COMBINED)
    return text, ("withdrawn" if before.withdrawn_at else before.decision) if before else ""


def settle_films(room: Room) -> None:
    """Somebody answered: make what everybody agreed to, end what somebody refused. Under the lock on the room."""
    rows = Film.objects.filter(recording__room=room, state__in=films.ACTIVE)
    for pk in list(rows.values_list("pk", flat=True)):
        settle_film(_locked(pk), room)


def settle_film(film: Film, room: Room) -> None:
    event = films.event_for(film.state, verdict_of(film, room))
    if not event:
        return
    _step(film, event)
    if film.state == films.QUEUED:
        transaction.on_commit(lambda: wake_filmer(film.pk))
    record(f"recording.film_{film.state}", film.recording, film=film.public_id)


def withdraw_films(room: Room, person: str) -> None:
    """Somebody in it took a yes back: made or not, it is shown to nobody from now on, and swept away."""
    rows = Film.objects.filter(recording__room=room, deleted_at__isnull=True, withdrawn_at__isnull=True)
    for pk in list(rows.values_list("pk", flat=True)):
        film = _locked(pk)
        if person not in film.people or film.state not in {*films.ACTIVE, films.DONE}:
            continue
        film.withdrawn_at = timezone.now()
        film.save(update_fields=["withdrawn_at"])
        if film.state in films.ACTIVE:
            _step(film, "refuse")
        record("recording.film_withdrawn", film.recording, film=film.public_id)


def wake_filmer(film_pk: int) -> None:
    from consultations.recordings.tasks import combine

    wake(combine, make_film, film_pk)


def make_film(film_pk: int) -> bool:
    """Make one film. Idempotent: of two that try, one does it. Return whether it was made here."""
    film = _begin(film_pk)
    if film is None:
        return False
    part = storage.path_of(film).with_name(f"{film.file_name}.part")
    try:
        made = _make(film)
        part = made.path
        os.replace(part, storage.path_of(film))
        done = _finish(film_pk, made)
    except NoLongerWanted:
        return False
    except PutDown:
        _put_back(film_pk)
        return False
    except (FileNotFoundError, ValueError, api.SealedFileError) as error:
        return _fail(film_pk, Film.Failure.UNREADABLE, error)
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        return _fail(film_pk, Film.Failure.DISK_FULL if full else Film.Failure.ENGINE, error)
    except Exception as error:  # noqa: BLE001  FFmpeg's own errors: the outermost call of this job, told on the page
        return _fail(film_pk, Film.Failure.ENGINE, error)
    finally:
        part.unlink(missing_ok=True)
    if not done:
        storage.path_of(film).unlink(missing_ok=True)
    elif storage.is_remote():
        storage.move_in(storage.name_of(film))
    return done


@transaction.atomic
def _begin(film_pk: int) -> Film | None:
    film = _locked(film_pk)
    room = film.recording.room
    if film.state != films.QUEUED or not room.appointment.clinic.allows_capture or film.recording.deleted_at:
        return None
    if not verdict_of(film, room).ok:
        return None
    film.attempts, film.done_ms, film.seen_at = film.attempts + 1, 0, timezone.now()
    tracks = film.recording.tracks.filter(person__in=film.people, withdrawn_at__isnull=True, deleted_at__isnull=True)
    film.duration_ms = max((track.duration_ms for track in tracks), default=0)
    film.save(update_fields=["attempts", "done_ms", "seen_at", "duration_ms"])
    _step(film, "start")
    return film


def _make(film: Film) -> api.MadeFilm:
    recording = film.recording
    folder = storage.folder_of(recording)
    folder.mkdir(mode=0o700, exist_ok=True)
    if not storage.has_room():
        raise OSError(errno.ENOSPC, "less is free than must stay free")
    told_s = -TELL_EVERY_S

    def progress(done_ms: int) -> None:
        nonlocal told_s
        if _leaving.is_set():
            raise PutDown
        if time.monotonic() - told_s >= TELL_EVERY_S:
            told_s = time.monotonic()
            if not _note_progress(film.pk, done_ms):
                raise NoLongerWanted

    # In the order in which they came into the recording; a screen beside its person.
    tracks = recording.tracks.filter(person__in=film.people, withdrawn_at__isnull=True, deleted_at__isnull=True)
    names = [storage.name_of(track) for track in tracks]
    lengths = [track.duration_ms for track in tracks]
    return api.make_film(
        [(lambda name=name: storage.open_kept(name)) for name in names],  # type: ignore[misc]
        lengths,
        recording.key,
        folder / f"{film.file_name}.part",
        progress,
    )


def _note_progress(film_pk: int, done_ms: int) -> bool:
    """Return whether the film is still wanted."""
    running = Film.objects.filter(pk=film_pk, state=films.RUNNING)
    return bool(running.update(done_ms=done_ms, seen_at=timezone.now()))


@transaction.atomic
def _finish(film_pk: int, made: api.MadeFilm) -> bool:
    film = _locked(film_pk)
    if film.state != films.RUNNING:
        return False
    film.duration_ms = film.done_ms = made.duration_ms
    film.size_bytes, film.sha256 = made.plain_bytes, made.sha256
    film.save(update_fields=["duration_ms", "done_ms", "size_bytes", "sha256"])
    _step(film, "finish")
    record("recording.film_made", film.recording, film=film.public_id, duration_ms=film.duration_ms)
    return True


@transaction.atomic
def _fail(film_pk: int, failure: str, error: Exception) -> bool:
    logger.error("a combined file could not be made: %s", type(error).__name__)
    film = _locked(film_pk)
    if film.state in {films.QUEUED, films.RUNNING}:
        film.failure = failure
        film.save(update_fields=["failure"])
        _step(film, "fail")
        record("recording.film_failed", film.recording, film=film.public_id, failure=failure)
    return False


@transaction.atomic
def _put_back(film_pk: int) -> None:
    film = _locked(film_pk)
    if film.state == films.RUNNING:
        film.attempts -= 1  # nothing was wrong with it
        film.save(update_fields=["attempts"])
        _step(film, "lose")
        record("recording.film_lost", film.recording, film=film.public_id, attempts=film.attempts)


def recover_films(now: datetime, *, after: timedelta = LOST_AFTER) -> int:
    """Begin anew what a worker that died had begun, and wake what waits. Return how many were lost."""
    lost = Film.objects.filter(state=films.RUNNING, seen_at__lt=now - after)
    found = sum(_lose(pk, now - after) for pk in list(lost.values_list("pk", flat=True)))
    waiting = Film.objects.filter(state=films.QUEUED, changed_at__lt=now - after)
    for pk in list(waiting.values_list("pk", flat=True)):
        wake_filmer(pk)
    return found


@transaction.atomic
def _lose(film_pk: int, before: datetime) -> bool:
    film = _locked(film_pk)
    if film.state != films.RUNNING or (film.seen_at and film.seen_at >= before):
        return False
    if film.attempts >= films.MOST_ATTEMPTS:
        film.failure = Film.Failure.CRASHED
        film.save(update_fields=["failure"])
        _step(film, "fail")
    else:
        _step(film, "lose")
        transaction.on_commit(lambda: wake_filmer(film_pk))
    record("recording.film_lost", film.recording, film=film.public_id, attempts=film.attempts)
    return True


def _locked(film_pk: int) -> Film:
    """Return the film; its recording's lock is its own."""
    recording = lock_recording(Film.objects.values_list("recording_id", flat=True).get(pk=film_pk))
    film = Film.objects.get(pk=film_pk)
    film.recording = recording
    return film


def _step(film: Film, event: str) -> None:
    film.state, film.changed_at = films.next_state(film.state, event), timezone.now()
    film.save(update_fields=["state", "changed_at"])
