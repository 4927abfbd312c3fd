from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client

from consultations.clinics.access import Role, clinics_of, get_clinic_for, has_role, require_role
from consultations.clinics.models import Membership
from consultations.practitioners.access import get_practitioner_for, practitioners_in
from tests.base import Cast


def test_a_role_counts_in_its_clinic_only(cast: Cast) -> None:
    assert has_role(cast.anna, cast.harbour, Role.PRACTITIONER)
    assert not has_role(cast.anna, cast.hill)
    assert not has_role(cast.ivy, cast.harbour, Role.PRACTITIONER)
    with pytest.raises(PermissionDenied):
        require_role(cast.ivy, cast.harbour, Role.CLINIC_ADMIN)
    with pytest.raises(Http404):
        get_clinic_for(cast.anna, cast.hill.public_id)


@pytest.mark.parametrize("end", ["membership", "user"])
def test_it_ends_at_once(cast: Cast, end: str) -> None:
    if end == "membership":
        Membership.objects.filter(user=cast.anna).update(active=False)
    else:
        cast.anna.is_active = False
        cast.anna.save(update_fields=["is_active"])
    assert not clinics_of(cast.anna).exists()
    assert cast.anna.practitioner not in practitioners_in(cast.harbour)


def test_nobody_is_nobody(cast: Cast) -> None:
    assert not clinics_of(AnonymousUser()).exists()


def test_two_roles_are_one_clinic(cast: Cast) -> None:
    Membership.objects.create(user=cast.anna, clinic=cast.harbour, role=Role.CLINIC_ADMIN)
    assert list(clinics_of(cast.anna)) == [cast.harbour]


def test_practitioners_are_found_through_their_clinic(cast: Cast) -> None:
    assert list(practitioners_in(cast.harbour)) == [cast.anna.practitioner, cast.carl.practitioner]
    assert get_practitioner_for(cast.ivy, cast.harbour, cast.carl.practitioner.public_id) == cast.carl.practitioner
    for user, clinic, who in ((cast.sara, cast.harbour, cast.anna), (cast.ivy, cast.harbour, cast.sara)):
        with pytest.raises(Http404):
            get_practitioner_for(user, clinic, who.practitioner.public_id)


def test_the_logo_is_public_and_cached_by_content(cast: Cast, client: Client) -> None:
    path = f"/clinics/{cast.harbour.public_id}/logo.png"
    assert client.get(path).status_code == 404
    cast.harbour.logo_png = b"\x89PNG\r\n\x1a\n rest"
    cast.harbour.save(update_fields=["logo_png"])
    first: Any = client.get(path)
    assert (first.content, first["Content-Type"]) == (b"\x89PNG\r\n\x1a\n rest", "image/png")
    assert client.get(path, headers={"If-None-Match": first["ETag"]}).status_code == 304
    assert client.get("/clinics/nobody/logo.png").status_code == 404
