"""A sharp picture of the call is kept only with the yes of whoever it shows, and holds nothing but the picture (SEC-19)."""

import io
from typing import Any

import pytest
from django.urls import reverse
from PIL import Image

from consultations.recordings.models import Attachment
from consultations.recordings.stills import MOST_STILL_BYTES, redraw_still
from consultations.rooms.refusals import Refused
from telemed.audit.models import AuditEntry
from tests.base import login
from tests.consultations.recordings.conftest import Filmed

GPS_INFO, ORIENTATION = 0x8825, 0x0112


def jpeg(*, width: int = 64, height: int = 32, turned: bool = False) -> bytes:
    """A picture with a place in it, as a phone makes it."""
    picture = Image.new("RGB", (width, height), "teal")
    exif = picture.getexif()
    exif.get_ifd(GPS_INFO)[2] = (52.0, 31.0, 12.0)
    if turned:
        exif[ORIENTATION] = 6
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=exif, comment=b"Paul's phone")
    return out.getvalue()


@pytest.mark.parametrize("content", [b"", b"\xff\xd8", b"<svg/>", jpeg()[:200], b"GIF89a" + bytes(100)])
def test_what_is_no_whole_jpeg_is_refused(content: bytes) -> None:
    with pytest.raises(Refused, match="attachment_refused"):
        redraw_still(content)


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(Refused, match="attachment_too_large"):
        redraw_still(bytes(MOST_STILL_BYTES + 1))


def test_nothing_but_the_picture_is_left() -> None:
    before, after = jpeg(turned=True), redraw_still(jpeg(turned=True))
    assert b"Paul's phone" in before
    assert b"Exif" in before
    with Image.open(io.BytesIO(after)) as picture:
        # Turned as it was meant, now that nothing says so any more.
        assert (picture.size, dict(picture.getexif()), picture.info.get("comment")) == ((32, 64), {}, None)


def upload(filmed: Filmed, person: str, content: bytes) -> Any:
    url = reverse("visit_still", args=[filmed.scene.room.code])
    return login(filmed.cast.anna).post(f"{url}?person={person}", content, content_type="image/jpeg")


def test_it_is_kept_with_a_live_yes_only(filmed: Filmed) -> None:
    paul = filmed.scene.paul.public_id
    assert upload(filmed, paul, jpeg()).status_code == 403
    filmed.answer("patient", "granted", "stills")
    answer = upload(filmed, paul, jpeg())
    assert answer.status_code == 200, answer.content
    kept = Attachment.objects.get(public_id=answer.json()["id"])
    assert (kept.person, kept.kind, kept.scan, kept.kept_by) == (paul, "still", "clean", filmed.cast.anna)
    assert AuditEntry.objects.filter(event="attachment.kept", outcome="ok").count() == 1
    # Of nobody else, and not any more.
    assert upload(filmed, filmed.scene.anna.public_id, jpeg()).status_code == 403
    assert upload(filmed, "", jpeg()).status_code == 403
    filmed.answer("patient", "withdrawn", "stills")
    assert upload(filmed, paul, jpeg()).status_code == 403
    assert Attachment.objects.count() == 1


def test_more_than_the_form_limit_is_read_and_more_than_a_picture_is_not(filmed: Filmed) -> None:
    """Pictures are larger than what forms may send; the bound is the picture's."""
    filmed.answer("patient", "granted", "stills")
    noise = Image.effect_noise((1600, 1200), 90)
    out = io.BytesIO()
    noise.convert("RGB").save(out, "JPEG", quality=95)
    assert len(out.getvalue()) > 1024 * 1024
    assert upload(filmed, filmed.scene.paul.public_id, out.getvalue()).status_code == 200
    assert upload(filmed, filmed.scene.paul.public_id, bytes(MOST_STILL_BYTES + 1)).status_code == 413
