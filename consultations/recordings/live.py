"""What the visit asks of recordings (rooms/recorder/port.py)."""

from collections.abc import Sequence

from consultations.consent.models import Purpose
from consultations.recordings import lifecycle, storage
from consultations.recordings.access import films_asking, find_recording
from consultations.recordings.actions import ending, filming, live
from consultations.recordings.models import Recording
from consultations.rooms.capture import Present, Verdict, may_capture
from consultations.rooms.facts import answers_now
from consultations.rooms.models import Participant, Room
from consultations.rooms.recorder.port import RecordedFile, RecordingFacts, Terms
from telemed.accounts.models import User

PURPOSE = "recording"
# What a program that listens is asked for.
LISTENING = "transcript"


class LiveRecordings:
    """The `RecordingPort` of this app."""

    available = True

    def find_active(self, room_pk: int) -> RecordingFacts | None:
        row = live.find_active_row(room_pk)
        return _facts(row) if row is not None else None

    def goes_on(self, room_pk: int) -> bool:
        return Recording.objects.filter(room_id=room_pk, state__in=[lifecycle.RUNNING, lifecycle.HELD]).exists()

    def settle(self, room: Room) -> bool:
        filming.settle_films(room)
        row = live.find_active_row(room.pk)
        return row is not None and live.settle_recording(room, _verdict(room, row)[0])

    def asked_afterwards(self, room: Room, person: str) -> frozenset[str]:
        return frozenset({Purpose.COMBINED.value} if films_asking(room, person) else ())

    def withdraw(self, room: Room, person: str, purpose: str) -> None:
        if purpose == PURPOSE:
            live.withdraw_tracks(room, person)
        if purpose in {PURPOSE, Purpose.COMBINED}:
            filming.withdraw_films(room, person)

    def request(self, seat: Participant, *, acting_user: User) -> None:
        live.request_recording(seat, acting_user=acting_user)

    def stop(self, seat: Participant, *, acting_user: User) -> None:
        live.stop_recording(seat, acting_user=acting_user)

    def terms(self, page: str) -> Terms | None:
        row = find_recording(page)
        if row is None or row.state != lifecycle.RUNNING or row.room.state != Room.State.LIVE:
            return None
        verdict, people = _verdict(row.room, row)
        if not verdict.ok or not row.room.appointment.clinic.allows_capture:
            return None
        may_listen = _verdict(row.room, row, LISTENING)[0].ok
        return Terms(folder=storage.folder_of(row), people=people, key=row.key, may_listen=may_listen)

    def is_active(self, page: str) -> bool:
        row = find_recording(page)
        return row is not None and row.is_active

    def keep_alive(self, pages: Sequence[str]) -> list[str]:
        live.note_alive(list(pages))
        return [page for page in pages if self.terms(page) is None]

    def ended(self, page: str, files: Sequence[RecordedFile], *, failure: str) -> None:
        row = find_recording(page)
        if row is not None:
            ending.note_ended(row, files, failure=failure)


def _facts(row: Recording) -> RecordingFacts:
    return RecordingFacts(
        page=row.public_id,
        state=row.state,  # type: ignore[arg-type]
        asked_at=row.requested_at,
        since=row.changed_at,
    )


def _verdict(room: Room, row: Recording, purpose: str = PURPOSE) -> tuple[Verdict, frozenset[str]]:
    """Return what the people who are inside say now, and who they are. Two queries."""
    seats = Participant.objects.filter(room=room, state=Participant.State.ADMITTED)
    people = list(seats.order_by("pk").values_list("public_id", flat=True))
    answers = answers_now(room.appointment, people, _facts(row))
    return may_capture(purpose, [Present(id_, answers.get(id_, {})) for id_ in people]), frozenset(people)
