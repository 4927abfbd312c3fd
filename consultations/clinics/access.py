"""Who may do what in which clinic. Every other `access.py` stands on these few questions."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404

from consultations.clinics.models import Clinic, Membership

Role = Membership.Role
# May see and change the calendar of the whole clinic.
SCHEDULERS = (Role.ASSISTANT, Role.CLINIC_ADMIN)


def memberships(user: Any) -> QuerySet[Membership]:
    """Return the user's active memberships with their clinics; none for somebody who is not signed in."""
    if not user.is_authenticated or not user.is_active:
        return Membership.objects.none()
    return Membership.objects.filter(user=user, active=True).select_related("clinic").order_by("clinic__name", "id")


def clinics_of(user: Any, *roles: str) -> QuerySet[Clinic]:
    """Return the clinics in which the user holds one of `roles` (any role when none is named)."""
    mine = memberships(user)
    if roles:
        mine = mine.filter(role__in=roles)
    return Clinic.objects.filter(pk__in=mine.order_by().values("clinic_id")).order_by("name", "id")


def has_role(user: Any, clinic: Clinic, *roles: str) -> bool:
    """Return whether the user holds one of `roles` in the clinic (any role when none is named). One query."""
    mine = memberships(user).filter(clinic=clinic)
    return (mine.filter(role__in=roles) if roles else mine).exists()


def require_role(user: Any, clinic: Clinic, *roles: str) -> None:
    """Raise PermissionDenied unless `has_role`. For objects that the user may know exist; others are a 404."""
    if not has_role(user, clinic, *roles):
        raise PermissionDenied


def get_clinic_for(user: Any, public_id: str, *roles: str) -> Clinic:
    """Return the clinic of that public id if the user works there in one of `roles`, else raise Http404."""
    clinic = clinics_of(user, *roles).filter(public_id=public_id).first()
    if clinic is None:
        raise Http404
    return clinic
