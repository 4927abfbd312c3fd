"""Still pictures and files of a visit: kept, examined, opened, deleted. Each of these is audited.

For whoever keeps one (the still picture of the call, files that are shared):

    attachment = keep_attachment(room, person=seat.public_id, kind="still", content=jpeg, content_type="image/jpeg",
                                 acting_user=practitioner)

and to give it back: `access.get_attachment_for(user, public_id)` for staff, `access.get_own_attachment(seat, public_id)`
for the person whom it shows, then `note_attachment_opened` and `sending.send_attachment`.
"""

import base64
from typing import Literal

from django.db import transaction
from django.utils import timezone

from consultations.consent.access import is_granted
from consultations.consent.models import Purpose
from consultations.recordings import storage
from consultations.recordings.actions.steps import FORBIDDEN
from consultations.recordings.models import Attachment
from consultations.recordings.scanning import scanner
from consultations.rooms.models import Room
from consultations.rooms.refusals import Refused
from media_routing import api
from telemed import audit
from telemed.accounts.models import User

# It is in memory once, sealed and plain: a still of a 4K camera is 3 MB.
MOST_BYTES = 20 * 1024 * 1024


def keep_attachment(
    room: Room,
    *,
    person: str,
    kind: Literal["still", "file"],
    content: bytes,
    content_type: str,
    name: str = "",
    acting_user: User | None = None,
    acting_seat: str = "",
) -> Attachment:
    """Seal and keep a picture or a file of this visit, and have it examined.

    `person` is the public id of the participant whom it shows, or from whom it is; who acts is a member of staff
    (`acting_user`) or a participant (`acting_seat`). A still picture needs that person's live yes to `stills` (PRIV-3).
    Raises Refused; under the kbv profile nothing is kept, and that is written down (PRIV-1). A picture that is none is
    refused at once, any other file waits for the scanner: `scan` of what is returned says so.
    """
    if not 0 < len(content) <= MOST_BYTES:
        raise Refused("attachment_too_large", status=413)
    verdict = scanner().scan(content, content_type)
    if verdict == "refused" or (kind == Attachment.Kind.STILL and verdict != "clean"):
        raise Refused("attachment_refused", status=422)
    result = _keep(room.pk, person, kind, content, content_type, name, verdict, acting_user, acting_seat)
    if isinstance(result, str):
        raise Refused(result, status=403)
    return result


@transaction.atomic
def _keep(
    room_pk: int,
    person: str,
    kind: str,
    content: bytes,
    content_type: str,
    name: str,
    verdict: str,
    acting_user: User | None,
    acting_seat: str,
) -> Attachment | str:
    room = Room.objects.select_related("appointment__clinic", "appointment__patient").get(pk=room_pk)
    appointment, now = room.appointment, timezone.now()
    refusal = ""
    if not appointment.clinic.allows_capture:
        refusal = FORBIDDEN
    elif kind == Attachment.Kind.STILL and not is_granted(appointment, person, Purpose.STILLS):
        refusal = "still_not_agreed"
    attachment = Attachment(
        clinic=appointment.clinic,
        room=room,
        person=person,
        kind=kind,
        name=name,
        content_type=content_type,
        size_bytes=len(content),
        scan=verdict,
        scanned_at=now if verdict != Attachment.Scan.PENDING else None,
        kept_by=acting_user,
        kept_at=now,
    )
    if refusal:
        record("attachment.kept", attachment, acting_user=acting_user, acting_seat=acting_seat, refused=refusal)
        return refusal
    key = api.new_key()
    attachment.wrapped_key = base64.b64encode(key).decode()
    # The file before the row: a row without its file would be a loss, a file without its row is noise without its key.
    attachment.sha256 = storage.keep_bytes(attachment.file_name, api.seal_bytes(content, key))
    try:
        attachment.save(force_insert=True)
    except BaseException:
        storage.remove_kept(attachment.file_name)
        raise
    record("attachment.kept", attachment, acting_user=acting_user, acting_seat=acting_seat, kind=kind)
    return attachment


def require_still_agreed(room: Room, person: str, *, acting_user: User) -> None:
    """Raise Refused unless a still picture of `person` may be kept now; a try under the kbv profile is written down."""
    appointment = room.appointment
    if not appointment.clinic.allows_capture:
        attachment = Attachment(clinic=appointment.clinic, room=room, person=person, kind=Attachment.Kind.STILL)
        record("attachment.kept", attachment, acting_user=acting_user, refused=FORBIDDEN)
        raise Refused(FORBIDDEN, status=403)
    if not is_granted(appointment, person, Purpose.STILLS):
        raise Refused("still_not_agreed", status=403)


@transaction.atomic
def note_attachment_opened(attachment: Attachment, *, acting_user: User | None = None, acting_seat: str = "") -> None:
    """Write that somebody opens it. Before the first byte is sent (SEC-7)."""
    record("attachment.opened", attachment, acting_user=acting_user, acting_seat=acting_seat)


@transaction.atomic
def delete_attachment(attachment: Attachment, *, acting_user: User) -> None:
    """Delete the file and its key; the row stays and says so. Twice changes nothing."""
    attachment = lock_attachment(attachment.pk)
    if attachment.deleted_at is not None:
        return
    attachment.deleted_at, attachment.wrapped_key, attachment.name = timezone.now(), "", ""
    attachment.save(update_fields=["deleted_at", "wrapped_key", "name"])
    transaction.on_commit(lambda: storage.remove_kept(attachment.file_name))
    record("attachment.deleted", attachment, acting_user=acting_user)


def scan_attachments() -> int:
    """Ask the scanner about what still waits. Idempotent; return how many were decided."""
    waiting = Attachment.objects.filter(scan=Attachment.Scan.PENDING, deleted_at__isnull=True)
    return sum(_scan(pk) for pk in list(waiting.values_list("pk", flat=True)))


def _scan(pk: int) -> bool:
    attachment = Attachment.objects.select_related("clinic").get(pk=pk)
    if not attachment.clinic.allows_capture:  # came under the profile meanwhile: nothing is opened any more (PRIV-1)
        return False
    try:
        with api.SealedReader(storage.open_kept(attachment.file_name), attachment.key) as reader:
            content = b"".join(reader.read_range(0, reader.size))
        verdict = scanner().scan(content, attachment.content_type)
    except (OSError, ValueError, api.SealedFileError):
        return False  # asked again the next time
    return verdict != Attachment.Scan.PENDING and _decide(pk, verdict)


@transaction.atomic
def _decide(pk: int, verdict: str) -> bool:
    attachment = lock_attachment(pk)
    if attachment.scan != Attachment.Scan.PENDING or attachment.deleted_at is not None:
        return False
    attachment.scan, attachment.scanned_at = verdict, timezone.now()
    attachment.save(update_fields=["scan", "scanned_at"])
    record("attachment.scanned", attachment, verdict=verdict)
    return True


def lock_attachment(pk: int) -> Attachment:
    """Return it, locked until the transaction ends."""
    rows = Attachment.objects.select_for_update(of=("self",))
    return rows.select_related("clinic", "room__appointment__patient").get(pk=pk)


def record(
    event: str,
    attachment: Attachment,
    *,
    acting_user: User | None = None,
    acting_seat: str = "",
    refused: str = "",
    **details: object,
) -> None:
    """Write the audit entry; without an actor the system did it."""
    room = attachment.room
    audit.record(
        event,
        actor=acting_user,
        actor_seat="" if acting_user else acting_seat,
        clinic=attachment.clinic.public_id,
        subject=room.appointment.patient.public_id,
        object=f"attachment:{attachment.public_id}",
        outcome="refused" if refused else "ok",
        details={"room": room.code, **({"reason": refused} if refused else {}), **details},
    )
