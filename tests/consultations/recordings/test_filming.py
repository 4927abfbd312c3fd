"""The combined file: agreed to by everybody in it, made by a job, called off, taken back, failed and tried again. Refusals first."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from consultations.clinics.models import Clinic
from consultations.outbox.models import Message
from consultations.recordings import films, storage
from consultations.recordings.actions import filming, keeping
from consultations.recordings.models import Film, Recording, Track
from consultations.rooms.actions import consents, visit
from consultations.rooms.capture import ALONE, OK, REFUSED, UNDECIDED, Verdict
from consultations.rooms.models import Participant, SeatDevice
from consultations.rooms.refusals import Refused
from media_routing import api
from telemed.audit.models import AuditEntry
from telemed.audit.verification import verify
from tests.base import login
from tests.consultations.recordings.conftest import Filmed
from tests.media_routing.runtime.recorded import make_track, seal_to

LENGTH_MS = 600


@pytest.fixture(scope="module")
def plain() -> bytes:
    return make_track(LENGTH_MS)


@pytest.fixture
def recorded(filmed: Filmed, plain: bytes, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Recording:
    """A finished recording of Anna and Paul, whose visit is over. Its film has few pixels; jobs run when the test says."""
    from media_routing.runtime import film

    monkeypatch.setattr(film, "WIDTH", 640)
    monkeypatch.setattr(film, "HEIGHT", 384)
    monkeypatch.setattr(filming, "wake_filmer", lambda pk: None)
    cache.clear()
    now, key = timezone.now(), api.new_key()
    recording = Recording.objects.create(
        room=filmed.scene.room, requested_by=filmed.cast.anna, state="complete", requested_at=now, started_at=now,
        changed_at=now, ended_at=now, finished_at=now, keep_until=now + timedelta(days=30),
        wrapped_key=base64.b64encode(key).decode(),
    )  # fmt: skip
    for seat in (filmed.scene.anna, filmed.scene.paul):
        track = Track.objects.create(
            recording=recording, person=seat.public_id, file_name=f"{seat.public_id}-1.webm.sealed",
            duration_ms=LENGTH_MS, size_bytes=len(plain), complete=True,
        )  # fmt: skip
        seal_to(storage.path_of(track), plain, key)
    visit.finish_visit(filmed.scene.anna, outcome="done", acting_user=filmed.cast.anna)
    return recording


def ask(filmed: Filmed, recording: Recording) -> Film:
    return filming.request_film(recording, acting_user=filmed.cast.anna)


def agreed(filmed: Filmed, recording: Recording) -> Film:
    """Asked for, and everybody has said yes."""
    film = ask(filmed, recording)
    for role in ("practitioner", "patient"):
        filmed.answer(role, purpose="combined")
    film.refresh_from_db()
    return film


def events(name: str) -> int:
    return AuditEntry.objects.filter(event=f"recording.{name}").count()


@pytest.mark.parametrize(
    ("state", "word", "event"),
    [
        ("asking", OK, "agree"), ("asking", UNDECIDED, ""), ("asking", ALONE, ""), ("asking", REFUSED, "refuse"),
        ("queued", OK, ""), ("queued", REFUSED, "refuse"), ("running", REFUSED, "refuse"), ("running", UNDECIDED, ""),
        ("done", REFUSED, ""), ("failed", OK, ""), ("cancelled", REFUSED, ""), ("refused", OK, ""),
    ],
)  # fmt: skip
def test_what_people_say_makes_of_it(state: str, word: Any, event: str) -> None:
    assert films.event_for(state, Verdict(word)) == event
    if event:
        films.next_state(state, event)


def test_the_table_has_no_way_out_of_an_end() -> None:
    for state in set(dict(Film.State.choices)) - films.ACTIVE:
        for event in films.STEPS:
            with pytest.raises(films.IllegalStep):
                films.next_state(state, event)


def test_nothing_is_made_before_everybody_in_it_said_yes(
    filmed: Filmed, recorded: Recording, mailoutbox: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        film = ask(filmed, recorded)
    assert film.state == "asking"
    assert "/join/#" in mailoutbox[-1].body
    assert "Paul" not in mailoutbox[-1].body, "a mailbox may be shared"
    assert ask(filmed, recorded) == film, "asking twice is asking once"
    assert Message.objects.filter(event="visit_question").count() == 1, "Paul has an address, Anna has this page"
    assert filming.make_film(film.pk) is False
    filmed.answer("practitioner", purpose="combined")
    film.refresh_from_db()
    assert film.state == "asking"
    filmed.answer("patient", purpose="combined")
    film.refresh_from_db()
    assert film.state == "queued"


def test_who_is_asked_nothing_can_agree_to_nothing_afterwards(filmed: Filmed, recorded: Recording) -> None:
    for purpose in ("combined", "recording", "stills"):
        with pytest.raises(Refused, match="not_admitted"):
            filmed.answer("patient", purpose=purpose)
    ask(filmed, recorded)
    with pytest.raises(Refused, match="not_admitted"):
        filmed.answer("patient", purpose="stills")
    Participant.objects.filter(pk=filmed.scene.paul.pk).update(state="removed")
    with pytest.raises(Refused, match="not_admitted"):
        filmed.answer("patient", purpose="combined")


def test_a_no_ends_it_and_another_question_may_be_answered_anew(filmed: Filmed, recorded: Recording) -> None:
    first = ask(filmed, recorded)
    filmed.answer("patient", "refused", "combined")
    first.refresh_from_db()
    assert first.state == "refused"
    second = agreed(filmed, recorded)
    assert (second.state, second != first) == ("queued", True)


def test_it_is_made_watched_by_range_and_verified(filmed: Filmed, recorded: Recording, plain: bytes) -> None:
    film = agreed(filmed, recorded)
    assert filming.make_film(film.pk) is True
    assert filming.make_film(film.pk) is False, "of two that try, one does it"
    film.refresh_from_db()
    assert (film.state, film.percent, film.duration_ms) == ("done", 100, LENGTH_MS)
    assert storage.digest(storage.name_of(film)) == film.sha256
    assert sorted(path.name for path in storage.folder_of(recorded).iterdir()) == sorted(
        [film.file_name, *(track.file_name for track in recorded.tracks.all())]
    ), "nothing half-made is left"
    anna = login(filmed.cast.anna)
    url = reverse("recording_media", args=[recorded.public_id, film.public_id])
    part = anna.get(url, headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"\x1aE\xdf\xa3")
    whole = anna.get(reverse("recording_download", args=[recorded.public_id, film.public_id]))
    assert len(b"".join(whole.streaming_content)) == film.size_bytes  # type: ignore[attr-defined]
    assert (events("played"), events("downloaded"), events("film_made")) == (1, 1, 1)
    verify()


@pytest.mark.parametrize("purpose", ["combined", "recording"])
def test_who_takes_a_yes_back_takes_the_file_with_it(filmed: Filmed, recorded: Recording, purpose: str, django_capture_on_commit_callbacks: Any) -> None:  # fmt: skip
    film = agreed(filmed, recorded)
    filming.make_film(film.pk)
    film.refresh_from_db()
    if purpose == "recording":
        from consultations.consent.access import current_text
        from consultations.consent.actions import record_decision

        text = current_text("recording", ["en"])
        assert text is not None
        record_decision(recorded.room.appointment, text=text, decision="granted", capacity="self", acting_seat=filmed.scene.paul.public_id)  # fmt: skip
    consents.answer_capture(filmed.scene.paul, purpose=purpose, decision="withdrawn")
    url = reverse("recording_media", args=[recorded.public_id, film.public_id])
    assert login(filmed.cast.anna).get(url).status_code == 404, "from this moment, not from the sweep"
    path = storage.path_of(film)
    assert path.exists()
    with django_capture_on_commit_callbacks(execute=True):
        assert keeping.sweep_recordings(timezone.now()) == (2 if purpose == "recording" else 1)
    assert not path.exists()
    assert keeping.sweep_recordings(timezone.now()) == 0


def test_a_withdrawal_reaches_a_film_that_is_being_made(filmed: Filmed, recorded: Recording, monkeypatch: Any) -> None:
    film = agreed(filmed, recorded)
    monkeypatch.setattr(filming, "TELL_EVERY_S", 0)
    told, note = [], filming._note_progress

    def withdraw_in_between(pk: int, done_ms: int) -> bool:
        told.append(done_ms)
        if len(told) == 3:
            consents.answer_capture(filmed.scene.paul, purpose="combined", decision="withdrawn")
        return note(pk, done_ms)

    monkeypatch.setattr(filming, "_note_progress", withdraw_in_between)
    assert filming.make_film(film.pk) is False
    film.refresh_from_db()
    assert (film.state, len(told)) == ("refused", 3)
    assert not [path for path in storage.folder_of(recorded).iterdir() if "film" in path.name]


def test_it_can_be_called_off_at_any_time_and_asked_for_again(filmed: Filmed, recorded: Recording) -> None:
    for count in (1, 2):
        film = agreed(filmed, recorded)
        for _ in range(2):
            filming.cancel_film(film, acting_user=filmed.cast.anna)
        film.refresh_from_db()
        assert film.state == "cancelled"
        assert filming.make_film(film.pk) is False
        assert events("film_cancelled") == count


def test_a_failure_is_told_and_may_be_tried_again(filmed: Filmed, recorded: Recording, plain: bytes) -> None:
    film = agreed(filmed, recorded)
    track = recorded.tracks.first()
    assert track is not None
    path = storage.path_of(track)
    good = path.read_bytes()
    path.write_bytes(good[:-9] + bytes(9))
    assert filming.make_film(film.pk) is False
    film.refresh_from_db()
    assert (film.state, film.failure) == ("failed", "unreadable")
    page = login(filmed.cast.anna).get(reverse("recording", args=[recorded.public_id])).content.decode()
    assert "film-failed" in page
    assert "Try again" in page
    path.write_bytes(good)
    again = ask(filmed, recorded)
    assert again.state == "queued", "who has said yes is not asked twice"
    assert filming.make_film(again.pk) is True


def test_a_full_disk_is_told(filmed: Filmed, recorded: Recording, full_disk: None) -> None:
    film = agreed(filmed, recorded)
    assert filming.make_film(film.pk) is False
    film.refresh_from_db()
    assert film.failure == "disk_full"


def test_a_worker_that_died_costs_an_attempt_and_three_are_enough(filmed: Filmed, recorded: Recording) -> None:
    film = agreed(filmed, recorded)
    for attempt in range(1, 4):
        assert filming._begin(film.pk) is not None
        now = timezone.now()
        assert filming.recover_films(now) == 0, "it was heard of just now"
        assert filming.recover_films(now + timedelta(minutes=1)) == 1
        film.refresh_from_db()
        assert (film.state, film.attempts) == ("queued" if attempt < 3 else "failed", attempt)
    assert film.failure == "crashed"


def test_deleting_the_recording_deletes_it_and_a_hold_keeps_it(filmed: Filmed, recorded: Recording) -> None:
    film = agreed(filmed, recorded)
    filming.make_film(film.pk)
    keeping.set_legal_hold(recorded, True, acting_user=filmed.cast.anna)
    consents.answer_capture(filmed.scene.paul, purpose="combined", decision="withdrawn")
    assert keeping.sweep_recordings(timezone.now()) == 0
    keeping.set_legal_hold(recorded, False, acting_user=filmed.cast.anna)
    keeping.delete_recording(recorded, acting_user=filmed.cast.anna)
    film.refresh_from_db()
    assert film.deleted_at is not None
    with pytest.raises(Refused, match="recording_gone"):
        ask(filmed, recorded)


def test_the_pages_lead_through_it(filmed: Filmed, recorded: Recording) -> None:
    """Anna presses, Paul answers on his page after the visit, the job runs, Anna sees the player."""
    from tests.matrix.world import _seated

    SeatDevice.objects.update(state="revoked")
    anna, paul = login(filmed.cast.anna), _seated(Client(), filmed.scene.paul)
    page = reverse("recording", args=[recorded.public_id])
    assert "film-request" in anna.get(page).content.decode()
    anna.post(reverse("film_request", args=[recorded.public_id]), {"version": "2"})
    shown = anna.get(page).content.decode()
    assert "Paul Peters" in shown.split("film-waits")[1][:200]
    after = reverse("seat_after", args=[recorded.room.code])
    [text] = paul.get(after).json()["asks"]
    assert text["purpose"] == "combined"
    answer = {"purpose": "combined", "version": text["version"], "decision": "granted", "capacity": "self"}
    for version, status in ((1, 409), (2, 200), (2, 403)):
        got = paul.post(f"{after}answer/", {**answer, "version": version}, content_type="application/json")
        assert got.status_code == status, got.content
    state = reverse("film_state", args=[recorded.public_id])
    assert anna.get(state).json() == {"state": "queued", "percent": 0, "active": True}
    Film.objects.update(state="running", done_ms=300, duration_ms=600)
    assert anna.get(state).json()["percent"] == 50
    Film.objects.update(state="queued")
    filming.make_film(Film.objects.get().pk)
    assert anna.get(state).json() == {"state": "done", "percent": 100, "active": False}
    assert "film-player" in anna.get(page).content.decode()
    anna.post(reverse("film_answer", args=[recorded.public_id]), {"decision": "withdrawn"})
    assert "film-player" not in anna.get(page).content.decode()


def test_under_the_kbv_profile_nobody_asks(filmed: Filmed, recorded: Recording) -> None:
    Clinic.objects.filter(pk=filmed.cast.harbour.pk).update(profile="kbv")
    with pytest.raises(Refused, match="recording_forbidden_by_profile"):
        ask(filmed, recorded)
