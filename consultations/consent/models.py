"""What people agreed to: versioned texts, and one record per person, purpose and visit."""

from typing import ClassVar, Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from consultations.appointments.models import Appointment


class Purpose(models.TextChoices):
    TREATMENT = "treatment", _("Treatment by video")
    RECORDING = "recording", _("Recording")
    COMBINED = "combined", _("One file of everybody")
    TRANSCRIPT = "transcript", _("Transcript")
    AI_NOTE = "ai_note", _("Draft of a note by AI")
    STILLS = "stills", _("Still pictures")


# What a machine keeps of a visit. Each is asked for by itself, off until somebody asks, and never needed for the visit.
CAPTURE_PURPOSES: Final = (
    Purpose.RECORDING.value,
    Purpose.COMBINED.value,
    Purpose.TRANSCRIPT.value,
    Purpose.AI_NOTE.value,
    Purpose.STILLS.value,
)


class ConsentText(models.Model):
    """A text as it was shown. Never edited: a change is a new version. Unreviewed translations cannot be granted (CLIN-9)."""

    purpose = models.CharField(_("purpose"), max_length=20, choices=Purpose.choices)
    language = models.CharField(_("language"), max_length=8)
    version = models.PositiveIntegerField(_("version"))
    title = models.CharField(_("title"), max_length=200)
    summary = models.TextField(_("in one sentence"))
    body = models.TextField(_("text"))
    if_refused = models.TextField(_("what if I say no"))
    reviewed_at = models.DateTimeField(_("reviewed by a qualified person"), null=True, blank=True)

    class Meta:
        verbose_name = _("consent text")
        verbose_name_plural = _("consent texts")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["purpose", "language", "version"], name="one_consent_text_per_version")
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.language} v{self.version}"


class ConsentRecord(models.Model):
    """One person's answer. `person` is the participant's public id: consent is a sibling of the room, not its child."""

    class Decision(models.TextChoices):
        GRANTED = "granted", _("Agreed")
        REFUSED = "refused", _("Said no")

    class Capacity(models.TextChoices):
        SELF = "self", _("For myself")
        GUARDIAN = "guardian", _("As parent or guardian")
        CARER = "carer", _("As carer with authority")

    appointment = models.ForeignKey(
        Appointment, on_delete=models.PROTECT, related_name="consents", verbose_name=_("appointment")
    )
    person = models.CharField(_("person"), max_length=22)
    purpose = models.CharField(_("purpose"), max_length=20, choices=Purpose.choices)
    text = models.ForeignKey(ConsentText, on_delete=models.PROTECT, related_name="+", verbose_name=_("consent text"))
    decision = models.CharField(_("decision"), max_length=8, choices=Decision.choices)
    capacity = models.CharField(_("capacity"), max_length=10, choices=Capacity.choices, default=Capacity.SELF)
    decided_at = models.DateTimeField(_("decided"))
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)
    shown_sha256 = models.CharField(max_length=64, help_text=_("Hash of exactly what was on the screen."))

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        indexes: ClassVar = [models.Index(fields=["appointment", "person", "purpose"], name="consent_by_person")]

    def __str__(self) -> str:
        return f"{self.purpose}: {self.decision}"
