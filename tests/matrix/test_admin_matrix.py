"""SEC-3 and SEC-23 in Django admin: every registered model, against everybody, found by looking and not by listing."""

from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse

from consultations.appointments.models import Appointment
from consultations.rooms.models import Note, Participant
from telemed.accounts.models import User
from telemed.audit.models import AuditEntry
from telemed.audit.verification import verify
from tests.base import Cast
from tests.matrix.world import World, make_world, patient_seat

NO_ADMIN = ("practitioner", "colleague", "assistant", "stranger", "anonymous", "patient")
# Texts shipped with the product: the same for every clinic.
SHARED = {"consent_consenttext"}
PERSONAL = ("Paul Peters", "paul@mail.example", "+49 170 1", "Nora Niles", "Pete Poole", "private words")


@pytest.fixture
def world(cast: Cast) -> World:
    return make_world(cast)


def _models() -> list[Any]:
    return [model for model in admin.site._registry if model._meta.app_label != "sites"]


def _url(model: Any, page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def _name(model: Any) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}"


def _harbour_row(model: Any, world: World) -> Any:
    """A row of Harbour Clinic; every model must have one, or nothing was tested."""
    model_admin = admin.site._registry[model]
    if model is User:
        return world.cast.carl
    if model is AuditEntry:
        return AuditEntry.objects.filter(clinic=world.cast.harbour.public_id).latest("seq")
    path = getattr(model_admin, "clinic_path", "clinic")
    if _name(model) == "clinics_clinic":
        return world.cast.harbour
    rows = model.objects.all() if _name(model) in SHARED else model.objects.filter(**{path: world.cast.harbour})
    row = rows.first()
    assert row is not None, f"the world has no {_name(model)}"
    return row


def test_only_clinic_admins_see_any_page(world: World) -> None:
    for model in _models():
        for url in (_url(model, "changelist"), _url(model, "change", _harbour_row(model, world).pk)):
            for role in NO_ADMIN:
                response = world.client(role).get(url)
                assert response.status_code in {302, 403, 404}, f"{url} as {role}: {response.status_code}"
            assert world.client("clinic_admin").get(url).status_code == 200, url


def test_another_clinics_rows_look_like_no_rows(world: World) -> None:
    client = world.client("foreign_admin")
    for model in _models():
        if _name(model) in SHARED:
            continue
        row = _harbour_row(model, world)
        for page in ("change", "history", "delete"):
            foreign, absent = client.get(_url(model, page, row.pk)), client.get(_url(model, page, 987654321))
            assert foreign.status_code == absent.status_code, f"{page} of {_name(model)}"
            assert foreign.status_code != 200
            if foreign.status_code == 302:
                assert foreign["Location"] == absent["Location"]
        assert client.post(_url(model, "change", row.pk), {}).status_code != 200
        listed = client.get(_url(model, "changelist")).content.decode()
        assert _url(model, "change", row.pk) not in listed


def test_a_superuser_without_a_membership_sees_no_clinical_row(world: World) -> None:
    client = world.client("superuser")
    for model in _models():
        if _name(model) in {"clinics_clinic", "accounts_user"}:
            assert client.get(_url(model, "changelist")).status_code == 200
        else:
            assert client.get(_url(model, "changelist")).status_code == 403, _name(model)


def test_clinical_rows_cannot_be_added_changed_or_deleted(world: World) -> None:
    client = world.client("clinic_admin")
    for model in _models():
        if not getattr(admin.site._registry[model], "read_only", False):
            continue
        row = _harbour_row(model, world)
        assert client.get(_url(model, "add")).status_code == 403
        assert client.post(_url(model, "change", row.pk), {"name": "X"}).status_code == 403
        assert client.post(_url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
        assert "delete_selected" not in client.get(_url(model, "changelist")).content.decode()


def test_lists_show_no_health_data_and_filters_cannot_guess_it(world: World) -> None:
    client = world.client("clinic_admin")
    for model in _models():
        page = client.get(_url(model, "changelist")).content.decode()
        assert not [text for text in PERSONAL if text in page], _name(model)
    patients = reverse("admin:patients_patient_changelist")
    for guess in ("?name__startswith=P", "?clinic__patients__name__startswith=P", "?birth_date__year=1950"):
        assert client.get(patients + guess).status_code in {302, 400}, guess


def test_no_page_shows_a_note_a_place_or_a_secret(world: World) -> None:
    seat = patient_seat(world.appointment)
    seat.location, seat.callback_number = "Quay 1, Hamburg", "+49 40 1"
    seat.save(update_fields=["location", "callback_number"])
    assert Note.objects.exists()
    assert not admin.site.is_registered(Note)
    client = world.client("clinic_admin")
    for model in _models():
        page = client.get(_url(model, "change", _harbour_row(model, world).pk)).content.decode()
        assert "Quay 1" not in page
        assert "private words" not in page
        assert "+49 40 1" not in page
    assert Participant.objects.get(pk=seat.pk).location == "Quay 1, Hamburg"


def test_reading_a_patient_is_logged(world: World) -> None:
    before = AuditEntry.objects.filter(event="patient.read").count()
    world.client("clinic_admin").get(reverse("admin:patients_patient_change", args=[world.cast.paul.pk]))
    assert AuditEntry.objects.filter(event="patient.read").count() == before + 1


def test_an_admin_cannot_take_over_an_account_shared_with_another_clinic(world: World) -> None:
    """Changing a shared doctor's address would let one clinic reset her password and enter the other."""
    from consultations.clinics.models import Membership

    url = reverse("admin:accounts_user_change", args=[world.cast.carl.pk])
    fields = {
        "name": "Carl", "email": "taken@evil.example", "language": "en", "time_zone": "UTC", "is_active": "on",
        "memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0,
    }  # fmt: skip
    Membership.objects.create(user=world.cast.carl, clinic=world.cast.hill, role="practitioner")
    assert world.client("clinic_admin").post(url, fields).status_code == 403
    Membership.objects.filter(user=world.cast.carl, clinic=world.cast.hill).delete()
    assert world.client("clinic_admin").post(url, fields).status_code == 302, "control: her own account can be changed"
    world.cast.carl.refresh_from_db()
    assert world.cast.carl.email == "taken@evil.example"


def test_buttons_call_the_practices_actions(world: World) -> None:
    url = reverse("admin:appointments_appointment_press", args=[world.appointment.pk, "cancel"])
    assert world.client("clinic_admin").get(url).status_code == 405
    assert world.client("foreign_admin").post(url).status_code == 404
    assert world.client("clinic_admin").post(url).status_code == 302
    world.appointment.refresh_from_db()
    assert world.appointment.status == Appointment.Status.CANCELLED
    assert AuditEntry.objects.filter(event="appointment.cancelled").exists()
    verify()  # raises at the first bad entry


def test_deactivating_somebody_ends_their_sessions(world: World) -> None:
    carl, client = world.cast.carl, world.client("colleague")
    assert client.get(reverse("today")).status_code == 200
    fields = {
        "name": "Carl", "email": carl.email, "language": "en", "time_zone": "UTC",
        "memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0,
    }  # fmt: skip
    url = reverse("admin:accounts_user_change", args=[carl.pk])
    assert world.client("clinic_admin").post(url, fields).status_code == 302
    assert client.get(reverse("today")).status_code == 302
    assert AuditEntry.objects.filter(event="account.deactivated").exists()


def test_removing_a_second_factor_needs_an_admin_of_all_their_clinics(world: World) -> None:
    url = reverse("admin:accounts_user_press", args=[world.cast.carl.pk, "reset-second-factor"])
    assert world.client("foreign_admin").post(url).status_code == 404
    assert world.client("clinic_admin").post(url).status_code == 302
    assert world.client("colleague").get(reverse("today")).status_code == 302
    own = reverse("admin:accounts_user_press", args=[world.cast.adam.pk, "reset-second-factor"])
    assert world.client("clinic_admin").post(own).status_code == 404


def test_the_home_page_counts_only_ones_own_clinic(world: World) -> None:
    mine = world.client("clinic_admin").get(reverse("admin:index")).content.decode()
    assert "Visits of the last 14 days" in mine
    assert "Visits of the last 14 days" not in world.client("superuser").get(reverse("admin:index")).content.decode()
