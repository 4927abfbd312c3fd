"""Those who are treated, and the people who act for them."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from consultations.clinics.models import Clinic
from telemed.lib.ids import public_id
from telemed.vault.fields import EncryptedTextField


class Patient(models.Model):
    """A person as one clinic knows them. Contact details are encrypted; the indexes are keyed hashes for exact look-up."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="patients", verbose_name=_("clinic"))
    public_id = models.CharField(_("public number"), max_length=22, unique=True, editable=False, default=public_id)
    name = models.CharField(_("full name"), max_length=150)
    birth_date = models.DateField(_("date of birth"), null=True, blank=True)
    language = models.CharField(_("language"), max_length=8, default="en")
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, help_text=_("Empty: the clinic's."))
    email = EncryptedTextField(_("e-mail address"), blank=True, default="")
    phone = EncryptedTextField(_("phone number"), blank=True, default="")
    email_index = models.CharField(max_length=64, blank=True, default="", editable=False)
    phone_index = models.CharField(max_length=64, blank=True, default="", editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("patient")
        verbose_name_plural = _("patients")
        indexes: ClassVar = [
            models.Index(fields=["clinic", "email_index"], name="patient_email"),
            models.Index(fields=["clinic", "phone_index"], name="patient_phone"),
        ]

    def __str__(self) -> str:
        return self.name


class PatientRelation(models.Model):
    """Someone who may act for, or is cared for by, a patient (CLIN-5). It ends on `valid_until`."""

    class Kind(models.TextChoices):
        GUARDIAN = "guardian", _("Parent or guardian")
        CARER = "carer", _("Carer")
        DEPENDANT = "dependant", _("Dependant")

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="relations")
    kind = models.CharField(_("relation"), max_length=10, choices=Kind.choices)
    name = models.CharField(_("full name"), max_length=150)
    related_patient = models.ForeignKey(
        Patient,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("also a patient here"),
    )
    contact = EncryptedTextField(_("contact"), blank=True, default="")
    valid_until = models.DateField(_("valid until"), null=True, blank=True)

    class Meta:
        verbose_name = _("relation")
        verbose_name_plural = _("relations")

    def __str__(self) -> str:
        return self.get_kind_display()
