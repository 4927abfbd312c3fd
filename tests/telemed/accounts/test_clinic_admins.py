"""SEC-5: whoever manages a clinic signs in with a passkey, also when they may not open the administration."""

from django.test import Client

from consultations.clinics.models import Membership
from telemed.accounts.testing import sign_in
from tests.base import Cast


def test_a_clinic_admin_needs_a_passkey_and_a_former_one_does_not(cast: Cast):
    Membership.objects.filter(user=cast.adam).update(active=True)
    cast.adam.is_staff = False
    cast.adam.save(update_fields=["is_staff"])
    client = Client()
    sign_in(client, cast.adam, factor="totp")
    assert client.get("/today/").url == "/accounts/security/"
    Membership.objects.filter(user=cast.adam, role="clinic_admin").update(active=False)
    assert client.get("/today/").status_code == 200


def test_a_practitioner_may_use_an_app(cast: Cast):
    client = Client()
    sign_in(client, cast.anna, factor="totp")
    assert client.get("/today/").status_code == 200
