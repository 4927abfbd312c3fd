"""A clinic's own quality limits: safe in the form and in the database, written down, and used in its visits only."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse

from consultations.clinics.models import QualityLimit
from consultations.rooms.facts import load_room_facts
from consultations.rooms.models import Room
from telemed.audit.models import AuditEntry
from tests.base import Cast
from tests.matrix.world import World, make_world


@pytest.fixture
def world(cast: Cast) -> World:
    return make_world(cast)


UNSAFE = [
    ("rtt_ms", 300, 200),
    ("rtt_ms", 200, 900),
    ("rtt_ms", 50, 300),
    ("audio_loss", 2, 20),
    ("fps", 15, 18),
    ("fps", 18, 1),
    ("out_bps", 384, 768),
    ("out_bps", 9000, 384),
    ("mood", 1, 2),
]


@pytest.mark.parametrize(("metric", "fair", "poor"), UNSAFE)
def test_what_is_not_safe_is_refused_by_the_form_and_by_the_database(
    cast: Cast, metric: str, fair: float, poor: float
) -> None:
    limit = QualityLimit(clinic=cast.harbour, profile="general", metric=metric, fair=fair, poor=poor)
    with pytest.raises(ValidationError):
        limit.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        limit.save()


def test_what_is_safe_is_taken_once_per_profile_and_metric(cast: Cast) -> None:
    fields = {"clinic": cast.harbour, "profile": "neurology", "metric": "audio_loss"}
    limit = QualityLimit(**fields, fair=1, poor=4)
    limit.full_clean()
    limit.save()
    assert limit.limit == (0.01, 0.04)
    with pytest.raises(IntegrityError), transaction.atomic():
        QualityLimit.objects.create(**fields, fair=1, poor=5)


def test_a_limit_counts_in_the_clinics_visits_of_that_profile_and_nowhere_else(world: World) -> None:
    room = Room.objects.get(code=world.code)
    Room.objects.filter(pk=room.pk).update(state="live")
    general = load_room_facts(room.pk, with_details=False).quality_limits
    assert general["out_bps"] == (768_000, 384_000)
    QualityLimit.objects.create(clinic=world.cast.hill, profile="general", metric="out_bps", fair=500, poor=200)
    QualityLimit.objects.create(clinic=world.cast.harbour, profile="talking", metric="out_bps", fair=500, poor=200)
    assert load_room_facts(room.pk, with_details=False).quality_limits == general
    QualityLimit.objects.create(clinic=world.cast.harbour, profile="general", metric="out_bps", fair=600, poor=300)
    assert load_room_facts(room.pk, with_details=False).quality_limits["out_bps"] == (600_000, 300_000)


def test_an_admin_sets_it_for_their_clinic_only_and_it_is_written_down(world: World) -> None:
    url = reverse("admin:clinics_clinic_change", args=[world.cast.harbour.pk])
    client = world.client("clinic_admin")
    form = client.get(url).context["adminform"].form
    fields = {name: value for name, value in form.initial.items() if value not in (None, True, False)}
    prefixes = [inline.formset.prefix for inline in client.get(url).context["inline_admin_formsets"]]
    for prefix in prefixes:
        formset = next(
            inline.formset
            for inline in client.get(url).context["inline_admin_formsets"]
            if inline.formset.prefix == prefix
        )
        fields |= {f"{prefix}-TOTAL_FORMS": 0, f"{prefix}-INITIAL_FORMS": 0}
        assert formset.management_form is not None
    row = {"id": "", "clinic": world.cast.harbour.pk, "profile": "general", "metric": "rtt_ms"}
    fields |= {f"quality_limits-0-{name}": value for name, value in row.items()} | {"quality_limits-TOTAL_FORMS": 1}

    refused = client.post(url, {**fields, "quality_limits-0-fair": 500, "quality_limits-0-poor": 400})
    assert refused.status_code == 200
    assert "Enter two numbers from 100 to 800" in refused.content.decode()
    assert not QualityLimit.objects.exists()

    taken = client.post(url, {**fields, "quality_limits-0-fair": 150, "quality_limits-0-poor": 250})
    assert taken.status_code == 302, taken.context["errors"]
    limit = QualityLimit.objects.get()
    assert (limit.clinic, limit.limit) == (world.cast.harbour, (150, 250))
    entry = AuditEntry.objects.filter(event="qualitylimit.created").get()
    assert entry.clinic == world.cast.harbour.public_id
    assert world.client("foreign_admin").get(url).status_code == 302, "another clinic's admin does not find it"
