"""Everything that leaves for a person's mailbox or phone, one row each, sent after the commit."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from consultations.clinics.models import Clinic
from telemed.lib.ids import public_id
from telemed.vault.fields import EncryptedTextField


class Message(models.Model):
    class Channel(models.TextChoices):
        EMAIL = "email", _("E-mail")
        SMS = "sms", _("Text message")

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting to be sent")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="messages", verbose_name=_("clinic"))
    public_id = models.CharField(max_length=22, unique=True, editable=False, default=public_id)
    event = models.CharField(_("event"), max_length=40)
    channel = models.CharField(_("channel"), max_length=5, choices=Channel.choices)
    language = models.CharField(_("language"), max_length=8)
    template_version = models.PositiveSmallIntegerField(_("template version"))
    recipient = EncryptedTextField(_("recipient"))
    # JSON for the template. It holds the link, so it is emptied once the message is sent.
    payload = EncryptedTextField(blank=True, default="")
    # Public id of the appointment it is about; the outbox knows no clinical tables.
    subject = models.CharField(_("appointment"), max_length=22, blank=True, default="", db_index=True)
    state = models.CharField(_("state"), max_length=6, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    error_code = models.CharField(_("error"), max_length=40, blank=True, default="")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        indexes: ClassVar = [models.Index(fields=["state", "next_attempt_at"], name="message_due")]

    def __str__(self) -> str:
        return f"{self.event} ({self.channel})"
