"""Those who treat."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from telemed.lib.ids import public_id


class Practitioner(models.Model):
    """A licensed person. The licence belongs to the human, not to a clinic, so there is one row per user."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="practitioner", verbose_name=_("user")
    )
    public_id = models.CharField(max_length=22, unique=True, editable=False, default=public_id)
    title = models.CharField(_("title"), max_length=40, blank=True)
    registration_number = models.CharField(_("registration number"), max_length=60)
    registration_body = models.CharField(_("registered with"), max_length=150, blank=True)
    specialties = models.JSONField(_("specialties"), default=list, blank=True)

    class Meta:
        verbose_name = _("practitioner")
        verbose_name_plural = _("practitioners")

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        return f"{self.title} {self.user.name}".strip()

    @property
    def registration(self) -> str:
        return " ".join(part for part in (self.registration_body, self.registration_number) if part)
