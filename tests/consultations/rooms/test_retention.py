"""PRIV-4: after 86 days nothing tells where somebody was, from where and how they were connected."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.core.management import call_command
from django.utils import timezone
from time_machine import travel

from consultations.consent.models import ConsentRecord
from consultations.outbox.models import Message
from consultations.rooms.models import Note, Participant, QualitySample, Room, RouteDecision, SeatDevice
from telemed.audit.models import AuditEntry
from telemed.audit.verification import verify
from tests.base import Cast
from tests.matrix.world import World, make_world, patient_seat

CANARY = "Quay Canary 7"
CANARY_BPS = 7_701_770_177


@pytest.fixture
def world(cast: Cast) -> World:
    world = make_world(cast)
    seat = patient_seat(world.appointment)
    seat.location, seat.callback_number, seat.emergency_contact = CANARY, CANARY, CANARY
    seat.device_check, seat.arrived_at, seat.admitted_at = {"place": CANARY}, timezone.now(), timezone.now()
    seat.save()
    RouteDecision.objects.create(room=seat.room, at=timezone.now(), trigger="x", route="p2p", reasons=[CANARY])
    QualitySample.objects.create(room=seat.room, participant=seat, at=timezone.now(), engine="p2p", in_bps=CANARY_BPS)
    SeatDevice.objects.create(participant=seat, secret_hash="f" * 64, state="revoked", label=CANARY)
    return world


def _everything() -> str:
    """Every value of every row, decrypted as the program reads it."""
    ours = [config for config in apps.get_app_configs() if config.name.startswith(("consultations.", "telemed."))]
    models = [model for config in ours for model in config.get_models()]
    return "\n".join(str(row) for model in models for row in model._default_manager.values())


def test_after_86_days_the_canary_is_nowhere(world: World) -> None:
    assert CANARY in _everything(), "control"
    assert str(CANARY_BPS) in _everything(), "control"
    with travel(timezone.now() + timedelta(days=86, hours=1)):
        call_command("purge_call_metadata")
    assert CANARY not in _everything()
    assert str(CANARY_BPS) not in _everything()
    room = Room.objects.get(appointment=world.appointment)
    assert (room.route, room.opened_at, room.ended_at) == ("", None, None)
    assert not SeatDevice.objects.filter(participant__room=room).exists()
    assert not Message.objects.filter(subject=world.appointment.public_id).exists()


def test_the_record_stays(world: World) -> None:
    with travel(timezone.now() + timedelta(days=86, hours=1)):
        call_command("purge_call_metadata")
    room = Room.objects.get(appointment=world.appointment)
    assert Note.objects.filter(room=room).exists()
    assert ConsentRecord.objects.filter(appointment=world.appointment).exists()
    assert Participant.objects.filter(room=room).count() == 2
    assert AuditEntry.objects.filter(event="room.metadata_purged").exists()
    verify()


def test_nothing_is_forgotten_early_and_twice_is_once(world: World) -> None:
    with travel(timezone.now() + timedelta(days=84)):
        call_command("purge_call_metadata")
    assert CANARY in _everything()
    with travel(timezone.now() + timedelta(days=86, hours=2)):
        call_command("purge_call_metadata")
        call_command("purge_call_metadata")
    assert AuditEntry.objects.filter(event="room.metadata_purged").count() == 3  # three visits, once each


def test_a_clinic_may_forget_sooner(world: World) -> None:
    world.cast.harbour.retention_days = 10
    world.cast.harbour.save(update_fields=["retention_days"])
    with travel(timezone.now() + timedelta(days=11)):
        call_command("purge_call_metadata")
    assert CANARY not in _everything()
    assert AuditEntry.objects.filter(event="room.metadata_purged").count() == 2, "the other clinic keeps its own"
