"""Every write to practitioners."""

from collections.abc import Sequence

from django.db import transaction

from consultations.practitioners.models import Practitioner
from telemed import audit
from telemed.accounts.models import User


@transaction.atomic
def register_practitioner(
    user: User,
    *,
    registration_number: str,
    registration_body: str = "",
    title: str = "",
    specialties: Sequence[str] = (),
    acting_user: User | None,
) -> Practitioner:
    """Make `user` a practitioner. `acting_user` is None for set-up from the command line."""
    practitioner = Practitioner.objects.create(
        user=user,
        title=title,
        registration_number=registration_number,
        registration_body=registration_body,
        specialties=list(specialties),
    )
    audit.record("practitioner.registered", actor=acting_user, object=f"practitioner:{practitioner.public_id}")
    return practitioner
