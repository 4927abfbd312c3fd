"""A practitioner's note: every save is a new version, nothing is ever overwritten."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from consultations.rooms.actions.people import record
from consultations.rooms.models import Note, NoteVersion, Participant
from consultations.rooms.refusals import Refused
from telemed.accounts.models import User

MAX_NOTE_CHARS = 50_000


@transaction.atomic
def save_note(participant: Participant, *, text: str, number: int | None, acting_user: User) -> NoteVersion:
    """Add a version after `number`, the one the page has (0: none; None: it does not say). Raises Refused("note_changed").

    The same text again is not a new version, so that autosave can repeat a request whose answer was lost.
    """
    if len(text) > MAX_NOTE_CHARS:
        raise Refused("note_too_long", status=422)
    note, _ = Note.objects.get_or_create(room_id=participant.room_id, author=acting_user)
    latest = note.versions.order_by("-number").first()
    current = latest.number if latest else 0
    if number is None:
        number = current
    if latest is not None and latest.text == text and current in (number, number + 1):
        return latest
    if current != number:
        raise Refused("note_changed")
    try:
        with transaction.atomic():
            version = NoteVersion.objects.create(note=note, number=number + 1, text=text, saved_at=timezone.now())
    except IntegrityError:  # another page was faster between the two statements
        raise Refused("note_changed") from None
    record("note.saved", participant, acting_user=acting_user, number=version.number)
    return version


def latest_note(participant: Participant) -> NoteVersion | None:
    """Return the newest version of the person's own note in this visit."""
    return (
        NoteVersion.objects.filter(note__room_id=participant.room_id, note__author_id=participant.user_id)
        .order_by("-number")
        .first()
    )
