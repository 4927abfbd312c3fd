"""Pictures and files of a visit on the encrypted storage: whose they are, who opens them, what is harmful. Refusals first."""

import hashlib
from typing import Any

import pytest
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.http import Http404

from consultations.recordings import storage
from consultations.recordings.access import attachments_in, get_own_attachment
from consultations.recordings.actions import attachments
from consultations.recordings.actions.attachments import keep_attachment
from consultations.recordings.models import Attachment
from consultations.recordings.scanning import Finding
from consultations.rooms.actions import consents
from consultations.rooms.models import Participant
from consultations.rooms.refusals import Refused
from telemed.audit.models import AuditEntry
from telemed.audit.verification import verify
from tests.base import Cast
from tests.consultations.recordings.conftest import Filmed
from tests.matrix.world import FILM, PNG, World, make_world, patient_seat


class VirusScanner:
    """Stands for one that an operator configures."""

    def scan(self, content: bytes, content_type: str) -> Finding:
        return "refused" if b"evil" in content else "clean"


class SilentScanner:
    def scan(self, content: bytes, content_type: str) -> Finding:
        raise ConnectionRefusedError


@pytest.fixture
def world(cast: Cast, settings: Any, tmp_path: Any) -> World:
    settings.RECORDINGS_DIR = str(tmp_path / "recordings")
    cache.clear()
    return make_world(cast)


def keep(
    filmed: Filmed, kind: Any = "still", content: bytes = PNG, type_: str = "image/png", **fields: Any
) -> Attachment:
    seat = filmed.scene.paul
    return keep_attachment(
        seat.room, person=seat.public_id, kind=kind, content=content, content_type=type_, acting_user=filmed.cast.anna, **fields
    )  # fmt: skip


def test_a_still_needs_the_yes_of_the_person_it_shows(filmed: Filmed) -> None:
    for decision in ("", "refused"):
        if decision:
            filmed.answer("patient", decision, "stills")
        with pytest.raises(Refused, match="still_not_agreed"):
            keep(filmed)
    filmed.answer("practitioner", purpose="stills")
    with pytest.raises(Refused, match="still_not_agreed"):
        keep(filmed)
    assert AuditEntry.objects.filter(event="attachment.kept", outcome="refused").count() == 3
    filmed.answer("patient", purpose="stills")
    assert keep(filmed).scan == "clean"
    consents.answer_capture(filmed.scene.paul, purpose="stills", decision="withdrawn")
    with pytest.raises(Refused, match="still_not_agreed"):
        keep(filmed)
    assert Attachment.objects.count() == 1
    verify()


@pytest.mark.parametrize(
    ("content", "type_", "code"),
    [
        (b"", "image/png", "attachment_too_large"),
        (b"\0" * (attachments.MOST_BYTES + 1), "image/png", "attachment_too_large"),
        (b"<svg onload=alert(1)>", "image/png", "attachment_refused"),
        (PNG, "image/jpeg", "attachment_refused"),
        (PNG[:45], "image/png", "attachment_refused"),
        (b"text", "text/plain", "attachment_refused"),
    ],
    ids=["empty", "too large", "markup", "another kind", "cut off", "text"],
)
def test_what_is_no_picture_is_kept_as_no_still(filmed: Filmed, content: bytes, type_: str, code: str) -> None:
    filmed.answer("patient", purpose="stills")
    with pytest.raises(Refused, match=code):
        keep(filmed, content=content, type_=type_)
    assert not Attachment.objects.exists()
    assert not [path for path in storage.root().rglob("*") if path.is_file()]


def test_it_is_sealed_and_comes_back_to_the_visit_and_its_person_alone(filmed: Filmed) -> None:
    filmed.answer("patient", purpose="stills")
    kept = keep(filmed, name="rash on the arm.png")
    stored = storage.open_kept(kept.file_name).read()
    assert PNG[:40] not in stored
    assert b"rash" not in stored
    assert hashlib.sha256(stored).hexdigest() == kept.sha256
    assert get_own_attachment(filmed.scene.paul, kept.public_id) == kept
    assert attachments_in(filmed.scene.paul.room) == [kept]
    with pytest.raises(Http404):
        get_own_attachment(filmed.scene.anna, kept.public_id)


def test_its_owner_is_fixed_by_the_model_and_by_the_database(world: World) -> None:
    kept = world.attachment
    other = Participant.objects.exclude(public_id=kept.person).filter(room=kept.room).first()
    assert other is not None
    moves = {"person": other.public_id, "room": world.nora_appointment.room, "clinic": world.cast.hill}
    for name, value in moves.items():
        again = world.attachment
        setattr(again, name, value)
        with pytest.raises(ValueError, match="for life"):
            again.save()
        with pytest.raises(IntegrityError), transaction.atomic():
            Attachment.objects.filter(pk=kept.pk).update(**{name: value})
    world.attachment.save()
    nora = patient_seat(world.nora_appointment).public_id
    for fields in ({"person": nora}, {"clinic": world.cast.hill}):
        copy = {"clinic": kept.clinic, "room": kept.room, "person": kept.person, **fields}
        with pytest.raises(IntegrityError), transaction.atomic():
            Attachment.objects.create(**copy, kind="file", content_type="x", size_bytes=1, kept_at=kept.kept_at)


def test_files_wait_for_the_scanner_and_nobody_opens_them_before(filmed: Filmed, settings: Any) -> None:
    good = keep(filmed, "file", b"my results", "application/pdf")
    evil = keep(filmed, "file", b"an evil file", "application/pdf")
    assert (good.scan, evil.scan) == ("pending", "pending")
    assert attachments_in(filmed.scene.paul.room) == []
    assert attachments.scan_attachments() == 0, "nobody who could say is configured"
    settings.ATTACHMENT_SCANNER = f"{__name__}.SilentScanner"
    assert attachments.scan_attachments() == 0
    settings.ATTACHMENT_SCANNER = f"{__name__}.VirusScanner"
    assert attachments.scan_attachments() == 2
    assert attachments.scan_attachments() == 0
    assert attachments_in(filmed.scene.paul.room) == [good]
    evil.refresh_from_db()
    assert evil.scan == "refused"


def test_opening_and_deleting_are_written_down_and_the_key_goes(
    world: World, django_capture_on_commit_callbacks: Any
) -> None:
    kept, anna = world.attachment, world.client("practitioner")
    answer = anna.get(f"/attachments/{kept.public_id}/")
    assert b"".join(answer.streaming_content) == FILM  # type: ignore[attr-defined]
    assert answer["Content-Type"] == "image/png"
    part = anna.get(f"/attachments/{kept.public_id}/?download=1", headers={"Range": "bytes=3-6"})
    assert (part.status_code, part.content) == (206, FILM[3:7])
    assert "attachment" in part["Content-Disposition"]
    assert AuditEntry.objects.filter(event="attachment.opened").count() == 2
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(2):
            attachments.delete_attachment(kept, acting_user=world.cast.anna)
    assert AuditEntry.objects.filter(event="attachment.deleted").count() == 1
    assert world.attachment.wrapped_key == ""
    assert anna.get(f"/attachments/{kept.public_id}/").status_code == 404
    with pytest.raises(FileNotFoundError):
        storage.open_kept(kept.file_name)
    verify()
