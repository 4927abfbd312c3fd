"""Reads what is kept of visits' connections as plain facts."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from consultations.clinics.models import Clinic
from consultations.rooms.models import Participant, QualitySample, Room, RouteDecision
from consultations.rooms.story.counting import Ended
from consultations.rooms.story.facts import Person, Row, Sample, VisitFacts

_SAMPLE_FIELDS = tuple(name for name in Sample.__dataclass_fields__ if name != "person")
_ROW_FIELDS = ("at", "trigger", "route", "refused", "reasons")


def load_story_facts(room: Room) -> VisitFacts:
    """Return the facts of one visit; Names, places and notes are not read."""
    seats = list(_seats().filter(room=room))
    public_ids = {seat.pk: seat.public_id for seat in seats}
    samples = QualitySample.objects.filter(room=room).values("participant_id", *_SAMPLE_FIELDS)
    return _facts(
        room,
        seats,
        RouteDecision.objects.filter(room=room).values_list(*_ROW_FIELDS),
        samples=tuple(
            Sample(person=public_ids[sample.pop("participant_id")], **sample) for sample in map(dict, samples)
        ),
    )


def ended_visits(clinics: Iterable[Clinic], first: datetime, until: datetime) -> QuerySet[Room]:
    """Return the finished visits of these clinics that were to begin from `first` to before `until`."""
    return Room.objects.filter(
        appointment__clinic__in=clinics,
        appointment__starts_at__gte=first,
        appointment__starts_at__lt=until,
        state=Room.State.ENDED,
    )


def load_ended(rooms: QuerySet[Room]) -> Iterator[Ended]:
    """Yield these finished visits with their facts. Three queries."""
    seats: dict[int, list[Participant]] = {}
    for seat in _seats().filter(room__in=rooms):
        seats.setdefault(seat.room_id, []).append(seat)
    rows: dict[int, list[tuple[Any, ...]]] = {}
    for room_id, *row in RouteDecision.objects.filter(room__in=rooms).values_list("room_id", *_ROW_FIELDS):
        rows.setdefault(room_id, []).append(tuple(row))
    for room in rooms:
        people = seats.get(room.pk, [])
        patient = next((seat for seat in people if seat.role == Participant.Role.PATIENT), None)
        yield Ended(
            facts=_facts(room, people, rows.get(room.pk, [])),
            outcome=room.outcome,
            device=str(patient.device_check.get("device", "")) if patient else "",
            alone=room.live_at is None,
        )


def _seats() -> QuerySet[Participant]:
    return Participant.objects.only("public_id", "role", "admitted_at", "left_at", "device_check", "room_id").order_by(
        "pk"
    )


def _facts(
    room: Room,
    seats: Sequence[Participant],
    rows: Iterable[tuple[Any, ...]],
    *,
    samples: tuple[Sample, ...] = (),
) -> VisitFacts:
    several = {role for role, count in Counter(seat.role for seat in seats).items() if count > 1}
    numbers: Counter[str] = Counter()
    people = []
    for index, seat in enumerate(seats, 1):
        numbers[seat.role] += 1
        number = numbers[seat.role] if seat.role in several else 0
        people.append(Person(seat.public_id, f"p{index}", seat.role, number, seat.admitted_at, seat.left_at))
    return VisitFacts(
        code=room.code,
        state=room.state,
        opened_at=room.opened_at,
        live_at=room.live_at,
        ended_at=room.ended_at,
        people=tuple(people),
        rows=tuple(
            # A reason written by hand or long ago may be a bare code.
            Row(at, trigger, route, refused, tuple(r if isinstance(r, dict) else {"code": str(r)} for r in reasons))
            for at, trigger, route, refused, reasons in rows
        ),
        samples=samples,
    )
