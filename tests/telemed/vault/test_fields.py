"""Contact fields are encrypted in the database and refuse to be searched (SEC-21: a dump without the key yields nothing)."""

import pytest
from django.core import checks
from django.core.exceptions import FieldError
from django.db import connection, models, transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Concat

from consultations.patients.models import Patient
from telemed.vault.fields import EncryptedTextField
from telemed.vault.keyring import DecryptionError
from tests.base import Cast


def _raw(patient: Patient, column: str = "email") -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM patients_patient WHERE id = %s", [patient.pk])
        return str(cursor.fetchone()[0])


def _store_raw(patient: Patient, column: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE patients_patient SET {column} = %s WHERE id = %s", [value, patient.pk])


def _is_sealed(raw: str, clear: str) -> bool:
    return ":" in raw and clear not in raw and len(raw) > len(clear)


def test_every_way_of_writing_encrypts(cast: Cast) -> None:
    paul, clear = cast.paul, "paul@home.example"
    paul.email = clear
    paul.save(update_fields=["email"])
    assert _is_sealed(_raw(paul), clear)
    created = Patient.objects.create(clinic=cast.harbour, name="x", email=clear)
    assert _is_sealed(_raw(created), clear)
    (bulk,) = Patient.objects.bulk_create([Patient(clinic=cast.harbour, name="x", email=clear)])
    assert _is_sealed(_raw(bulk), clear)
    Patient.objects.filter(pk=cast.nora.pk).update(email=clear)
    assert _is_sealed(_raw(cast.nora), clear)
    cast.pete.email = clear
    Patient.objects.bulk_update([cast.pete], ["email"])
    assert _is_sealed(_raw(cast.pete), clear)
    everybody = [paul.pk, created.pk, bulk.pk, cast.nora.pk, cast.pete.pk]
    assert set(Patient.objects.filter(pk__in=everybody).values_list("email", flat=True)) == {clear}


def test_nothing_stays_empty_and_can_be_found(cast: Cast) -> None:
    Patient.objects.filter(pk=cast.paul.pk).update(email="")
    Patient.objects.filter(pk=cast.nora.pk).update(email="n@home.example")
    assert _raw(cast.paul) == ""
    empty = set(Patient.objects.filter(email="").values_list("pk", flat=True))
    assert cast.paul.pk in empty
    assert cast.nora.pk not in empty
    assert cast.nora.pk in set(Patient.objects.exclude(email__exact="").values_list("pk", flat=True))
    assert not Patient.objects.filter(email__isnull=True).exists()


@pytest.mark.parametrize(
    "condition",
    [
        Q(email="paul@home.example"),
        Q(email__iexact="paul@home.example"),
        Q(email__contains="paul"),
        Q(email__icontains="paul"),
        Q(email__startswith="paul"),
        Q(email__endswith="example"),
        Q(email__in=["paul@home.example"]),
        Q(email__gt="a"),
        Q(email__range=("a", "b")),
        Q(email__regex="."),
        Q(email__length=3),
        Q(email=F("phone")),
        Q(email__nonsense=1),
    ],
)
def test_it_refuses_every_search(db: None, condition: Q) -> None:
    with pytest.raises(FieldError):
        list(Patient.objects.filter(condition))


@pytest.mark.parametrize("expression", [F("name"), Value("clear text"), Concat("name", Value("x"))])
def test_it_refuses_expressions_that_would_store_clear_text(cast: Cast, expression: object) -> None:
    before = _raw(cast.paul)
    with pytest.raises(FieldError, match="expression"), transaction.atomic():
        Patient.objects.filter(pk=cast.paul.pk).update(email=expression)
    assert _raw(cast.paul) == before


def test_a_ciphertext_copied_to_another_column_does_not_open(cast: Cast) -> None:
    cast.paul.email = "paul@home.example"
    cast.paul.save(update_fields=["email"])
    _store_raw(cast.paul, "phone", _raw(cast.paul))
    with pytest.raises(DecryptionError, match=r"patients\.Patient\.phone"):
        Patient.objects.get(pk=cast.paul.pk)


def test_clear_text_put_there_by_hand_is_refused_and_not_shown(cast: Cast) -> None:
    _store_raw(cast.paul, "email", "mallory@evil.example")
    with pytest.raises(DecryptionError) as caught:
        Patient.objects.get(pk=cast.paul.pk)
    assert "mallory" not in str(caught.value)


def test_an_index_on_it_is_an_error() -> None:
    class Indexed(models.Model):
        secret = EncryptedTextField(unique=True)

        class Meta:
            app_label = "vault"
            managed = False

    try:
        found = Indexed._meta.get_field("secret").check()
        assert [message.id for message in found if isinstance(message, checks.Error)] == ["vault.E004"]
    finally:
        from django.apps import apps

        del apps.all_models["vault"]["indexed"]
        apps.clear_cache()
