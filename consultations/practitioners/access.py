"""Which practitioners a person may see and book."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404

from consultations.clinics.access import Role, clinics_of
from consultations.clinics.models import Clinic, Membership
from consultations.practitioners.models import Practitioner


def practitioner_of(user: Any) -> Practitioner | None:
    """Return the user's own practitioner row, or None for staff who do not treat."""
    return Practitioner.objects.select_related("user").filter(user_id=user.pk, user__is_active=True).first()


def practitioners_in(clinic: Clinic) -> QuerySet[Practitioner]:
    """Return those who treat patients in the clinic today."""
    treating = Membership.objects.filter(clinic=clinic, active=True, role=Role.PRACTITIONER).values("user_id")
    return (
        Practitioner.objects.filter(user_id__in=treating, user__is_active=True)
        .select_related("user")
        .order_by("user__name")
    )


def get_practitioner_for(user: Any, clinic: Clinic, public_id: str) -> Practitioner:
    """Return a practitioner of the clinic, for a user who works there too; else raise Http404."""
    if not clinics_of(user).filter(pk=clinic.pk).exists():
        raise Http404
    practitioner = practitioners_in(clinic).filter(public_id=public_id).first()
    if practitioner is None:
        raise Http404
    return practitioner
