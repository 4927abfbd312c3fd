"""Reads what is kept of a visit's connection as plain facts. Five queries."""

from collections import Counter

from consultations.clinics.models import TurnServer
from consultations.rooms.models import Participant, QualitySample, Room, RouteDecision
from consultations.rooms.story.facts import Person, Row, Sample, VisitFacts

_SAMPLE_FIELDS = tuple(name for name in Sample.__dataclass_fields__ if name != "person")


def load_story_facts(room: Room, *, with_samples: bool = True) -> VisitFacts:
    """Return the facts of a visit; `room.appointment` must be loaded. Names, places and notes are not read."""
    seats = list(
        Participant.objects.filter(room=room).only("public_id", "role", "admitted_at", "left_at").order_by("pk")
    )
    several = {role for role, count in Counter(seat.role for seat in seats).items() if count > 1}
    numbers: Counter[str] = Counter()
    people, public_ids = [], {}
    for index, seat in enumerate(seats, 1):
        numbers[seat.role] += 1
        public_ids[seat.pk] = seat.public_id
        number = numbers[seat.role] if seat.role in several else 0
        people.append(Person(seat.public_id, f"p{index}", seat.role, number, seat.admitted_at, seat.left_at))
    rows = RouteDecision.objects.filter(room=room).values_list("at", "trigger", "route", "refused", "reasons")
    samples = QualitySample.objects.filter(room=room).values("participant_id", *_SAMPLE_FIELDS) if with_samples else ()
    regions = TurnServer.objects.filter(clinic=room.appointment.clinic_id, active=True).order_by("region")
    return VisitFacts(
        code=room.code,
        state=room.state,
        opened_at=room.opened_at,
        live_at=room.live_at,
        ended_at=room.ended_at,
        people=tuple(people),
        rows=tuple(
            # Of an older form, or of a hand, a reason may be a bare code.
            Row(at, trigger, route, refused, tuple(r if isinstance(r, dict) else {"code": str(r)} for r in reasons))
            for at, trigger, route, refused, reasons in rows
        ),
        samples=tuple(
            Sample(person=public_ids[sample.pop("participant_id")], **sample) for sample in map(dict, samples)
        ),
        regions=tuple(regions.values_list("region", flat=True).distinct()),
    )
