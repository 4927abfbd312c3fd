"""Every write to a clinic's own settings."""

from collections.abc import Iterable

from django.db import models, transaction

from consultations.clinics.models import Clinic
from telemed import audit
from telemed.accounts.models import User


def _named(obj: models.Model) -> str:
    """Return `kind:id` for the log: the public id where there is one, so that erasing a person finds their entries."""
    return f"{obj._meta.model_name}:{getattr(obj, 'public_id', obj.pk)}"


@transaction.atomic
def save_setting(
    obj: models.Model, *, clinic: Clinic | None, changed_fields: Iterable[str], acting_user: User
) -> models.Model:
    """Save a clinic, membership, relay, visit type or staff account; the log names the fields and never their values."""
    fields = sorted(changed_fields)
    created = obj._state.adding
    if created:
        obj.save()
    elif fields:
        obj.save(update_fields=fields)
    owner = obj if isinstance(obj, Clinic) else clinic
    audit.record(
        f"{obj._meta.model_name}.{'created' if created else 'changed'}",
        actor=acting_user,
        clinic=owner.public_id if owner else "",
        object=_named(obj),
        details={"fields": fields},
    )
    return obj


@transaction.atomic
def delete_setting(obj: models.Model, *, clinic: Clinic | None, acting_user: User) -> None:
    """Delete a setting that nothing clinical depends on."""
    name, named = obj._meta.model_name, _named(obj)
    obj.delete()
    audit.record(f"{name}.deleted", actor=acting_user, clinic=clinic.public_id if clinic else "", object=named)


@transaction.atomic
def set_logo(clinic: Clinic, png: bytes | None, *, acting_user: User) -> None:
    """Store a logo that was already re-encoded, or remove it (None)."""
    clinic.logo_png = png
    clinic.save(update_fields=["logo_png"])
    audit.record("clinic.logo_changed", actor=acting_user, clinic=clinic.public_id, object=f"clinic:{clinic.public_id}")
