from typing import Any

import pytest
from django.http import Http404

from consultations.patients.access import find_patients, find_same_person, get_patient_for
from consultations.patients.actions import change_contact, create_patient
from consultations.patients.contact import normalise_phone
from consultations.patients.models import Patient
from telemed.audit.models import AuditEntry
from tests.base import Cast


@pytest.fixture
def eva(cast: Cast) -> Patient:
    return create_patient(
        cast.harbour, name="Eva  Stein", email="Eva@Mail.example", phone="0049 (170) 123-4567", acting_user=cast.ivy
    )


def _reads() -> int:
    return AuditEntry.objects.filter(event="patient.read").count()


@pytest.mark.parametrize("text", ["stein", "eva@mail.example", "EVA@MAIL.EXAMPLE", "+49 170 1234567"])
def test_staff_find_by_name_or_whole_contact(cast: Cast, eva: Patient, text: str) -> None:
    assert find_patients(cast.harbour, text, acting_user=cast.anna) == [eva]
    assert _reads() == 1


@pytest.mark.parametrize("text", ["", "e", "eva@mail", "+49 170", "mail.example"])
def test_parts_of_a_contact_find_nobody(cast: Cast, eva: Patient, text: str) -> None:
    assert find_patients(cast.harbour, text, acting_user=cast.anna) == []
    assert _reads() == 0


def test_a_stranger_finds_nobody(cast: Cast, eva: Patient) -> None:
    assert find_patients(cast.harbour, "stein", acting_user=cast.sara) == []
    assert find_patients(cast.hill, "stein", acting_user=cast.sara) == []
    with pytest.raises(Http404):
        get_patient_for(cast.sara, eva.public_id, purpose="booking")
    assert _reads() == 0


def test_every_read_is_audited(cast: Cast, eva: Patient) -> None:
    assert get_patient_for(cast.ivy, eva.public_id, purpose="booking") == eva
    assert _reads() == 1


@pytest.mark.parametrize(
    ("who", "same"),
    [
        ({"name": "eva stein", "email": "eva@mail.example"}, True),
        ({"name": "Eva Stein", "phone": "+491701234567"}, True),
        ({"name": "Ben Stein", "email": "eva@mail.example"}, False),
        ({"name": "Eva Stein", "email": "other@mail.example"}, False),
        ({"name": "Eva Stein"}, False),
    ],
)
def test_name_and_contact_together_say_who_it_is(cast: Cast, eva: Patient, who: dict[str, Any], same: bool) -> None:
    assert (find_same_person(cast.harbour, **who) == eva) == same
    assert find_same_person(cast.hill, **who) is None


def test_a_changed_contact_is_found_under_the_new_one_only(cast: Cast, eva: Patient) -> None:
    change_contact(eva, email="new@mail.example", phone="", language="de", acting_user=cast.ivy)
    assert find_patients(cast.harbour, "new@mail.example", acting_user=cast.anna) == [eva]
    assert find_patients(cast.harbour, "eva@mail.example", acting_user=cast.anna) == []
    assert find_patients(cast.harbour, "+491701234567", acting_user=cast.anna) == []


@pytest.mark.parametrize("text", ["+", "1234", "0170-abc", "+49 170 1234567 890 12", "1" * 16])
def test_what_cannot_be_a_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="phone"):
        normalise_phone(text)
