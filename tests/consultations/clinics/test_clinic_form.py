"""What a clinic's manager sets: in words and choices, and nothing that would break the clinic's pages."""

import pytest
from django.urls import reverse

from consultations.clinics.admin import ClinicForm
from consultations.clinics.models import Clinic
from tests.base import Cast
from tests.matrix.world import make_world


def faults(clinic: Clinic, **changes: object) -> dict[str, list[str]]:
    """What the form says of the clinic's own values with these changes, by field."""
    form = ClinicForm(instance=clinic)
    values = {**form.initial, "languages": ["en", "de"], "default_language": "en"}
    filled = ClinicForm({name: value for name, value in {**values, **changes}.items() if value}, instance=clinic)
    return {name: [str(text) for text in texts] for name, texts in filled.errors.items()}


def test_the_present_values_are_taken(cast: Cast) -> None:
    assert faults(cast.harbour) == {}


@pytest.mark.parametrize("zone", ["Berlin", "Europe/Atlantis", "../../etc/passwd", "europe/berlin "])
def test_a_time_zone_that_is_none_is_refused(cast: Cast, zone: str) -> None:
    assert list(faults(cast.harbour, time_zone=zone)) == ["time_zone"]


def test_the_default_language_is_one_of_those_to_choose(cast: Cast) -> None:
    assert list(faults(cast.harbour, languages=["de"], default_language="en")) == ["default_language"]
    assert faults(cast.harbour, languages=["de"], default_language="de") == {}
    assert "languages" in faults(cast.harbour, languages=["tlh"])
    assert "languages" in faults(cast.harbour, languages=[])


def test_languages_are_boxes_to_tick_and_not_a_list_in_brackets(cast: Cast) -> None:
    world = make_world(cast)
    url = reverse("admin:clinics_clinic_change", args=[world.cast.harbour.pk])
    page = world.client("clinic_admin").get(url).content.decode()
    assert page.count('type="checkbox" name="languages"') == 2
    assert "[&quot;en&quot;" not in page
