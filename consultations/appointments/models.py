"""When who sees whom. Times are UTC; `zone` is the IANA zone in which the appointment was agreed (REL-9)."""

from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from consultations.clinics.models import Clinic
from consultations.patients.models import Patient
from consultations.practitioners.models import Practitioner
from telemed.lib.ids import public_id


class VisitType(models.Model):
    """What a clinic offers: it fixes length, size, quality thresholds and how private the media must be."""

    class Quality(models.TextChoices):
        GENERAL = "general", _("General")
        TALKING = "talking", _("Talking therapy: sound first")
        NEUROLOGY = "neurology", _("Neurology: smooth movement first")
        DERMATOLOGY = "dermatology", _("Dermatology: detail first")

    class Privacy(models.TextChoices):
        STANDARD = "standard", _("Standard")
        MAXIMUM = "maximum", _("Maximum: media never touch a server that could read them")

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="visit_types", verbose_name=_("clinic"))
    public_id = models.CharField(max_length=22, unique=True, editable=False, default=public_id)
    name = models.CharField(_("name"), max_length=100)
    duration_minutes = models.PositiveSmallIntegerField(
        _("length in minutes"), default=20, validators=[MinValueValidator(5), MaxValueValidator(240)]
    )
    buffer_minutes = models.PositiveSmallIntegerField(
        _("minutes kept free afterwards"), default=5, validators=[MaxValueValidator(120)]
    )
    is_group = models.BooleanField(_("for three or more people"), default=False)
    max_participants = models.PositiveSmallIntegerField(
        _("people at most"), default=2, validators=[MinValueValidator(2), MaxValueValidator(8)]
    )
    quality_profile = models.CharField(_("quality profile"), max_length=12, choices=Quality.choices, default="general")
    privacy_class = models.CharField(_("privacy class"), max_length=8, choices=Privacy.choices, default="standard")
    purposes = models.JSONField(_("consents that may be asked besides treatment"), default=list, blank=True)
    active = models.BooleanField(_("can be booked"), default=True)

    class Meta:
        verbose_name = _("visit type")
        verbose_name_plural = _("visit types")

    def __str__(self) -> str:
        return self.name


class CareThread(models.Model):
    """What belongs together across visits: one problem of one patient (FHIR EpisodeOfCare). It outlives every appointment."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    public_id = models.CharField(max_length=22, unique=True, editable=False, default=public_id)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="care_threads")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("care thread")
        verbose_name_plural = _("care threads")

    def __str__(self) -> str:
        return self.public_id


class Appointment(models.Model):
    """One agreed visit. Its status moves only through `lifecycle.py`; overlaps are refused by the database itself (REL-3)."""

    class Status(models.TextChoices):
        BOOKED = "booked", _("Expected")
        ARRIVED = "arrived", _("Waiting")
        IN_VISIT = "in_visit", _("In visit")
        COMPLETED = "completed", _("Done")
        NO_SHOW = "no_show", _("Did not come")
        CANCELLED = "cancelled", _("Cancelled")

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="appointments", verbose_name=_("clinic"))
    public_id = models.CharField(_("public number"), max_length=22, unique=True, editable=False, default=public_id)
    care_thread = models.ForeignKey(CareThread, on_delete=models.PROTECT, related_name="appointments")
    patient = models.ForeignKey(
        Patient, on_delete=models.PROTECT, related_name="appointments", verbose_name=_("patient")
    )
    practitioner = models.ForeignKey(
        Practitioner,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="appointments",
        help_text=_("Empty for a team's visit until somebody takes it."),
        verbose_name=_("practitioner"),
    )
    visit_type = models.ForeignKey(
        VisitType, on_delete=models.PROTECT, related_name="appointments", verbose_name=_("visit type")
    )
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    blocks_until = models.DateTimeField(_("practitioner busy until"))
    zone = models.CharField(_("agreed in time zone"), max_length=64)
    status = models.CharField(_("state"), max_length=10, choices=Status.choices, default=Status.BOOKED)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("booked by")
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("appointment")
        verbose_name_plural = _("appointments")
        indexes: ClassVar = [
            models.Index(fields=["practitioner", "starts_at"], name="appointment_by_practitioner"),
            models.Index(fields=["clinic", "starts_at"], name="appointment_by_clinic"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at"), blocks_until__gte=models.F("ends_at")),
                name="appointment_times_in_order",
            )
        ]

    def __str__(self) -> str:
        return self.public_id


class StatusChange(models.Model):
    """One step of an appointment's life; append-only, so waiting time, no-shows and completion can be told later."""

    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="status_changes")
    old = models.CharField(_("state before"), max_length=10, blank=True)
    new = models.CharField(_("state after"), max_length=10)
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("by whom")
    )

    class Meta:
        verbose_name = _("status change")
        verbose_name_plural = _("status changes")
        ordering: ClassVar = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.old} → {self.new}"
