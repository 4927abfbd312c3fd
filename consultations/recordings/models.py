"""What was recorded of a visit, and in whose name. The media are files (storage.py); their keys are here, wrapped."""

import base64
from typing import Any, ClassVar, Final, Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from consultations.clinics.models import Clinic
from consultations.recordings import copies, films, lifecycle
from consultations.rooms.models import Room
from telemed.lib.ids import public_id
from telemed.vault.fields import EncryptedTextField


def open_key(wrapped: str) -> bytes:
    """Return the 32 bytes of a `wrapped_key` column; raise ValueError after a deletion."""
    if not wrapped:
        raise ValueError("the key of what was deleted is gone")
    return base64.b64decode(wrapped)


class Recording(models.Model):
    """One press of the button. Its visit is fixed for life (PRIV-7), and no visit under the kbv profile has one (PRIV-1)."""

    class State(models.TextChoices):
        REQUESTED = lifecycle.REQUESTED, _("Everybody is being asked")
        RUNNING = lifecycle.RUNNING, _("Recording")
        HELD = lifecycle.HELD, _("Paused")
        STOPPED = lifecycle.STOPPED, _("Nothing was recorded")
        FINALISING = lifecycle.FINALISING, _("Being finished")
        COMPLETE = lifecycle.COMPLETE, _("Complete")
        TRUNCATED = lifecycle.TRUNCATED, _("Cut off")
        FAILED = lifecycle.FAILED, _("Failed")

    class Reason(models.TextChoices):
        PRESSED = "pressed", _("Stopped by the practitioner")
        REFUSED = "refused", _("Somebody said no")
        VISIT_ENDED = "visit_ended", _("The visit ended")
        CRASHED = "crashed", _("The server stopped")
        DISK_FULL = "disk_full", _("The disk was full")
        ENGINE = "engine", _("The recorder failed")
        UNREACHED = "unreached", _("The recorder did not start")

    public_id = models.CharField(max_length=22, unique=True, editable=False, default=public_id)
    room = models.ForeignKey(Room, on_delete=models.PROTECT, related_name="recordings", verbose_name=_("visit"))
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("asked for by")
    )
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.REQUESTED)
    end_reason = models.CharField(_("why it ended"), max_length=12, choices=Reason.choices, blank=True, default="")
    requested_at = models.DateTimeField(_("asked for"))
    started_at = models.DateTimeField(_("began"), null=True, blank=True)
    # Since when it has been in its state.
    changed_at = models.DateTimeField()
    # When its recorder was last heard of.
    seen_at = models.DateTimeField(null=True, blank=True)
    # When its files were put together.
    finished_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    # Base64 of 32 bytes; '' after deletion: without it the files are noise, wherever a copy may be.
    wrapped_key = EncryptedTextField(blank=True, default="")
    keep_until = models.DateTimeField(_("kept until"), null=True, blank=True)
    legal_hold = models.BooleanField(_("on legal hold"), default=False)
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)

    class Meta:
        verbose_name = _("recording")
        verbose_name_plural = _("recordings")
        ordering: ClassVar = ["-requested_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["room"],
                condition=models.Q(state__in=sorted(lifecycle.ACTIVE)),
                name="one_active_recording_per_room",
            )
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def key(self) -> bytes:
        """The 32 bytes that open its files. Raises ValueError for one that was deleted."""
        return open_key(self.wrapped_key)

    @property
    def is_active(self) -> bool:
        return self.state in lifecycle.ACTIVE

    @property
    def can_be_watched(self) -> bool:
        return self.state in lifecycle.WATCHABLE and self.deleted_at is None


class Track(models.Model):
    """One person's picture and sound, as a file of its own. `person` is the participant's public id."""

    recording = models.ForeignKey(
        Recording, on_delete=models.CASCADE, related_name="tracks", verbose_name=_("recording")
    )
    public_id = models.CharField(max_length=22, unique=True, editable=False, default=public_id)
    person = models.CharField(_("person"), max_length=22)
    # Relative to the recording's folder.
    file_name = models.CharField(max_length=100)
    content_type = models.CharField(max_length=40, default="video/webm")
    # 1: microphone and camera; 2: the shared screen. All begin at the recording's zero and are as long as it.
    number = models.PositiveSmallIntegerField(default=1)
    duration_ms = models.PositiveIntegerField(_("length in milliseconds"), default=0)
    size_bytes = models.PositiveBigIntegerField(_("size in bytes"), default=0)
    # Of the sealed file: a copy in a backup can be compared without the key.
    sha256 = models.CharField(max_length=64, blank=True, default="")
    complete = models.BooleanField(_("complete"), default=False)
    # Its person took their yes back: shown to nobody from then on, and removed by the next sweep.
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)

    class Meta:
        verbose_name = _("track")
        verbose_name_plural = _("tracks")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["recording", "file_name"], name="one_track_per_recorded_file")
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def can_be_watched(self) -> bool:
        return self.deleted_at is None and self.withdrawn_at is None


class Film(models.Model):
    """One file of a whole recording, everybody side by side: a job that was asked for, and what it made.

    Every person in it has granted `combined`; who takes that back, or their yes to the recording, ends it. Sealed under the
    recording's key, in the recording's folder.
    """

    class State(models.TextChoices):
        ASKING = films.ASKING, _("Everybody in it is being asked")
        QUEUED = films.QUEUED, _("Waits for its turn")
        RUNNING = films.RUNNING, _("Being made")
        DONE = films.DONE, _("Made")
        FAILED = films.FAILED, _("Failed")
        CANCELLED = films.CANCELLED, _("Called off")
        REFUSED = films.REFUSED, _("Somebody said no")

    class Failure(models.TextChoices):
        UNREADABLE = "unreadable", _("A file of the recording cannot be read.")
        DISK_FULL = "disk_full", _("The clinic's disk is full.")
        CRASHED = "crashed", _("The program that makes it ended three times.")
        ENGINE = "engine", _("The file could not be made.")

    recording = models.ForeignKey(
        Recording, on_delete=models.CASCADE, related_name="films", verbose_name=_("recording")
    )
    public_id = models.CharField(max_length=22, unique=True, editable=False, default=public_id)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("asked for by")
    )
    # Public ids of the participants who are in it, fixed when it was asked for.
    people = models.JSONField(default=list)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.ASKING)
    failure = models.CharField(_("why it failed"), max_length=10, choices=Failure.choices, blank=True, default="")
    requested_at = models.DateTimeField(_("asked for"))
    changed_at = models.DateTimeField()
    # When the job that makes it was last heard of, and what it has made so far.
    seen_at = models.DateTimeField(null=True, blank=True)
    done_ms = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    duration_ms = models.PositiveIntegerField(_("length in milliseconds"), default=0)
    size_bytes = models.PositiveBigIntegerField(_("size in bytes"), default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)

    content_type: Final = "video/webm"

    class Meta:
        verbose_name = _("combined file")
        verbose_name_plural = _("combined files")
        ordering: ClassVar = ["-requested_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["recording"],
                condition=models.Q(state__in=sorted(films.ACTIVE)),
                name="one_active_film_per_recording",
            )
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def file_name(self) -> str:
        return f"film-{self.public_id}.webm.sealed"

    @property
    def is_active(self) -> bool:
        return self.state in films.ACTIVE

    @property
    def percent(self) -> int:
        """How much of it is made; 100 only when it is."""
        if self.state == self.State.DONE:
            return 100
        return min(99, 100 * self.done_ms // self.duration_ms) if self.duration_ms else 0

    @property
    def can_be_watched(self) -> bool:
        return self.state == self.State.DONE and self.withdrawn_at is None and self.deleted_at is None


class CopyRequest(models.Model):
    """A participant asks for a copy of what was recorded of them; the practice answers. At most one per person and recording
    that is not answered, or still good."""

    class State(models.TextChoices):
        ASKED = copies.ASKED, _("Asked for")
        GRANTED = copies.GRANTED, _("Given")
        REFUSED = copies.REFUSED, _("Not given")

    public_id = models.CharField(max_length=22, unique=True, editable=False, default=public_id)
    recording = models.ForeignKey(
        Recording, on_delete=models.CASCADE, related_name="copies", verbose_name=_("recording")
    )
    person = models.CharField(_("person"), max_length=22)
    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.ASKED)
    asked_at = models.DateTimeField(_("asked for"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    # None with an answer: the clinic's setting gave it.
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    until = models.DateTimeField(_("can be downloaded until"), null=True, blank=True)

    class Meta:
        verbose_name = _("copy for a participant")
        verbose_name_plural = _("copies for participants")
        ordering: ClassVar = ["-asked_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["recording", "person"],
                condition=models.Q(state=copies.ASKED),
                name="one_open_copy_request",
            )
        ]

    def __str__(self) -> str:
        return self.public_id


class Attachment(models.Model):
    """A still picture or a file of a visit, sealed under a key of its own. Whose it is, is fixed for life (PRIV-7).

    `person` is the public id of the participant whom it shows, or from whom it is.
    """

    class Kind(models.TextChoices):
        STILL = "still", _("Still picture")
        FILE = "file", _("File")

    class Scan(models.TextChoices):
        PENDING = "pending", _("Not examined yet")
        CLEAN = "clean", _("Nothing harmful found")
        REFUSED = "refused", _("Refused")

    OWNER: Final = ("clinic_id", "room_id", "person")

    public_id = models.CharField(max_length=22, unique=True, editable=False, default=public_id)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="attachments", verbose_name=_("clinic"))
    room = models.ForeignKey(Room, on_delete=models.PROTECT, related_name="attachments", verbose_name=_("visit"))
    person = models.CharField(_("person"), max_length=22)
    kind = models.CharField(_("kind"), max_length=5, choices=Kind.choices)
    # File names say what somebody suffers from.
    name = EncryptedTextField(blank=True, default="")
    content_type = models.CharField(_("kind of file"), max_length=100)
    size_bytes = models.PositiveBigIntegerField(_("size in bytes"))
    # Of the sealed file: a copy in a backup can be compared without the key.
    sha256 = models.CharField(max_length=64)
    # Base64 of 32 bytes; '' after deletion.
    wrapped_key = EncryptedTextField(blank=True, default="")
    scan = models.CharField(_("examined for harm"), max_length=7, choices=Scan.choices, default=Scan.PENDING)
    scanned_at = models.DateTimeField(null=True, blank=True)
    # None: a participant without an account.
    kept_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("kept by"),
    )
    kept_at = models.DateTimeField(_("kept since"))
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering: ClassVar = ["kept_at", "id"]

    def __str__(self) -> str:
        return self.public_id

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Self:
        row = super().from_db(*args, **kwargs)
        row._bound = row._owner()
        return row

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises ValueError for another owner; the database refuses that as well, whoever writes."""
        bound = getattr(self, "_bound", None)
        if bound is not None and self._owner() != bound:
            raise ValueError("an attachment belongs to one visit and one person for life")
        super().save(*args, **kwargs)
        self._bound = self._owner()

    def _owner(self) -> tuple[Any, ...]:
        # Straight from what is loaded: a deferred field is not fetched for this.
        return tuple(self.__dict__.get(name) for name in self.OWNER)

    @property
    def file_name(self) -> str:
        return f"attachments/{self.public_id}.sealed"

    @property
    def key(self) -> bytes:
        """The 32 bytes that open it. Raises ValueError for one that was deleted."""
        return open_key(self.wrapped_key)

    @property
    def can_be_opened(self) -> bool:
        return self.deleted_at is None and self.scan == self.Scan.CLEAN
