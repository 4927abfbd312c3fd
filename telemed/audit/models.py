"""The tables of the log. Only recording.py writes entries and head, only pseudonyms.py writes keys."""

from typing import Any, NoReturn

from django.db import models
from django.utils.translation import gettext_lazy as _

from telemed.vault.fields import EncryptedTextField


class AuditEntry(models.Model):
    """One leaf. Immutable: triggers refuse UPDATE and DELETE, `verify_audit` finds what got round them."""

    seq = models.BigIntegerField(_("number"), primary_key=True)  # 1, 2, 3 … over all clinics, without a gap
    recorded_at = models.DateTimeField(_("at"), db_index=True)
    event = models.CharField(_("event"), max_length=64, db_index=True)
    actor = models.CharField(
        _("by whom"), max_length=80, blank=True
    )  # "user:<pseudonym>", "seat:<pseudonym>", '' = the system
    clinic = models.CharField(_("clinic"), max_length=64, blank=True, db_index=True)
    subject = models.CharField(
        _("patient (pseudonym)"), max_length=64, blank=True, db_index=True
    )  # pseudonym of the patient
    object = models.CharField(_("object"), max_length=130, blank=True)
    outcome = models.CharField(_("outcome"), max_length=8)
    details = models.TextField(_("details"))  # canonical JSON, exactly as hashed
    leaf_hash = models.CharField(_("hash of the entry"), max_length=64)  # hex, RFC 9162 §2.1.1
    tree_root = models.CharField(
        _("hash of all entries"), max_length=64
    )  # hex, root of the tree of the first `seq` leaves

    class Meta:
        db_table = "audit_entry"
        ordering = ["seq"]
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")

    def __str__(self) -> str:
        return f"{self.seq} {self.event}"

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("audit entries cannot be deleted")


class AuditHead(models.Model):
    """The one row that says how many leaves the log has; locked by each writer, so it also numbers them."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    size = models.BigIntegerField(default=0)
    peaks = models.TextField(default="", blank=True)  # merkle.peaks_to_text

    class Meta:
        db_table = "audit_head"
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="audit_head_single"),
        ]

    def __str__(self) -> str:
        return f"{self.size} entries"


class PseudonymKey(models.Model):
    """The random key behind one person's pseudonym. Deleting the row is the erasure (SEC-20)."""

    kind = models.CharField(max_length=16)  # pseudonyms.KINDS
    owner = models.CharField(max_length=64)  # public id; the month for kind "month"
    key = EncryptedTextField()  # hex of 32 random bytes
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "audit_pseudonym_key"
        constraints = [
            models.UniqueConstraint(fields=["kind", "owner"], name="audit_pseudonym_key_owner"),
        ]

    def __str__(self) -> str:
        return self.kind
